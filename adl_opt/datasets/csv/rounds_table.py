"""The rounds table (windows, deficits, needed budgets) and the table of execution gaps by coin.

Both are small CSV files that a user may also write by hand; the published ones of October 10, 2025 have this
form.  Other columns are ignored, but for near misses of a column that is lacking.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.csv.tables import read_table
from adl_opt.rounds.columns import Columns, Floats, Ints, Text, column, refuse_row
from adl_opt.rounds.round import Outcome, Recorded
from adl_opt.rounds.tables import Gaps


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundsTable(Columns):
    """Windows of rounds and what is published about each, one row per round.

    Parameters
    ----------
    number : (t,) int >= 0, increasing
    start_ms, end_ms : (t,) int
        First and last fill of the round, both within it; milliseconds since the epoch, UTC.
    needed : (t,) USD >= 0
        Ex post needed budget B.
    deficit : (t,) USD >= 0, optional
        D; left out, it must be computed from the losers.
    production : (t,) USD >= 0, optional
        H, the haircut that the venue really took.
    production_max_burden, reference_burden : (t,) >= 0, optional
        Largest burden in production, and the min-max burden that it is published against.
    n_fills : (t,) int >= 0, optional
        Fills of the round, to tell a partial file from a whole one.
    file : str
        Where the table comes from.

    Raises
    ------
    InputError
        A value is refused, or rounds are doubled, not in order, or overlap.

    Examples
    --------
    >>> table = RoundsTable(number=[1], start_ms=[10], end_ms=[20], needed=[5.0])
    >>> table.window_of([9, 10, 20, 21])
    array([-1,  0,  0, -1])
    """

    number: Ints = column("index", also=["round", "wave"])
    start_ms: Ints = column("count", also=["t_start_ms"])
    end_ms: Ints = column("count", also=["t_end_ms"])
    needed: Floats = column("usd+")
    deficit: Floats | None = column("usd+", optional=True)
    production: Floats | None = column("usd+", optional=True)
    production_max_burden: Floats | None = column("ratio+", optional=True)
    reference_burden: Floats | None = column("ratio+", optional=True)
    n_fills: Ints | None = column("count", optional=True)
    file: str = "a table in memory"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, wrong, why in _window_faults(self.number, self.start_ms, self.end_ms):
            refuse_row("rounds table", name, getattr(self, name), wrong, why)

    def outcome(self, row: int, gaps: Gaps | None) -> Outcome:
        """Return what the round of a row revealed, with its gaps by market."""
        recorded = None
        if self.production is not None:
            burdens = (self.production_max_burden, self.reference_burden)
            worst, reference = (math.nan if b is None else float(b[row]) for b in burdens)
            haircut = float(self.production[row])
            recorded = Recorded(haircut=haircut, max_burden=worst, reference_burden=reference)
        needed, end_ms = float(self.needed[row]), int(self.end_ms[row])
        return Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=end_ms)

    def window_of(self, times: npt.ArrayLike) -> Ints:
        """Return the row of the window that holds each time (ms), -1 where no window does."""
        at = np.asarray(times, dtype=np.int64)
        row = np.searchsorted(self.start_ms, at, side="right").astype(np.int64) - 1
        inside = (row >= 0) & (at <= self.end_ms[np.maximum(row, 0)]) if len(self) else row >= 0
        return np.where(inside, row, -1)


@dataclass(frozen=True, eq=False, kw_only=True)
class GapsTable(Columns):
    """What one contract cost beyond bankruptcy price, one row per round and coin.

    Parameters
    ----------
    number : (r,) int
        Round.
    market : (r,) text
    gap_per_contract : (r,) USD >= 0
        abs(p_exec - p_bk).
    quantity : (r,) contracts >= 0, optional
    mark : (r,) USD > 0, optional
        Price of a contract.
    """

    number: Ints = column("index", also=["round", "wave"])
    market: Text = column("text", also=["coin"])
    gap_per_contract: Floats = column("usd+")
    quantity: Floats | None = column("ratio+", optional=True, also=["qty_contracts"])
    mark: Floats | None = column("usd>0", optional=True, also=["avg_price"])

    def by_market(self, number: int) -> dict[str, int]:
        """Return the row of each market of a round."""
        return {str(self.market[row]): int(row) for row in np.flatnonzero(self.number == number)}


def read_rounds(path: str | PathLike[str]) -> RoundsTable:
    """Read a rounds table.

    Parameters
    ----------
    path : path
        CSV with ``wave`` (or ``round``), ``t_start_ms``, ``t_end_ms``, ``needed_usd``; optional
        ``deficit_usd``, ``production_usd``, ``production_max_burden``, ``reference_burden``, ``n_fills``.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, a time is not in milliseconds, or rounds are
        doubled, not in order, or overlap.
    """
    table = read_table(path, RoundsTable.spellings(), required=RoundsTable.required())
    times = {name: table.times(name) for name in ("start_ms", "end_ms")}
    values = table.columns(RoundsTable) | times
    for name, wrong, why in _window_faults(values["number"], values["start_ms"], values["end_ms"]):
        table.refuse(name, wrong, why)
    return RoundsTable(**values, file=table.path.name)


def read_gaps(path: str | PathLike[str]) -> GapsTable:
    """Read a table of gaps.

    Parameters
    ----------
    path : path
        CSV with ``wave`` (or ``round``), ``coin``, ``gap_per_contract_usd``; optional ``qty_contracts`` and
        ``avg_price_usd``.

    Raises
    ------
    InputError
        With file, line and column: a value is refused, or a coin occurs twice in a round.
    """
    table = read_table(path, GapsTable.spellings(), required=GapsTable.required())
    gaps = GapsTable(**table.columns(GapsTable))
    table.refuse_twice(
        zip(gaps.number.tolist(), gaps.market.tolist(), strict=True),
        "a coin occurs twice in one round",
        lambda number, coin: f"round {number}, coin {coin!r}",
        ["keep one of the two lines", "add them up, if they are parts of one"],
    )
    return gaps


def _window_faults(number: Ints, start: Ints, end: Ints) -> Iterator[tuple[str, npt.NDArray[np.bool_], str]]:
    first = np.zeros(min(number.size, 1), dtype=bool)
    occurrence = np.unique(number, return_index=True)[1]
    again = ~np.isin(np.arange(number.size), occurrence)
    yield "end_ms", end < start, "lies before the start of its round"
    yield "number", again, "occurs twice"
    yield "number", np.concatenate([first, np.diff(number) < 0]), "is not in increasing order"
    overlap = np.concatenate([first, start[1:] <= end[:-1]])
    yield "start_ms", overlap, "does not lie after the end of the round before: the rounds overlap"

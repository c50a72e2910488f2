"""One round over a Parquet file, by rule: the front door of the package."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from adl_opt.checks import one_of
from adl_opt.chunked.give_back import give_back_lots
from adl_opt.chunked.level import Rates, level_answer, waterfill_level
from adl_opt.chunked.lots import lots_at, lots_level
from adl_opt.chunked.queue import last_score, queue_answer
from adl_opt.chunked.result import ChunkedResult
from adl_opt.chunked.sink import Answer, write
from adl_opt.chunked.source import Chunk, Source
from adl_opt.errors import UsageError
from adl_opt.kernels.arrays import haircut_caps, scalar
from adl_opt.kernels.lots.base import REL_TOL
from adl_opt.kernels.lots.trim import ROUNDING
from adl_opt.locks import keeps_inputs

CHUNK_ROWS = 1 << 18
"""Default rows a chunk: 2 MiB a column, so that a chunk stays in the processor's cache."""


class ChunkedPlan(NamedTuple):
    """What a rule found out: haircuts of any chunk, the level, and a proven bound on the largest burden."""

    answer: Callable[[Chunk], Answer]
    level: float | None = None
    lower_bound: float | None = None


@keeps_inputs("out")
def solve_chunked(
    parquet: str | PathLike[str],
    out: str | PathLike[str],
    rule: str,
    budget: float,
    *,
    cap: float | str | None = None,
    weight: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
    overwrite: bool = False,
) -> ChunkedResult:
    """Solve one round whose accounts are in a Parquet file, and write the haircuts to another.

    The file is read in a few passes, a chunk of rows at a time: memory depends on `chunk_rows`, not on the
    number of accounts. Haircuts are those of the kernels in :mod:`adl_opt.kernels`, within 1e-12 relative.

    Parameters
    ----------
    parquet : path
        Accounts, one row each (ids are not compared, duplicates count as two accounts): ``id``,
        ``capacity_usd`` (USD, >= 0), and by rule ``score``, ``lot_value_usd`` (USD, > 0) and ``lots`` (>= 0).
    out : path
        Parquet file to write: ``id``, ``haircut_usd`` and, for lots, ``lots`` given up; rows in the same
        order. It appears under its name only when it is complete.
    rule : str
        ``pro-rata``; ``waterfill``; ``queue`` (score descending, ties in the order of rows);
        ``min-max-lots`` (whole lots, one position an account).
    budget : float
        USD to cover, >= 0. What the accounts cannot pay is no error: it is the shortfall.
    cap : float or str, optional
        Water-filling: largest haircut fraction in [0, 1], shared, or the name of a column.
    weight : str, optional
        Water-filling: name of a column of risk weights >= 0; an account of weight zero is exempt.
    chunk_rows : int
        Rows in memory at a time, >= 1.
    overwrite : bool
        Replace `out` where it exists.

    Returns
    -------
    ChunkedResult
        Totals, level, largest burden, and for lots the proven lower bound.

    Raises
    ------
    InputError
        No Parquet file, missing columns, values that are NaN, infinite, negative or out of range.
    UsageError
        An unknown rule, an option that the rule does not take, an `out` that exists.

    Notes
    -----
    O(rows) a pass; 2 passes for pro-rata, at most 8 for water-filling, 7 for the queue, about 9 for lots.

    Min-max over lots: z is exact within 1e-12 relative. Overshoot is given back greedily, dearest lot first:
    no single lot could be given back any more (`minmax_lots` does the same above 48 positions in play).

    Examples
    --------
    >>> import tempfile, pathlib, pyarrow as pa, pyarrow.parquet as pq
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> pq.write_table(pa.table({"id": ["a", "b"], "capacity_usd": [100.0, 300.0]}), folder / "in.parquet")
    >>> answer = solve_chunked(folder / "in.parquet", folder / "out.parquet", "pro-rata", 80.0)
    >>> answer.level, answer.executed_usd, pq.read_table(answer.out)["haircut_usd"].to_pylist()
    (0.2, 80.0, [20.0, 60.0])
    """
    one_of("solve_chunked: rule", rule, COLUMNS)
    budget = scalar("budget", budget, low=0.0)
    rates = _rates(rule, cap, weight)
    if isinstance(chunk_rows, bool) or not isinstance(chunk_rows, int | np.integer) or chunk_rows < 1:
        raise UsageError(
            "chunk_rows is not a whole number >= 1", got=repr(chunk_rows), ways_out=["give 1 or more"]
        )
    cap_column = rates.cap if isinstance(rates.cap, str) else None
    source = Source.open(parquet, int(chunk_rows), COLUMNS[rule], cap=cap_column, weight=weight)
    path = Path(out)
    if path.exists() and not overwrite:
        ways_out = ["give another path", "pass overwrite=True"]
        raise UsageError(f"{path.name} is already there", got=str(path), ways_out=ways_out)
    plan = _plan(rule, source, budget, rates)
    executed, z = write(source, path, plan.answer)
    short = budget - executed
    return ChunkedResult(
        out=path,
        rule=rule,
        rows=source.rows,
        passes=source.passes,
        budget_usd=budget,
        executed_usd=executed,
        shortfall_usd=short if short > 2 * REL_TOL * budget else 0.0,  # lots may use the tolerance up
        overshoot_usd=-short if short < 0 else 0.0,
        level=plan.level,
        z=z,
        lower_bound=_snapped(plan.lower_bound, z),
    )


COLUMNS = {
    "pro-rata": ("capacity_usd",),
    "waterfill": ("capacity_usd",),
    "queue": ("capacity_usd", "score"),
    "min-max-lots": ("capacity_usd", "lot_value_usd", "lots"),
}
"""Rules, and the columns that each reads in addition to ``id``."""


def _rates(rule: str, cap: float | str | None, weight: str | None) -> Rates:
    """Refuse options that the rule would ignore, and caps outside [0, 1]."""
    given = [name for name, value in (("cap", cap), ("weight", weight)) if value is not None]
    if given and rule != "waterfill":
        raise UsageError(
            f"rule {rule!r} takes no {' and no '.join(given)}",
            got=f"cap = {cap!r}, weight = {weight!r}",
            ways_out=["leave them out", 'choose rule "waterfill"'],
        )
    if cap is not None and not isinstance(cap, str):
        cap = float(haircut_caps(cap, 1)[0])
    return Rates(1.0 if cap is None else cap, weight)


def _plan(rule: str, source: Source, budget: float, rates: Rates) -> ChunkedPlan:
    """Let the rule read the file until it can answer for any chunk."""
    if rule == "queue":
        last = last_score(source, budget)
        return ChunkedPlan(queue_answer(budget, last), None if last is None else last[0])
    if rule == "min-max-lots":
        return _lots_plan(source, budget)
    level = waterfill_level(source, budget, rates)
    return ChunkedPlan(level_answer(rates, level), level)


def _lots_plan(source: Source, budget: float) -> ChunkedPlan:
    """Find the burden, then give back what is too much."""
    target = budget * (1 - REL_TOL)
    found = lots_level(source, target)
    z = 1.0 if found is None else found.z
    back = None if found is None else give_back_lots(source, z, found.reach * (1.0 - ROUNDING) - target)

    def answer(chunk: Chunk) -> Answer:
        lots = lots_at(chunk, z)
        if back is not None:
            lots -= back.of(chunk, lots.size)
        haircut = np.minimum(lots * chunk["lot_value_usd"], chunk["capacity_usd"])
        return {"haircut_usd": haircut, "lots": lots}

    return ChunkedPlan(answer, None, np.inf if found is None else found.lower_bound)


def _snapped(lower: float | None, z: float) -> float | None:
    """Return the bound, or z itself where they are one burden, or where no more can be paid at all."""
    return None if lower is None else z if lower >= z * (1 - REL_TOL) else lower

"""From terms to arrays: the linear or mixed-integer model of a round, in USD, no loop over accounts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel, Shadow, power_of_two
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

Entries = tuple[Ints | int, Ints | int, Floats | float]
"""Row numbers within the block, columns, coefficients; each may be one number for all."""


@dataclass
class _Columns:
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    unit: list[Floats] = field(default_factory=list)
    integer: list[np.ndarray] = field(default_factory=list)
    owner: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0


class Builder:
    """Collects columns and rows; each block is owned by the term that asked for it.

    Parameters
    ----------
    round_ : Round
    needed : float
        B, USD.
    upper : (n,) USD
        Largest haircut of each account, all caps together.
    unit : float
        USD that count as one in the solver: a power of 16 near what is needed.
    """

    def __init__(self, round_: Round, needed: float, upper: Floats, unit: float) -> None:
        self.round, self.needed, self.upper, self.unit = round_, needed, upper, unit
        self.n = upper.size
        self.owner = "positive-pnl"
        self.shadow = Shadow()
        self._cols = _Columns()
        self._cost: list[tuple[Ints, Floats]] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._rows: list[tuple[Floats, Floats, Floats]] = []
        self._row_owner: list[tuple[int, str]] = []
        self._m = 0
        self._blocks: dict[str, Ints] = {}
        self.x = self.columns("x", self.n, 0.0, upper, unit=self.money_units())

    def columns(
        self,
        label: str,
        size: int,
        lower: Floats | float = 0.0,
        upper: Floats | float = np.inf,
        *,
        unit: Floats | float = 1.0,
        integer: bool = False,
    ) -> Ints:
        """Add a block of columns and return their numbers."""
        start = self._cols.size
        for store, values in ((self._cols.lower, lower), (self._cols.upper, upper), (self._cols.unit, unit)):
            store.append(np.broadcast_to(np.asarray(values, dtype=np.float64), size))
        self._cols.integer.append(np.full(size, integer))
        self._cols.owner.append((size, f"{self.owner}:{label}"))
        self._cols.size += size
        self._blocks[label] = np.arange(start, start + size)
        return self._blocks[label]

    def rows(
        self,
        label: str,
        size: int,
        lower: Floats | float,
        upper: Floats | float,
        entries: Sequence[Entries],
        *,
        unit: Floats | float | None = None,
        needed_rate: float = 0.0,
    ) -> Ints:
        """Add a block of rows ``lower <= A v <= upper`` and return their numbers.

        ``unit`` is what counts as one in the row (default: the money unit); ``needed_rate`` is the
        derivative of the right-hand side with respect to the needed budget.
        """
        numbers = np.arange(self._m, self._m + size)
        for local, cols, values in entries:
            at, col, val = np.broadcast_arrays(np.asarray(local) + self._m, cols, np.asarray(values, float))
            self._entries.append((at.ravel(), col.ravel(), val.ravel()))
        unit = self.unit if unit is None else unit
        self._rows.append(
            tuple(np.broadcast_to(np.asarray(v, dtype=np.float64), size) for v in (lower, upper, unit))  # type: ignore[arg-type]
        )
        self._row_owner.append((size, f"{self.owner}:{label}"))
        self._m += size
        if needed_rate:
            self.shadow.needed.append((numbers, needed_rate))
        return numbers

    def cost(self, columns: Ints, values: Floats | float) -> None:
        """Add to the objective."""
        self._cost.append((columns, np.broadcast_to(np.asarray(values, dtype=np.float64), columns.shape)))

    def has(self, label: str) -> bool:
        """Whether a block exists."""
        return label in self._blocks

    def block(self, label: str) -> Ints:
        """Return the columns of a block."""
        return self._blocks[label]

    def money_units(self, least: float = 0.0) -> Floats:
        """Return the (n,) scale of rows in USD for each account."""
        return power_of_two(np.maximum(np.minimum(self.upper, self.unit), least))

    def total(self) -> Ints:
        """Return the column H = sum x (USD), made once."""
        if "total" not in self._blocks:
            owner, self.owner = self.owner, "total"
            most = math.nextafter(math.fsum(self.upper), math.inf)
            column = self.columns("total", 1, 0.0, most, unit=self.unit)
            self.rows("sum", 1, 0.0, 0.0, [(0, column, 1.0), (0, self.x, -1.0)])
            self.owner = owner
        return self._blocks["total"]

    def pays(self) -> Ints:
        """Return the binary columns "account i pays", x <= upper * pays; big-M is the account's own cap."""
        if "pays" not in self._blocks:
            able = (self.upper > 0).astype(np.float64)
            column = self.columns("pays", self.n, 0.0, able, integer=True)
            rows = np.arange(self.n)
            entries: list[Entries] = [(rows, self.x, 1.0), (rows, column, -self.upper)]
            self.rows("pays", self.n, -np.inf, 0.0, entries, unit=self.money_units())
        return self._blocks["pays"]

    def closed(self, *, whole: bool = False) -> Ints:
        """Return the columns "lots closed of position j" with x_i = sum of lots x lot value."""
        if "closed" not in self._blocks:
            positions = self.round.positions
            assert positions is not None  # noqa: S101  (terms check the round first)
            column = self.columns("closed", len(positions), 0.0, positions.lots.astype(np.float64))
            rows = np.arange(self.n)
            entries: list[Entries] = [(rows, self.x, 1.0), (positions.account, column, -positions.lot_value)]
            self.rows("lots", self.n, 0.0, 0.0, entries, unit=self.money_units())
        if whole:
            place = [label.endswith(":closed") for _, label in self._cols.owner].index(True)
            self._cols.integer[place] = np.full(self._blocks["closed"].size, True)
        return self._blocks["closed"]

    def fund(self, available: float) -> Ints:
        """Return the column "USD drawn from the insurance fund"."""
        if "fund" not in self._blocks:
            self.columns("fund", 1, 0.0, available, unit=self.unit)
        return self._blocks["fund"]

    def finish(self) -> LinearModel:
        """Return the arrays."""
        size = self._cols.size
        cost = np.zeros(size)
        for columns, values in self._cost:
            np.add.at(cost, columns, values)
        row, col, val = (np.concatenate([e[k] for e in self._entries] or [np.empty(0)]) for k in range(3))
        lower, upper, unit = (np.concatenate([r[k] for r in self._rows] or [np.empty(0)]) for k in range(3))
        return LinearModel(
            cost=cost,
            col_lower=np.concatenate(self._cols.lower),
            col_upper=np.concatenate(self._cols.upper),
            integer=np.concatenate(self._cols.integer),
            row=row.astype(np.int64),
            col=col.astype(np.int64),
            value=val,
            row_lower=lower,
            row_upper=upper,
            col_unit=np.concatenate(self._cols.unit),
            row_unit=unit,
            col_owner=tuple(self._cols.owner),
            row_owner=tuple(self._row_owner),
            blocks=self._blocks,
            shadow=self.shadow,
        )

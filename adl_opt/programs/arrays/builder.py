"""From terms to arrays: the linear or mixed-integer model of a round, in USD, no loop over accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.programs.arrays.linear import LinearModel, Move, ShadowRates, power_of_two
from adl_opt.proofs.sums import exact_sum
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
        self.shadow = ShadowRates()
        self._cols = _Columns()
        self._cost: list[tuple[Ints, Floats]] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._rows: list[tuple[Floats, Floats, Floats]] = []
        self._row_owner: list[tuple[int, str]] = []
        self._m = 0
        self._blocks: dict[str, Ints] = {}
        self._switches: list[tuple[Ints, Ints]] = []
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
        found = np.arange(start, start + size)
        self._blocks[f"{self.owner}:{label}" if label in self._blocks else label] = found
        return found

    def shared(
        self,
        label: str,
        size: int,
        lower: Floats | float = 0.0,
        upper: Floats | float = np.inf,
        *,
        unit: Floats | float = 1.0,
        integer: bool = False,
    ) -> Ints:
        """Return columns that several terms share, such as one for each scenario; the first one makes them.

        Raises
        ------
        UsageError
            Two terms ask for another number of columns by one label.
        """
        if label not in self._blocks:
            return self.columns(label, size, lower, upper, unit=unit, integer=integer)
        if self._blocks[label].size != size:
            raise UsageError(
                f"two terms share the columns {label!r} and count them differently",
                got=f"{self._blocks[label].size} and, by term {self.owner!r}, {size}",
                ways_out=["give both terms the same index", "give one of them a label of its own"],
            )
        return self._blocks[label]

    def indicator(self, label: str, columns: Ints, upper: Floats | float) -> Ints:
        """Return binaries y, one for each column, with ``column <= upper * y``, made once for each label.

        A cost on y is a fixed charge: it is due as soon as the column is above 0.  A sum of y counts.

        Parameters
        ----------
        label : str
        columns : (k,) int
            Columns of at least 0, in USD.
        upper : (k,) or float
            The most that each column can be: the smaller, the faster.

        Raises
        ------
        UsageError
            An upper bound is infinite or negative.

        Examples
        --------
        >>> from adl_opt.rounds.tables import Accounts
        >>> round_ = Round(deficit=1.0, accounts=Accounts(id=["a"], pnl=[4.0], equity=[8.0]))
        >>> builder = Builder(round_, 1.0, round_.accounts.capacity, 1.0)
        >>> fee = builder.indicator("drawn", builder.fund(100.0), 100.0)
        >>> builder.cost(fee, 25.0)
        """
        most = np.broadcast_to(np.asarray(upper, dtype=np.float64), columns.shape)
        if not np.all(np.isfinite(most) & (most >= 0)):
            raise UsageError(
                f"indicator {label!r} of term {self.owner!r} needs finite upper bounds of at least 0",
                got=f"{most[~(np.isfinite(most) & (most >= 0))][0]!r}",
                ways_out=["give the most that the column can be"],
            )
        fresh = label not in self._blocks
        able = (most > 0).astype(np.float64)
        binaries = self.shared(label, columns.size, 0.0, able, integer=True)
        if fresh:
            rows = np.arange(columns.size)
            entries: list[Entries] = [(rows, columns, 1.0), (rows, binaries, -most)]
            unit = power_of_two(np.minimum(most, self.unit))
            self.rows(label, columns.size, -np.inf, 0.0, entries, unit=unit)
            self._switches.append((columns, binaries))
        return binaries

    def rows(
        self,
        label: str,
        size: int,
        lower: Floats | float,
        upper: Floats | float,
        entries: Sequence[Entries],
        *,
        unit: Floats | float | None = None,
        needed_rate: Floats | float = 0.0,
    ) -> Ints:
        """Add a block of rows ``lower <= A v <= upper`` and return their numbers.

        ``unit`` is what counts as one in the row (default: the money unit); ``needed_rate`` is the
        derivative of the right-hand side of each row with respect to the needed budget.  A term that reads
        B and does not say so leaves its program without the price of the budget.
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
        if np.any(needed_rate):
            self.shadow.needed.append((numbers, np.broadcast_to(needed_rate, size)))
        return numbers

    def moves(
        self, rows: Ints, rate: Floats | float, *, column: int | None = None, accounts: Ints | None = None
    ) -> None:
        """Say that rows move with capacities: by ``rate`` per USD of capacity of an account.

        A term that reads capacities and does not say so leaves its program without their prices.

        Parameters
        ----------
        rows : (k,) int
            As :meth:`rows` returns them.
        rate : (k,) or float
            Derivative of the coefficient on ``column``, or of the right-hand side where that is left out.
        column : int, optional
        accounts : (k,) int, optional
            Whose capacity moves each row; by default row i moves with account i.
        """
        who = np.arange(self.n) if accounts is None else accounts
        self.shadow.capacity.append(Move(rows, who, column, np.broadcast_to(rate, rows.shape)))

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
        """Return the column H = sum x (USD), made once; its upper bound never binds, so it has no price."""
        if "total" not in self._blocks:
            owner, self.owner = self.owner, "total"
            column = self.columns("total", 1, 0.0, 2.0 * exact_sum(self.upper) + self.unit, unit=self.unit)
            self.rows("sum", 1, 0.0, 0.0, [(0, column, 1.0), (0, self.x, -1.0)])
            self.owner = owner
        return self._blocks["total"]

    def pays(self) -> Ints:
        """Return the binary columns "account i pays", x <= upper * pays; big-M is the account's own cap."""
        return self.indicator("pays", self.x, self.upper)

    def closed(self, *, whole: bool = False) -> Ints:
        """Return the columns "lots closed of position j" with x_i = sum of lots x lot value."""
        if "closed" not in self._blocks:
            positions = self.round.positions
            assert positions is not None  # noqa: S101  (terms check the round first)
            lots, value = positions.lots.astype(np.float64), positions.lot_value
            worth = np.divide(self.unit, value, out=np.ones(lots.size), where=value > 0.0)
            unit = power_of_two(np.minimum(worth, np.maximum(lots, 1.0)))  # worth the money unit
            column = self.columns("closed", lots.size, 0.0, lots, unit=unit)
            rows = np.arange(self.n)
            entries: list[Entries] = [(rows, self.x, 1.0), (positions.account, column, -positions.lot_value)]
            owner, self.owner = self.owner, "closed"
            self.rows("lots", self.n, 0.0, 0.0, entries, unit=self.money_units())
            self.owner = owner
        if whole:
            place = [label.endswith(":closed") for _, label in self._cols.owner].index(True)
            self._cols.integer[place] = np.full(self._blocks["closed"].size, True)
            self._cols.unit[place] = np.ones(self._blocks["closed"].size)
        return self._blocks["closed"]

    def fund(self, available: float) -> Ints:
        """Return the column "USD drawn from the insurance fund"."""
        return self.shared("fund", 1, 0.0, available, unit=self.unit)

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
            switches=tuple(self._switches),
            shadow=self.shadow,
        )

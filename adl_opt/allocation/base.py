"""The contract of an allocation: pure functions of an explicit state, a round and a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.pots import Pots
from adl_opt.errors import LackError
from adl_opt.rounds.columns import Columns, Floats, Ints
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.rounds.tables import Positions

State = Any
"""A plain value (None, numbers, lists, dicts of them), so that a replay can be cut and resumed."""


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a rule promises; the conformance tests hold it to each promise, and to no other.

    Parameters
    ----------
    covers : bool
        sum x = min(B, U) on accounts without lots, at least min(B, reachable) on lots.
    vertex : bool
        At most one account strictly between 0 and its capacity (Lemma 1, Prop. 6).
    permutation : bool
        Reordering the accounts reorders the haircuts.
    scale : bool
        Multiplying all money by a power of two multiplies the haircuts.
    split_proof : bool
        Splitting an account in two equal halves changes what neither it nor others pay in all (Sybil).
    monotone : bool
        A larger budget lowers nobody's haircut.
    """

    covers: bool = True
    vertex: bool = False
    permutation: bool = True
    scale: bool = True
    split_proof: bool = False
    monotone: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Cell:
    """One row of the flow, and the positions on the other side of its market that may be closed against it.

    Parameters
    ----------
    round_ : Round
    row : int
        Row of the flow.
    wanted : float
        Contracts to close.
    given_up : float
        USD that a winner is reckoned to give up with each contract.
    rows : (c,) int
        Rows of the positions.
    held, most : (c,) int
        Whole lots that each of them still has, and that it can still give up.
    pot : (c,) int
        Which pot of ``pots`` each of them pays from.
    pots : Pots
    """

    round_: Round
    row: int
    wanted: float
    given_up: float
    rows: Ints
    held: Ints
    most: Ints
    pot: Ints
    pots: Pots

    @property
    def size(self) -> Floats:
        """(c,) contracts in a lot."""
        return self.positions.lot_size[self.rows]

    @property
    def account(self) -> Ints:
        """(c,) row of the account."""
        return self.positions.account[self.rows]

    @property
    def positions(self) -> Positions:
        """The positions of the round."""
        assert self.round_.positions is not None  # noqa: S101
        return self.round_.positions


@dataclass(frozen=True, eq=False, kw_only=True)
class Book:
    """A whole round in contracts, for rules that look at all markets at once.

    Parameters
    ----------
    round_ : Round
    quantity, given_up : (k,)
        Contracts to close of each row of the flow, and USD that a winner is reckoned to give up with each.
    pots : Pots
    positive_pnl_only : bool
        No account gives up more than its positive PNL and equity.
    """

    round_: Round
    quantity: Floats
    given_up: Floats
    pots: Pots
    positive_pnl_only: bool


@dataclass(frozen=True)
class AllocationRule:
    """Who pays: haircuts 0 <= x <= u that add up to the budget, or to all there is."""

    name: ClassVar[str]
    information: ClassVar[Information] = Information.START_OF_ROUND
    claims: ClassVar[Claims] = Claims()
    spaces: ClassVar[tuple[str, ...]] = (WEALTH,)

    def start(self) -> State:
        """Return the state before the first round."""
        return None

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the haircuts for a budget of USD >= 0."""
        raise NotImplementedError

    def allocate_ex_post(self, state: State, round_: Round, asked: float, outcome: Outcome) -> Allocation:
        """Return the haircuts with the outcome in hand (for other information than start-of-round)."""
        raise NotImplementedError(f"{type(self).__name__} decides at the start of the round")

    def plan(self, state: State, book: Book) -> Any:
        """Return what :meth:`close` is given for each cell: the state, or a plan for the whole round."""
        return state

    def close(self, state: State, cell: Cell) -> Ints:
        """Return the whole lots that each position of a cell gives up, (c,) (for rules in contracts)."""
        raise NotImplementedError(f"{type(self).__name__} closes no contracts")

    def learn(self, state: State, round_: Round, outcome: Outcome, allocation: Allocation) -> State:
        """Return the state after the round."""
        return state

    def label(self) -> str:
        """Return the name with the parameters that are not at their default, as a name is read."""
        fields = type(self).__dataclass_fields__
        given = ", ".join(f"{k}={v}" for k, v in vars(self).items() if v != fields[k].default)
        return f"{self.name}({given})" if given else self.name


def require(rule: str, round_: Round, rows: Columns, *names: str) -> list[Floats]:
    """Return optional columns that a rule needs, or say which ones the rows do not have."""
    missing = rows.missing(*names)
    if missing:
        raise LackError(
            f"policy {rule!r} needs columns that the round lacks",
            got=f"round {round_.number}: {type(rows).__name__.lower()} without {', '.join(missing)}",
            ways_out=["give the columns", "choose a policy that does not need them (adl-opt policies)"],
        )
    return [getattr(rows, name) for name in names]


def require_positions(rule: str, round_: Round) -> Positions:
    """Return the positions, for a rule on lots, or say that there are none."""
    if round_.positions is None:
        raise LackError(
            f"policy {rule!r} closes whole lots, and the round has no positions",
            got=f"round {round_.number}: no positions",
            ways_out=["give market, lot_value and lots", "choose a policy without lots, such as pro-rata"],
        )
    return round_.positions


_MOST = np.finfo(np.float64).max


def ratio(numerator: Floats, denominator: Floats | Ints, *, nothing: float = 0.0) -> Floats:
    """Divide where the denominator is positive; elsewhere return ``nothing``.

    What is beyond the largest float is the largest float, so that 0 times it is 0 and not NaN.
    """
    positive = denominator > 0
    with np.errstate(over="ignore"):
        quotient = numerator / np.where(positive, denominator, 1.0)
    return np.where(positive, np.clip(quotient, -_MOST, _MOST), nothing)


def clipped(x: npt.ArrayLike, round_: Round) -> Floats:
    """Return haircuts within [0, u], for sums of positions that meet u up to rounding."""
    return np.clip(np.asarray(x, dtype=np.float64), 0.0, round_.accounts.capacity)

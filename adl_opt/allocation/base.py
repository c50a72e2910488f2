"""The contract of an allocation: pure functions of an explicit state, a round and a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.cells import Cell
from adl_opt.allocation.contracts import act_in_contracts, check_space
from adl_opt.allocation.limits import Book
from adl_opt.allocation.pool import within_options
from adl_opt.errors import LackError
from adl_opt.rounds.columns import Columns, Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.rounds.tables import Positions
from adl_opt.tabular import Noun

State = Any
"""A plain value (None, numbers, lists, dicts of them), so that a replay can be cut and resumed."""


@dataclass(frozen=True, kw_only=True)
class Claims(Noun):
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


Rule = TypeVar("Rule", bound="AllocationRule")


def in_both_spaces(
    pool: Callable[[Rule, State, Round, float], Allocation],
) -> Callable[[Rule, State, Round, float], Allocation]:
    """Return the one way of a rule in both spaces, from its answer in the pool of dollars.

    In wealth the answer is held to the options of the round.  A round in contracts is closed by the rule's
    ``close``, or refused where it does not serve that space.
    """

    @wraps(pool)
    def allocate(self: Rule, state: State, round_: Round, asked: float) -> Allocation:
        check_space(self, round_)
        if round_.space == CONTRACTS:
            return act_in_contracts(self, state, round_, asked)
        if self.keeps_options:
            return pool(self, state, round_, asked)
        return within_options(partial(pool, self, state), round_, asked)

    return allocate


def _of_owners(learn: Callable[..., State]) -> Callable[..., State]:
    """Return how a rule learns of owners where a round has sub-accounts."""

    @wraps(learn)
    def learnt(self: Any, state: State, round_: Round, outcome: Outcome, allocation: Allocation) -> State:
        if (owners := Owners.of(round_)) is not None:
            round_, allocation = owners.round, owners.join(allocation)
        return learn(self, state, round_, outcome, allocation)

    return learnt


@dataclass(frozen=True)
class AllocationRule(Noun):
    """Who pays: haircuts 0 <= x <= u that add up to the budget, or to all there is.

    A rule writes :meth:`allocate` for the pool of dollars, :meth:`close` for contracts, or both, and names
    its ``spaces``.  Whatever a class writes as ``allocate`` is its answer in the pool, kept as ``pool``; what
    callers reach as ``allocate`` answers in the space of the round, within its options (caps, exempt accounts
    and so on), or refuses.

    A rule with ``positive_pnl_only = False`` closes losers too, in contracts.  One that reads the flow of a
    round in wealth says ``reads_flow = True``; otherwise it sees none that was known too late.
    """

    name: ClassVar[str]
    information: ClassVar[Information] = Information.START_OF_ROUND
    reads_flow: ClassVar[bool] = False
    claims: ClassVar[Claims] = Claims()
    spaces: ClassVar[tuple[str, ...]] = (WEALTH,)
    positive_pnl_only: ClassVar[bool] = True
    keeps_options: ClassVar[bool] = False
    """Whether the answer in dollars keeps the options of the round by itself."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if (pool := vars(cls).get("allocate")) is not None:
            cls.pool, cls.allocate = pool, in_both_spaces(pool)  # type: ignore[method-assign, assignment]
        if (learn := vars(cls).get("learn")) is not None:
            cls.learn = _of_owners(learn)  # type: ignore[method-assign]

    def start(self) -> State:
        """Return the state before the first round."""
        return None

    def pool(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the haircuts in the pool of dollars, for a round without options."""
        raise NotImplementedError(f"{type(self).__name__} does not answer in dollars")

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the haircuts for a budget of USD >= 0, in the space of the round and within its options."""
        return in_both_spaces(type(self).pool)(self, state, round_, asked)

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
            ways_out=[
                f"give the {type(rows).__name__.lower()} the columns {', '.join(missing)}",
                "choose a policy that does not need them (adl-opt policies)",
            ],
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

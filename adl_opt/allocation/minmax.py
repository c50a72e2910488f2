"""Min-max burden: in closed form, exactly over whole lots (eq. 8), and as the reference m* of a round."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, require_positions
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.limits import Book
from adl_opt.allocation.plans import Plan, by_row, close_near, room_of
from adl_opt.allocation.shares import share_of
from adl_opt.checks import one_of, whole_between
from adl_opt.kernels.contracts.lots import minmax_contract_lots
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.kernels.fill.whole import lots_within
from adl_opt.kernels.lots.engine import engine
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.losses import BASES, burden, burden_base
from adl_opt.programs.loser_rows import minmax_loser_rows
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES, WEALTH
from adl_opt.rounds.flows import revealed, tables_in_contracts, within_reach
from adl_opt.rounds.legs import Legs
from adl_opt.rounds.round import Allocation, Outcome, Round

NODE_LIMIT = 20_000_000

KEPT, KEPT_POSITIONS = 64, 1 << 15
"""Answers over lots that are kept, and the most positions of their rounds: about 200 MB at most."""


@dataclass(frozen=True)
class MinMax(AllocationRule):
    """The smallest possible largest burden, lots aside: pro-rata, with its dual certificate.

    Rule: min z, x <= z base, sum x = B, 0 <= x <= u.  On the capacity base the unique optimum is x = u B / U
    (Prop. 9); on the equity base it is x = min(u, z e).  The certificate is a dual solution: with A the
    accounts that are not at their capacity, z >= (B - sum of u over the others) / (sum of base over A).
    In contracts: the least burdens by market and side, each as level as it can be, then whole lots by largest
    remainder; where losers of a market have several closing prices, only the largest burden is made least.
    Source: Prop. 9; in contracts :func:`adl_opt.kernels.minmax_contracts` and
    :func:`adl_opt.programs.minmax_loser_rows`.  Information: start of round.  Tie-break: none, the optimum is
    unique.

    Parameters
    ----------
    base : str
        ``capacity`` or ``equity``.
    """

    base: str = "capacity"
    name: ClassVar[str] = "min-max"
    claims: ClassVar[Claims] = Claims(split_proof=True)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def __post_init__(self) -> None:
        one_of("allocation 'min-max': base", self.base, BASES)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the optimum and the dual bound on its largest burden."""
        capacity, base = round_.accounts.capacity, burden_base(round_, self.base)
        x = waterfill(capacity, asked) if self.base == "capacity" else share_of(base, capacity, asked)
        target = min(asked, round_.capacity_usd)
        free = (x < capacity) & (base > 0) if self.base == "equity" else base > 0
        weight = exact_sum(base[free])
        rest = target - exact_sum(capacity[~free])
        bound = max(rest / weight, 0.0) if weight > 0 else 0.0
        return Allocation(x=x, asked=asked, lower_bound=bound, base=self.base)

    def plan(self, state: State, book: Book) -> Plan:
        """Return the contracts of each leg at the least burdens."""
        return plan_minmax(book, self.base, whole=False)

    def close(self, state: Plan, cell: Cell) -> Ints:
        """Return the plan in whole lots."""
        return close_near(state, cell)


@dataclass(frozen=True)
class MinMaxLots(AllocationRule):
    """The smallest possible largest burden over whole lots, proven; then little overshoot.

    Rule: min z, sum of lots x lot value >= B, x <= z base, x <= u, lots whole (eq. 8).
    In contracts each market and side is covered by lots of its own, with a proven gap; where losers of a
    market have several closing prices, the plan of `min-max` is rounded instead.
    Source: eq. 8; exact kernels :func:`adl_opt.kernels.minmax_lots`, and in contracts
    :func:`adl_opt.kernels.minmax_contract_lots`.  Information: start of round.
    Tie-break: at the optimal z lots are given back that the budget does not need, the dearest first.  No
    single lot can be given back any more.  The least overshoot is promised only for few lots
    (`LotsResult.overshoot_proven`).

    Parameters
    ----------
    base : str
        ``capacity`` or ``equity``.
    node_limit : int
        Bound on the work of the exact search; where it binds, the lower bound says how far the optimum is.
    """

    base: str = "capacity"
    node_limit: int = NODE_LIMIT
    name: ClassVar[str] = "min-max-lots"
    claims: ClassVar[Claims] = Claims(permutation=False, monotone=False)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def __post_init__(self) -> None:
        one_of("allocation 'min-max-lots': base", self.base, BASES)
        whole_between("allocation 'min-max-lots': node_limit", self.node_limit, 1, 1e15)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the optimum over lots with its proven lower bound."""
        result = solve_lots(round_, asked, self.base, self.node_limit)
        return Allocation(
            x=result.haircut_usd,
            asked=asked,
            lots=result.lots,
            lower_bound=result.lower_bound,
            base=self.base,
        )

    def plan(self, state: State, book: Book) -> Plan:
        """Return the whole lots of each leg, in contracts."""
        return plan_minmax(book, self.base, whole=True)

    def close(self, state: Plan, cell: Cell) -> Ints:
        """Return the plan in whole lots."""
        return close_near(state, cell)


def plan_minmax(book: Book, base: str, *, whole: bool) -> Plan:
    """Return the contracts of each leg at the least burdens, in whole lots or not.

    Rows whose contracts give up nothing take the same share of every position.
    """
    _, held = tables_in_contracts(book.round_)
    legs = Legs.of(book.round_)
    low, gap = _prices(book, legs)
    position, first = np.unique(legs.position, return_index=True)
    cells = legs.cell[first]
    given_up = gap[cells]
    capacity = book.pots.limit if base == "capacity" else burden_base(book.round_, base)
    if np.any(gap - low > 1e-12 * np.maximum(np.abs(gap), np.abs(low))):
        return _plan_of_rows(book, legs, (position, cells), low[cells], capacity)
    room = room_of(book, position, given_up)
    wanted = np.bincount(legs.of_row, book.quantity, gap.size).astype(np.float64)
    there = np.bincount(cells, room, gap.size)
    pays, hard = given_up > 0, book.positive_pnl_only and base == "capacity"
    share = np.divide(np.minimum(wanted, there), there, out=np.zeros(gap.size), where=there > 0)
    closed = np.where(given_up > 0, 0.0, room * share[cells])
    where, cell = position[pays], cells[pays]
    who, size = held.account[where], held.lot_size[where]
    if whole:
        least = np.full(gap.size, np.inf)
        np.minimum.at(least, cell, size)
        least[np.isinf(least)] = 1.0
        demand = lots_within(wanted, least) * least * np.maximum(gap, 0.0)
        lots = lots_within(room[pays], size)
        answer = minmax_contract_lots(capacity, who, cell, size * given_up[pays], lots, demand, hard_cap=hard)
        closed[pays] = answer.lots * size
    else:
        usd = room[pays] * given_up[pays]
        found = minmax_contracts(capacity, who, cell, usd, wanted * np.maximum(gap, 0.0), hard_cap=hard)
        closed[pays] = found.leg_usd / given_up[pays]
    return legs, by_row(book, legs, np.bincount(position, closed, len(held)).astype(np.float64))


def _plan_of_rows(book: Book, legs: Legs, able: tuple[Ints, Ints], least: Floats, capacity: Floats) -> Plan:
    """Return the plan where a market and side has several closing prices: none is blended.

    Only the largest burden is made least here.  ``able`` are the positions and their cells, ``least`` is the
    lowest price of each cell.
    """
    _, held = tables_in_contracts(book.round_)
    position, cells = able
    room = room_of(book, position, least)
    rows = (legs.of_row, book.quantity, book.given_up)
    found = minmax_loser_rows(capacity, held.account[position], cells, room, *rows)
    pair = legs.row * len(held) + legs.position
    order = np.argsort(pair)
    place = np.searchsorted(pair[order], found.row * len(held) + position[found.leg])
    contracts = np.zeros(pair.size)
    contracts[order[place]] = found.contracts
    return legs, contracts


def _prices(book: Book, legs: Legs) -> tuple[Floats, Floats]:
    """Return the least and the most that a contract of each market and side gives up, USD."""
    cells = int(legs.of_row.max(initial=-1)) + 1
    low, high = np.full(cells, np.inf), np.full(cells, -np.inf)
    np.minimum.at(low, legs.of_row, book.given_up)
    np.maximum.at(high, legs.of_row, book.given_up)
    return low, high


@lru_cache(maxsize=1)
def solve_lots(
    round_: Round, asked: float, base: str = "capacity", node_limit: int = NODE_LIMIT
) -> LotsResult:
    """Return the exact min-max over the lots of a round (see :func:`adl_opt.kernels.minmax_lots`).

    The last answer is kept: a round is immutable, and the reference of eq. 23 is the same problem again.
    Of rounds that are not large more are kept, by what is in them: a replay, its optimum and its report,
    each of an episode that is loaded anew, search once.
    """
    held = require_positions("min-max-lots", round_)
    against = None if base == "capacity" else burden_base(round_, base)
    capacity = round_.accounts.capacity
    if len(held) > KEPT_POSITIONS:
        return minmax_lots(
            capacity, held.account, held.lot_value, held.lots, asked, base=against, node_limit=node_limit
        )
    usd = tuple(
        np.asarray(v, np.float64).tobytes() for v in (capacity, held.lot_value, against) if v is not None
    )
    whole = tuple(np.asarray(v, np.int64).tobytes() for v in (held.account, held.lots))
    return _solved(usd, whole, asked, node_limit, engine().name)


@lru_cache(maxsize=KEPT)
def _solved(
    usd: tuple[bytes, ...], whole: tuple[bytes, ...], asked: float, node_limit: int, _engine: str
) -> LotsResult:
    """Search, for columns as bytes: capacity, value of a lot and perhaps the base; account and lots."""
    capacity, lot_value, *base = (np.frombuffer(column, np.float64) for column in usd)
    account, lots = (np.frombuffer(column, np.int64) for column in whole)
    found = minmax_lots(
        capacity, account, lot_value, lots, asked, base=base[0] if base else None, node_limit=node_limit
    )
    for column in (found.lots, found.haircut_usd):
        column.setflags(write=False)
    return found


def reference_burden(round_: Round, needed: float, base: str = "capacity") -> float:
    """Return the min-max burden of a round at budget B: over whole lots where it has positions.

    This is m_ILP of eq. 23, here the proven optimum (the published one is a solver's incumbent).
    """
    rule = MinMax(base=base) if round_.positions is None else MinMaxLots(base=base)
    x = rule.allocate(None, round_, needed).x
    return float(np.max(burden(x, burden_base(round_, base)), initial=0.0))


def reference_of(round_: Round, outcome: Outcome, base: str, capacity: Floats) -> float:
    """Return m* of a round: in contracts that of the pool, where each gives what its contracts can."""
    if round_.space == WEALTH:
        return reference_burden(round_, outcome.needed, base)
    against = capacity if base == "capacity" else burden_base(round_, base)
    most = np.minimum(capacity, within_reach(round_, revealed(round_, outcome)))
    return float(np.max(burden(share_of(against, most, outcome.needed), against), initial=0.0))

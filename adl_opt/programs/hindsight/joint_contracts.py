"""The least loss in contracts, and in the pool that lets go of markets: linear programs with proofs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from adl_opt.losses import Loss, burden, burden_base, share
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.hindsight.joint import JointOptimum, measured_plan, sum_below
from adl_opt.programs.hindsight.joint_depleting import Best, Plan
from adl_opt.programs.hindsight.joint_model import Entries, Payers, Rounds, least_loss_model
from adl_opt.programs.hindsight.linear import optimum_and_bound
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.options import cohorts
from adl_opt.rounds.round import Outcome

CARRIERS = 5
"""Accounts that are tried as the one with the largest burden."""

SMALL, NODES = 300, 300
"""A tree search is worth its time up to so many columns and accounts, and so many nodes."""

LARGE = 5_000
"""Legs up to which whole lots are searched; beyond it the lots of the fractional plan are rounded down."""

CLOSED = 1e-12
"""A gap of this share of the needed budgets, times the weights, is rounding."""

Priced = tuple[PricedRound, Outcome]


@dataclass(frozen=True, kw_only=True)
class MarketPrice:
    """What it costs in one round, and in one domain, that contracts close contracts of their own market.

    Both optima have the same capacities, bounds, lots and m*; the pool lets go of the clearing of markets
    alone.  So it is a relaxation: it never loses more.

    Parameters
    ----------
    round : int
    domain : str
        ``fractional`` or ``whole-lots``.
    pool_usd, contracts_usd : float
        The least losses found.
    price_usd : float
        The second less the first.
    pool_bound_usd, contracts_bound_usd : float
        Proven lower bounds on them.
    """

    round: int
    domain: str
    pool_usd: float
    contracts_usd: float
    price_usd: float
    pool_bound_usd: float
    contracts_bound_usd: float


def contract_optima(
    rounds: Sequence[Priced], references: Sequence[float], loss: Loss
) -> tuple[list[JointOptimum], list[MarketPrice]]:
    """Return the least loss of each domain in contracts, and the price of the market structure.

    Parameters
    ----------
    rounds : sequence of (PricedRound, Outcome)
        At prices as revealed.
    references : (T,)
        m* of each round, that of the pool.
    loss : Loss
        Its base is known.

    Returns
    -------
    optima : list of JointOptimum
        ``fractional-optimum``, ``whole-lots-optimum``, and ``depleting-optimum``: a position that is closed
        once cannot be closed again.
    prices : list of MarketPrice
        Of every round, fractional and in whole lots.

    Notes
    -----
    Severities are free: each row of the flow is closed by any part of it.  Without [m* - m]_+ the least loss
    is a linear program, and its prices prove a bound.  Where its plan ends below m*, single accounts are made
    to carry m*, and where there are few columns a tree over carriers and lots closes the gap or a part of it.
    """
    found: dict[str, list[tuple[Plan, float]]] = {}
    prices = []
    for pair, reference in zip(rounds, references, strict=True):
        alone = Task([pair], [reference], loss)
        for domain, whole in (("fractional", False), ("whole-lots", True)):
            task = replace(alone, whole=whole)
            least = {}
            for name, cleared in (("pool", False), ("contracts", True)):
                free = found[f"{name} fractional"][-1][1] if whole else 0.0
                plan, bound = replace(task, cleared=cleared).solve()
                found.setdefault(f"{name} {domain}", []).append((plan, max(bound, free)))
                least[name] = task.loss_of(plan), max(bound, free)
            prices.append(_price(pair[0].number, domain, least))
    made = []
    for domain in ("fractional", "whole-lots"):
        plans, bounds = zip(*found[f"contracts {domain}"], strict=True)
        plan = [x for part in plans for x in part]
        made.append(measured_plan(f"{domain}-optimum", rounds, plan, references, loss, sum_below(bounds)))
    plan, bound = Task(list(rounds), list(references), loss, depletes=True).solve()
    bound = max(bound, made[0].bound_usd)
    return [*made, measured_plan("depleting-optimum", rounds, plan, references, loss, bound)], prices


def _price(number: int, domain: str, least: dict[str, tuple[float, float]]) -> MarketPrice:
    (pool, pool_bound), (contracts, bound) = least["pool"], least["contracts"]
    pool, bound = min(pool, contracts), max(bound, pool_bound)  # the pool is a relaxation
    return MarketPrice(
        round=number, domain=domain, pool_usd=pool, contracts_usd=contracts, price_usd=contracts - pool,
        pool_bound_usd=min(pool_bound, pool), contracts_bound_usd=min(bound, contracts),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Task:
    """The least loss over some rounds, and what ties their columns."""

    rounds: list[Priced]
    references: list[float]
    loss: Loss
    cleared: bool = True
    whole: bool = False
    depletes: bool = False

    def loss_of(self, plan: Plan) -> float:
        """Return the loss of a plan, USD."""
        return measured_plan("", self.rounds, plan, self.references, self.loss, 0.0).objective_usd

    def solve(self) -> tuple[Plan, float]:
        """Return a plan with a small loss, and a lower bound on the loss of all plans, USD."""
        payers, asked, loss = self._payers(), self._asked(), self.loss
        best = Best(self.loss_of)
        offer = _offers(payers, asked, [len(r.accounts) for r, _ in self.rounds], best)
        offer(np.zeros(payers.payer.size))
        parts = replace(payers, whole=False)

        def solved(carriers: Ints) -> float:
            v, proven = optimum_and_bound(least_loss_model(asked, loss, parts, carriers))
            offer(v)
            return proven

        scale = CLOSED * (loss.under + loss.over + loss.fair) * math.fsum(asked.needed)
        bound = solved(np.empty(0, dtype=np.int64))
        if best.loss - bound > scale and loss.fair > 0 and not self.depletes:
            for carrier in self._carriers(payers, asked, best.plan):
                solved(np.array([carrier]))
        able = np.flatnonzero((payers.base > 0) & asked.fair_in(loss)[payers.time])
        if best.loss - bound > scale and self.whole and payers.payer.size <= LARGE:
            model = least_loss_model(asked, loss, payers, able[:0])
            offer(_searched(model, payers.payer.size))
        if best.loss - bound > scale and payers.payer.size + able.size <= SMALL:
            model = least_loss_model(asked, loss, payers, able)
            bound = max(bound, TreeSearch(model, Options(node_limit=NODES), best.loss, offer).run().bound)
        counted = asked.fair_in(loss)
        rates = best.loss + math.fsum(loss.fair * (asked.needed * asked.reference)[counted])
        return best.plan, min(bound - (2.0**-50 * rates if loss.fair > 0 else 0.0), best.loss)

    def _asked(self) -> Rounds:
        most = [self.loss.most(r) for r, _ in self.rounds]
        limit = [m if m < r.capacity_usd else math.inf for m, (r, _) in zip(most, self.rounds, strict=True)]
        needed = np.array([o.needed for _, o in self.rounds])
        return Rounds(needed, np.array(limit), np.array(self.references))

    def _carriers(self, payers: Payers, asked: Rounds, plan: Plan) -> Ints:
        """Return accounts of one round that may come near m*, where the plan stays below it."""
        worst = float(np.max(burden(plan[0], payers.base), initial=0.0))
        if not asked.fair_in(self.loss)[0] or worst >= asked.reference[0]:
            return np.empty(0, dtype=np.int64)
        units = np.bincount(payers.payer, payers.worth * payers.most, minlength=payers.capacity.size)
        reach = np.minimum(share(np.minimum(units, payers.capacity), payers.base), asked.reference[0])
        order = np.lexsort((payers.capacity, -reach))
        return order[payers.base[order] > 0][:CARRIERS]

    def _payers(self) -> Payers:
        """Return accounts as payers, legs as columns, and all that ties them."""
        rounds = [r for r, _ in self.rounds]
        first = np.cumsum([0, *(len(r.accounts) for r in rounds)])
        base = np.concatenate([burden_base(r, str(self.loss.base)) for r in rounds])
        payer = np.concatenate([r.held.account + at for r, at in zip(rounds, first, strict=False)])
        ties = _Ties()
        for round_ in rounds:
            ties.of_round(round_, cleared=self.cleared)
        if self.depletes:
            ties.over_time(rounds)
        most = np.concatenate([r.held.lots.astype(np.float64) for r in rounds])
        most = np.where((base[payer] > 0) | (self.loss.fair == 0), most, 0.0)
        entries, room = ties.finish()
        most[entries[1][room[entries[0]] == 0.0]] = 0.0
        return Payers(
            time=np.repeat(np.arange(len(rounds)), np.diff(first)),
            capacity=np.concatenate([r.accounts.capacity for r in rounds]),
            base=base,
            payer=payer,
            worth=np.concatenate([r.held.lot_value for r in rounds]),
            most=most,
            whole=self.whole,
            ties=entries,
            room=room,
        )


class _Ties:
    """Rows that tie the legs of rounds: sums that are at most their room."""

    def __init__(self) -> None:
        self._entries: list[Entries] = []
        self._room: list[Floats] = []
        self._rows = self._columns = 0

    def add(self, row: Ints, column: Ints, value: Floats, room: Floats) -> None:
        """Add rows; columns count from the beginning."""
        self._entries.append((row + self._rows, column, value))
        self._room.append(room)
        self._rows += room.size

    def of_round(self, round_: PricedRound, *, cleared: bool) -> None:
        """Tie the legs of one round: by account, pot, position, and row of the flow."""
        held, legs, pots = round_.held, round_.legs, round_.pots
        own = np.arange(len(held)) + self._columns
        self._columns += own.size
        self.add(held.account, own, held.lot_value, round_.accounts.capacity)
        if pots.capacity.size > len(round_.accounts):
            self.add(pots.of_position[legs.position], own, held.lot_value, pots.capacity)
        if round_.accounts.cap is not None:
            self.add(held.account, own, held.lot_value, round_.accounts.cap)
        if round_.accounts.cohort_cap is not None:
            cohort, cap = cohorts(round_.accounts)
            self.add(cohort[held.account], own, held.lot_value, cap)
        self.add(legs.position, own, np.ones(own.size), round_.source_lots)
        if cleared:
            self.add(legs.row, own, held.lot_size, round_.rows.quantity)

    def over_time(self, rounds: Sequence[PricedRound]) -> None:
        """Close no position twice: contracts up to a round are at most the most that was held up to it."""
        parts, size, starts = [], [], np.cumsum([0, *(len(r.held) for r in rounds)])
        for round_, start in zip(rounds, starts, strict=False):
            held = round_.source.positions
            assert held is not None  # noqa: S101
            assert held.side is not None  # noqa: S101
            ids = round_.accounts.id[held.account].tolist()
            keys = list(zip(ids, held.market.tolist(), held.side.tolist(), strict=True))
            parts.append((keys, held.quantity.tolist(), round_.legs.position, start))
            size.append(round_.held.lot_size)
        of_column = np.concatenate(size)
        seen: dict[tuple[str, str, int], tuple[list[int], float]] = {}
        row: list[int] = []
        column: list[int] = []
        room: list[float] = []
        for keys, quantity, position, start in parts:
            legs: dict[int, list[int]] = {}
            for leg, at in enumerate(position.tolist()):
                legs.setdefault(at, []).append(leg + int(start))
            for at, key in enumerate(keys):
                before, most = seen.get(key, ([], 0.0))
                now = before + legs.get(at, [])
                seen[key] = now, max(most, quantity[at])
                if before and len(now) > len(before):
                    row += [len(room)] * len(now)
                    column += now
                    room.append(seen[key][1])
        at = np.array(column, dtype=np.int64)
        self.add(np.array(row, dtype=np.int64), at, of_column[at], np.array(room))

    def finish(self) -> tuple[Entries, Floats]:
        """Return all entries, and the room of all rows."""
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return (row, column, value), np.concatenate(self._room)


def _offers(payers: Payers, asked: Rounds, sizes: Sequence[int], best: Best) -> Callable[[Floats], float]:
    """Return what takes a point of the model, keeps it where it is the best, and says what it loses."""
    (row, column, value), ends = payers.ties, np.cumsum(sizes)[:-1]

    def offer(v: Floats) -> float:
        units = np.clip(v[: payers.payer.size], 0.0, payers.most)
        units = np.floor(units + 1e-6) if payers.whole else units
        used = np.bincount(row, value * units[column], minlength=payers.room.size)
        over = used > payers.room
        if payers.whole and np.any(used > payers.room * (1 + 1e-12)):
            return math.inf
        if not payers.whole and over.any():  # solvers round
            units = units / float(np.max(used[over] / payers.room[over]))
        x = payers.amounts(units)
        taken = np.bincount(payers.time, x, minlength=asked.limit.size)
        within = np.minimum(1.0, asked.limit / np.maximum(taken, 1e-300))
        if payers.whole and np.any(within < 1 - 1e-12):
            return math.inf
        return best.of(np.split(x if payers.whole else x * within[payers.time], ends))

    return offer


def _searched(model: LinearModel, columns: int) -> Floats:
    """Return whole lots that HiGHS finds within a few nodes; none where it finds none."""
    answer = run_highs(model, Options(node_limit=NODES, mip_gap=1e-6))
    return np.zeros(columns) if answer.v is None else answer.v

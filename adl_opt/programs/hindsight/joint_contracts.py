"""The least loss in contracts, and in the pool that lets go of markets: linear programs with proofs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from adl_opt.losses import Loss, burden, share
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.hindsight.joint import JointOptimum, measured_plan, sum_below
from adl_opt.programs.hindsight.joint_depleting import Plan
from adl_opt.programs.hindsight.joint_model import Payers, Rounds, least_loss_model
from adl_opt.programs.hindsight.joint_ties import payers_of, within
from adl_opt.programs.hindsight.joint_whole import by_levels, in_lots
from adl_opt.programs.hindsight.linear import optimum_and_bound
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Outcome

CARRIERS = 5
"""Accounts that are tried as the one with the largest burden."""

SMALL, NODES = 300, 300
"""A tree search is worth its time up to so many columns and accounts, and so many nodes."""

CLOSED, CLOSED_LOTS = 1e-12, 1e-8
"""A gap of this share of the needed budgets, times the weights, is rounding; of whole lots, is small."""

RISES = (0.0, 1e-4, 1e-3, 1e-2, 0.1)
"""By so much more than in the fractional plan an account may bear where lots are whole."""

DOMAINS = ("fractional", "whole-lots")

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
    found: dict[str, list[Found]] = {domain: [] for domain in DOMAINS}
    prices = []
    for pair, reference in zip(rounds, references, strict=True):
        alone = Task([pair], [reference], loss)
        ways = [(task, task.fractional()) for task in (replace(alone, cleared=False), alone)]
        both = dict(zip(DOMAINS, ([free for _, free in ways], [t.in_lots(f) for t, f in ways]), strict=True))
        for domain, (pool, contracts) in both.items():
            found[domain].append(contracts)
            prices.append(_price(pair[0].number, domain, pool, contracts))
    made = []
    for domain, parts in found.items():
        plan = [x for part in parts for x in part.plan]
        bound = sum_below([part.bound for part in parts])
        made.append(measured_plan(f"{domain}-optimum", rounds, plan, references, loss, bound))
    last = Task(list(rounds), list(references), loss, depletes=True).fractional()
    bound = max(last.bound, made[0].bound_usd)
    return [*made, measured_plan("depleting-optimum", rounds, last.plan, references, loss, bound)], prices


def _price(number: int, domain: str, pool: Found, contracts: Found) -> MarketPrice:
    least, bound = (
        min(pool.loss, contracts.loss),
        max(contracts.bound, pool.bound),
    )  # the pool is a relaxation
    return MarketPrice(
        round=number, domain=domain, pool_usd=least, contracts_usd=contracts.loss,
        price_usd=contracts.loss - least, pool_bound_usd=min(max(pool.bound, 0.0), least),
        contracts_bound_usd=min(bound, contracts.loss),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Found:
    """A plan, its units by leg, its loss, and a lower bound on the loss of all plans of the domain, USD."""

    plan: Plan
    units: Floats
    loss: float
    bound: float


@dataclass(frozen=True, eq=False)
class Task:
    """The least loss over some rounds, and what ties their columns."""

    rounds: list[Priced]
    references: list[float]
    loss: Loss
    cleared: bool = True
    depletes: bool = False

    def fractional(self) -> Found:
        """Return the best plan found where any part of a lot can be closed."""
        payers, asked, loss = self.payers, self.asked, self.loss
        best = _Best(self, payers)
        best.offer(np.zeros(payers.payer.size))

        def solved(carriers: Ints) -> float:
            v, proven = optimum_and_bound(least_loss_model(asked, loss, payers, carriers))
            best.offer(v)
            return proven

        bound = solved(np.empty(0, dtype=np.int64))
        if best.loss - bound > self._size(CLOSED) and loss.fair > 0 and not self.depletes:
            for carrier in self._carriers(best.plan):
                solved(np.array([carrier]))
        return self._searched(payers, best, bound, self._size(CLOSED))

    def in_lots(self, free: Found) -> Found:
        """Return the best plan found in whole lots of one round, from the fractional one."""
        payers = replace(self.payers, whole=True)
        best = _Best(self, payers)
        best.offer(np.zeros(payers.payer.size))
        level = float(np.max(burden(free.plan[0], payers.base), initial=0.0))
        for rise in RISES:
            best.offer(in_lots(payers, self.asked, free.units, level * (1.0 + rise)))
            if best.loss - free.bound <= self._size(CLOSED_LOTS):
                break
        bound, small = free.bound, self._size(CLOSED_LOTS)
        if best.loss - bound > 100.0 * small and self.asked.fair_in(self.loss)[0]:
            bound = by_levels(payers, self.asked, self.loss, bound, best.least, 100.0 * small)
        return self._searched(payers, best, bound, small)

    def _searched(self, payers: Payers, best: _Best, bound: float, small: float) -> Found:
        """Search lots and carriers by a tree where a gap is left and there are few of them."""
        loss, asked = self.loss, self.asked
        able = np.flatnonzero((payers.base > 0) & asked.fair_in(loss)[payers.time])
        if best.loss - bound > small and payers.payer.size + able.size <= SMALL:
            model = least_loss_model(asked, loss, payers, able)
            bound = max(
                bound, TreeSearch(model, Options(node_limit=NODES), best.loss, best.offer).run().bound
            )
        counted = asked.fair_in(loss)
        rates = best.loss + math.fsum(loss.fair * (asked.needed * asked.reference)[counted])
        bound = min(bound - (2.0**-50 * rates if loss.fair > 0 else 0.0), best.loss)
        return Found(best.plan, best.units, best.loss, bound)

    def _size(self, share: float) -> float:
        """Return a share of the needed budgets, times the weights, USD."""
        loss = self.loss
        return share * (loss.under + loss.over + loss.fair) * math.fsum(self.asked.needed)

    def loss_of(self, plan: Plan) -> float:
        """Return the loss of a plan, USD."""
        return measured_plan("", self.rounds, plan, self.references, self.loss, 0.0).objective_usd

    @cached_property
    def payers(self) -> Payers:
        """Accounts as payers, legs as columns, and all that ties them."""
        rounds = [r for r, _ in self.rounds]
        return payers_of(rounds, self.loss, cleared=self.cleared, depletes=self.depletes)

    @cached_property
    def asked(self) -> Rounds:
        """What is needed of each round, what may be taken, and m*."""
        most = [self.loss.most(r) for r, _ in self.rounds]
        limit = [m if m < r.capacity_usd else math.inf for m, (r, _) in zip(most, self.rounds, strict=True)]
        needed = np.array([o.needed for _, o in self.rounds])
        return Rounds(needed, np.array(limit), np.array(self.references))

    def _carriers(self, plan: Plan) -> Ints:
        """Return accounts of one round that may come near m*, where the plan stays below it."""
        payers, asked = self.payers, self.asked
        worst = float(np.max(burden(plan[0], payers.base), initial=0.0))
        if not asked.fair_in(self.loss)[0] or worst >= asked.reference[0]:
            return np.empty(0, dtype=np.int64)
        units = np.bincount(payers.payer, payers.worth * payers.most, minlength=payers.capacity.size)
        reach = np.minimum(share(np.minimum(units, payers.capacity), payers.base), asked.reference[0])
        order = np.lexsort((payers.capacity, -reach))
        return order[payers.base[order] > 0][:CARRIERS]


@dataclass
class _Best:
    """The best point so far; it keeps to every row and limit."""

    task: Task
    payers: Payers
    units: Floats = field(default_factory=lambda: np.empty(0))
    plan: Plan = field(default_factory=list)
    loss: float = math.inf

    def offer(self, v: Floats) -> float:
        """Keep a point of the model if it is the best; return its loss, USD, inf where it breaks a row."""
        payers, asked = self.payers, self.task.asked
        units = v[: payers.payer.size]
        kept = within(payers, asked, units)
        if payers.whole and np.any(kept < units * (1.0 - 1e-9)):
            return math.inf
        units = units if payers.whole else kept
        ends = np.cumsum([len(r.accounts) for r, _ in self.task.rounds])[:-1]
        plan = np.split(payers.amounts(units), ends)
        if (loss := self.task.loss_of(plan)) < self.loss:
            self.units, self.plan, self.loss = units, plan, loss
        return loss

    def least(self, v: Floats) -> float:
        """Offer a point; return the loss of the best so far, USD."""
        self.offer(v)
        return self.loss

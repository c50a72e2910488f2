"""The least loss when haircuts deplete capacity over rounds: linear programs, bounded by their prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from adl_opt.losses import Loss, burden_base, share
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.hindsight.joint_model import Payers, Rounds, least_loss_model
from adl_opt.programs.hindsight.linear import optimum_and_bound
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.programs.options import Options
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.episode import Episode

Plan = list[Floats]

SMALL, NODES = 400, 2000
"""A tree search is worth its time up to so many entries, and so many nodes."""

CLOSED = 1e-12
"""A gap of this share of the needed budgets, times the weights, is rounding."""


def least_depleting(
    episode: Episode, panel: Panel, references: Sequence[float], loss: Loss, measured: Callable[[Plan], float]
) -> tuple[Plan, float]:
    """Return haircuts of every round, and a lower bound on the loss of all that deplete capacity, USD.

    Parameters
    ----------
    episode : Episode
    panel : Panel
        Its accounts across rounds.
    references : (T,)
        m* of each round.
    loss : Loss
        Its base is known.
    measured : callable
        The loss of a plan, USD.

    Notes
    -----
    Without [m* - m]_+ the problem is a linear program, and its prices prove a bound.  Where its plan leaves
    largest burdens below m*, one account of each such round is made to carry m* and the program is solved
    again: every such plan is feasible.  The cheapest carrier takes the least of what its account has left.
    If that does not close the gap and there are few entries, a tree over the choice of carriers does.
    Every bound is that of the prices of the rows, with all roundings downward.  The rates ``1 / base`` are
    rounded too: they shift the burden of a better plan by less than 2**-50 of it, which is taken off.
    """
    payers, rounds = _problem(episode, panel, references, loss)
    best, ends = Best(measured), np.cumsum([len(r.accounts) for r, _ in episode])[:-1]

    def offer(v: Floats) -> float:
        x = payers.amounts(np.clip(v[: payers.payer.size], 0.0, payers.most))
        spent = np.ones(panel.ids.size)
        np.maximum.at(spent, panel.account, panel.cumulated(x) / panel.available)
        x = x / spent[panel.account]
        within = np.minimum(1.0, rounds.limit / np.maximum(panel.per_round(x), 1e-300))  # solvers round
        return best.of(np.split(panel.amounts(x * within[panel.time]), ends))

    def solved(carriers: Ints) -> float:
        v, proven = optimum_and_bound(least_loss_model(rounds, loss, payers, carriers))
        offer(v)
        return proven

    scale = CLOSED * (loss.under + loss.over + loss.fair) * math.fsum(panel.needed)
    bound = solved(np.empty(0, dtype=np.int64))
    if best.loss - bound > scale and loss.fair > 0:
        solved(_cheapest(panel, payers, panel.entries(np.concatenate(best.plan)), rounds))
        able = np.flatnonzero((payers.base > 0) & rounds.fair_in(loss)[payers.time])
        if best.loss - bound > scale and able.size <= SMALL:
            model = least_loss_model(rounds, loss, payers, able)
            tree = TreeSearch(model, Options(node_limit=NODES), best.loss, offer).run()
            bound = max(bound, tree.bound)
    counted = loss.fair * panel.needed[rounds.fair_in(loss)]
    rates = 2.0**-50 * (best.loss + math.fsum(counted * rounds.reference[rounds.fair_in(loss)]))
    return best.plan, bound - (rates if loss.fair > 0 else 0.0)


@dataclass
class Best:
    """The best plan so far."""

    measured: Callable[[Plan], float]
    plan: Plan = field(default_factory=list)
    loss: float = math.inf

    def of(self, plan: Plan) -> float:
        """Measure a plan, and keep it if it is the best."""
        loss = self.measured(plan)
        if loss < self.loss:
            self.plan, self.loss = plan, loss
        return loss


def _problem(
    episode: Episode, panel: Panel, references: Sequence[float], loss: Loss
) -> tuple[Payers, Rounds]:
    """Return the payers, tied where one account is in several rounds, and what is asked of the rounds."""
    count = panel.capacity.size
    base = panel.entries(np.concatenate([burden_base(r, str(loss.base)) for r, _ in episode]))
    last = np.append(panel.account[1:] != panel.account[:-1], True)
    rises = np.append(panel.available[1:] > panel.available[:-1], True)
    tight = np.flatnonzero((last | rises) & (panel.start < np.arange(count)))
    lengths = tight - panel.start[tight] + 1
    tie = np.repeat(np.arange(tight.size), lengths)
    tied = np.arange(tie.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + panel.start[tight][tie]
    payers = Payers(
        time=panel.time,
        capacity=panel.capacity,
        base=base,
        payer=np.arange(count),
        worth=panel.capacity,
        most=np.where((base > 0) | (loss.fair == 0), 1.0, 0.0),
        whole=False,
        ties=(tie, tied, panel.capacity[tied]),
        room=panel.available[tight],
    )
    limit = np.array([loss.most(r) if loss.most(r) < r.capacity_usd else math.inf for r, _ in episode])
    return payers, Rounds(panel.needed, limit, np.array(references))


def _cheapest(panel: Panel, payers: Payers, x: Floats, rounds: Rounds) -> Ints:
    """Return, for each round whose largest burden is below m*, an account that can carry it for little."""
    reference, when = rounds.reference, payers.time
    largest = np.zeros(reference.size)
    np.maximum.at(largest, when, share(x, payers.base))
    wanted = reference[when] * payers.base
    others = np.bincount(panel.account, x, minlength=panel.ids.size)[panel.account] - x
    missed = np.maximum(
        reference[when] - share(np.minimum(wanted, panel.capacity - others), payers.base), 0.0
    )
    short = (largest < reference) & (rounds.needed > 0) & np.isfinite(reference)
    able = np.flatnonzero(short[when] & (payers.base > 0))
    order = able[
        np.lexsort((wanted[able], missed[able], wanted[able] > rounds.limit[when[able]], when[able]))
    ]
    return order[np.unique(when[order], return_index=True)[1]]

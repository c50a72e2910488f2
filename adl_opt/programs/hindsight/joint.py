"""The least loss that any policy could have had: severity and haircuts together, by domain, proven."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.losses import Loss, burden, burden_base, share
from adl_opt.programs.hindsight.joint_depleting import least_depleting
from adl_opt.programs.hindsight.joint_lots import best_in_lots
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.proofs.outward import below
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.tabular import Noun

ROUNDED = 2.0**-49
"""What a few rounded operations shift a sum by, relative: more than they can."""

LEVELLED = 1e-12
"""The same of a level of water-filling, and of what lies below it."""

CROSSED = 1e-11
"""A bound that is above the loss of a plan by this share is so by the rounding of the plan."""


@dataclass(frozen=True, kw_only=True)
class JointOptimum(Noun):
    """The least loss of one domain, between a plan that reaches it and a proven bound.

    Parameters
    ----------
    name : str
    objective_usd : float
        The loss of a plan in the domain.
    bound_usd : float
        No policy of the domain has a smaller loss.
    tracking_usd : float
        The plan's loss without its fairness term.
    max_burden : float
        The plan's largest burden, without unit.
    executed, worst : (T,)
        H, USD, and the largest burden of each round.
    """

    name: str
    objective_usd: float
    bound_usd: float
    tracking_usd: float
    max_burden: float
    executed: Floats = field(repr=False)
    worst: Floats = field(repr=False)


def best_fractional(round_: Round, needed: float, reference: float, loss: Loss) -> tuple[Floats, float]:
    """Return haircuts of one round with the least loss, (n,) USD, and what no other haircuts lose less than.

    Parameters
    ----------
    round_ : Round
    needed : float
        B, USD.
    reference : float
        m*, the burden that fairness is held against, without unit.
    loss : Loss
        Its base is known.

    Notes
    -----
    Tracking is least at H = min(B, R), and fairness at a largest burden of m*.  The level z of water-filling
    is the least largest burden at H.

    *z above m** (the reference could reach fewer accounts).  The loss of the level,
    ``under [B - H(z)]_+ + fair B (z - m*)``, is convex and piecewise linear in z, as
    ``H(z) = sum min(u, z base)`` is concave: the best of its breakpoints is the optimum.

    *z at most m**.  One account is brought up to m*, the others are filled up to H.  An account whose m* base
    exceeds H reaches a burden of H / base at most, so a larger H may pay: for one account the loss is
    piecewise linear in H, and the best of its breakpoints over all accounts is the optimum.  O(n log n).

    The bound is the value of that closed form, less what rounding may have added.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a", "b"], pnl=[4.0, 4.0], equity=[4.0, 4.0]))
    >>> best_fractional(round_, 2.0, 0.25, Loss(base="capacity"))
    (array([1., 1.]), 0.0)
    >>> best_fractional(round_, 2.0, 0.375, Loss(base="capacity"))
    (array([1.5, 0.5]), 0.0)
    """
    capacity, base, weight = round_.accounts.capacity, burden_base(round_, str(loss.base)), loss.fair * needed
    counts = weight > 0 and math.isfinite(reference)
    cap = np.where(base > 0, capacity, 0.0) if loss.fair > 0 else capacity  # no base: an infinite burden
    most = min(loss.most(round_), exact_sum(cap))
    start = min(needed, most)
    short = _less(float(loss.tracking(start, needed)), loss.under * needed, ROUNDED)
    if not counts:
        return waterfill(cap, start) if loss.fair == 0.0 else _level(cap, base, start)[1], short
    level = _level(cap, base, start)[0]
    if level > reference:
        tried = np.append(share(cap, base), [reference, level])
        tried = np.unique(tried[(tried >= reference) & (tried <= level)])
        taken = np.array([math.fsum(np.minimum(cap, z * base)) for z in tried])
        value = loss.tracking(taken, needed) + weight * (tried - reference)
        best = int(np.argmin(value))
        least: Floats = np.minimum(cap, tried[best] * base)
        return least, max(_less(float(value[best]), loss.under * needed + weight * level, LEVELLED), short)
    # one account up to m*; columns: H at the start, at its capacity, at m* of its base, at the limit
    ends = np.stack([np.full(cap.size, start), cap, reference * base, np.full(cap.size, most)])
    total = np.clip(ends, start, most)
    reached = np.minimum(share(np.minimum(cap, total), base), reference)
    value = loss.tracking(total, needed) + weight * np.abs(reached - reference)
    row, who = np.unravel_index(int(np.argmin(value)), value.shape)
    own = min(float(reached[row, who]) * float(base[who]), float(total[row, who]), float(cap[who]))
    rest = cap.copy()
    rest[who] = 0.0
    filled = _level(rest, base, float(total[row, who]) - own)[1]
    filled[who] = own
    size = loss.under * needed + loss.over * float(total[row, who]) + 2.0 * weight * reference
    return filled, max(_less(float(value[row, who]), size, ROUNDED), short)


def _less(value: float, size: float, share: float) -> float:
    """Return a loss less what rounding adds to it, from terms of some size, USD; losses are at least 0."""
    return max(value - share * size, 0.0)


def _level(cap: Floats, base: Floats, amount: float) -> tuple[float, Floats]:
    """Return the least largest burden at an amount, and its haircuts x = min(cap, z base)."""
    x = waterfill(cap, amount, weights=share(base, cap))
    return float(np.max(burden(x, base), initial=0.0)), x


def joint_optima(
    episode: Episode, references: Sequence[float], loss: Loss, lots: Sequence[Ints] | None = None
) -> list[JointOptimum]:
    """Return the least loss of each domain, in the order in which they narrow.

    Parameters
    ----------
    episode : Episode
    references : (T,)
        m* of each round.
    loss : Loss
        Its base is known.
    lots : sequence of (m_t,) int, optional
        Lots of each position to start from; without them the domain of whole lots is left out.

    Returns
    -------
    list of JointOptimum
        ``fractional-optimum``: any amount may be taken, and each round is by itself.  ``whole-lots-optimum``:
        haircuts are whole lots, see :func:`best_in_lots`.  ``depleting-optimum``: what is taken once cannot
        be taken again.  Where the fractional optimum keeps to that, it is the optimum of this domain too;
        else see :func:`least_depleting`.

    Raises
    ------
    SolverError
        A bound is above the loss of its own plan: no proof.
    """
    rounds = list(episode)
    best = [best_fractional(r, o.needed, m, loss) for (r, o), m in zip(rounds, references, strict=True)]
    plan = [x for x, _ in best]

    def found(name: str, plan: Sequence[Floats], bound: float) -> JointOptimum:
        return measured_plan(name, rounds, plan, references, loss, bound)

    free = found("fractional-optimum", plan, sum_below([least for _, least in best]))
    made = [free]
    if lots is not None:
        tried = zip(rounds, references, best, lots, strict=True)
        whole = [best_in_lots(r, o.needed, m, loss, own, start) for (r, o), m, own, start in tried]
        bound = sum_below([least for _, least in whole])
        made.append(found("whole-lots-optimum", [x for x, _ in whole], max(bound, free.bound_usd)))
    panel = Panel.of(episode)
    taken = panel.entries(np.concatenate(plan))
    if np.all(panel.cumulated(taken) <= panel.available):
        return [*made, replace(free, name="depleting-optimum")]
    plan, bound = least_depleting(
        episode, panel, references, loss, lambda plan: found("", plan, 0.0).objective_usd
    )
    return [*made, found("depleting-optimum", plan, max(free.bound_usd, bound))]


def sum_below(values: Sequence[float]) -> float:
    """Return a sum of losses, not rounded up."""
    return max(below(math.fsum(values)), 0.0)


def measured_plan(
    name: str,
    rounds: Sequence[tuple[Round, Outcome]],
    plan: Sequence[Floats],
    references: Sequence[float],
    loss: Loss,
    bound: float,
) -> JointOptimum:
    """Return a plan with its loss, and the bound of its domain."""
    bases = (burden_base(r, str(loss.base)) for r, _ in rounds)
    return measured(
        name,
        np.array([o.needed for _, o in rounds]),
        np.array([math.fsum(x) for x in plan]),
        np.array([np.max(burden(x, b), initial=0.0) for x, b in zip(plan, bases, strict=True)]),
        references,
        loss,
        bound,
    )


def measured(
    name: str,
    needed: Floats,
    executed: Floats,
    worst: Floats,
    references: Sequence[float],
    loss: Loss,
    bound: float,
) -> JointOptimum:
    """Return H and the largest burden of each round, (T,), with their loss, and the bound of their domain."""
    objective = math.fsum(loss.total(executed, needed, worst, references))
    if bound > objective + CROSSED * (objective + loss.under * math.fsum(needed)):
        raise SolverError(
            f"{name}: the bound is above the loss of a plan",
            got=f"bound {bound!r}, loss {objective!r}",
            ways_out=["take a shorter episode", "leave out dust: amounts of very different size"],
        )
    return JointOptimum(
        name=name,
        objective_usd=objective,
        bound_usd=min(bound, objective),
        tracking_usd=math.fsum(loss.tracking(executed, needed)),
        max_burden=float(np.max(worst, initial=0.0)),
        executed=executed,
        worst=worst,
    )

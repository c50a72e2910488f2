"""The least loss that any policy could have had: severity and haircuts together, by domain, proven."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.losses import Loss, burden, burden_base, share
from adl_opt.programs.hindsight.joint_depleting import least_depleting
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round

ROUNDING = 1e-9
"""Differences of burdens below this are rounding."""


@dataclass(frozen=True, kw_only=True)
class JointOptimum:
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
    """

    name: str
    objective_usd: float
    bound_usd: float
    tracking_usd: float
    max_burden: float


def best_fractional(round_: Round, needed: float, reference: float, loss: Loss) -> Floats:
    """Return haircuts of one round with the least loss, (n,) USD; any amount may be taken.

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

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a", "b"], pnl=[4.0, 4.0], equity=[4.0, 4.0]))
    >>> best_fractional(round_, 2.0, 0.25, Loss(base="capacity"))
    array([1., 1.])
    >>> best_fractional(round_, 2.0, 0.375, Loss(base="capacity"))
    array([1.5, 0.5])
    """
    capacity, base = round_.accounts.capacity, burden_base(round_, str(loss.base))
    if loss.fair == 0.0:
        return waterfill(capacity, min(needed, loss.most(round_)))
    cap = np.where(base > 0, capacity, 0.0)  # over no base, any haircut is an infinite burden
    most = min(loss.most(round_), math.fsum(cap))
    start = min(needed, most)
    level, x = _level(cap, base, start)
    if needed == 0.0 or not math.isfinite(reference):
        return x
    weight = loss.fair * needed
    if level > reference + ROUNDING:
        tried = np.append(share(cap, base), [reference, level])
        tried = np.unique(tried[(tried >= reference) & (tried <= level)])
        taken = np.array([math.fsum(np.minimum(cap, z * base)) for z in tried])
        best = int(np.argmin(loss.tracking(taken, needed) + weight * (tried - reference)))
        least: Floats = np.minimum(cap, tried[best] * base)
        return least
    if level >= reference - ROUNDING:
        return x
    # one account up to m*; columns: H at the start, at its capacity, at m* of its base, at the limit
    ends = np.stack([np.full(cap.size, start), cap, reference * base, np.full(cap.size, most)])
    total = np.clip(ends, start, most)
    reached = np.minimum(share(np.minimum(cap, total), base), reference)
    value = loss.tracking(total, needed) + weight * np.abs(reached - reference)
    row, who = np.unravel_index(int(np.argmin(value)), value.shape)
    own = min(float(reached[row, who]) * float(base[who]), float(total[row, who]))
    rest = cap.copy()
    rest[who] = 0.0
    filled = _level(rest, base, float(total[row, who]) - own)[1]
    filled[who] = own
    return filled


def _level(cap: Floats, base: Floats, amount: float) -> tuple[float, Floats]:
    """Return the least largest burden at an amount, and its haircuts x = min(cap, z base)."""
    x = waterfill(cap, amount, weights=share(base, cap))
    return float(np.max(burden(x, base), initial=0.0)), x


def joint_optima(
    episode: Episode, references: Sequence[float], loss: Loss, lots: Sequence[Floats] | None = None
) -> list[JointOptimum]:
    """Return the least loss of each domain, in the order in which they narrow.

    Parameters
    ----------
    episode : Episode
    references : (T,)
        m* of each round.
    loss : Loss
        Its base is known.
    lots : sequence of (n_t,) USD, optional
        A plan in whole lots, within R; without it that domain is left out.

    Returns
    -------
    list of JointOptimum
        ``fractional-optimum``: any amount may be taken, and each round is by itself.  ``whole-lots-optimum``:
        haircuts are whole lots, also a fractional plan, so the fractional bound holds; its objective is that
        of the plan.  ``depleting-optimum``: what is taken once cannot be taken again.  Where the fractional
        optimum keeps to that, it is the optimum of this domain too; else see :func:`least_depleting`.
    """
    rounds = list(episode)
    plan = [best_fractional(r, o.needed, m, loss) for (r, o), m in zip(rounds, references, strict=True)]
    free = _measured("fractional-optimum", rounds, plan, references, loss, None)
    made = [free]
    if lots is not None:
        made.append(_measured("whole-lots-optimum", rounds, lots, references, loss, free.bound_usd))
    panel = Panel.of(episode)
    taken = panel.entries(np.concatenate(plan))
    if np.all(panel.cumulated(taken) <= panel.available):
        return [*made, replace(free, name="depleting-optimum")]
    plan, bound = least_depleting(episode, panel, references, loss)
    bound = max(free.bound_usd, bound)
    return [*made, _measured("depleting-optimum", rounds, plan, references, loss, bound)]


def _measured(
    name: str,
    rounds: Sequence[tuple[Round, Outcome]],
    plan: Sequence[Floats],
    references: Sequence[float],
    loss: Loss,
    bound: float | None,
) -> JointOptimum:
    """Return a plan with its loss; its own loss is the bound where none is given, less the rounding."""
    needed = np.array([o.needed for _, o in rounds])
    executed = np.array([math.fsum(x) for x in plan])
    bases = (burden_base(r, str(loss.base)) for r, _ in rounds)
    worst = np.array([np.max(burden(x, b), initial=0.0) for x, b in zip(plan, bases, strict=True)])
    objective = math.fsum(loss.total(executed, needed, worst, references))
    rounding = 1e-12 * (loss.under + loss.over + loss.fair) * math.fsum(needed)
    return JointOptimum(
        name=name,
        objective_usd=objective,
        bound_usd=objective - rounding if bound is None else min(bound, objective),
        tracking_usd=math.fsum(loss.tracking(executed, needed)),
        max_burden=float(np.max(worst, initial=0.0)),
    )

"""The multi-round optimum in which haircuts deplete capacity, with fairness of the cumulative burden."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from adl_opt.losses import tracking
from adl_opt.programs.hindsight.checked import checked_weight, proven
from adl_opt.programs.hindsight.depleting_bound import lower_bound
from adl_opt.programs.hindsight.depleting_solve import solve_returning, solve_separable
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.proofs.certificate import Certificate, Check, loss_certificate, once, outside
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information


@dataclass(frozen=True, eq=False, kw_only=True)
class DepletingOptimum:
    """Haircuts of all rounds together, when what is taken once cannot be taken again.

    Parameters
    ----------
    name : str
    x : tuple of (n_t,) USD
        Haircuts of each round, in the order of its accounts.
    executed : (T,) USD
        H of each round.
    max_burden : float
        Largest cumulative burden, without unit.
    loss_usd, tracking_usd : float
        The whole objective, and its tracking part.
    bound_usd : float
        Proven lower bound on the objective.
    price : (T,)
        Dual y in [0, 1] of each round: loss per USD of its needed budget.
    burden_weight : float
        USD per unit of burden.
    engine : str
        ``sort`` (no account returns) or ``highs``.
    information : Information
        Always EX_POST.
    """

    name: str
    x: tuple[Floats, ...] = field(repr=False)
    executed: Floats = field(repr=False)
    max_burden: float
    loss_usd: float
    tracking_usd: float
    bound_usd: float
    price: Floats = field(repr=False)
    burden_weight: float
    engine: str
    episode: Episode = field(repr=False)
    information: Information = Information.EX_POST

    @once
    def certify(self) -> Certificate:
        """Recompute feasibility, loss and dual bound from the episode.

        Returns
        -------
        Certificate
            Checks ``shape``, ``above-capacity``, ``negative`` (USD), ``depletion`` (cumulative beyond
            available, in shares of it), ``executed``, ``max-burden``, ``price-range``, ``loss``,
            ``stated-bound``, ``bound``.
        """
        sizes = [len(round_.accounts) for round_, _ in self.episode]
        shape = Check.that([x.size for x in self.x] == sizes and self.price.size == len(sizes))
        if not shape.passed:
            return Certificate(checks={"shape": shape})
        panel = Panel.of(self.episode)
        amounts = np.concatenate(self.x)
        capacity = np.concatenate([round_.accounts.capacity for round_, _ in self.episode])
        executed, burden = _executed(self.x), _max_burden(panel, panel.entries(amounts))
        scale = math.fsum(panel.needed)
        checks = {
            "shape": shape,
            "above-capacity": Check(outside(amounts - capacity, -math.inf, 0.0)),
            "negative": Check(outside(amounts, 0.0, math.inf)),
            "depletion": Check(burden - 1.0, 1e-12),
            "executed": Check(float(np.max(np.abs(executed - self.executed))), 1e-12 * scale),
            "max-burden": Check(abs(burden - self.max_burden), 1e-12),
            "price-range": Check(outside(self.price, 0.0, 1.0)),
        }
        return loss_certificate(
            checks,
            loss=self.loss_usd,
            recomputed=math.fsum(tracking(executed, panel.needed)) + self.burden_weight * burden,
            bound=lower_bound(panel, np.clip(self.price, 0.0, 1.0), self.burden_weight),
            stated_bound=self.bound_usd,
            scale=scale,
        )


def depleting_optimum(episode: Episode, *, burden_weight: float) -> DepletingOptimum:
    r"""Minimise ``sum_t |sum_i x_ti - B_t| + burden_weight max_i b_i`` when haircuts deplete capacity.

    With u_it the capacity of account i in round t (0 where it is absent) and
    ``U_it = max_{s <= t} u_is`` the most it has had so far, haircuts satisfy ``0 <= x_ti <= u_it`` and
    ``x_1i + ... + x_ti <= U_it``.  The cumulative burden is the largest share of the available that has been
    taken at any time: ``b_i = max_t (x_1i + ... + x_ti) / U_it``.

    Parameters
    ----------
    episode : Episode
        Accounts are told apart by id.
    burden_weight : float
        Weight of the largest cumulative burden, USD per unit, >= 0.

    Returns
    -------
    DepletingOptimum

    Raises
    ------
    InputError
        A negative, infinite or NaN weight.
    SolverError
        HiGHS does not end with Optimal, or its answer fails the certificate.

    Notes
    -----
    *Overshoot never helps.* Lowering haircuts keeps them feasible and raises no burden, so an optimum has
    ``H_t <= B_t`` and the loss is ``sum (B_t - H_t) + burden_weight z`` with all burdens at most z.

    *Merging.* An account that is seen in one round only is limited by ``x <= z u``. Those of the same round
    add up to ``sum x <= z sum u``, and every such sum can be shared pro rata: they are one account.

    *No account returns: one sort.* Then round t covers at most ``z U_t``, and the loss
    ``sum [B_t - z U_t]_+ + burden_weight z`` is convex and piecewise linear in z, with breakpoints B_t / U_t:
    O(T log T). Otherwise HiGHS solves a linear program with one column per entry of a returning account.

    *Certificate.* For fixed z, the haircuts of an account form a polymatroid (box and nested prefix sums);
    their most ``f_i(S, z)`` over a set S of rounds is the running ``r <- min(r + u_it [t in S], z U_it)``.
    For prices y in [0, 1]^T the loss is at least
    ``sum y B + min_z (burden_weight z - sum_i sum_k (y_(k) - y_(k+1)) f_i(S_k, z))`` with S_k the k dearest
    rounds (the greedy algorithm for polymatroids); the minimum over z is that of a convex function of one
    variable, bounded from below by its tangents.

    References
    ----------
    Paper, eq. 10; Edmonds (1970), submodular functions, matroids and certain polyhedra.

    Examples
    --------
    >>> from adl_opt.datasets.synthetic import Synthetic
    >>> best = depleting_optimum(Synthetic(accounts=20, rounds=5).episode(), burden_weight=1e3)
    >>> best.certify().ok
    True
    """
    weight = checked_weight("burden_weight", burden_weight)
    panel = Panel.of(episode)
    merged, entry = panel.merged()
    returning = len(merged.visits) > 1
    share, price = (solve_returning if returning else solve_separable)(merged, weight)
    entries = _within(panel, panel.capacity * share[entry])
    amounts = panel.amounts(entries)
    x = tuple(np.split(amounts, np.cumsum([len(round_.accounts) for round_, _ in episode])[:-1]))
    executed, burden = _executed(x), _max_burden(panel, entries)
    track = math.fsum(tracking(executed, panel.needed))
    return proven(
        DepletingOptimum(
            name=f"depleting-optimum(burden_weight={weight:g})",
            x=x,
            executed=executed,
            max_burden=burden,
            loss_usd=track + weight * burden,
            tracking_usd=track,
            bound_usd=lower_bound(panel, price, weight),
            price=price,
            burden_weight=weight,
            engine="highs" if returning else "sort",
            episode=episode,
        )
    )


def _executed(x: tuple[Floats, ...]) -> Floats:
    return np.array([math.fsum(part) for part in x])


def _max_burden(panel: Panel, entries: Floats) -> float:
    return float(np.max(panel.cumulated(entries) / panel.available, initial=0.0)) + 0.0


def _within(panel: Panel, entries: Floats) -> Floats:
    """Shrink the haircuts of accounts that exceed what they have by the solver's tolerance."""
    burden = np.ones(panel.ids.size)
    np.maximum.at(burden, panel.account, panel.cumulated(entries) / panel.available)
    return entries / burden[panel.account]

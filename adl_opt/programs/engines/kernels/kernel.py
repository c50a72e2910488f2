"""Exact kernels by the shape of a program: closed forms with the duals that prove them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from adl_opt.kernels.fill.queue import fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.losses import burden, burden_base, share
from adl_opt.programs.arrays.scaling import repair
from adl_opt.programs.engines.kernels.contracts import min_max_contract_lots, min_max_contracts
from adl_opt.programs.engines.kernels.lots_kernels import min_max_choice, min_max_lots
from adl_opt.programs.engines.kernels.selection import account_selection
from adl_opt.programs.engines.kernels.shape import Shape, linear_answer
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.kernel_proofs import EntropyProof
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import Entropy, FundDraw, MaxBurden, RiskWeighted
from adl_opt.programs.terms.choice import MaxAccounts, MinTicket
from adl_opt.programs.terms.clearing import EQUAL, Clearing
from adl_opt.programs.terms.deviation import Overshoot, Tracking, Undershoot
from adl_opt.programs.terms.grid import Lots
from adl_opt.programs.terms.limits import CumulativeBurden, HaircutCap, PositivePnl
from adl_opt.programs.terms.options import AccountCaps
from adl_opt.rounds.columns import Floats

_BOXES = (PositivePnl, HaircutCap, CumulativeBurden, AccountCaps)


def find_kernel(program: RoundProgram) -> Callable[[Shape], Raw | None] | None:
    """Return the kernel for the shape of a program, or None.

    Examples
    --------
    >>> from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram
    >>> find_kernel(RoundProgram(MaxBurden(), [ExactBudget()])).__name__
    'min_max'
    """
    parts = program.objective.parts
    goals = frozenset(type(term) for _, term in parts)
    rules = [rule for rule in program.subject_to if type(rule) not in _BOXES]
    kinds = frozenset(type(rule) for rule in rules)
    caps = [type(rule) for rule in program.subject_to if type(rule) in _BOXES]
    if (
        len(goals) != len(parts)
        or len(kinds) != len(rules)
        or any(w <= 0 and t.curvature != "affine" for w, t in parts)
    ):
        return None
    if any(isinstance(rule, Solvency) and rule.shortfall != "refused" for rule in rules):
        return None
    if Clearing in kinds:
        return _in_contracts(program, goals)
    if any(isinstance(rule, Solvency) and rule.fund > 0 for rule in rules):
        free = all(w == 0 for w, t in parts if type(t) is FundDraw)  # such a fund pays first
        return min_max if free and goals - {FundDraw} == {MaxBurden} and kinds == {Solvency} else None
    demand = kinds in (frozenset({ExactBudget}), frozenset({Solvency}))
    if goals == {MaxBurden} and demand:
        return min_max
    if goals == {MaxBurden} and {ExactBudget} < kinds <= {ExactBudget, MaxAccounts, MinTicket}:
        return account_selection
    bounded = set(caps) <= {PositivePnl, AccountCaps}
    if goals == {MaxBurden} and kinds == {Solvency, Lots} and bounded:
        return min_max_lots
    lotted = {Solvency, Lots} <= kinds <= {Solvency, Lots, MaxAccounts} and bounded
    if lotted and MaxBurden in goals and goals <= {MaxBurden, Overshoot}:
        return min_max_choice
    if goals == {RiskWeighted} and kinds == {ExactBudget}:
        return queue
    if goals == {Entropy} and demand:
        return capped_pro_rata
    deviations = goals - {MaxBurden}
    if MaxBurden in goals and deviations and deviations <= {Tracking, Undershoot, Overshoot} and not kinds:
        return fill_while_worth
    return None


def _in_contracts(program: RoundProgram, goals: frozenset[type]) -> Callable[[Shape], Raw | None] | None:
    """Return the kernel for a program in contracts: a share of the flow is closed, at the least burden."""
    rules = program.subject_to
    demands = [rule for rule in rules if isinstance(rule, (ExactBudget, Solvency)) and rule.fund == 0]
    clearing = next(rule for rule in rules if isinstance(rule, Clearing))
    if goals != {MaxBurden} or not demands or clearing.shares != EQUAL or "cone" in program.needs:
        return None
    if clearing.whole:
        return min_max_contract_lots
    arrays = all(term.has_rows for term in program.terms)
    return min_max_contracts if arrays and "mip" not in program.needs else None


def solve_kernel(case: Case) -> Raw | None:
    """Return the kernel's answer, or None where there is no kernel or the round is out of its reach."""
    kernel = find_kernel(case.program)
    return None if kernel is None else kernel(Shape(case.program, case.round, case.needed, case.options))


def min_max(shape: Shape) -> Raw | None:
    """Least z: x = min(upper, z base), by water-filling (Prop. 9); a fund that is free pays first."""
    weight, term = shape.part(MaxBurden)
    base = burden_base(shape.round, term.base)
    x = _fill(shape.upper, base, shape.required)
    if x is None:
        return None
    z = float(np.max(burden(x, base), initial=0.0))
    free = (shape.upper > z * base * (1 - 1e-12)) & (shape.upper > 0) & (z > 0)
    price = weight / math.fsum(base[free]) if free.any() else 0.0
    of_burden = np.where(free, -price, 0.0)
    return linear_answer("min-max", shape, x, {":budget": price, ":sum": -price, ":burden": of_burden}, z=z)


def _fill(upper: Floats, base: Floats, required: float) -> Floats | None:
    """Return min(upper, z base) with sum = required; None where it cannot be reached."""
    upper = np.where(base > 0, upper, 0.0)
    if required > math.fsum(upper):
        return None
    weights = share(base, upper)
    return waterfill(upper, required, weights=weights / max(float(np.max(weights, initial=0.0)), 1e-300))


def queue(shape: Shape) -> Raw | None:
    """Least w'x, sum x = B: the cheapest pay first (Prop. 7)."""
    weight, term = shape.part(RiskWeighted)
    costs = weight * term.resolved(shape.round)
    if shape.needed > math.fsum(shape.upper):
        return None
    order = np.argsort(costs, kind="stable")
    x = fill_in_order(shape.upper, order, shape.needed)
    paying = np.flatnonzero(x > 0)
    price = float(np.max(costs[paying])) if paying.size else float(np.min(costs, initial=0.0))
    return linear_answer("queue", shape, x, {":budget": price, ":sum": -price})


def fill_while_worth(shape: Shape) -> Raw | None:
    """Least under [B-H]+ + over [H-B]+ + fair z, with x <= z base.

    Think of z as rising from 0.  Each account pays z base until it reaches its upper bound.  One more unit of
    z costs ``fair`` and raises H by the bases of the accounts that are not yet full, each USD of which saves
    ``under``.  These bases only shrink as z rises, so z rises while they are worth ``fair``, and stops at the
    latest where H meets B.  Going beyond B only costs, so ``over`` plays no part.
    """
    fair, term = shape.part(MaxBurden)
    under = sum(w for w, t in shape.program.objective.parts if type(t) in (Tracking, Undershoot))
    base, upper = burden_base(shape.round, term.base), shape.upper
    able = upper > 0
    full = burden(upper, base)
    order = np.argsort(full, kind="stable")
    slope_base = np.cumsum(base[order][::-1])[::-1]  # of those not yet full when account `order[k]` fills
    worth = np.flatnonzero(slope_base * under >= fair)
    most_z = float(full[order][worth[-1]]) if worth.size else 0.0
    reach = math.fsum(np.minimum(upper, most_z * base))
    x = _fill(np.where(able, upper, 0.0), base, min(shape.needed, reach))
    if x is None:
        return None
    x = repair(x, np.where(able, upper, 0.0), min(shape.needed, reach), exact=True)
    short = shape.needed - reach > 0
    z = float(np.max(burden(x, base), initial=0.0))
    price, of_burden = _tracking_price(x, base, full, z, fair, under, short)
    return linear_answer("tracking", shape, x, {":gap": price, ":sum": -price, ":burden": of_burden}, z=z)


def _tracking_price(
    x: Floats, base: Floats, full: Floats, z: float, fair: float, under: float, short: bool
) -> tuple[float, Floats]:
    """Return the price of H, and of each burden row x <= z base.

    The prices prove the answer.  Over the accounts at z, base x price must sum to ``fair``.  Accounts that
    are not full have the price of H.  Accounts that become full just at z share what is then left.  Where
    everybody is full, they count as not full: the price is then the least.
    """
    free = full > z * (1 + 1e-12)
    free = free if short or free.any() else (full >= z * (1 - 1e-12)) & (full > 0)
    weight = math.fsum(base[free])
    price = under if short or weight == 0 else min(fair / weight, under)
    burden = np.where(free, -price, 0.0)
    rest = fair - price * weight
    edge = np.flatnonzero(~free & (full >= z * (1 - 1e-12)) & (x > 0))
    for row in edge:  # accounts exactly at the kink share what is left
        burden[row] = -min(price, rest / base[row])
        rest += burden[row] * base[row]
        if rest <= 0:
            break
    return price, burden


def capped_pro_rata(shape: Shape) -> Raw | None:
    """Least sum u phi(x/u), sum x = B: h = min(cap, eta) (ADL-1)."""
    weight, _ = shape.part(Entropy)
    u, upper = shape.round.accounts.capacity, shape.upper
    if shape.required > math.fsum(upper):
        return None
    caps = share(upper, u)
    x = waterfill(u, shape.required, cap=np.minimum(caps, 1.0))
    free = x < upper
    eta = float(np.max(share(x, u)[free], initial=0.0))
    if not free.any() or eta == 0.0:
        eta = min(float(np.max(caps, initial=0.0)), 1 - 1e-16) if not free.any() and x.size else 0.0
    price = -weight * math.log1p(-eta)
    demands = [rule for rule in shape.program.subject_to if isinstance(rule, Solvency)]
    rate = float(all(rule.required(shape.round, shape.needed) == shape.needed for rule in demands))
    return Raw(
        verdict="optimal",
        engine="kernel:capped-pro-rata",
        x=x,
        proof=EntropyProof(u, upper, shape.required, weight, price, shape.exact, x, rate),
    )

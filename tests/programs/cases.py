"""Random rounds, and programs of every shape, for tests that hold engines against each other."""

from itertools import combinations, product

import numpy as np

from adl_opt.kernels import waterfill
from adl_opt.programs import (
    AccountsTouched,
    CumulativeBurden,
    CVaR,
    Entropy,
    ExactBudget,
    FundDraw,
    HaircutCap,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    Overshoot,
    RiskWeighted,
    RoundProgram,
    Solvency,
    TotalHaircut,
    Tracking,
    Undershoot,
)
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions


def make_round(seed=0, n=6, positions=0, spread=1.5):
    rng = np.random.default_rng(seed)
    u = np.round(rng.lognormal(4.0, spread, n), 2) + 0.01
    held = flow = None
    if positions:
        account = np.concatenate([np.arange(n), rng.integers(0, n, max(positions - n, 0))])[:positions]
        value, lots = np.round(rng.uniform(0.5, 9.0, account.size), 2), rng.integers(1, 4, account.size)
        markets = [f"m{k // n}" for k in range(account.size)]
        markets = [f"{m}-{k}" if k >= n else m for k, m in enumerate(markets)]
        held = Positions(account=account, market=markets, lot_value=value, lots=lots)
        u = np.bincount(account, weights=value * lots, minlength=n)
        flow = Flow(market=["m0"], quantity=[float(lots[:n].sum() // 2)], mark=[10.0])
    accounts = Accounts(
        id=[f"a{k}" for k in range(n)],
        pnl=u,
        equity=u * rng.uniform(1.0, 4.0, n),
        leverage=np.round(rng.uniform(1, 40, n), 1),
    )
    return Round(deficit=float(u.sum() / 2), accounts=accounts, positions=held, flow=flow)


def linear_programs(round_, needed):
    u = round_.capacity_usd
    return {
        "min-max": RoundProgram(MaxBurden(), [ExactBudget()]),
        "min-max-equity": RoundProgram(7 * MaxBurden("equity"), [Solvency()]),
        "min-max-capped": RoundProgram(MaxBurden("equity"), [ExactBudget(), HaircutCap(0.9)]),
        "queue": RoundProgram(-1 * RiskWeighted(weights=np.arange(len(round_.accounts))), [ExactBudget()]),
        "risk": RoundProgram(RiskWeighted(), [ExactBudget(), HaircutCap(0.8)]),
        "tracking": RoundProgram(2 * Tracking() + (0.3 * u) * MaxBurden("equity")),
        "asymmetric": RoundProgram(3 * Undershoot() + Overshoot() + u * MaxBurden()),
        "fund": RoundProgram(TotalHaircut() + 0.4 * FundDraw() + u * MaxBurden(), [Solvency(fund=0.1 * u)]),
        "cvar": RoundProgram(CVaR([0.2 * u, 0.4 * u, 0.5 * u, needed], alpha=0.6) + 0.1 * u * MaxBurden()),
        "cumulative": RoundProgram(
            MaxBurden(), [Solvency(), CumulativeBurden(0.85, {"a0": 1.0}, {"a1": 1e4})]
        ),
    }


def convex_programs(round_, needed):
    return {
        "entropy": RoundProgram(Entropy(), [ExactBudget()]),
        "entropy-capped": RoundProgram(2 * Entropy(), [Solvency(), HaircutCap(0.75)]),
        "entropy-mixed": RoundProgram(Entropy() + Tracking() + 0.1 * TotalHaircut()),
    }


def whole_programs(round_, needed):
    u, k = round_.capacity_usd, max(len(round_.accounts) // 2, 1)
    return {
        "lots": RoundProgram(MaxBurden(), [Solvency(), Lots()]),
        "lots-equity": RoundProgram(MaxBurden("equity"), [Solvency(), Lots()]),
        "lots-tracking": RoundProgram(Tracking() + 0.2 * u * MaxBurden(), [Lots()]),
        "budget-and-accounts": RoundProgram(
            Overshoot() + 0.1 * u * MaxBurden(), [Solvency(), MaxAccounts(k + 1), Lots()]
        ),
        "cardinality": RoundProgram(MaxBurden("equity"), [ExactBudget(), MaxAccounts(k + 1)]),
        "ticket": RoundProgram(u * MaxBurden() + AccountsTouched(), [ExactBudget(), MinTicket(0.02 * u)]),
        "balance": RoundProgram(MaxBurden() + 1e-3 * TotalHaircut(), [MarketBalance(sense=">="), Lots()]),
    }


def programs(round_, needed):
    return {
        **linear_programs(round_, needed),
        **convex_programs(round_, needed),
        **whole_programs(round_, needed),
    }


def enumerate_lots(program, round_, needed):
    """The optimum over every combination of whole lots (None where none is feasible)."""
    from adl_opt.programs import Point
    from adl_opt.programs.terms.grid import paid_by_lots

    held, best = round_.positions, None
    for choice in product(*(range(k + 1) for k in held.lots)):
        lots = np.array(choice)
        x = np.minimum(paid_by_lots(held, lots, len(round_.accounts)), round_.accounts.capacity)
        point = Point(x=x, needed=needed, lots=lots)
        if all(rule.violation(point, round_) < 1e-6 for rule in program.subject_to):
            value = program.objective.value(point, round_)
            best = value if best is None else min(best, value)
    return best


def enumerate_payers(round_, needed, k, base):
    """Least largest burden of an exact budget when at most k accounts pay."""
    best, u = np.inf, round_.accounts.capacity
    for who in combinations(range(u.size), k):
        able = np.zeros(u.size)
        able[list(who)] = u[list(who)]
        if able.sum() >= needed:
            x = waterfill(able, needed, weights=np.divide(base, u) / (base / u).max())
            best = min(best, float((x / base).max()))
    return best

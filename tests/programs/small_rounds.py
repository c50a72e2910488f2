"""Random small rounds with random terms, and whether anything is feasible, by enumeration in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np

from adl_opt.programs import (
    CumulativeBurden,
    ExactBudget,
    HaircutCap,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    RoundProgram,
    Solvency,
    TotalHaircut,
    Tracking,
)
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions

SPREADS = (0.3, 1.5, 4.0, 8.0)
"""Of the logarithm of what a lot is worth: from all alike to one that is a billion times another."""

SHARES = (0.0, 0.3, 0.5, 0.7, 0.9, 0.97, 1.0, 1.2, 1e-3, 1e-8)
"""Needed budgets, as shares of the capacity."""


def draw(seed: int, *, whole: bool) -> tuple[RoundProgram, Round, float]:
    """Return a program, a round of at most 3 accounts (sometimes none), and a budget."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 4)) if rng.random() < 0.1 else int(rng.integers(1, 4))
    value = np.maximum(np.round(rng.lognormal(1, rng.choice(SPREADS), n), 2), 0.01)
    lots = rng.integers(1, 4, n)
    u = value * lots
    accounts = Accounts(
        id=[f"a{k}" for k in range(n)],
        pnl=u,
        equity=np.where(rng.random(n) < 0.25, 0.0, u * rng.uniform(1, 3, n)),
        capacity=u,
    )
    held = Positions(account=np.arange(n), market=["m"] * n, lot_value=value, lots=lots)
    return (
        _program(rng, u, lots, whole=whole),
        Round(deficit=0.0, accounts=accounts, positions=held),
        _budget(rng, value, lots),
    )


def _budget(rng, value, lots):
    needed = float(rng.choice(SHARES) * (value * lots).sum())
    if value.size and rng.random() < 0.2:  # just what some lots are worth
        chosen = rng.integers(0, lots + 1).tolist()
        return float(sum(Fraction(str(d)) * k for d, k in zip(value.tolist(), chosen, strict=True)))
    return round(needed, 2) if rng.random() < 0.5 else needed


def _program(rng, u, lots, *, whole):
    most = float(np.max(u, initial=1.0))
    rules = [ExactBudget() if rng.random() < 0.5 else Solvency(fund=float(rng.choice([0, 0, 0.1 * u.sum()])))]
    maybe = [
        HaircutCap(float(rng.choice([0, 0.5, 0.9]))),
        MaxAccounts(int(rng.integers(0, u.size + 1))),
        MinTicket(float(rng.choice([1.0, 0.5 * most, 2 * most]))),
        CumulativeBurden(0.8, {"a0": 0.5 * most}),
    ]
    rules += [Lots()] if whole else []
    if whole:
        maybe.append(
            MarketBalance({"m": float(rng.integers(0, lots.sum() + 2))}, str(rng.choice(["=", ">="])))
        )
    rules += [rule for rule in maybe if rng.random() < 0.35]
    goals = (MaxBurden("equity"), MaxBurden(), Tracking() + MaxBurden("equity"), TotalHaircut() + MaxBurden())
    order = rng.permutation(len(rules))
    return RoundProgram(goals[rng.integers(len(goals))], [rules[k] for k in order])


def feasible(program: RoundProgram, round_: Round, needed: float) -> bool:
    """Say whether any haircuts keep all terms to the last digit, for the terms that :func:`draw` draws."""
    rules = {type(rule): rule for rule in program.subject_to}
    caps = [list(map(Fraction, rule.upper(round_))) for rule in rules.values() if _caps(rule, round_)]
    cap = [min(column) for column in zip(*caps, strict=True)]
    if any(isinstance(term, MaxBurden) and term.base == "equity" for term in program.objective.terms):
        equity = round_.accounts.equity  # who has none cannot pay at a finite burden
        cap = [most if own > 0 else Fraction(0) for most, own in zip(cap, equity, strict=True)]
    ways = _whole(rules, round_, cap) if Lots in rules else _fractional(rules, cap)
    fund = Fraction(rules[Solvency].fund) if Solvency in rules else Fraction(0)
    exact, budget = ExactBudget in rules, Fraction(needed)
    return any(least <= budget <= most if exact else most + fund >= budget for least, most in ways)


def _caps(rule, round_):
    return rule.upper(round_) is not None


def _limits(rules, n):
    k = rules[MaxAccounts].k if MaxAccounts in rules else n
    return k, Fraction(rules[MinTicket].usd) if MinTicket in rules else Fraction(0)


def _whole(rules, round_, cap):
    """Yield (H, H) of every combination of lots that keeps the other terms; 0.1 + 0.2 lots are 0.3 lots."""
    held, (k, ticket) = round_.positions, _limits(rules, len(cap))
    value = [Fraction(str(d)) for d in held.lot_value.tolist()]
    for lots in product(*(range(int(most) + 1) for most in held.lots)):
        x = [d * count for d, count in zip(value, lots, strict=True)]
        kept = all(float(own) <= float(most) for own, most in zip(x, cap, strict=True))
        if MarketBalance in rules:
            wanted, done = rules[MarketBalance].quantity["m"], sum(lots)
            kept = kept and (done == wanted or (rules[MarketBalance].sense == ">=" and done > wanted))
        if kept and sum(own > 0 for own in x) <= k and not any(0 < own < ticket for own in x):
            total = Fraction(float(sum(x)))
            yield total, total


def _fractional(rules, cap):
    """Yield least and largest H of every set of payers."""
    k, ticket = _limits(rules, len(cap))
    for who in product((False, True), repeat=len(cap)):
        pay = [most for most, does in zip(cap, who, strict=True) if does]
        if len(pay) <= k and all(most >= ticket for most in pay):
            yield ticket * len(pay), sum(pay, Fraction(0))

"""Random rounds of up to eight accounts with few whole lots, and programs, each also in fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from adl_opt.catalogue import load_model
from adl_opt.programs import (
    AccountsTouched,
    ExactBudget,
    FundDraw,
    HaircutCap,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    MinTicket,
    Overshoot,
    RoundProgram,
    Solvency,
    TotalHaircut,
    Tracking,
)
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from benchmarks.proofs_truth import Task

MOST = 600
"""Combinations of lots in a round."""

UNITS = (64, 100)
"""Amounts are whole multiples of 1/64 USD, which floats hold exactly, or of a cent, which they do not."""

SPREADS = (0.5, 2.0, 4.0, 6.0)
"""Of the logarithm of what a lot is worth."""


@dataclass(frozen=True)
class Drawn:
    """A round in whole multiples of a unit; ``rng`` draws what programs need beyond it."""

    unit: int
    account: list[int]
    value: list[int]
    lots: list[int]
    equity: list[int]
    needed: int
    rng: Any

    @property
    def upper(self) -> list[int]:
        """Capacity of each account: all its lots."""
        full = [0] * len(self.equity)
        for i, v, k in zip(self.account, self.value, self.lots, strict=True):
            full[i] += v * k
        return full

    def usd(self, amount: int) -> float:
        """Return the float nearest to an amount."""
        return amount / self.unit

    def round(self) -> Round:
        """Return the round of the library."""
        u = np.array([self.usd(amount) for amount in self.upper])
        equity = np.array([self.usd(amount) for amount in self.equity])
        ids = [f"a{i}" for i in range(u.size)]
        held = Positions(
            account=np.array(self.account),
            market=["m"] * len(self.equity) + ["other"] * (len(self.account) - len(self.equity)),
            lot_value=np.array([self.usd(v) for v in self.value]),
            lots=np.array(self.lots),
        )
        return Round(deficit=0.0, accounts=Accounts(id=ids, pnl=u, equity=equity, capacity=u), positions=held)

    def task(self, base: str = "capacity", cap: Fraction = Fraction(1), **more: Any) -> Task:
        """Return the round in fractions; ``lots=True`` gives it its positions."""
        upper = [Fraction(amount, self.unit) for amount in self.upper]
        own = upper if base == "capacity" else [Fraction(max(e, 0), self.unit) for e in self.equity]
        held = [
            (i, Fraction(v, self.unit), k)
            for i, v, k in zip(self.account, self.value, self.lots, strict=True)
        ]
        return Task(
            upper=[cap * u for u in upper],
            base=own,
            needed=Fraction(self.needed, self.unit),
            positions=held if more.pop("lots", True) else None,
            **more,
        )


def draw(seed: int) -> Drawn:
    """Draw one to eight accounts, lots that can be listed, and a budget of U down to a 1e-8 th of U."""
    rng = np.random.default_rng([seed, 17])
    n = int(rng.integers(1, 9))
    account = [*range(n), *([int(rng.integers(0, n))] if rng.random() < 0.3 else [])]
    value = np.exp(np.clip(rng.normal(6.0, rng.choice(SPREADS), len(account)), 0.0, 26.0))
    value = [int(v) + 1 for v in value]
    lots = [int(k) for k in rng.integers(1, rng.choice([3, 6, 12]), len(account))]
    while math.prod(k + 1 for k in lots) > MOST:
        lots[lots.index(max(lots))] //= 2
    full = [v * k for v, k in zip(value, lots, strict=True)]
    equity = [0 if rng.random() < 0.15 else int(u * rng.uniform(0.5, 4.0)) + 1 for u in full[:n]]
    return Drawn(int(rng.choice(UNITS)), account, value, lots, equity, _needed(rng, value, lots), rng)


def _needed(rng: Any, value: list[int], lots: list[int]) -> int:
    kind, total = rng.random(), sum(v * k for v, k in zip(value, lots, strict=True))
    if kind < 0.15:  # what some lots are worth, or a little more or less
        some = sum(v * int(rng.integers(0, k + 1)) for v, k in zip(value, lots, strict=True))
        return max(some + int(rng.integers(-1, 2)), 0)
    if kind < 0.2:
        return total + int(rng.integers(0, 3))
    if kind < 0.45:
        return int(total * rng.uniform(0.05, 1.0))
    return max(int(total * 10.0 ** -rng.uniform(0.0, 8.0)), 1)


def _base(d: Drawn) -> str:
    return str(d.rng.choice(["capacity", "equity"]))


def _weight(d: Drawn) -> float:
    return float(2.0 ** d.rng.integers(0, 16))


def _ticket(d: Drawn) -> int:
    return int(max(d.needed, 1) * d.rng.choice([0.01, 0.2, 0.5, 0.9])) + 1


def min_max_lots(d: Drawn) -> tuple[RoundProgram, Task]:
    """Return the model."""
    base = _base(d)
    return _model("min-max-lots", base=base), d.task(base, raise_="least", burden=Fraction(1))


def budget_and_accounts(d: Drawn) -> tuple[RoundProgram, Task]:
    """Return the model."""
    base, k, weight = _base(d), int(d.rng.integers(1, 9)), _weight(d)
    program = _model("budget-and-accounts", k=k, weight=weight, base=base)
    return program, d.task(base, raise_="least", most=k, over=Fraction(1), burden=Fraction(weight))


def account_selection(d: Drawn) -> tuple[RoundProgram, Task]:
    """Return the model."""
    base, k, ticket = _base(d), int(d.rng.integers(1, 9)), _ticket(d)
    program = _model("account-selection", k=k, ticket=d.usd(ticket), base=base)
    paid = Fraction(ticket, d.unit)
    return program, d.task(base, lots=False, raise_="exact", most=k, ticket=paid, burden=Fraction(1))


SCENARIOS = (Fraction(1, 2), Fraction(3, 4), Fraction(1), Fraction(3, 2))
"""What may be needed, as multiples of B, all as likely."""


def robust_severity(d: Drawn) -> tuple[RoundProgram, Task]:
    """Return the model, with a chance constraint."""
    weight, base, share = _weight(d), _base(d), int(d.rng.integers(0, 4))
    many, needed = [float(m) for m in SCENARIOS], Fraction(d.needed, d.unit)
    program = _model("robust-severity", multiples=many, epsilon=share / 4, weight=weight, base=base)
    amounts = [m * needed for m in SCENARIOS]

    def cost(raised: Fraction) -> Fraction:
        return max(abs(raised - amount) for amount in amounts)

    kinks = [(a + b) / 2 for a in amounts for b in amounts]
    more: dict[str, Any] = {"burden": Fraction(weight), "over": Fraction(1), "under": Fraction(1)}
    floor = sorted(amounts)[-1 - share]
    return program, d.task(base, lots=False, raise_="", cost=cost, kinks=kinks, floor=floor, **more)


def fund_top_up(d: Drawn) -> tuple[RoundProgram, Task]:
    """Return the model."""
    weight, base, own = _weight(d), _base(d), int(d.needed * d.rng.choice([0.1, 0.5, 2.0])) + 1
    many, needed, fee = [float(m) for m in SCENARIOS], Fraction(d.needed, d.unit), int(d.needed * 0.25) + 1
    program = _model(
        "fund-top-up",
        multiples=many,
        fund=d.usd(own),
        fee=d.usd(fee),
        price=0.5,
        lack=8.0,
        weight=weight,
        base=base,
    )
    fund, opened = Fraction(own, d.unit), Fraction(fee, d.unit)

    def cost(raised: Fraction) -> Fraction:
        total = Fraction(0)
        for amount in (m * needed for m in SCENARIOS):
            gap = max(amount - raised, Fraction(0))
            drawn = min(gap, fund)
            total += min(8 * gap, opened + drawn / 2 + 8 * (gap - drawn)) + max(raised - amount, Fraction(0))
        return total / len(SCENARIOS)

    kinks = [m * needed - gap for m in SCENARIOS for gap in (Fraction(0), fund, opened / Fraction(15, 2))]
    more: dict[str, Any] = {"burden": Fraction(weight), "over": Fraction(8)}
    return program, d.task(base, lots=False, raise_="", cost=cost, kinks=kinks, **more)


def _model(name: str, **params: Any) -> RoundProgram:
    program = load_model(name, **params).program
    assert isinstance(program, RoundProgram)  # noqa: S101
    return program


def exact_lots(d: Drawn) -> tuple[RoundProgram, Task]:
    """Ask for an exact budget from whole lots: often there is no such sum."""
    base, k = _base(d), int(d.rng.integers(2, 9))
    program = RoundProgram(MaxBurden(base), [ExactBudget(), Lots(), MaxAccounts(k)])
    return program, d.task(base, raise_="exact", most=k, burden=Fraction(1))


def fee_and_ticket(d: Drawn) -> tuple[RoundProgram, Task]:
    """Charge a fee for each account that pays, and ask for a smallest ticket."""
    weight, ticket, base = _weight(d), _ticket(d), _base(d)
    program = RoundProgram(
        weight * MaxBurden(base) + AccountsTouched(), [ExactBudget(), MinTicket(d.usd(ticket))]
    )
    paid = Fraction(ticket, d.unit)
    more: dict[str, Any] = {"burden": Fraction(weight), "touched": Fraction(1), "ticket": paid}
    return program, d.task(base, lots=False, raise_="exact", **more)


def overshoot_and_ticket(d: Drawn) -> tuple[RoundProgram, Task]:
    """Allow tickets that raise more than is needed."""
    weight, ticket, k, base = _weight(d), _ticket(d), int(d.rng.integers(1, 9)), _base(d)
    rules = [Solvency(), MinTicket(d.usd(ticket)), MaxAccounts(k)]
    more: dict[str, Any] = {"burden": Fraction(weight), "over": Fraction(1), "most": k}
    more["ticket"] = Fraction(ticket, d.unit)
    return RoundProgram(Overshoot() + weight * MaxBurden(base), rules), d.task(
        base, lots=False, raise_="least", **more
    )


def haircuts_of_lots(d: Drawn) -> tuple[RoundProgram, Task]:
    """Ask for the least sum of lots, with a cap on haircuts and a smallest ticket."""
    weight, ticket, cap, base = _weight(d), _ticket(d), float(d.rng.choice([0.5, 0.875])), _base(d)
    rules = [Solvency(), Lots(), MinTicket(d.usd(ticket)), HaircutCap(cap)]
    more: dict[str, Any] = {"burden": Fraction(weight), "haircut": Fraction(1), "raise_": "least"}
    more |= {"ticket": Fraction(ticket, d.unit), "cap": Fraction(cap)}
    return RoundProgram(TotalHaircut() + weight * MaxBurden(base), rules), d.task(base, **more)


def tracking(d: Drawn) -> tuple[RoundProgram, Task]:
    """Track B by whole lots, which may raise less than is needed."""
    weight, k, base = _weight(d), int(d.rng.integers(1, 9)), _base(d)
    program = RoundProgram(Tracking() + weight * MaxBurden(base), [Lots(), MaxAccounts(k)])
    one = Fraction(1)
    return program, d.task(base, raise_="", most=k, over=one, under=one, burden=Fraction(weight))


def fund(d: Drawn) -> tuple[RoundProgram, Task]:
    """Add an insurance fund to whole lots."""
    weight, base, own = _weight(d), _base(d), int(d.needed * d.rng.choice([0.05, 0.3, 1.0]))
    goal = TotalHaircut() + 0.375 * FundDraw() + weight * MaxBurden(base)
    more: dict[str, Any] = {"burden": Fraction(weight), "haircut": Fraction(1), "draw": Fraction(3, 8)}
    more |= {"raise_": "least", "fund": Fraction(own, d.unit)}
    return RoundProgram(goal, [Solvency(fund=d.usd(own)), Lots()]), d.task(base, **more)


def balance(d: Drawn) -> tuple[RoundProgram, Task]:
    """Make a market close so many lots."""
    weight, sense, base = _weight(d), str(d.rng.choice(["=", ">="])), _base(d)
    wanted = int(d.rng.integers(0, sum(d.lots) + 2))
    rules = [MarketBalance({"m": float(wanted)}, sense), Lots()]
    more: dict[str, Any] = {"burden": Fraction(weight), "haircut": Fraction(1), "raise_": ""}
    program = RoundProgram(TotalHaircut() + weight * MaxBurden(base), rules)
    return program, d.task(base, balance=(wanted, sense), **more)


MODELS = (min_max_lots, budget_and_accounts, account_selection, robust_severity, fund_top_up)
"""The models of the catalogue with whole terms."""

OTHERS = (exact_lots, fee_and_ticket, overshoot_and_ticket, haircuts_of_lots, tracking, fund, balance)
"""Other programs with whole terms."""


def program_of(seed: int) -> Callable[[Drawn], tuple[RoundProgram, Task]]:
    """Return the program of a round: every second one is a model of the catalogue."""
    kinds = OTHERS if seed % 2 else MODELS
    return kinds[seed // 2 % len(kinds)]

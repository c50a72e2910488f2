"""Conformance of programs: hold your own terms and models to the rules of the house."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.errors import InputError, SolverError
from adl_opt.programs.options import Options
from adl_opt.programs.priced import in_legs
from adl_opt.programs.program import Case, RoundProgram, placed
from adl_opt.programs.rates import false_rates
from adl_opt.programs.solution import Solution, Status
from adl_opt.programs.solving import solve
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions
from adl_opt.testing.policies import make_round
from adl_opt.testing.shared import reordered, scaled_money

CASES: list[list[float]] = [
    [],
    [100.0],
    [-5.0, 0.0],
    [10.0, 10.0, 10.0, 10.0],
    [0.01, 250.25, -3.0, 17.0, 99999.99],
    [1e12, 3e11, 5e9],
    [900.0, 55.5, 310.0, 42.0, 7.75],
]
"""PNL in USD: nobody, one account, no capacity, ties, dust, 1e12, an ordinary round; with positions."""

IN_CONTRACTS: list[tuple[list[float], list[str]]] = [
    ([103.0, 103.0, 52.0], ["A", "A", "B"]),
    ([103.0, 107.0, 49.0], ["A", "A", "B"]),
    ([100.0, 100.0, 50.0], ["A", "A", "B"]),
    ([103.0, 103.0, 52.0], ["X", "A", "Y"]),
]
"""Closing prices and markets of rows of losers: one price, several and a gain, the mark, no other side."""

LARGE = 1e9
"""Above this capacity (USD) the interior-point engine is not held to the others."""

PRICED = (0.013, 0.4)
"""Of the shares of the capacity that are asked for, those at which prices are held against differences."""

NUDGE = 1e-4
"""Relative step of a difference."""

SHARES = (0.0, 0.013, 0.4, 1.0, 1.7)
FEW = (0.0, 0.4, 1.7)
SCALE = 2.0**7


def check_program(
    program: RoundProgram,
    *,
    scales: bool | None = None,
    symmetric: bool = True,
    tolerance: float = 1e-6,
) -> dict[str, int]:
    """Hold a program to the conformance table on a fixed battery of hard rounds.

    The battery: no account, one account, no capacity, ties, dust, 1e12 USD, with positions; budgets of
    0, inside, at and above the capacity, so that rounds are feasible and infeasible.  Rounds in contracts:
    both sides of two markets, several prices in one, hedges, nobody on the other side, nothing to give up.

    Parameters
    ----------
    program : RoundProgram
    scales : bool, optional
        Whether the optimum in USD scales with all money.  By default that is asked of a program whose
        objective has one unit; say False where a term has a parameter in USD (a ticket, a fund).
    symmetric : bool
        Whether the order of the accounts does not matter; say False for weights by row.
    tolerance : float
        Relative, between objectives that must be equal; 1e-6 is that of the interior-point engine.

    Shadow prices must lie between one-sided differences of the optimum, also where the terms say how their
    rows move with B or with capacities (``needed_rate``, ``builder.moves``, ``upper_rate``).

    Returns
    -------
    mapping of claim to int
        How often each claim was checked.

    Raises
    ------
    SolverError
        Names the claim that does not hold, the round and the values; or no round of the battery has the data
        that the terms read.

    Examples
    --------
    >>> from adl_opt.programs import ExactBudget, MaxBurden
    >>> sorted(check_program(RoundProgram(MaxBurden(), [ExactBudget()])))
    ['certificate', 'conflict named', 'engines agree', 'permutation', 'price of capacity', \
'price of the budget', 'rates', 'same bits twice', 'scale', 'status']
    """
    units = {term.unit for _, term in program.objective.parts}
    table = _Table(program, tolerance, len(units) == 1 if scales is None else scales, symmetric)
    for round_, budget in _rounds():
        try:
            if _has_data(program, round_):
                table.check(round_, budget)
        except SolverError:
            raise
        except Exception as error:
            table.refuse("no error", round_, budget, f"{type(error).__name__}: {error}", error)
    if not table.done:
        raise SolverError(
            f"program {program.name!r} could not be checked",
            got="no round of the battery has the data that its terms read",
            ways_out=["let the terms read columns of Accounts, Positions or Flow"],
        )
    return dict(table.done)


def _beyond(found: Solution) -> bool:
    """Whether an interior-point method was asked for more money than it has digits for."""
    return found.engine.startswith("cvxpy") and found.round.capacity_usd > LARGE


def _with_capacity(round_: Round, capacity: Floats) -> Round:
    return replace(round_, accounts=replace(round_.accounts, capacity=capacity))


def _has_data(program: RoundProgram, round_: Round) -> bool:
    try:
        program.check(round_)
    except InputError:
        return False  # the round lacks a column
    return True


def _rounds() -> Iterator[tuple[Round, float]]:
    for number, gains in enumerate(CASES, start=1):
        pnl = np.array(gains, dtype=np.float64)
        lots = 1 + np.arange(pnl.size, dtype=np.int64) % 3
        equity = np.maximum(pnl, 0.0) * 3 + 1.0
        round_ = make_round(pnl, equity, lots, number, number=number)
        for share in SHARES:
            yield round_, share * _all(round_) + (10.0 if share > 1 else 0.0)
    for number, (close, markets) in enumerate(IN_CONTRACTS, start=len(CASES) + 1):
        for share in FEW:
            round_ = _in_contracts(close, markets, number)
            yield round_, share * _all(round_)


def _all(round_: Round) -> float:
    """Return what can be asked for at most, USD: the capacity, or what the whole flow gives up."""
    return round_.capacity_usd if round_.space == WEALTH else in_legs(round_).flow_usd


def _in_contracts(close: list[float], markets: list[str], number: int) -> Round:
    """Return a round of four accounts in two markets, one of them hedged, with three rows of losers."""
    held = Positions(
        account=np.array([0, 1, 1, 2, 3, 3]),
        market=np.array(["A", "A", "A", "B", "A", "B"]),
        lots=np.array([7, 9, 4, 12, 3, 5]),
        side=np.array([-1, -1, 1, -1, -1, 1]),
        entry=np.array([131.0, 112.0, 95.0, 58.0, 140.0, 47.0]),
        mark=np.array([100.0, 100.0, 100.0, 50.0, 100.0, 50.0]),
        lot_size=np.array([1.0, 1.0, 1.0, 0.5, 1.0, 0.5]),
    )
    pnl = np.bincount(held.account, held.pnl, minlength=4).astype(np.float64)
    accounts = Accounts(
        id=np.array(["a", "b", "c", "d"]), pnl=pnl, equity=np.maximum(pnl, 0.0) * 3 + 1.0,
        side=np.full(4, -1), entry=np.full(4, 120.0), mark=np.full(4, 100.0),
        notional=np.array([700.0, 900.0, 300.0, 425.0]), leverage=np.arange(1, 5.0), margin=np.full(4, 20.0),
    )  # fmt: skip
    flow = Flow(
        market=np.array(markets), side=np.array([1, 1, 1]), quantity=np.array([6.0, 5.0, 4.0]),
        mark=np.array([100.0, 100.0, 50.0]), bankruptcy=np.array(close),
    )  # fmt: skip
    return Round(deficit=float(pnl.sum()), accounts=accounts, positions=held, flow=flow, number=number)


class _Table:
    """The claims, and how often each was checked."""

    def __init__(self, program: RoundProgram, tolerance: float, scales: bool, symmetric: bool) -> None:
        self.program, self.tolerance = program, tolerance
        self.scales, self.symmetric = scales, symmetric
        self.done: Counter[str] = Counter()

    def check(self, round_: Round, budget: float) -> None:
        base = self._solved(round_, budget)
        again = self._solved(round_, budget)
        same = base.status is again.status and _bits(base.x) == _bits(again.x)
        self._expect("same bits twice", same, round_, budget, "two runs differ")
        self._judge(base, round_, budget)
        self._engines(base, round_, budget)
        if self.symmetric:
            order = np.random.default_rng(5).permutation(len(round_.accounts))
            self._same("permutation", base, self._solved(reordered(round_, order), budget), 1.0)
        self._prices(round_, budget)
        if self.scales:
            usd = {term.unit for _, term in self.program.objective.parts} == {"USD"}
            factor = SCALE if round_.capacity_usd <= LARGE else 1 / SCALE  # 2e14 USD has no cents left
            other = self._solved(scaled_money(round_, factor), factor * budget)
            self._same("scale", base, other, factor if usd else 1.0)

    def _solved(self, round_: Round, budget: float, engine: str = "auto") -> Solution:
        return solve(self.program, round_, needed=budget, engine=engine)

    def _judge(self, found: Solution, round_: Round, budget: float) -> None:
        told = found.status in (Status.OPTIMAL, Status.STATED, Status.INFEASIBLE) or self._near(found)
        unproven = found.status is Status.NO_SOLUTION and not all(t.has_rows for t in self.program.subject_to)
        told = told or unproven or _beyond(found)
        self._expect("status", told, round_, budget, f"{found.status.value}: {found.message}")
        report = found.certify()
        self._expect("certificate", report.ok, round_, budget, ", ".join(report.failed))
        if found.status is Status.INFEASIBLE:
            names = {term.name for term in self.program.terms}
            named = bool(found.conflict) and set(found.conflict) <= names and bool(found.message)
            self._expect("conflict named", named, round_, budget, repr(found.conflict))

    def _engines(self, base: Solution, round_: Round, budget: float) -> None:
        """Hold the array face against the cvxpy face, where a term has both."""
        faces = [type(t).expression.__qualname__ != "Term.expression" for t in self.program.terms]
        if not (all(faces) and all(t.has_rows for t in self.program.terms)) or not len(round_.accounts):
            return
        if budget == 0 or round_.capacity_usd > LARGE:
            return
        for engine in ("highs", "cvxpy"):
            other = self._solved(round_, budget, engine)
            if other.status is not Status.FEASIBLE:  # the interior point may stop short, and says so
                self._same("engines agree", base, other, 1.0)
            else:
                ordinary = float(np.min(round_.accounts.capacity)) >= 1.0
                near = not ordinary or other.objective <= base.objective + 1e3 * self._slack(base, other)
                bounded = near and other.bound <= base.objective + self._slack(base, other)
                self._expect("engines agree", bounded, round_, budget, f"objective {other.objective!r}")

    def _prices(self, round_: Round, budget: float) -> None:
        """Hold prices between one-sided differences, on the round with capacities and budget at 3/4.

        There capacities can rise and fall, and the PNL stays.
        """
        if (
            not 0 < round_.capacity_usd <= LARGE
            or budget == 0
            or budget not in [s * _all(round_) for s in PRICED]
        ):
            return
        round_, budget = _with_capacity(round_, 0.75 * round_.accounts.capacity), 0.75 * budget
        if all(term.has_rows for term in self.program.terms):
            wrong = false_rates(Case(*placed(self.program, round_), budget, Options()))
            self._expect("rates", not wrong, round_, budget, "; ".join(wrong))
        base = self._solved(round_, budget)
        if base.status is not Status.OPTIMAL:
            return
        if "budget" in base.duals:
            step = NUDGE * budget
            ends = [self._solved(round_, budget + move) for move in (-step, step)]
            self._between("price of the budget", base, float(base.duals["budget"].value), ends, step)
        for row in np.argsort(-round_.accounts.capacity)[:2] if "capacity" in base.duals else ():
            step = NUDGE * round_.accounts.capacity[row]
            moves = (step * (np.arange(len(round_.accounts)) == row) * sign for sign in (-1, 1))
            ends = [self._solved(_with_capacity(round_, round_.accounts.capacity + m), budget) for m in moves]
            self._between("price of capacity", base, float(base.duals["capacity"].value[row]), ends, step)

    def _between(self, claim: str, base: Solution, price: float, ends: list[Solution], step: float) -> None:
        if any(end.status is not Status.OPTIMAL for end in ends):
            return
        left, right = (base.objective - ends[0].objective) / step, (ends[1].objective - base.objective) / step
        slack = 1e-3 * self._slack(base, ends[1]) / step + self.tolerance * max(abs(left), abs(right))
        holds = min(left, right) - slack <= price <= max(left, right) + slack
        got = f"{price!r} is not between the differences {left!r} and {right!r}"
        self._expect(claim, holds, base.round, base.needed, got)

    def _near(self, found: Solution) -> bool:
        """Whether an answer is proven as nearly as objectives must agree: an interior point may end so."""
        left = found.objective - found.bound
        return found.status is Status.FEASIBLE and left <= self._slack(found, found) / 2

    def _slack(self, base: Solution, other: Solution) -> float:
        known = [abs(v) for v in (base.objective, other.objective) if math.isfinite(v)]
        scales = [1e-3 * s.proof.scale for s in (base, other) if s.proof is not None]
        return self.tolerance * max([*known, *scales, 1e-3])

    def _same(self, claim: str, base: Solution, other: Solution, factor: float) -> None:
        if _beyond(base) or _beyond(other):
            return
        if not all(s.status in (Status.OPTIMAL, Status.STATED) or self._near(s) for s in (base, other)):
            got = f"{base.status.value} and {other.status.value} ({other.message})"
            self._expect(claim, base.status is other.status, base.round, base.needed, got)
            return
        expected = replace(base, objective=base.objective * factor)
        close = abs(other.objective - expected.objective) <= self._slack(expected, other)
        got = f"objective {other.objective!r}, not {expected.objective!r}"
        self._expect(claim, close, base.round, base.needed, got)

    def _expect(self, claim: str, holds: bool, round_: Round, budget: float, got: str) -> None:
        self.done[claim] += 1
        if not holds:
            self.refuse(claim, round_, budget, got)

    def refuse(
        self, claim: str, round_: Round, budget: float, got: str, cause: Exception | None = None
    ) -> None:
        """Raise SolverError: a claim does not hold."""
        raise SolverError(
            f"program {self.program.name!r} breaks the conformance table: {claim}",
            got=f"round {round_.number} with {len(round_.accounts)} accounts, B = {budget!r}: {got}",
            ways_out=["correct the terms", "see the faces of a term in adl_opt.programs.terms.base"],
        ) from cause


def _bits(x: Any) -> bytes:
    return b"" if x is None else bytes(np.asarray(x).tobytes())

"""The theorem of a whole policy: how much and who pays, held against any fixed severity with any allocation.

The derivation is in docs/solvency.md.  What a policy plays is walked through here; the arithmetic is in
:mod:`adl_opt.policy.whole`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.contracts import settled
from adl_opt.allocation.integer import IntegerProRata, Metaflux
from adl_opt.allocation.minmax import MinMax, MinMaxLots, reference_of
from adl_opt.allocation.pool import has_options
from adl_opt.allocation.pro_rata import CappedProRata, EquityProRata, ProRata
from adl_opt.checks import one_of
from adl_opt.losses import Loss, as_loss, burden, burden_base, goal_of, target_severity
from adl_opt.policy.whole import EQUATIONS, Step, WholeGame
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.contracts import CONTRACTS, SPACES, WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import revealed, usd_by_cell
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.severity.base import Severity
from adl_opt.severity.coverage.covering import Covering
from adl_opt.severity.fixed import Constant, FullDeficit
from adl_opt.severity.hints.hinted import HintOnly
from adl_opt.severity.learners.bound import Bound
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.learners.whole import FtrlWhole, least_burden_of, worth_of
from adl_opt.tabular import Noun

LEAST: dict[type[AllocationRule], str] = {
    ProRata: "capacity",
    CappedProRata: "capacity",
    IntegerProRata: "capacity",
    Metaflux: "capacity",
    EquityProRata: "equity",
    MinMax: "",
    MinMaxLots: "",
}
"""Rules that make the largest burden least for what they take, lots aside; on their own base where empty."""

LEAST_IN_CONTRACTS = (MinMax, MinMaxLots)

FIXED = "a severity that does not learn may be wrong in every round: its regret has no bound"
LACKS: dict[type[Severity], str] = {
    Constant: FIXED,
    FullDeficit: FIXED,
    HintOnly: "a hint at its word has no regret bound: its loss is the hint's error, whatever that is",
    Covering: "the severity promises coverage, and no regret",
}
"""Why these severities have no theorem of regret."""

Rounds = Iterable[tuple[Round, Outcome]]


class PolicyTheory(Noun):
    """The part of a policy that holds what it plays to one theorem of severity and allocation."""

    severity: Severity
    allocation: AllocationRule
    information: Any
    start: Any
    act: Any
    learn: Any
    on: Any

    def no_theorem(self, space: str = WEALTH, base: str = "capacity") -> str:
        """Return why there is no theorem of the whole policy, in words; empty where there is one.

        Parameters
        ----------
        space : {'wealth', 'contracts'}
        base : {'capacity', 'equity'}
            What burdens are measured against.

        Examples
        --------
        >>> from adl_opt.policy.policy import make_policy
        >>> make_policy("ftrl-exact/pro-rata").no_theorem()
        ''
        >>> make_policy("ftrl-exact/binance").no_theorem()
        'the rule does not make the largest burden least (eq. 18)'
        """
        one_of("a space", space, SPACES)
        if self.information is not Information.START_OF_ROUND:
            return f"the theorem is about decisions at the start of the round; this one is {self.information}"
        if (why := _no_regret(self.severity)) or (why := _no_least(self.allocation, space, base)):
            return why
        return ""

    def bound(self, rounds: Rounds, loss: Loss | str | None = None, equation: int = 23) -> Bound | None:
        """Return the theorem of the whole policy on rounds, with constants as observed.

        The loss of what was executed, burdens included, is at most this above that of the best fixed severity
        with any allocation (:meth:`regret`).

        Parameters
        ----------
        rounds : iterable of (Round, Outcome)
            In one space; an episode is taken in its own.  The policy plays them.
        loss : Loss or str, optional
            Its weights and base; ``fair`` is lambda in eq. 23, and USD per unit of burden in eq. 10.
        equation : {23, 10}
            23: fairness is B abs(m - m*).  10: it is the largest burden m itself.

        Returns
        -------
        Bound or None
            None where :meth:`no_theorem` says why, and without rounds.

        Notes
        -----
        The theorem adds to the severity's own bound: what was executed apart from what was asked (capacity,
        caps, lots, and in contracts what is revealed against what was reckoned); burdens above the least for
        what was taken (lots, and in contracts the markets); and, for severities that do not learn on burdens,
        the burdens of their haircuts above those of the best fixed severity.

        Examples
        --------
        >>> import adl_opt as adl
        >>> rounds = list(adl.load("synthetic(accounts=3, rounds=4)").in_space("wealth"))
        >>> policy = adl.make_policy("ftrl-whole/pro-rata")
        >>> made = policy.bound(rounds, "fair=1e6", equation=10)
        >>> made.holds, policy.regret(rounds, "fair=1e6", equation=10) <= made.value
        (True, True)
        """
        game = self._game(rounds, loss, equation)
        return None if game is None else game.bound()

    def regret(self, rounds: Rounds, loss: Loss | str | None = None, equation: int = 23) -> float:
        """Return the measured regret that :meth:`bound` is about, USD; NaN where there is no theorem.

        It is the loss of what was executed less that of the fixed severity, with the allocation that is best
        for it, that was best in hindsight.
        """
        game = self._game(rounds, loss, equation)
        return math.nan if game is None else game.regret

    def _game(self, rounds: Rounds, loss: Loss | str | None, equation: int) -> WholeGame | None:
        one_of("equation", str(equation), EQUATIONS)
        if isinstance(rounds, Episode):
            rounds = rounds.in_space(rounds.space)
        asked, seen = as_loss(loss), list(rounds)
        asked = replace(asked, base=asked.base or "capacity")
        space = seen[0][0].space if seen else WEALTH
        if not seen or self.no_theorem(space, str(asked.base)):
            return None
        policy = self.on(asked)
        known = _severity_bound(policy.severity, seen)
        if known is None:
            return None
        steps, state = [], policy.start()
        for round_, outcome in seen:
            action = policy.act(state, round_)
            state = policy.learn(state, round_, outcome, action)
            steps.append(_step(round_, outcome, action, str(asked.base), with_reference=equation == 23))
        bound, through = known
        plain = {
            "no options of accounts": not any(has_options(r.accounts) for r, _ in seen),
            "rounds of one space": all(r.space == space for r, _ in seen),
            "the severity learns on the loss": _weights(policy.severity) == (asked.under, asked.over),
        }
        return WholeGame(
            steps=steps,
            loss=asked,
            equation=equation,
            severity=replace(bound, assumptions={**bound.assumptions, **plain}),
            whole=isinstance(policy.severity, FtrlWhole),
            through=through,
        )


def _no_regret(severity: Severity) -> str:
    for kind, why in LACKS.items():
        if isinstance(severity, kind):
            return why
    return "" if hasattr(severity, "bound") else "the severity states no regret bound"


def _no_least(rule: AllocationRule, space: str, base: str) -> str:
    kind = type(rule)
    if kind not in LEAST:
        return "the rule does not make the largest burden least (eq. 18)"
    own = LEAST[kind] or rule.base  # type: ignore[attr-defined]
    if own != base:
        return f"the rule makes the largest burden least on {own}, and the loss measures it on {base}"
    if space == CONTRACTS and kind not in LEAST_IN_CONTRACTS:
        return "in contracts the rule does not make the largest burden least: min-max and min-max-lots do"
    return ""


def _severity_bound(severity: Any, rounds: list[tuple[Round, Outcome]]) -> tuple[Bound, bool] | None:
    """Return the severity's own bound, and whether it is against severities as they are executed.

    A dynamic one is turned into one on the whole tracking loss, what no budget of its domain covers included.
    """
    deficit = np.array([r.deficit for r, _ in rounds])
    needed = np.array([o.needed for _, o in rounds])
    if not isinstance(severity, Learner):
        bound, goal = severity.bound(rounds), needed
        if (limit := getattr(severity, "limit", None)) is not None:
            goal = np.array([goal_of(r, o, limit) for r, o in rounds])
        through = False
    else:
        target, goal = target_severity(needed, deficit), np.minimum(needed, deficit)
        capacity = np.array([r.capacity_usd for r, _ in rounds])
        cut = np.any(capacity < deficit) and rounds[0][0].space == WEALTH
        through = bool(cut and severity.through_capacity)
        if through:
            path, _ = severity.through(deficit, target, capacity)
            bound = severity.bound(deficit, target, path, capacity=capacity)
        else:
            path, _ = severity.run(severity.start(), deficit, target)
            bound = severity.bound(deficit, target, path)
    if bound is None or bound.kind == "static":
        return None if bound is None else (bound, through)
    beyond = _weights(severity)[0] * math.fsum(needed - goal)
    return replace(bound, value=bound.value + beyond), through


def _weights(severity: Any) -> tuple[float, float]:
    """Return what a dollar of under- and of overshoot costs a severity, or the learner in it."""
    own = severity if hasattr(severity, "under") else severity.learner
    return own.under, own.over


def _step(round_: Round, outcome: Outcome, action: Allocation, base: str, *, with_reference: bool) -> Step:
    capacity = capacity_of(round_)
    done = settled(action, round_, outcome)
    against = capacity if base == "capacity" else burden_base(round_, base)
    least, most = least_burden_of(round_, base), exact_sum(capacity)
    if round_.space == CONTRACTS:
        most = min(most, math.fsum(usd_by_cell(round_, revealed(round_, outcome)).values()))
    return Step(
        deficit=round_.deficit,
        needed=outcome.needed,
        worth=worth_of(round_, outcome),
        most=most,
        asked=action.asked,
        executed=done.executed,
        burden=float(np.max(burden(done.x, against), initial=0.0)),
        reference=reference_of(round_, outcome, base, capacity) if with_reference else math.nan,
        least=least,
    )

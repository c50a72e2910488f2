"""The frontier of an episode: what online severities take too much against what they leave uncovered.

Each rule is played with several alphas.  The points with ``default`` true have the parameters that the
package ships; the best point of a curve is known in hindsight only, and is no result.  So are the two kinds
of curves that are marked ``hindsight``: fixed multiples of a hint, and fixed severities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import ClassVar

import numpy as np

from adl_opt.answer import Listing
from adl_opt.datasets.episodes import as_episode
from adl_opt.evaluate.record import scored
from adl_opt.losses import Loss, as_loss, most_of
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.severity.base import Severity, State, make_severity
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.studies.october10.lineup import budgets_of, guesses

ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Shares that may stay uncovered; 0.05 is the default of the severities that promise coverage."""

HINTS = ("fixed-gap", "log-gap", "log-gap-common")
COVERING = (
    *("risk-control", "conformal", "conformal(rule=decaying)", "conformal(rule=pid)"),
    "conformal(rule=strongly-adaptive)",
)
WEIGHTED = ("ftrl-quadratic", "ftrl-exact", "coin-betting", "hedge-grid", "default")
"""Severities that leave about alpha of the deficits uncovered where under / over = (1 - alpha) / alpha."""

ON_HINTS = ("coin-betting", "ftrl-exact")
MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
HINDSIGHT = "hindsight"

Rounds = Sequence[tuple[Round, Outcome]]


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """One severity with its parameters over an episode.

    Parameters
    ----------
    rule : str
        What the points of a curve have in common: the severity without its alpha, or what hindsight swept.
    policy : str
    alpha : float, optional
        None where there is none to sweep.
    overshoot_usd, covered_usd_share, covered_rounds
        As in every policy table.
    information : str
        ``hindsight`` where it could not have been chosen at the time.
    default : bool
        Whether the parameters are those that are shipped.
    """

    rule: str
    policy: str
    alpha: float | None
    overshoot_usd: float
    covered_usd_share: float
    covered_rounds: int
    information: str
    default: bool


def frontier(episode: Episode | str | PathLike[str] = "oct10", *, loss: Loss | str | None = None) -> Listing:
    """Return overshoot against coverage for every online severity, its alpha swept.

    Parameters
    ----------
    episode : Episode, str or path
        As :func:`adl_opt.replay` takes it; severities are about the pool of dollars.
    loss : Loss or str, optional
        Its ``limit`` is the domain of the budgets; the alphas set the weights.

    Returns
    -------
    Listing
        Rows with policy, alpha (None where there is none to sweep), overshoot_usd, covered_usd_share,
        covered_rounds, information, default.  ``hindsight`` rows could not have been chosen at the time.

    Examples
    --------
    >>> rows = list(frontier("synthetic(accounts=2, rounds=3)"))
    >>> rows[0]["policy"], rows[0]["covered_rounds"], rows[-1]["information"]
    ('constant(theta=0)', 0, 'hindsight')
    """
    points = frontier_points(as_episode(episode), as_loss(loss))
    rows = [{name: value for name, value in vars(point).items() if name != "rule"} for point in points]
    return Listing("frontier", "policy", rows)


def frontier_points(episode: Episode, loss: Loss) -> list[FrontierPoint]:
    """Return the points of :func:`frontier`, those of a curve in the order of its sweep."""
    rounds = list(episode.in_space(WEALTH))
    needed = np.array([o.needed for _, o in rounds])
    nothing, made = np.zeros(needed.size), []
    for rule, policy, alpha, taken, information, default in _swept(rounds, loss):
        found = scored(loss, np.array(taken), needed, nothing, nothing)
        point = FrontierPoint(
            rule=rule,
            policy=policy,
            alpha=alpha,
            overshoot_usd=round(float(found["overshoot_usd"]), 2),
            covered_usd_share=round(float(found["covered_usd_share"]), 6),
            covered_rounds=int(found["covered_rounds"]),
            information=information,
            default=default,
        )
        made.append(point)
    return made


Swept = tuple[str, str, float | None, Sequence[float], str, bool]


def _swept(rounds: Rounds, loss: Loss) -> Iterator[Swept]:
    """Yield rule, policy, alpha, budgets, information, and whether the parameters are those shipped."""
    flow = any(r.flow is not None for r, _ in rounds)
    hints = {name: guesses(make_hint(name), rounds) for name in (HINTS if flow else ())}
    early = Information.START_OF_ROUND
    hinted = Information.weakest(*(r.flow_known for r, _ in rounds if r.flow is not None), early)
    for rule, severity, alpha, default in _online(hints):
        known = (hinted if severity.without_flow else early).value
        yield rule, severity.label(), alpha, budgets_of(severity.on(loss), rounds), known, default
    for name in ("catch-up", "fund-float") if flow else ():
        within = make_severity(name).on(loss)
        yield name, within.label(), None, budgets_of(within, rounds), within.information.value, True
    if all(o.recorded is not None for _, o in rounds):
        took = [o.recorded.haircut for _, o in rounds if o.recorded is not None]
        yield "production", "production", None, took, Information.OBSERVED.value, True
    most = np.array([most_of(r, loss.limit) for r, _ in rounds])
    needed = np.array([o.needed for _, o in rounds])
    yield "oracle", "oracle", None, np.minimum(needed, most).tolist(), Information.EX_POST.value, True
    for name, guess in hints.items():
        for multiple in MULTIPLES:
            taken = np.minimum(multiple * np.nan_to_num(guess), most).tolist()
            yield f"fixed multiple of {name}", f"{multiple:g} x {name}", None, taken, HINDSIGHT, False
    deficit, capacity = (np.array([getattr(r, n) for r, _ in rounds]) for n in ("deficit", "capacity_usd"))
    for share in SHARES:
        taken = np.minimum(share * deficit, capacity).tolist()
        yield "fixed severity", f"constant(theta={share:g})", None, taken, HINDSIGHT, False


def _online(hints: dict[str, list[float]]) -> Iterator[tuple[str, Severity, float | None, bool]]:
    """Yield rule and severity of each that decides at the start of the round, alpha, whether as shipped."""
    for name in ("constant(0)", "full-deficit", "follow-the-leader", *(f"hint-only({h})" for h in hints)):
        yield name, _played(make_severity(name), hints), None, True
    for alpha in ALPHAS:
        weight = 1.0 / alpha - 1.0
        for name in (*COVERING, "long-term"):
            yield name, make_severity(name, alpha=alpha), alpha, alpha == 0.05
        for name in WEIGHTED:
            yield name, make_severity(name, under=weight), alpha, alpha == 0.5
        for hint in hints:
            for name in COVERING:
                made = make_severity(name, alpha=alpha, hint=hint)
                yield f"{name} on {hint}", _played(made, hints), alpha, alpha == 0.05
            for name in ON_HINTS:
                made = make_severity("hinted", learner=make_severity(name, under=weight), hint=hint)
                yield f"{name} on {hint}", _played(made, hints), alpha, alpha == 0.5


@dataclass(frozen=True, kw_only=True)
class _Played(HintModel):
    """A hint whose guesses were made before: they depend on no severity, and some hints take long."""

    hint: HintModel
    guess: tuple[float, ...]
    name: ClassVar[str] = "played"

    def start(self) -> State:
        return 0

    def predict(self, state: State, round_: Round) -> float | None:
        guess = self.guess[state]
        return None if np.isnan(guess) else guess

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        return state + 1

    def label(self) -> str:
        return self.hint.label()


def _played(severity: Severity, hints: dict[str, list[float]]) -> Severity:
    """Return a severity with the guesses of its hint."""
    hint = getattr(severity, "hint", None)
    if not isinstance(hint, HintModel):
        return severity
    known = _Played(hint=hint, guess=tuple(hints[hint.label()]))
    return replace(severity, hint=known)  # type: ignore[call-arg]

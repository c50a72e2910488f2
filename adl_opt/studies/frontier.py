"""The frontier of an episode: what online severities take too much against what they leave uncovered.

Each rule is played with several alphas.  The rows with ``default`` true have the parameters that the package
ships; the best row of a curve is known in hindsight only, and is no result.  So are the two curves that are
marked ``hindsight``: fixed multiples of a hint, and fixed severities.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np

from adl_opt.answer import Listing
from adl_opt.datasets.episodes import as_episode
from adl_opt.evaluate.record import scored
from adl_opt.losses import Loss, as_loss, most_of
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.severity.base import Severity, make_severity
from adl_opt.severity.hints.models import make_hint
from adl_opt.studies.october10.lineup import budgets_of, guesses

ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
"""Shares that may stay uncovered; 0.05 is the default of the severities that promise coverage."""

HINTS = ("fixed-gap", "log-gap", "log-gap-common")
COVERING = ("risk-control", "conformal", "conformal(rule=decaying)", "conformal(rule=pid)")
WEIGHTED = ("ftrl-quadratic", "ftrl-exact", "coin-betting")
"""Learners that leave about alpha of the deficits uncovered where under / over = (1 - alpha) / alpha."""

MULTIPLES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
HINDSIGHT = "hindsight"


def frontier(episode: Episode | str | PathLike[str] = "oct10", *, loss: Loss | str | None = None) -> Listing:
    """Return overshoot against coverage for every online severity, its alpha swept.

    Parameters
    ----------
    episode : Episode, str or path
        As :func:`adl_opt.replay` takes it.
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
    asked, given = as_loss(loss), as_episode(episode)
    rounds = list(given)
    needed = np.array([o.needed for _, o in rounds])
    rows = []
    for name, alpha, taken, information, default in _points(rounds, asked):
        nothing = np.zeros(needed.size)
        found = scored(asked, np.array(taken), needed, nothing, nothing)
        rows.append(
            {
                "policy": name,
                "alpha": alpha,
                "overshoot_usd": round(float(found["overshoot_usd"]), 2),
                "covered_usd_share": round(float(found["covered_usd_share"]), 6),
                "covered_rounds": int(found["covered_rounds"]),
                "information": information,
                "default": default,
            }
        )
    return Listing("frontier", "policy", rows)


def _points(rounds: Sequence[tuple[Round, Outcome]], loss: Loss) -> Iterator[tuple[Any, ...]]:
    """Yield name, alpha, budgets, information and whether the parameters are the shipped ones."""
    early, flow = Information.START_OF_ROUND, any(r.flow is not None for r, _ in rounds)
    hinted = Information.weakest(*(r.flow_known for r, _ in rounds if r.flow is not None), early)
    for severity, alpha, default in _online(flow):
        budgets = budgets_of(severity.on(loss), rounds)
        yield severity.label(), alpha, budgets, (hinted if severity.without_flow else early).value, default
    if all(o.recorded is not None for _, o in rounds):
        took = [o.recorded.haircut for _, o in rounds if o.recorded is not None]
        yield "production", None, took, Information.OBSERVED.value, True
    most = np.array([most_of(r, loss.limit) for r, _ in rounds])
    capacity = np.array([r.capacity_usd for r, _ in rounds])
    needed = np.array([o.needed for _, o in rounds])
    yield "oracle", None, np.minimum(needed, most), Information.EX_POST.value, True
    for hint in HINTS if flow else ():
        guess = np.nan_to_num(guesses(make_hint(hint), rounds))
        for multiple in MULTIPLES:
            yield f"{multiple:g} x {hint}", None, np.minimum(multiple * guess, most), HINDSIGHT, False
    deficit = np.array([r.deficit for r, _ in rounds])
    for share in SHARES:
        yield f"constant(theta={share:g})", None, np.minimum(share * deficit, capacity), HINDSIGHT, False


def _online(flow: bool) -> Iterator[tuple[Severity, float | None, bool]]:
    """Yield each severity that decides at the start of the round, its alpha, and whether it is as shipped."""
    hints = HINTS if flow else ()
    for name in ("constant(0)", "full-deficit", "follow-the-leader", *(f"hint-only({h})" for h in hints)):
        yield make_severity(name), None, True
    for alpha in ALPHAS:
        for name in (*COVERING, "long-term"):
            yield make_severity(name, alpha=alpha), alpha, alpha == 0.05
        for hint in hints:
            for name in COVERING:
                yield make_severity(name, alpha=alpha, hint=hint), alpha, alpha == 0.05
        weight = (1.0 - alpha) / alpha
        for name in WEIGHTED:
            yield make_severity(name, under=weight), alpha, alpha == 0.5
        for hint in hints:
            learner = make_severity("coin-betting", under=weight)
            yield make_severity("hinted", learner=learner, hint=hint), alpha, alpha == 0.5

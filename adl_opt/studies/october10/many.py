"""The same defaults on many synthetic episodes, so that one episode proves nothing alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.answer import Progress, showing
from adl_opt.checks import number_between
from adl_opt.datasets.synthetic import Synthetic
from adl_opt.losses import Loss
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity
from adl_opt.studies.october10.lineup import budgets_of

NORMAL_95 = 1.959963984540054
"""Quantile of the normal law that leaves 2.5 % above it."""

BASELINE = "ftrl-exact"
NOISE = 1.0
"""Log-deviation of the noise on deficits; that of the generator's deficits themselves."""


def many(
    severities: Iterable[Severity],
    episodes: int = 1000,
    *,
    first_seed: int = 0,
    loss: Loss | None = None,
    space: str = WEALTH,
    progress: Progress = True,
) -> dict[str, Any]:
    """Play severities on synthetic episodes; return means with 95 % confidence intervals.

    Parameters
    ----------
    severities : iterable of Severity
    episodes : int
        At least 2; the episode of seed ``first_seed + k`` is ``synthetic(seed=...)`` with its defaults (16
        rounds, 20 markets) and two accounts, for severity does not look at accounts.
    loss : Loss, optional
        What is measured, and what learners learn on; tracking error by default.
    space : {'wealth', 'contracts'}
        What the episodes are drawn in.
    progress : bool or callable
        A bar where the call takes long, or a function of (episodes done, all).

    Returns
    -------
    dict
        ``episodes``, ``confidence``, ``baseline``, ``generator``, ``policies``: mean ``tracking_usd`` of an
        episode with ``low_usd`` and ``high_usd``, ``share_of_needed``, and the mean of the paired difference
        to ``ftrl-exact`` without hints, with its interval (normal approximation).  ``noisy_deficit`` holds
        ``generator`` and ``policies`` of the second kind of episode.

    Raises
    ------
    UsageError
        Fewer than 2 episodes.

    Notes
    -----
    In wealth the generator's flow is 20 D in every round, whatever the round needs: there a hint knows no
    more than D, so what it gains is due to its prior and its memory alone.  The second kind multiplies each
    D by a lognormal factor (log-deviation 1) that neither flow nor B knows of, as the loss does that sits in
    nine deficits of October 10: there the flow tells what D does not.

    Examples
    --------
    >>> from adl_opt.severity import make_severity
    >>> many([make_severity("full-deficit")], 2)["policies"][0]["policy"]
    'full-deficit'
    """
    number_between("study: episodes", episodes, 2, 1e6)
    chosen, measured = list(severities), loss or Loss()
    drawn = Synthetic(accounts=2, space=space)
    errors = np.empty((2, len(chosen), episodes))
    needed = np.empty(episodes)
    with showing("synthetic episodes", progress) as advance:
        for k in range(episodes):
            rounds = list(replace(drawn, seed=first_seed + k).episode())
            need = [o.needed for _, o in rounds]
            needed[k] = math.fsum(need)
            for kind, seen in enumerate((rounds, _noisy(rounds, first_seed + k))):
                for row, severity in enumerate(chosen):
                    paid = budgets_of(severity.on(measured), seen)
                    errors[kind, row, k] = math.fsum(measured.tracking(paid, need))
            advance(k + 1, episodes)
    labels = [s.label() for s in chosen]
    seeds = f"seed={first_seed}..{first_seed + episodes - 1}"
    generator = f"synthetic(accounts=2, {seeds}{'' if space == WEALTH else f', space={space}'})"
    return {
        "episodes": episodes,
        "confidence": 0.95,
        "baseline": BASELINE if BASELINE in labels else None,
        "generator": generator,
        "policies": _rows(labels, errors[0], needed),
        "noisy_deficit": {
            "generator": f"{generator}, D times a lognormal factor of log-deviation {NOISE:g}",
            "policies": _rows(labels, errors[1], needed),
        },
    }


def _noisy(rounds: list[tuple[Round, Outcome]], seed: int) -> list[tuple[Round, Outcome]]:
    factors = np.exp(NOISE * np.random.default_rng([seed, 3]).standard_normal(len(rounds)))
    return [(replace(r, deficit=r.deficit * float(f)), o) for (r, o), f in zip(rounds, factors, strict=True)]


def _rows(labels: list[str], errors: Floats, needed: Floats) -> list[dict[str, Any]]:
    base = errors[labels.index(BASELINE)] if BASELINE in labels else None
    return [_row(n, e, needed, base) for n, e in zip(labels, errors, strict=True)]


def _row(name: str, errors: Floats, needed: Floats, base: Floats | None) -> dict[str, Any]:
    mean, low, high = interval(errors)
    gap = interval(errors - base) if base is not None else (None,) * 3
    return {
        "policy": name,
        "tracking_usd": mean,
        "low_usd": low,
        "high_usd": high,
        "share_of_needed": float(errors.sum() / needed.sum()),
        "against_baseline_usd": gap[0],
        "against_baseline_low_usd": gap[1],
        "against_baseline_high_usd": gap[2],
    }


def interval(values: Floats) -> tuple[float, float, float]:
    """Return mean, lower and upper end of its 95 % interval (normal approximation).

    Examples
    --------
    >>> interval(np.array([1.0, 1.0]))
    (1.0, 1.0, 1.0)
    """
    mean = float(np.mean(values))
    half = NORMAL_95 * float(np.std(values, ddof=1)) / math.sqrt(values.size)
    return mean, mean - half, mean + half

"""Prop. 10: what stays uncovered when the impact is estimated: error 1/sqrt T, 1/sqrt t, and a bias."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.evaluate.theorems.measured import Measured
from adl_opt.evaluate.theorems.theorems import prop_10
from adl_opt.rounds.columns import Floats
from adl_opt.studies.theory.finding import Exponent, Finding, Relation, horizons

ALPHA, QUANTITY, ERROR = 2.0, 8.0, 0.5
"""alpha (USD per contract squared), Q (contracts), and the constant c of the errors."""


def errors(rounds: int) -> dict[str, Floats]:
    """Return alpha - alphahat_t, (T,), by name; every estimate is too low, the worst side.

    Examples
    --------
    >>> errors(4)["c/sqrt T"]
    array([0.25, 0.25, 0.25, 0.25])
    """
    t = np.arange(1.0, rounds + 1.0)
    return {
        "c/sqrt T": np.full(rounds, ERROR / math.sqrt(rounds)),
        "c/sqrt t": ERROR / np.sqrt(t),
        "bias c": np.full(rounds, ERROR),
    }


def uncovered(rounds: int) -> dict[str, Measured]:
    """Return V_T and its bound for each error."""
    impact, quantity = np.full(rounds, ALPHA), np.full(rounds, QUANTITY)
    return {name: prop_10(impact - e, impact, quantity) for name, e in errors(rounds).items()}


def estimates_findings(rounds: int) -> list[Finding | Exponent]:
    """Return V_T at the last horizon, and how each grows: 0.5, 0.5, 1."""
    times = horizons(rounds)
    measured = {t: uncovered(t) for t in times}
    scale, last = ERROR * QUANTITY**2, times[-1]
    predicted: dict[str, tuple[float, Relation, float]] = {
        "c/sqrt T": (scale * math.sqrt(last), "=", 0.5),
        "c/sqrt t": (2.0 * scale * math.sqrt(last), "<=", 0.5),
        "bias c": (scale * last, "=", 1.0),
    }
    made: list[Finding | Exponent] = []
    for name, (value, relation, exponent) in predicted.items():
        what, regret = f"V_T, $, estimates too low by {name}", measured[last][name].regret
        made.append(Finding("Prop. 10", what, regret, relation, value, rounds=last))
        values = tuple(measured[t][name].regret for t in times)
        made.append(Exponent("Prop. 10", f"V_T, error {name}", times, values, exponent))
    return made

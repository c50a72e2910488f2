"""Families of streams (deficit, target): quiet, noisy, moving, heavy-tailed, degenerate, adversarial."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.severity import Learner

OCT10_DEFICIT = np.array(
    [
        10.9,
        10.9,
        10.9,
        10.9,
        0.0012,
        10.9,
        0.0085,
        10.9,
        10.9,
        0.0194,
        11.8,
        11.7,
        0.0042,
        0.005,
        0.0025,
        0.0012,
    ]
)
OCT10_TARGET = np.array(
    [0.207, 0.126, 0.097, 0.011, 1.0, 0.144, 1.0, 0.148, 0.034, 0.267, 0.472, 0.088, 1.0, 0.307, 0.269, 1.0]
)


def ones(n):
    return np.ones(n)


def families(n: int, seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return name -> (deficit (n,), target (n,)); short ones where the name says so."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    u = rng.uniform(size=n)
    alternating = (t % 2).astype(float)
    walk = np.clip(0.5 + np.cumsum(rng.normal(scale=0.02, size=n)), 0.0, 1.0)
    heavy = np.minimum((1.0 - rng.uniform(size=n)) ** -2.0, 1e12)
    late = ones(n)
    late[-1] = 1e6
    early = ones(n)
    early[0] = 1e9
    gaps = np.where(rng.uniform(size=n) < 0.7, 0.0, heavy)
    exponent = 600.0 * t / max(n, 1)
    return {
        "constant": (ones(n), np.full(n, 0.3)),
        "alternating extremes": (ones(n), alternating),
        "alternating, middle": (ones(n), 0.4 + 0.2 * alternating),
        "random walk": (rng.exponential(size=n), walk),
        "drift": (ones(n), t / max(n - 1, 1)),
        "single jump": (ones(n), (t >= n // 2).astype(float)),
        "sawtooth": (ones(n), (t % 17) / 16.0),
        "slow wave": (ones(n), 0.5 + 0.5 * np.sin(2.0 * math.pi * t / max(n / 3.0, 1.0))),
        "heavy-tailed deficits": (heavy, u),
        "many zero deficits": (gaps, u),
        "all zero deficits": (np.zeros(n), u),
        "one huge deficit late": (late, np.where(t == n - 1, 1.0, 0.1)),
        "one huge deficit first": (early, np.where(t == 0, 1.0, 0.0)),
        "growing deficits": (np.exp2(0.08 * exponent), u),
        "growing fast, alternating": (np.exp2(exponent / 2.0 - 251.0), alternating),
        "decaying deficits": (np.exp2(-0.1 * exponent), u),
        "decaying fast": (np.exp2(-exponent / 2.0), alternating),
        "Rademacher": (ones(n), (rng.uniform(size=n) < 0.5).astype(float)),
        "Rademacher, biased": (ones(n), (rng.uniform(size=n) < 0.55).astype(float)),
        "T = 1": (np.array([3.0]), np.array([1.0])),
        "T = 2": (np.array([3.0, 5.0]), np.array([1.0, 0.0])),
        "all targets 0": (heavy, np.zeros(n)),
        "all targets 1": (heavy, ones(n)),
        "ties": (np.rint(4.0 * u), np.rint(4.0 * rng.uniform(size=n)) / 4.0),
        "tiny deficits": (1e-90 * rng.exponential(size=n), u),
        "less than tiny deficits": (5e-324 * np.rint(9.0 * u), u),
        "from nothing to all": (np.exp2(np.linspace(-1070.0, 0.0, n)), alternating),
        "large deficits": (1e13 * rng.exponential(size=n), u),
        "close targets": (ones(n), 0.5 + 2.0**-50 * np.rint(8.0 * u)),
        "tiny targets": (ones(n), 10.0 ** (-300.0 * u)),
        "blocks of Rademacher": (ones(n), ((t // 25) % 2 == 0) * (rng.uniform(size=n) < 0.8).astype(float)),
        "October-10-like": (np.resize(OCT10_DEFICIT, n), np.resize(OCT10_TARGET, n)),
        "October-10-like, shuffled": (
            rng.permutation(np.resize(OCT10_DEFICIT, n)),
            rng.permutation(np.resize(OCT10_TARGET, n)),
        ),
        "two scales": (np.where(t % 2 == 0, 1e6, 1.0), alternating),
    }


def adversaries(
    learner: Learner, n: int, seed: int = 0, rules: tuple[str, ...] | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return streams made against this learner: each target is chosen once its severity is known."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(size=n)
    sizes = {
        "far end": lambda t, theta: (1.0, float(theta < 0.5)),
        "far end, growing": lambda t, theta: (2.0 ** (t % 40), float(theta < 0.5)),
        "just beside": lambda t, theta: (1.0, min(1.0, theta + 0.05) if t % 2 else max(0.0, theta - 0.05)),
        "more when wrong": lambda t, theta: (1.0 + 50.0 * abs(theta - 0.5), float(theta < 0.5)),
        "far end, sometimes": lambda t, theta: (1.0, float(theta < 0.5) if noise[t] < 0.6 else float(theta)),
        "against a third": lambda t, theta: (1.0, float(theta < 1.0 / 3.0)),
    }
    return {name: _against(learner, n, rule) for name, rule in sizes.items() if not rules or name in rules}


def _against(learner: Learner, n: int, rule) -> tuple[np.ndarray, np.ndarray]:
    state, deficit, target = learner.start(), np.empty(n), np.empty(n)
    for t in range(n):
        deficit[t], _ = rule(t, 0.5)
        theta = learner.predict(state, deficit[t])
        size, target[t] = rule(t, theta)
        if size != deficit[t]:  # the size depends on theta: announce it, and let the learner answer again
            deficit[t] = size
            theta = learner.predict(state, size)
            target[t] = rule(t, theta)[1]
        state = learner.update(state, float(deficit[t]), float(target[t]), theta)
    return deficit, target

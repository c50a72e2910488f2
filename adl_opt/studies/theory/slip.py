"""The line printed under Prop. 3, O(G Diam sqrt T + G P), is false: two families of streams.

Both have blocks of sqrt T rounds, so that P is of order sqrt T and the printed line of order sqrt T.

- *Swinging*: the target swings from 0 to 1 and back.  The algorithm of the proposition, with its step
  Diam / (G sqrt T), is always on its way, and loses T/2.
- *Random*: in each block targets are fair coins, and the comparator is the block's better end.  Whatever an
  algorithm does it loses T/2 in the mean, the comparator sqrt T times E|S_m|/2 less, S_m a walk of m = sqrt T
  steps: of order T^(3/4) = sqrt(T (1 + P)), the known lower bound.
"""

from __future__ import annotations

import math

import numpy as np

from adl_opt.evaluate.theorems.descent import Descent, prop_3, prop_3_as_printed
from adl_opt.rounds.columns import Floats
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.learners.gradient import Ogd
from adl_opt.severity.learners.learner import Learner
from adl_opt.studies.theory.finding import Exponent, Finding

SEEDS = 8
PLAYED = ("ogd", "adagrad", "ftrl-quadratic", "coin-betting", "ader")
PRINTED, LINE = "Prop. 3 (printed)", "G Diam sqrt T + G P"


def squares(rounds: int) -> tuple[int, ...]:
    """Return the powers of 4 from 64 up to T, and to 1,024 at least: their roots are even block lengths.

    Examples
    --------
    >>> squares(1024)
    (64, 256, 1024)
    """
    return tuple(4**k for k in range(3, max(5, int(math.log(rounds, 4) + 1e-9)) + 1))


def swinging(rounds: int) -> Descent:
    """Return the stated algorithm (step 1 / sqrt T) on the swinging stream, D = 1 USD, T a power of 4.

    Examples
    --------
    >>> game = swinging(64)
    >>> game.path, round(game.regret, 3)
    (7.0, 32.75)
    """
    block = math.isqrt(rounds)
    target = (np.arange(rounds) // block % 2 == 0).astype(float)
    learner = Ogd(eta=1.0 / block)
    played, state = learner.run(learner.start(), np.ones(rounds), target)
    return Descent(
        points=np.append(played, state["theta"])[:, None],
        slopes=np.sign(played - target)[:, None],
        comparators=target[:, None],
        eta=1.0 / block,
        diameter=1.0,
    )


def coins(rounds: int, seed: int) -> tuple[Floats, Floats]:
    """Return targets of fair coins and the comparator of each block, both (T,).

    Examples
    --------
    >>> target, comparator = coins(64, 0)
    >>> bool(np.abs(comparator - target).sum() <= 32)
    True
    """
    block = math.isqrt(rounds)
    target = np.random.default_rng([3, rounds, seed]).integers(0, 2, (rounds // block, block)).astype(float)
    sums, better = target.sum(axis=1), np.empty(rounds // block)
    for k, ones in enumerate(sums):
        tie = better[k - 1] if k else 0.0
        better[k] = tie if 2 * ones == block else float(2 * ones > block)
    return target.ravel(), np.repeat(better, block)


def mean_gap(rounds: int) -> float:
    """Return the regret of every algorithm on coins, in the mean, exactly: sqrt T E|S_m|/2.

    Examples
    --------
    >>> mean_gap(16)
    3.0
    """
    block = math.isqrt(rounds)
    walk: float = block * math.comb(block, block // 2) / 2**block  # E|S_m|, m even
    return (rounds // block) * walk / 2.0


def _regret_and_printed(learner: Learner, rounds: int) -> tuple[float, float]:
    """Return the mean regret and the mean of the printed line over the seeds, USD."""
    regrets, printed = [], []
    for seed in range(SEEDS):
        target, comparator = coins(rounds, seed)
        played, _ = learner.run(learner.start(), np.ones(rounds), target)
        path = math.fsum(np.abs(np.diff(comparator)))
        regrets.append(math.fsum(np.abs(played - target)) - math.fsum(np.abs(comparator - target)))
        printed.append(math.sqrt(rounds) + path)
    return math.fsum(regrets) / SEEDS, math.fsum(printed) / SEEDS


def slip_findings(rounds: int) -> list[Finding | Exponent]:
    """Return both families: regret above the printed line and below the proof's, with the exponents."""
    return [*_swinging_findings(squares(rounds)), *_coin_findings(squares(rounds))]


def _swinging_findings(times: tuple[int, ...]) -> list[Finding | Exponent]:
    games = [swinging(t) for t in times]
    printed = [prop_3_as_printed(g) for g in games]
    proven = prop_3(games[-1])
    last, regret, stated = times[-1], printed[-1].regret, "stated algorithm, swinging"
    return [
        Finding(PRINTED, f"{stated}: regret over {LINE}", regret, ">", printed[-1].bound.value, rounds=last),
        Finding("Prop. 3 (proof)", f"{stated}: regret", proven.regret, "<=", proven.bound.value, rounds=last),
        _exponent(f"{stated}: regret", times, [g.regret for g in games], 1.0),
        _exponent("printed line, swinging", times, [m.bound.value for m in printed], 0.5),
    ]


def _coin_findings(times: tuple[int, ...]) -> list[Finding | Exponent]:
    made: list[Finding | Exponent] = []
    last = times[-1]
    for name in PLAYED:
        pairs = [_regret_and_printed(LEARNERS[name](), t) for t in times]
        regret, line = pairs[-1]
        what = f"{name}, coins: regret, mean of {SEEDS}"
        gap = mean_gap(last)
        made += [
            Finding(PRINTED, f"{what}, over {LINE}", regret, ">", line, rounds=last),
            Finding("lower bound", f"{what}, any algorithm's", regret, "~", gap, rounds=last, tolerance=0.25),
            _exponent(f"{name}, coins: regret", times, [r for r, _ in pairs], 0.75),
        ]
    made.append(_exponent("printed line, coins", times, [line for _, line in pairs], 0.5))
    return made


def _exponent(who: str, times: tuple[int, ...], values: list[float], predicted: float) -> Exponent:
    return Exponent(PRINTED, who, times, tuple(values), predicted, tolerance=0.15)

"""The queue in passes: the score of the last payer by narrowing, ties in the order of rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from adl_opt.chunked.radix import BINS, Window, histogram, to_keys
from adl_opt.chunked.sink import Answer
from adl_opt.chunked.source import Chunk, Source
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.sums import prefix_sums, total


def last_score(source: Source, budget: float) -> tuple[float, float] | None:
    """Score of the last account that pays, and USD paid by all above it; None when everyone pays in full.

    Notes
    -----
    Six passes, O(rows) each: the mass, four to find the score, one for the compensated sum above it.
    """
    if budget >= source.sum(lambda chunk: chunk["capacity_usd"]):
        return None
    window, above = Window(), 0.0
    while True:
        mass = np.zeros(BINS)
        for chunk in source.chunks():
            inside, digits = window.digits(to_keys(chunk["score"]))
            mass += histogram(digits, chunk["capacity_usd"][inside])
        reached = above + np.cumsum(mass[::-1])[::-1]
        digit = max(int(np.count_nonzero(reached >= budget)) - 1, int(np.argmax(mass > 0)))
        if window.shift == 0:
            break
        above = float(reached[digit] - mass[digit])
        window = window.narrow(digit)
    score = float(window.edges()[digit])
    return score, source.sum(lambda chunk: _above(chunk, score))


def queue_answer(budget: float, last: tuple[float, float] | None) -> Callable[[Chunk], Answer]:
    """Haircuts of a chunk; the chunks must come in order, since ties are paid in the order of rows."""
    if last is None:
        return lambda chunk: {"haircut_usd": chunk["capacity_usd"]}
    score, above = last
    paid = [above]  # exact terms of what is spent so far

    def answer(chunk: Chunk) -> Answer:
        haircut = _above(chunk, score)
        tied = np.flatnonzero(chunk["score"] == score)
        capacity = chunk["capacity_usd"][tied]
        sums, corrections = prefix_sums(capacity)
        before = (sums - capacity) + corrections
        left = (budget - math.fsum(paid)) - before
        haircut[tied] = np.clip(left, 0.0, capacity)
        paid.append(total(capacity))
        return {"haircut_usd": haircut}

    return answer


def _above(chunk: Chunk, score: float) -> Vector:
    """Capacity of the accounts with a greater score, 0 for the others."""
    return np.where(chunk["score"] > score, chunk["capacity_usd"], 0.0)

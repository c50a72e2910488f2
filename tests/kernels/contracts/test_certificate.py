"""A certificate holds for the answer, and for no answer with a fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adl_opt.kernels import minmax_contracts
from tests.kernels.contracts.books import large

BOOK = ([100.0, 50.0, 80.0], [0, 1, 0, 2, 2], [0, 0, 1, 1, 2], np.full(5, 60.0), [40.0, 30.0, 5.0])


def moved(answer, source, target, usd):
    """Move dollars from one leg to another, with every figure that follows from them."""
    legs = answer.leg_usd.copy()
    legs[source] -= usd
    legs[target] += usd
    x = np.bincount(answer.problem.account, legs, answer.haircut_usd.size)
    burden = x / answer.problem.capacity
    level = np.zeros_like(answer.level)
    np.maximum.at(level, answer.problem.cell[legs > 0], burden[answer.problem.account[legs > 0]])
    return replace(answer, leg_usd=legs, haircut_usd=x, level=level, z=float(burden.max()))


FAULTS = {
    "within": lambda a: replace(a, leg_usd=a.leg_usd - np.array([70.0, 0, 0, 0, 0])),
    "cleared": lambda a: replace(a, residual_usd=a.residual_usd + np.array([1.0, 0, 0])),
    "match": lambda a: replace(a, haircut_usd=a.haircut_usd * 1.001),
    "burden": lambda a: replace(a, z=a.z * 0.999),
    "bound": lambda a: replace(a, lower_bound=a.z, deciding=np.array([False, False, True])),
    "levelled": lambda a: moved(a, 0, 1, 1e-9),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("what", FAULTS)
def test_a_planted_fault_is_found(what, exact):
    answer = minmax_contracts(*BOOK)
    assert answer.certify(exact=exact).ok
    found = FAULTS[what](answer).certify(exact=exact)
    assert not getattr(found, what)
    assert not found.ok


def test_a_bound_that_is_too_high_is_refused():
    answer = minmax_contracts(*BOOK)
    worse = moved(answer, 0, 1, 1.0)
    for lower in (worse.z, answer.z * (1 + 1e-9)):
        assert not replace(worse, lower_bound=lower, gap=(worse.z - lower) / worse.z).certify().bound


def test_a_residual_that_need_not_be_is_refused():
    for hard_cap in (False, True):
        answer = minmax_contracts(*BOOK, hard_cap=hard_cap)
        less = moved(answer, 3, 3, 0.0)
        less.leg_usd[3] -= 1.0
        assert not replace(less, residual_usd=np.array([0.0, 1.0, 0.0])).certify(exact=True).cleared


def test_faults_in_a_large_book():
    answer = minmax_contracts(*large(2000, 30, "usual"))
    assert answer.certify().ok
    cell, pays = answer.problem.cell, answer.leg_usd
    here = np.flatnonzero((cell == 0) & (pays > 0))
    assert not moved(answer, here[0], here[1], 0.5 * pays[here[0]]).certify().ok


@pytest.mark.parametrize(
    "change", [{"leg_usd": np.zeros(2)}, {"leg_usd": "x"}, {"z": np.nan}, {"level": np.inf}]
)
def test_what_is_no_answer_is_refused_without_an_error(change):
    for exact in (False, True):
        assert not replace(minmax_contracts(*BOOK), **change).certify(exact=exact).ok

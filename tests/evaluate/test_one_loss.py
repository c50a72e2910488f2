"""Every part of the library gives the same figures for one loss: a share of the benchmark of 1,000 pairs."""

import pytest

from benchmarks.loss import ALLOWED, WHAT, measured
from benchmarks.loss_pairs import PARTS

PAIRS = 20


@pytest.fixture(scope="module")
def worst():
    return measured(PAIRS)[0]


@pytest.mark.parametrize("part", PARTS)
def test_parts_agree_with_plain_arithmetic(worst, part):
    assert worst[part].compared >= PAIRS
    assert worst[part].value <= ALLOWED, worst[part]


def test_no_policy_is_below_the_optimum_of_its_domain(worst):
    assert worst["gap"].compared > 5 * PAIRS
    assert worst["gap"].value <= ALLOWED, worst["gap"]


@pytest.mark.parametrize("domain", sorted(set(WHAT) - {*PARTS, "gap"}))
def test_optima_are_near_their_bounds(worst, domain):
    allowed = 1e-4 if domain == "whole-lots" else 1e-6  # of coarse lots not every gap is closed
    assert worst[domain].compared > 0
    assert -ALLOWED <= worst[domain].value <= allowed, worst[domain]

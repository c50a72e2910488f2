"""A share of the battery: kernel = HiGHS = Clarabel = enumeration to 1e-9; certificates; planted errors."""

import pytest

from tests.programs.battery import CONVEX, FAMILIES, LINEAR, SEEDS, TOLERANCE, WHOLE, run

SHARE = 9
"""Rounds of each family here; ``python -m tests.programs.battery`` runs all 25."""


def test_there_are_five_hundred_instances():
    assert len(FAMILIES) * SEEDS == 500
    assert (len(LINEAR), len(CONVEX), len(WHOLE)) == (10, 3, 7)


@pytest.mark.parametrize("family", FAMILIES)
def test_engines_agree_and_certificates_hold(family):
    apart, tried = run(family, range(SHARE))
    assert tried["instances"] + tried["infeasible"] == SHARE
    assert tried["instances"] >= SHARE // 2
    assert apart
    assert max(apart.values()) <= TOLERANCE, apart
    assert sum(tried[error] for error in ("a cent", "a lot", "a sign")) > 0

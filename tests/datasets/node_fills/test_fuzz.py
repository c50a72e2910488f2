"""Any bytes and any structure give an episode or a refusal, nothing half-written (as in the benchmark)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_cases import TARGETS, attempt

BOUNDED = settings(
    max_examples=100,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.mark.parametrize("name", TARGETS)
@BOUNDED
@given(data=st.data())
def test_an_episode_or_a_refusal(tmp_path, name, data):
    target = TARGETS[name]
    assert attempt(target, data.draw(target.cases), tmp_path / "case") in ("episode", "refused")


@pytest.mark.parametrize("name", TARGETS)
def test_both_ends_are_met(tmp_path, name):
    """The strategies are worth something: they give episodes and refusals."""
    met = set()

    @settings(max_examples=80, derandomize=True, database=None)
    @given(TARGETS[name].cases)
    def run(files):
        met.add(attempt(TARGETS[name], files, tmp_path / "case"))

    run()
    assert met == {"episode", "refused"}

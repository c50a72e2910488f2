"""Shared fixtures; hypothesis without deadlines, since timing never decides a test."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

import adl_opt as adl
from adl_opt.kernels.lots.engine import SWITCH

os.environ.setdefault(SWITCH, "0")  # numpy always works; the compiled twins have tests of their own

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")


TOGETHER = (
    "tests/test_benchmarks.py",
    "tests/test_wheel.py",
    "tests/evaluate/test_one_loss.py",
    "tests/evaluate/test_optimum.py",
    "tests/reports/html/test_html.py",
    "tests/studies/october10/test_study.py",
    "tests/studies/theory/test_theory.py",
)
"""Files whose tests share something that is dear to make: one process runs all of them."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file in TOGETHER else nodeid

    return ByFile(config, log)


@pytest.fixture(scope="session")
def oct10() -> adl.Episode:
    return adl.load("oct10").in_space("wealth")


@pytest.fixture(scope="session")
def catalogue_result(oct10: adl.Episode) -> adl.Result:
    return adl.replay(oct10)


@pytest.fixture(scope="session")
def late_rounds() -> Path:
    """The 148 real rows, read from where the user has them."""
    folder = os.environ.get("ADL_OPT_DATA")
    if not folder:
        pytest.skip("ADL_OPT_DATA is not set: the third-party rows are not part of the project")
    path = Path(folder) / "hyperreplay" / "adl_detailed_analysis_REALTIME.late-rounds.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    return path

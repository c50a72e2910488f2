"""Shared fixtures; hypothesis without deadlines, since timing never decides a test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import adl_opt as adl
from adl_opt.kernels.lots.engine import SWITCH

os.environ.setdefault(SWITCH, "0")  # numpy always works; the compiled twins have tests of their own

settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def oct10() -> adl.Episode:
    return adl.load("oct10")


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

"""The invented exchange of the examples, small: its exports, and the episode that they become."""

import runpy
from pathlib import Path

import pytest

import adl_opt as adl

ROOT = Path(adl.__file__).parents[1]


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    write = runpy.run_path(str(ROOT / "examples" / "invented_exchange.py"))["write"]
    return write(tmp_path_factory.mktemp("exports"), accounts=60, markets=5, rounds=4, seed=1)


@pytest.fixture(scope="session")
def exchange(exports, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange") / "episode"
    adl.import_book(exports, folder)
    return folder

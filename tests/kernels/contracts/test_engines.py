"""Both leaves give the same answers, and numba is optional."""

from __future__ import annotations

import numpy as np
import pytest

from adl_opt.kernels.contracts import engine
from adl_opt.kernels.contracts.book import contracts_book
from adl_opt.kernels.contracts.levels import levelled
from adl_opt.kernels.contracts.problem import checked_contracts
from adl_opt.kernels.contracts.result import contracts_result
from adl_opt.kernels.contracts.vectors import NUMPY
from tests.kernels.contracts.books import KINDS, large, small

pytest.importorskip("numba")


def solved(book, leaf):
    problem = checked_contracts(*book, False)
    legs = contracts_book(problem, leaf)
    return contracts_result(problem, legs.usd(problem, levelled(legs, leaf)))


@pytest.mark.parametrize("kind", KINDS)
def test_both_leaves_prove_the_same_burdens(kind):
    numba = engine.compiled_leaf()
    for seed in range(40):
        one, two = (solved(small(seed, kind), leaf) for leaf in (NUMPY, numba))
        assert one.certify(exact=True).ok
        assert two.certify(exact=True).ok
        np.testing.assert_allclose(one.haircut_usd, two.haircut_usd, rtol=1e-11)


@pytest.mark.parametrize("kind", ["usual", "tied", "chain"])
def test_both_leaves_prove_large_books(kind):
    book = large(3000, 40, kind)
    one, two = (solved(book, leaf) for leaf in (NUMPY, engine.compiled_leaf()))
    assert one.certify().ok
    assert two.certify().ok
    np.testing.assert_allclose(one.haircut_usd, two.haircut_usd, rtol=1e-10)


def test_the_switch_keeps_numpy(monkeypatch):
    monkeypatch.setenv("ADL_OPT_FAST", "1")
    assert engine.contracts_leaf.__wrapped__().name == "numba"
    monkeypatch.setenv("ADL_OPT_FAST", "0")
    assert engine.contracts_leaf.__wrapped__().name == "numpy"

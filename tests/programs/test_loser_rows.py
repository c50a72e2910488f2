"""Rows of losers at several prices: against the kernel, enumeration, and proofs in fractions."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from adl_opt.errors import InputError
from adl_opt.kernels import minmax_contracts
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.loser_rows import minmax_loser_rows
from adl_opt.programs.options import Options
from adl_opt.proofs.check import Refused


def book(seed, cells=3):
    """A few accounts and legs, and about two rows of losers in each cell."""
    rng = np.random.default_rng(seed)
    n, m, rows = int(rng.integers(1, 9)), int(rng.integers(1, 20)), int(rng.integers(1, 7))
    u = np.exp(rng.normal(4, 1, n)) * (rng.random(n) < 0.9)
    account, cell, where = rng.integers(0, n, m), rng.integers(0, cells, m), rng.integers(0, cells, rows)
    quantity = rng.exponential(50, m)
    needs = rng.uniform(0, 0.6, rows) * np.bincount(cell, quantity, cells)[where]
    return u, account, cell, quantity, where, needs, np.exp(rng.normal(0, 1, rows))


def test_one_price_in_each_cell_is_the_kernel():
    for seed in range(40):
        u, account, cell, quantity, where, needs, _ = book(seed)
        price = np.array([0.5, 1.0, 3.0])
        found = minmax_loser_rows(u, account, cell, quantity, where, needs, price[where])
        demand = np.bincount(where, needs, 3) * price
        kernel = minmax_contracts(u, account, cell, quantity * price[cell], demand)
        assert found.proven
        assert found.z == pytest.approx(kernel.z, rel=1e-8, abs=1e-10)
        left = np.bincount(where, found.residual_contracts, 3) * price
        np.testing.assert_allclose(left, kernel.residual_usd, rtol=1e-9, atol=1e-9)


def test_every_bound_is_checked_in_fractions():
    for seed in range(25):
        u, account, cell, quantity, where, needs, gap = book(seed)
        found = minmax_loser_rows(u, account, cell, quantity, where, needs, gap)
        assert found.proven
        paid = np.bincount(found.row, found.contracts, needs.size)
        np.testing.assert_allclose(paid + found.residual_contracts, needs, rtol=1e-9, atol=1e-9)
        taken = np.bincount(found.leg, found.contracts, quantity.size)
        assert np.all(taken <= quantity * (1 + 1e-9))
        assert f"between {found.proof.bound()} and" in found.proof.check()


def test_equal_shares_are_an_answer_only_where_the_program_has_no_better_one():
    """Accounts with many contracts take equal shares of every row; where some are short, HiGHS is asked."""
    ways = {True: 0, False: 0}
    for seed in range(40):
        u, account, cell, quantity, where, needs, gap = book(seed)
        plenty = quantity * (50.0 if seed % 2 else 1.0)
        found = minmax_loser_rows(u, account, cell, plenty, where, needs, gap)
        best = run_highs(found.proof.model, Options()).v[-1]
        assert found.proven
        assert found.z == pytest.approx(best, rel=1e-8, abs=1e-10)
        share = found.contracts / needs[found.row]
        equal = all(np.ptp(share[found.leg == leg]) < 1e-9 for leg in set(found.leg.tolist()))
        several = any(np.ptp(gap[where == c]) > 0 for c in range(3) if np.sum(where == c) > 1)
        ways[bool(equal)] += bool(several)
    assert min(ways.values()) > 3


def test_whole_contracts_are_never_better_and_the_bound_holds_for_all_of_them():
    u, account, cell, gap = [10.0, 20.0], [0, 1, 1], [0, 0, 1], [1.0, 3.0, 2.0]
    quantity, where, needs = [2, 3, 2], [0, 0, 1], [2, 2, 1]
    found = minmax_loser_rows(u, account, cell, quantity, where, needs, gap)
    best = np.inf
    for a, b in product(range(3), range(3)):  # of the first leg, against both rows of cell 0
        if a + b <= 2 and (2 - a) + (2 - b) <= 3:
            x = a * 1.0 + b * 3.0, (2 - a) * 1.0 + (2 - b) * 3.0 + 2.0
            best = min(best, max(x[0] / 10, x[1] / 20))
    assert 0 < found.lower_bound <= best
    assert found.z <= best * (1 + 1e-9)


def test_a_blended_price_is_another_burden():
    u, account, cell, quantity = [100.0, 100.0], [0, 1], [0, 0], [90.0, 10.0]
    found = minmax_loser_rows(u, account, cell, quantity, [0, 0], [20.0, 20.0], [1.0, 3.0])
    blended = minmax_loser_rows(u, account, cell, quantity, [0], [40.0], [2.0])
    assert found.z == pytest.approx(0.5)
    assert blended.z == pytest.approx(0.6)


def test_rows_are_served_in_their_order_and_a_gain_costs_nothing():
    found = minmax_loser_rows([10.0, 0.0], [0, 1], [0, 0], [5.0, 9.0], [0, 0], [4.0, 3.0], [-2.0, 1.0])
    assert found.residual_contracts.tolist() == [0.0, 2.0]
    assert found.haircut_usd.tolist() == [1.0, 0.0]
    assert found.proven


def test_nothing_to_do():
    for needs in ([], [3.0]):
        found = minmax_loser_rows([1.0], [], [], [], [0] * len(needs), needs, [1.0] * len(needs))
        assert (found.z, found.gap, found.residual_contracts.sum()) == (0.0, 0.0, sum(needs))


def test_a_planted_fault_is_refused():
    found = minmax_loser_rows(*book(5))
    assert found.proof.bound() > 0
    y, v = found.proof.y, found.proof.v
    worse = replace(found, proof=replace(found.proof, v=v * 1.5))
    assert not worse.proven
    assert replace(found.proof, y=y * 2).bound() <= found.z * (1 + 1e-9)
    with pytest.raises(Refused):
        replace(found.proof, v=v * 1.5).check()


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(InputError, match="row_cell is out of range"):
        minmax_loser_rows([1.0], [0], [0], [1.0], [-1], [1.0], [1.0])
    with pytest.raises(InputError, match="row_quantity"):
        minmax_loser_rows([1.0], [0], [0], [1.0], [0], [-1.0], [1.0])

"""A few draws of the battery of the benchmarks: gaps are closed as far as is promised, with few nodes."""

from __future__ import annotations

import pytest

from adl_opt.kernels.lots import engine
from adl_opt.kernels.lots.minmax import NODE_LIMIT
from adl_opt.kernels.lots.problem import checked_problem
from adl_opt.kernels.lots.vectors import NUMPY
from benchmarks.lots_battery import MIXES, SHARES, draw_battery
from tests.kernels.lots.leaves import solved


def hold(leaf, share, mix, seed):
    drawn = draw_battery(3000, share, seed, MIXES[mix])
    problem = checked_problem(drawn.capacity, drawn.account, drawn.lot_value, drawn.lots, drawn.budget, None)
    answer = solved(problem, NODE_LIMIT, leaf)
    assert answer.gap <= 1e-9
    assert answer.executed_usd >= drawn.budget * (1 - 1e-12)
    assert answer.lower_bound <= answer.z
    return answer


@pytest.mark.parametrize("share", SHARES)
def test_numpy_closes_the_gap(share):
    hold(NUMPY, share, "1.6 a head", 0)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("mix", MIXES)
def test_numba_closes_the_gap(mix, share):
    pytest.importorskip("numba")
    for seed in range(2):
        one = hold(engine.numba(), share, mix, seed)
        assert one.nodes < 2_000_000

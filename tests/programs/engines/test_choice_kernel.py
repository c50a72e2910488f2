"""The choice kernel inside programs: equal to HiGHS where it is small, proven where it is large."""

import dataclasses

import numpy as np
import pytest

from adl_opt.catalogue import load_model
from adl_opt.datasets.oct10 import load_oct10
from adl_opt.kernels import minmax_lots_choice
from adl_opt.kernels.lots.tradeoff import trade_burden
from adl_opt.programs import (
    HaircutCap,
    Lots,
    MaxAccounts,
    MaxBurden,
    Options,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    solve,
)
from adl_opt.programs.combined import BestProof, EngineBound
from adl_opt.programs.engines.kernels.kernel import find_kernel
from adl_opt.programs.kernel_proofs import LotsProof
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from tests.programs.cases import enumerate_lots, make_round


def choice(k, fair=1.0, over=1.0, base="capacity"):
    goal = fair * MaxBurden(base) + over * Overshoot() if over else fair * MaxBurden(base)
    return RoundProgram(goal, [Solvency(), Lots(), *([] if k is None else [MaxAccounts(k)])])


def test_shapes_that_the_kernel_takes():
    assert find_kernel(choice(3)).__name__ == "min_max_choice"
    assert find_kernel(choice(3, over=0.0)).__name__ == "min_max_choice"
    assert find_kernel(choice(None)).__name__ == "min_max_choice"
    assert find_kernel(choice(None, over=0.0)).__name__ == "min_max_lots"
    rules = [Solvency(), Lots(), MaxAccounts(3)]
    assert find_kernel(RoundProgram(Overshoot(), rules)) is None
    assert find_kernel(RoundProgram(MaxBurden(), [*rules, HaircutCap(0.5)])) is None
    assert find_kernel(RoundProgram(MaxBurden(), rules[1:])) is None
    assert find_kernel(RoundProgram(MaxBurden(), [Solvency(fund=1.0), *rules[1:]])) is None


@pytest.mark.parametrize("seed", range(8))
def test_equals_highs_and_enumeration(seed):
    base = ("capacity", "equity")[seed // 2 % 2]
    round_ = make_round(seed, 4, positions=5 + seed % 2)
    u = round_.capacity_usd
    needed = round((0.1, 0.3, 0.5)[seed % 3] * u, 2)
    for k in (1, 2, 3, None):
        for program in (choice(k, base=base, over=0.0), choice(k, fair=u * 0.3, base=base)):
            found = {
                engine: solve(program, round_, needed=needed, engine=engine) for engine in ("auto", "highs")
            }
            best = enumerate_lots(program, round_, needed)
            for answer in found.values():
                if best is None:
                    assert answer.status is Status.INFEASIBLE
                    continue
                assert answer.status is Status.OPTIMAL, answer
                assert answer.certify().ok
                assert answer.objective == pytest.approx(best, rel=1e-8)
            part = solve(program, round_, needed=needed, engine="kernel")
            if best is not None:
                assert part.bound <= best * (1 + 1e-9)
                assert best <= part.objective * (1 + 1e-9)
                assert part.certify().ok
                assert len(part.paying) <= (4 if k is None else k)


def test_infeasible_names_what_conflicts():
    round_ = make_round(1, 5, positions=6)
    for engine in ("auto", "kernel"):
        answer = solve(choice(1), round_, needed=0.9 * round_.capacity_usd, engine=engine)
        assert answer.status is Status.INFEASIBLE
        assert "max-accounts" in answer.conflict
    assert solve(choice(0), round_, needed=1.0).status is Status.INFEASIBLE
    assert solve(choice(0), round_, needed=0.0).status is Status.OPTIMAL


def test_what_solvency_demands_beyond_the_budget_is_in_the_bound():
    held = Positions(account=[0, 1], market=["m", "m"], lot_value=[1.0, 1.0], lots=[40, 40])
    accounts = Accounts(id=["a", "b"], pnl=[40.0, 40.0], equity=[40.0, 40.0])
    round_ = Round(deficit=100.0, accounts=accounts, positions=held)
    answer = solve(choice(1), round_, needed=5.0, engine="kernel")
    assert answer.executed == 20.0
    assert answer.objective == pytest.approx(15.5)
    assert answer.status is Status.OPTIMAL
    assert answer.certify().ok


def test_planted_errors_are_refused():
    round_ = make_round(3, 6, positions=8)
    answer = solve(choice(3, fair=1e6), round_, needed=0.3 * round_.capacity_usd, options={"mip_gap": 0.01})
    assert answer.certify().ok
    result = answer.proof.result if isinstance(answer.proof, LotsProof) else answer.proof.first.result
    forged = dataclasses.replace(result, lower_bound=result.z * 1.001, z=result.z * 1.001, gap=0.0)
    assert not dataclasses.replace(answer, proof=LotsProof(forged, 1e6)).certify().ok
    wider = dataclasses.replace(result, accounts=6)
    plain = solve(choice(None, fair=1e6), round_, needed=0.3 * round_.capacity_usd, engine="kernel")
    if plain.bound < answer.bound * (1 - 1e-9):
        assert not dataclasses.replace(answer, proof=LotsProof(wider, 1e6)).certify().ok
    more = np.array(answer.lots)
    more[np.argmax(more)] += 1
    assert not dataclasses.replace(answer, lots=more).certify().ok


def test_the_better_of_two_bounds():
    low, high = EngineBound(1.0, 1.0), EngineBound(2.0, 3.0)
    assert BestProof(low, high).bound() == BestProof(high, low).bound() == 2.0
    assert BestProof(low, high).scale == 1.0
    assert not BestProof(low, EngineBound(float("nan"), 1.0)).checks()["mip-bound"].passed


def test_a_limit_leaves_an_honest_bound():
    round_ = make_round(4, 60, positions=150)
    needed = 0.01 * round_.capacity_usd
    program = choice(20, fair=1.0)
    answer = solve(program, round_, needed=needed, options={"node_limit": 2})
    again = solve(program, round_, needed=needed, options={"node_limit": 2})
    assert answer.status in (Status.FEASIBLE, Status.OPTIMAL)
    assert answer.certify().ok
    assert answer.bound <= answer.objective
    assert (answer.lots == again.lots).all()
    assert (answer.status is Status.OPTIMAL) == (answer.gap <= answer.allowed_gap)


@pytest.mark.parametrize("t", range(16))
def test_every_round_of_oct10_is_proven_with_fifty_accounts(t):
    """The model of the catalogue with its default weight, and with one USD per burden for each USD needed.

    Limits are nodes, never the clock.
    """
    round_, outcome = load_oct10().in_space().rounds[t]
    for params in ({}, {"weight": outcome.needed}):
        program = load_model("budget-and-accounts", k=50, **params).program
        limits = Options(mip_gap=1e-4, node_limit=100_000)
        answer = solve(program, round_, needed=outcome.needed, options=limits)
        assert answer.status is Status.OPTIMAL, (params, answer)
        assert len(answer.paying) <= 50
        report = answer.certify()
        assert report.ok, (params, report.failed)
        assert report.gap <= 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_trading_burden_for_overshoot(seed):
    """Never worse than the least burden, never better than the optimum by enumeration, bound kept."""
    round_ = make_round(seed, 4, positions=5 + seed % 2)
    held, u, k = round_.positions, round_.accounts.capacity, 2 + seed % 3
    needed = round(0.3 * u.sum(), 2)
    least = minmax_lots_choice(u, held.account, held.lot_value, held.lots, needed, k)
    weight = 0.5 * u.sum()
    traded = trade_burden(least, weight, 1e-8)
    before, after = (weight * r.z + r.overshoot_usd for r in (least, traded))
    best = enumerate_lots(choice(k, fair=weight), round_, needed)
    assert best * (1 - 1e-9) <= after <= before
    assert traded.lower_bound == least.lower_bound
    assert traded.certify().ok
    assert traded.chosen.size <= k


def test_trading_gains_where_lots_are_fine():
    rng = np.random.default_rng(1)
    capacity = 10.0 ** rng.uniform(1, 7, 18)
    lots = np.floor(10.0 ** rng.uniform(2, 5, 18))
    weight = 1e-4 * capacity.sum()
    least = minmax_lots_choice(capacity, np.arange(18), capacity / lots, lots.astype(np.int64), weight, 50)
    traded = trade_burden(least, weight, 1e-4)
    before, after = ((weight * r.z + r.overshoot_usd) / (weight * r.lower_bound) for r in (least, traded))
    assert before > 1 + 1e-3
    assert after <= 1 + 1e-4

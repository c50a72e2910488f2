"""A policy and a model of one name are one rule."""

import numpy as np
import pytest

from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.catalogue import allocation_of, load_model, model_names
from adl_opt.datasets.book import invented_book
from adl_opt.evaluate.future import future_shortfall
from adl_opt.programs import in_legs, solve
from adl_opt.testing.policies import make_round

PAIRS = sorted(name for name in set(ALLOCATIONS) & set(model_names()) if "wealth" in ALLOCATIONS[name].spaces)
PARAMS = {"capped-pro-rata": [{"cap": 0.3}, {"cap": 0.5}, {"cap": 0.9}]}
TIED = {"min-max-lots"}
"""Many choices of lots have the least largest burden: the burden must agree, the lots need not."""


def random_rounds():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 9))
        gain = np.round(10.0 ** rng.uniform(0, 6, n), 2)
        round_ = make_round(gain, 3.0 * gain + 1.0, rng.integers(1, 30, n), seed, number=seed)
        for share in (0.0, 0.01, float(rng.uniform(0.05, 0.95)), 1.0, 1.3):
            yield round_, share * round_.capacity_usd


def largest_burden(x, round_):
    able = round_.accounts.capacity > 0
    return float(np.max(x[able] / round_.accounts.capacity[able], initial=0.0))


def test_there_are_pairs():
    assert {"capped-pro-rata", "min-max-lots"} <= set(PAIRS)


@pytest.mark.parametrize(("name", "params"), [(n, p) for n in PAIRS for p in PARAMS.get(n, [{}])])
def test_policy_and_model_of_one_name_are_one_rule(name, params):
    policy, model = make_allocation(name, **params), allocation_of(load_model(name, **params))
    for round_, needed in random_rounds():
        ours = policy.allocate(policy.start(), round_, needed)
        theirs = model.allocate(model.start(), round_, needed)
        if name in TIED:
            z = largest_burden(ours.x, round_)
            assert largest_burden(theirs.x, round_) == pytest.approx(z, rel=1e-9, abs=1e-12)
        else:
            assert theirs.x == pytest.approx(ours.x, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_risk_based_is_one_objective_in_policy_and_model(seed):
    """Positions of one account share its room in the model only, so that may be less, and whole lots cost."""
    (round_, _) = invented_book(accounts=30, markets=3, seed=seed).rounds[0]
    asked = in_legs(round_).flow_usd
    found = solve(load_model("risk-based").program, round_, needed=asked)
    assert found.status.value == "optimal"
    assert found.certify().ok
    rule, scenarios = make_allocation("risk-based", gap=1e-9), ScenarioSource().of([], round_)
    action = allocate_in_contracts(rule, rule.start(), round_, round_.flow.quantity)
    ours = future_shortfall(round_, action.closures, scenarios)
    assert found.objective * (1 - 1e-9) <= ours <= found.objective * 1.005
    drained = make_allocation("leverage-draining")
    other = allocate_in_contracts(drained, None, round_, round_.flow.quantity)
    assert found.objective <= future_shortfall(round_, other.closures, scenarios) * (1 + 1e-9)

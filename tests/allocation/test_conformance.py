"""Every rule of the catalogue is held to its claims, on hard rounds and on drawn ones."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.allocation import ALLOCATIONS
from adl_opt.allocation.queue import Queue
from adl_opt.errors import LackError
from adl_opt.losses import burden, burden_base
from adl_opt.policy.cards import FIELDS, card
from adl_opt.severity import SEVERITIES
from adl_opt.testing.policies import check_claims, check_policy, rounds

SHARES = st.sampled_from([0.0, 1e-9, 0.013, 0.25, 0.5, 0.999, 1.0, 1.3])


@pytest.mark.parametrize("name", [n for n, r in ALLOCATIONS.items() if "wealth" in r.spaces])
def test_battery(name):
    check_policy(adl.make_policy(name))


@pytest.mark.parametrize("name", [n for n, r in ALLOCATIONS.items() if "wealth" in r.spaces])
def test_drawn_rounds(name):
    rule = adl.make_allocation(name)

    @settings(max_examples=25)
    @given(round_=rounds(), share=SHARES)
    def holds(round_, share):
        try:
            check_claims(rule, round_, share * round_.capacity_usd)
        except LackError:
            assert round_.positions is None

    holds()


@pytest.mark.parametrize(
    "name", [n for n, r in ALLOCATIONS.items() if issubclass(r, Queue) and r.scope == "account"]
)
def test_account_scope_queues_claim_to_be_vertices(name):
    assert ALLOCATIONS[name].claims.vertex


class Greedy(adl.AllocationRule):
    name = "takes-too-much"

    def allocate(self, state, round_, asked):
        return adl.Allocation(x=round_.accounts.capacity * 2.0, asked=asked)


class Half(adl.AllocationRule):
    name = "takes-half"

    def allocate(self, state, round_, asked):
        return adl.Allocation(
            x=adl.make_allocation("pro-rata").allocate(None, round_, asked / 2).x, asked=asked
        )


class First(adl.AllocationRule):
    name = "first-row-pays"

    def allocate(self, state, round_, asked):
        from adl_opt.kernels import fill_in_order

        u = round_.accounts.capacity
        return adl.Allocation(x=fill_in_order(u, range(len(u)), asked), asked=asked)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [(Greedy(), "exceeds the account's capacity"), (Half(), "sum x = min"), (First(), "reordering")],
)
def test_the_kit_finds_planted_faults(rule, complaint):
    with pytest.raises(adl.PolicyError, match=complaint):
        check_policy(rule)


@pytest.mark.parametrize("name", [*ALLOCATIONS, *SEVERITIES])
def test_docstrings_state_rule_source_information_tie_break(name):
    rule = ALLOCATIONS.get(name) or SEVERITIES[name]
    fields = card(rule)
    needed = FIELDS if name in ALLOCATIONS else FIELDS[:3]
    assert all(fields[f.lower()] for f in needed), fields
    stated = fields["information"].replace(" ", "-")
    assert stated.startswith(rule.information.value), stated


def test_min_max_burden_is_least_of_all_rules_that_cover(oct10):
    """Prop. 9 on the embedded rounds: nobody who covers the budget has a smaller largest burden."""
    for round_, outcome in oct10.in_space("wealth"):
        u = round_.accounts.capacity
        least = float(
            burden(adl.make_allocation("min-max").allocate(None, round_, outcome.needed).x, u).max()
        )
        for name in ALLOCATIONS:
            rule = adl.make_allocation(name)
            if "wealth" not in rule.spaces:
                continue
            x = rule.allocate(rule.start(), round_, outcome.needed).x
            assert float(burden(x, u).max()) >= least * (1 - 1e-9), name


def test_min_max_carries_its_dual_bound(oct10):
    for base in ("capacity", "equity"):
        rule = adl.make_allocation("min-max", base=base)
        for round_, outcome in oct10.in_space("wealth"):
            a = rule.allocate(None, round_, outcome.needed)
            z = float(burden(a.x, burden_base(round_, base)).max())
            assert a.lower_bound <= z * (1 + 1e-12)
            assert math.isclose(z, a.lower_bound, rel_tol=1e-9)

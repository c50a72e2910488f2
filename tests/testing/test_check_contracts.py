"""The conformance kit in contracts finds planted faults, and says what is wrong."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.contracts import act_in_contracts, reckoned
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.testing import check_policy
from adl_opt.testing.contracts import battery_in_contracts, check_in_contracts

PRO_RATA = type(adl.make_allocation("pro-rata"))


class Own(PRO_RATA):
    """A rule of one's own in contracts: it closes what another closes, and changes that."""

    name = "own"
    spaces = ("wealth", CONTRACTS)

    def change(self, lots, cell):
        return lots

    def close(self, state, cell):
        return self.change(super().close(state, cell), cell)


class Dollars(PRO_RATA):
    """A rule of one's own in wealth alone."""

    name = "dollars"
    spaces = ("wealth",)


class Half(Own):
    def change(self, lots, cell):
        return lots + 0.5


class Negative(Own):
    def change(self, lots, cell):
        return lots - 1


class MoreThanHeld(Own):
    def change(self, lots, cell):
        return cell.most + 1


class MoreThanWanted(Own):
    def change(self, lots, cell):
        return cell.most


class OneForAll(Own):
    def change(self, lots, cell):
        return lots.sum()


class Crashing(Own):
    def change(self, lots, cell):
        return lots[99]


class ByRow(Own):
    def change(self, lots, cell):
        moved = np.zeros_like(lots)
        moved[0] = min(int(lots.sum()), int(cell.most[0]))
        return moved


class Forgetting(Own):
    calls = itertools.count()

    def change(self, lots, cell):
        return lots * (next(self.calls) % 2)


FAULTS = [
    (Half, "whole lots from 0"),
    (Negative, "whole lots from 0"),
    (MoreThanHeld, "whole lots from 0"),
    (MoreThanWanted, "no more closed than is wanted"),
    (OneForAll, "one count per position"),
    (Crashing, "an answer to every round"),
    (ByRow, "reordering the accounts"),
    (Forgetting, "the same bits twice"),
]


@pytest.mark.parametrize(("rule", "complaint"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_of_a_rule_is_found(rule, complaint):
    with pytest.raises(adl.PolicyError, match=complaint):
        check_policy(rule())


def test_a_sound_rule_of_ones_own_passes():
    check_policy(Own())
    severity = adl.make_severity("full-deficit")
    for limited in (True, False):  # a venue that closes losers too is no fault
        check_policy(adl.Policy(severity=severity, allocation=Own(), positive_pnl_only=limited))


@dataclass(frozen=True)
class Foreign(adl.Policy):
    """A policy that builds its own closures; ``fault`` says what is wrong with them."""

    fault: str = ""

    def act(self, state, round_):
        made = act_in_contracts(self.allocation, None, round_, 0.0, whole_flow=True)
        held, flow, c = round_.positions, round_.flow, made.closures
        if self.fault in ("side", "market"):
            wanted = held.side if self.fault == "side" else -held.side
            row = next(iter(range(len(flow))))
            same = held.market == flow.market[row]
            wrong = np.flatnonzero(
                (wanted == flow.side[row]) & (same == (self.fault == "side")) & (held.lots > 0)
            )
            return made if not wrong.size else closing(round_, wrong[:1], row)
        if self.fault == "no closures":
            return adl.Allocation(x=made.x, asked=made.asked, lots=made.lots)
        if self.fault == "dollars":
            return adl.Allocation(x=made.x, asked=made.asked)
        if self.fault == "takes more":
            return replace(made, x=made.x + 1.0)
        if self.fault == "keeps quiet":
            return replace(made, closures=replace(c, wanted=c.wanted * 2.0))
        if self.fault == "lots":
            return replace(made, lots=np.minimum(made.lots + 1, held.lots))
        if self.fault == "twice":
            twice = replace(c, lots=2 * c.lots, contracts=2 * c.contracts)
            return replace(made, closures=twice, lots=np.minimum(2 * made.lots, held.lots))
        return made


def closing(round_, position, row):
    held, flow = round_.positions, round_.flow
    c = Closures(
        position=position,
        row=np.full(position.size, row),
        lots=np.ones(position.size, dtype=np.int64),
        contracts=held.lot_size[position],
        account=held.account[position],
        wanted=flow.quantity,
        cells=tuple(zip(flow.market.tolist(), flow.side.tolist(), strict=True)),
        given_up=reckoned(round_),
    )
    lots = np.zeros(len(held), dtype=np.int64)
    lots[position] = 1
    return adl.Allocation(x=c.haircuts(len(round_.accounts)), asked=1.0, lots=lots, closures=c)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("side", r"losers of its own side(.|\n)*position 1 \(long BTC\) against row 0 .*losers: long BTC"),
        ("market", r"of another market(.|\n)*position 2 \(short ETH\) against row 0 .*losers: long BTC"),
        ("no closures", "needs its lots and closures"),
        ("dollars", "needs its lots and closures"),
        ("takes more", "exceeds|does not equal its contracts"),
        ("keeps quiet", "no more is wanted than the flow has"),
        ("lots", "not those of its closures"),
        ("twice", "more is closed|not those of its closures"),
    ],
)
def test_a_foreign_policy_that_breaks_the_rules_of_contracts_is_caught_by_name(fault, complaint):
    severity = adl.make_severity("full-deficit")
    policy = Foreign(severity=severity, allocation=adl.make_allocation("pro-rata"), fault=fault)
    with pytest.raises(adl.PolicyError) as caught:
        check_policy(policy)
    assert re.search(complaint, str(caught.value)), str(caught.value)
    check_policy(replace(policy, fault=""))


def test_the_battery_has_what_is_hard():
    rounds = list(battery_in_contracts())
    assert {r.space for r in rounds} == {CONTRACTS}
    assert any((r.positions.pnl < 0).any() for r in rounds)
    assert {k for r in rounds for k in r.positions.kind} == {"linear", "inverse"}
    assert {k for r in rounds for k in r.positions.margin_mode} == {"cross", "isolated"}
    assert {s for r in rounds for s in r.flow.side.tolist()} == {-1, 1}
    assert any((reckoned(r) < 0).any() for r in rounds)
    assert any(len(r.flow) > len({*zip(r.flow.market, r.flow.side, strict=True)}) for r in rounds)


def test_a_rule_of_wealth_alone_is_not_asked_for_contracts():
    rule = Dollars()
    check_policy(rule)
    with pytest.raises(adl.InputError, match="does not serve"):
        act_in_contracts(rule, rule.start(), next(battery_in_contracts()), 1.0)
    check_in_contracts(adl.make_allocation("okx"))

"""A share of the campaign of random books, and whether its checks can fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.rounds.contracts import given_up_per_contract
from tests.allocation.campaign import RULES, balances, books, faults_of, gives_up, obeys, within_pnl
from tests.rounds.books import any_book, book, small_book, with_options

SHARE = 150
"""Books of the campaign that run in the suite; `python -m benchmarks books` runs 10,000."""


def test_a_share_of_the_campaign():
    closed = 0
    cases = list(books(range(SHARE)))
    assert len({case[1:] for case in cases}) == 4 * len(RULES)  # each rule, in all four ways
    for case in cases:
        found, lots = faults_of(*case)
        assert not found, (case, found)
        closed += lots
    assert closed > 5_000  # the books do close contracts


def test_risk_based_on_books_of_its_own():
    for case in books(range(12), rules=["risk-based"], each=1):
        assert not faults_of(*case)[0], case


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_closes_something_of_books_with_options(rule):
    assert sum(faults_of(seed, rule, True, False)[1] for seed in range(10)) > 0


def test_the_books_replay_with_every_rule():
    """A rule that breaks an option or the balance would be refused by the check of the replay."""
    for seed in range(4):
        round_ = with_options(any_book(seed), seed)
        episode = adl.Episode("books", "made up", [(replace(round_, number=1), adl.Outcome(50.0))])
        result = adl.replay(episode)
        assert {"cumulative-burden", "dydx-v4", "min-max", "risk-based"} <= set(result.by_policy)


def planted(**changes):
    """Return a book, and an answer to it with something changed."""
    round_ = book()
    rule = adl.make_allocation("pro-rata")
    action = allocate_in_contracts(rule, None, round_, round_.flow.quantity)
    closures = {k: v for k, v in changes.items() if k not in ("x", "lots")}
    own = {k: v for k, v in changes.items() if k in ("x", "lots")}
    return round_, replace(action, closures=replace(action.closures, **closures), **own)


PLANTED = {
    "wrong side": {"row": np.array([1, 1, 1])},
    "wrong position": {"position": np.array([1, 4, 3])},
    "other lots": {"lots": np.array([9, 0, 0, 0, 0, 0])},
    "cents": {"x": np.array([9.0, 0.0, 0.0])},
    "nothing left": {"wanted": np.array([3.0, 150.0])},
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_checks_find_planted_faults(fault):
    assert list(balances(*planted(**PLANTED[fault])))


OPTIONS = ("exempt", "cap of", "cohort_cap of", "band", "least", "legs")


def broken(seed):
    """Return which options an answer breaks that was made without looking at them."""
    round_ = with_options(any_book(seed), seed)
    rule = adl.make_allocation("okx")
    action = allocate_in_contracts(rule, None, any_book(seed), round_.flow.quantity, positive_pnl_only=False)
    by_account = replace(round_, accounts=replace(round_.accounts, owner=None))
    return {word for word in OPTIONS for fault in obeys(by_account, action) if word in fault}


def test_the_checks_of_the_campaign_find_broken_options():
    assert set.union(*map(broken, range(40))) == set(OPTIONS)
    short = {"side": "short", "losers": "long", "mark": 100.0, "quantity": 9.0, "bankruptcy": 105.0}
    round_ = small_book([9], entry=101.0, **short)
    rule = adl.make_allocation("okx")
    action = allocate_in_contracts(rule, None, round_, round_.flow.quantity, positive_pnl_only=False)
    assert list(within_pnl(round_, action))  # 45 USD of a PNL of 9


def test_what_a_contract_gives_up_is_worked_out_twice():
    for seed in range(20):
        round_ = any_book(seed)
        flow, held = round_.flow, round_.positions
        for row, g in enumerate(gives_up(round_)):
            here = np.flatnonzero(held.market == flow.market[row])
            if here.size:
                k = here[0]
                terms = (held.multiplier[k], held.settlement_rate[k])
                close = (flow.side[row], flow.closing[row], flow.mark[row])
                assert g == pytest.approx(
                    float(given_up_per_contract(held.kind[k], *close, *terms)), abs=1e-12
                )

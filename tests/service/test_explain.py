"""Why me: what is said of an account follows from the round, and every counterfactual is run again here."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.allocation.more_venues import DydxV4
from adl_opt.cli.app import app
from adl_opt.policy.lineup import lineup
from adl_opt.service.changed import WHAT, changed
from adl_opt.service.explain import _not_there
from adl_opt.service.situation import is_deleveraged, situation_of
from adl_opt.service.words import _closed
from tests.service.test_wire import in_contracts

SMALL = "synthetic(accounts=14, rounds=3, seed=5)"
ACCOUNTS = adl.Accounts(
    id=["a", "b", "c", "d"],
    pnl=[30.0, 10.0, 50.0, -5.0],
    equity=[40.0, 90.0, 60.0, 20.0],
    margin=[8.0, 1.0, 3.0, 1.0],
    leverage=[20.0, 2.0, 5.0, 1.0],
    notional=[800.0, 180.0, 300.0, 20.0],
)
ROUND = adl.Round(deficit=40.0, accounts=ACCOUNTS)


def test_a_queue_by_hand():
    """Scores: a 30 / 10 x 8 / 40 = 0.6, b 10 / 80 / 90, c 50 / 10 x 3 / 60 = 0.25."""
    a, b, c, d = (adl.explain(ROUND, name, "full-deficit/binance") for name in "abcd")
    assert [e.taken_usd for e in (a, b, c, d)] == [30.0, 0.0, 10.0, 0.0]
    assert [e.bound_by for e in (a, b, c, d)] == ["capacity", "not-reached", "budget", "no-capacity"]
    assert [e.places[0]["rank"] for e in (a, b, c, d)] == [1, 3, 2, None]
    assert c.places[0]["score"] == pytest.approx(0.25)
    assert c.places[0]["before"] == {"id": "a", "score": pytest.approx(0.6)}
    assert c.places[0]["after"]["id"] == "b"
    assert c.places[0]["inputs"] == {"pnl": 50.0, "equity": 60.0, "margin": 3.0}
    assert (a.payers, a.accounts, a.asked_usd, a.executed_usd) == (2, 4, 40.0, 40.0)
    assert (a.next_dollar_usd, c.next_dollar_usd) == (0.0, 1.0)
    assert a.information.value == "start-of-round"
    assert not b.changes
    assert not d.changes


def test_the_smallest_change_of_a_queue_is_where_the_scores_meet():
    """c is spared where b passes it, for b covers the 10 USD that a leaves.

    b's score is 10 / 80 x 1 / 90 = 1 / 720.  On more collateral c has 50 / (e - 50) x 3 / e, which is 1 / 720
    at e^2 - 50 e - 108,000 = 0.
    """
    found = {change.what: change for change in adl.explain(ROUND, "c", "full-deficit/binance").changes}
    equity = 25.0 + np.sqrt(625.0 + 108_000.0)
    assert found["leverage"].factor <= 60.0 / equity
    assert found["leverage"].factor == pytest.approx(60.0 / equity, rel=2e-3)
    assert found["leverage"].still_at == pytest.approx(60.0 / equity, rel=2e-4)
    assert (found["leverage"].figure, found["leverage"].before) == ("leverage", 5.0)
    assert found["pnl"].after == pytest.approx(50.0 * found["pnl"].factor)


def test_a_share_has_no_leverage_that_spares():
    made = adl.explain((ROUND, adl.Outcome(18.0)), "a")
    assert (made.policy, made.taken_usd, made.bound_by) == ("pro-rata", 6.0, "share")
    assert made.places[0]["base"] == "capacity"
    assert made.next_dollar_usd == pytest.approx(1.0 / 3.0)
    assert [change.what for change in made.changes] == ["size"]
    assert made.changes[0].factor == 0.0
    assert "Only without its positions" in made.sentences[-1]
    capped = adl.explain((ROUND, adl.Outcome(80.0)), "a", "capped-pro-rata")
    assert (capped.taken_usd, capped.bound_by, capped.next_dollar_usd) == (15.0, "cap", 0.0)


def test_contracts_name_market_lots_and_price():
    made = adl.explain(in_contracts(), "w", "full-deficit/okx")
    (place,) = made.places
    assert (place["market"], place["side"], place["lots"], place["held_lots"]) == ("BTC", "short", 2, 3)
    assert (place["price_usd"], place["given_up_per_contract_usd"], made.taken_usd) == (650.0, 50.0, 100.0)
    assert "2 of 3 lots (2 contracts) were closed at 650.00 USD" in str(made)
    assert adl.explain(in_contracts(), "v", "full-deficit/okx").bound_by == "no-capacity"
    long = replace(in_contracts(), flow=replace(in_contracts().flow, side=[-1]))
    assert adl.explain(long, "w", "full-deficit/okx").bound_by == "other-side"


def two_sided():
    """A book in contracts: linear and inverse, cross and isolated, hedged, with losers in two markets."""
    draw = np.random.default_rng(11)
    n = 10
    account = np.repeat(np.arange(n), 2)
    market = np.tile(["BTC", "ETH"], n)
    mark = np.tile([600.0, 40.0], n)
    side = np.where(draw.random(2 * n) < 0.75, -1, 1)
    entry = mark * np.exp(side * -0.2 * draw.random(2 * n) * np.where(draw.random(2 * n) < 0.8, 1, -0.3))
    modes = np.where(draw.random(2 * n) < 0.2, "isolated", "cross")
    held = adl.Positions(
        account=account,
        market=market,
        lots=draw.integers(1, 60, 2 * n),
        lot_size=np.tile([0.01, 1.0], n),
        side=side,
        entry=entry,
        mark=mark,
        kind=np.tile(["linear", "inverse"], n),
        multiplier=np.tile([1.0, 40.0], n),
        margin_mode=modes,
        isolated_margin=np.where(modes == "isolated", 50.0, 0.0),
    )
    pnl = np.bincount(account, held.pnl, minlength=n)
    equity = pnl + np.bincount(account, held.isolated_margin, minlength=n) + draw.uniform(5.0, 300.0, n)
    accounts = adl.Accounts(id=[f"c{k}" for k in range(n)], pnl=pnl, equity=equity, margin=np.abs(pnl) / 20.0)
    flow = adl.Flow(
        market=["BTC", "ETH"],
        side=["long", "long"],
        quantity=[0.5, 50.0],
        mark=[600.0, 40.0],
        bankruptcy=[640.0, 42.0],
    )
    return adl.Round(deficit=120.0, accounts=accounts, positions=held, flow=flow)


def test_an_isolated_position_below_zero_is_left_by_a_change_of_leverage():
    round_ = two_sided()
    lost = int(np.argmin(round_.positions.pnl))
    row = int(round_.positions.account[lost])
    modes, margin = round_.positions.margin_mode.copy(), round_.positions.isolated_margin.copy()
    modes[lost], margin[lost] = "isolated", 0.5 * -round_.positions.pnl[lost]
    round_ = replace(round_, positions=replace(round_.positions, margin_mode=modes, isolated_margin=margin))
    made = changed(round_, row, "leverage", 0.25)
    assert made.positions.isolated_margin[lost] == margin[lost]
    assert made.accounts.equity[row] == 4.0 * round_.accounts.equity[row]


PAIR = (
    adl.Round(
        deficit=100.0,
        accounts=adl.Accounts(
            id=["w", "v"], pnl=[150.0, 30.0], equity=[300.0, 400.0], margin=[30.0, 5.0], leverage=[3.0, 2.0]
        ),
        positions=adl.Positions(
            account=[0, 1],
            market=["BTC", "BTC"],
            lots=[3, 3],
            side=["short", "short"],
            entry=[650.0, 610.0],
            mark=[600.0, 600.0],
        ),
        flow=adl.Flow(
            market=["BTC", "BTC"],
            side=["long", "long"],
            quantity=[1.0, 1.0],
            mark=[600.0, 600.0],
            bankruptcy=[650.0, 650.0],
        ),
    ),
    adl.Outcome(
        60.0,
        gaps=adl.Gaps(market=["BTC"], side=["long"], quantity=[2.0], gap=[60.0]),
        recorded=adl.Recorded(haircut=60.0),
    ),
)
NAMED = replace(ROUND, accounts=replace(ACCOUNTS, id=["alice", "bob", "carol", "dave"]))
SPACES = {"contracts": PAIR, "wealth": (NAMED, adl.Outcome(30.0, recorded=adl.Recorded(haircut=30.0)))}


@pytest.mark.parametrize("space", SPACES)
def test_every_policy_of_the_lineup_is_explained(space, monkeypatch):
    """In a text for a customer no other account is named."""
    monkeypatch.setattr("adl_opt.service.explain.changes_of", lambda *_: [])
    told, refused = 0, []
    for policy in (*lineup(space=space), f"full-deficit/{DydxV4.name}"):
        try:
            made = adl.explain(SPACES[space], policy=policy, everything=True).explanations
        except adl.AdlOptError as error:
            refused.append(error)
            continue
        told += 1
        ids = {each.account for each in made}
        for each in made:
            assert not (ids - {each.account}) & set(re.findall(r"\w+", str(each)))
            assert len(each.sentences) == len(set(each.sentences))
    assert told >= 28
    assert all(re.search("no haircuts to explain|lacks|whole lots", str(error)) for error in refused)


def test_several_losers_of_a_market_are_one_line_on_a_stated_basis():
    made = adl.explain(PAIR, "w", "full-deficit/okx")
    assert (made.taken_usd, made.reckoned_usd, len(made.places)) == (60.0, 100.0, 2)
    assert "gave up 60.00 USD, as fills turned out (100.00 USD as reckoned at the mark)" in str(made)
    assert str(made).count("2 of 3 lots") == 1
    assert str(made).count("It stood at place 1 of 1") == 1
    assert "last in the queue" not in str(made)


def test_prices_of_cheap_coins_keep_their_digits():
    place = {"market": "PEPE", "side": "short", "lots": 5, "held_lots": 9, "contracts": 5.0}
    told = _closed(place | {"price_usd": 0.000012345, "given_up_per_contract_usd": 0.0123456})
    assert "closed at 0.000012345 USD; each contract gave up 0.012346 USD" in told


def test_an_account_that_was_liquidated_is_told_so():
    (first, outcome), (second, _) = adl.load(SMALL).rounds[:2]
    gone = first.accounts.id[0]
    case = replace(situation_of((first, outcome)), before=(first,), round_=second)
    assert "was there until round 1" in str(_not_there(case, str(gone), ["other"]))
    with pytest.raises(adl.UsageError, match="unknown account") as caught:
        adl.explain(PAIR, "loser", "full-deficit/okx")
    assert "was liquidated has left the round" in str(caught.value)


QUEUES = ("binance", "ethereal", "hyperliquid-literal", "ftrl-exact/okx")
IN_CONTRACTS = ("okx", "bitmex", "bitget", "pro-rata", "kucoin")
CASES = [(f"{SMALL}:2", policy) for policy in QUEUES]
CASES += [("contracts", f"full-deficit/{policy}") for policy in IN_CONTRACTS]
CASES += [("synthetic(accounts=5, rounds=1):1", "integer-pro-rata")]


@pytest.mark.parametrize(("where", "policy"), CASES, ids=[f"{w[:9]} {p}" for w, p in CASES])
def test_every_counterfactual_is_confirmed_by_running_it_again(where, policy):
    given = two_sided() if where == "contracts" else where
    case = situation_of(given, policy)
    whole = adl.explain(given, policy=policy, everything=True).explanations
    action = case.run()
    paid = [e for e in whole if e.changes]
    assert paid
    for row, made in enumerate(whole):
        assert made.taken_usd == action.x[row]
        assert bool(made.changes) <= is_deleveraged(action, row)
        for change in made.changes:
            assert change.confirmed
            assert 0.0 <= change.factor < change.still_at <= 1.0
            assert not is_deleveraged(case.run(changed(case.round_, row, change.what, change.factor)), row)
            assert is_deleveraged(case.run(changed(case.round_, row, change.what, change.still_at)), row)


@pytest.mark.parametrize("what", WHAT)
def test_a_factor_of_one_changes_nothing_and_money_hangs_together(what):
    for round_ in (ROUND, two_sided(), adl.load(SMALL).rounds[0][0]):
        for row in range(0, len(round_.accounts), 3):
            same, less = (changed(round_, row, what, factor) for factor in (1.0, 0.5))
            for name in same.accounts.present():
                before, after = getattr(round_.accounts, name), getattr(same.accounts, name)
                assert before.tolist() == pytest.approx(after.tolist()) if name != "id" else True
            assert less.space == round_.space
            others = np.arange(len(round_.accounts)) != row
            assert np.array_equal(less.accounts.pnl[others], round_.accounts.pnl[others])
            collateral = less.accounts.equity[row] - less.accounts.pnl[row]
            was = round_.accounts.equity[row] - round_.accounts.pnl[row]
            if what != "leverage":
                assert collateral == pytest.approx(was)
            elif round_.accounts.equity[row] > 0.0:
                assert collateral > was


def test_a_round_of_a_shadows_log_is_explained_by_its_own_policy(tmp_path):
    with adl.Shadow("ftrl-exact/binance", tmp_path) as shadow:
        for round_, outcome in adl.load(SMALL):
            decision = shadow.decide(round_)
            shadow.reveal(outcome)
    payer = next(iter(decision["haircuts"]))
    made = adl.explain(f"{tmp_path}:3", payer)
    assert (made.policy, made.taken_usd) == (decision["policy"], decision["haircuts"][payer])
    assert made.asked_usd == decision["asked_usd"]
    same = adl.explain(f"{SMALL}:3", payer, "ftrl-exact/binance")  # the rounds before are played
    assert (same.taken_usd, same.changes) == (made.taken_usd, made.changes)
    with pytest.raises(adl.UsageError, match="unknown round"):
        adl.explain(f"{tmp_path}:9", payer)


def test_the_command_and_its_file(tmp_path):
    run = CliRunner().invoke
    where = f"{SMALL}:2"
    payer = "a20"
    made = run(app, ["explain", where, payer, "--policy", "binance", "--format", "json"])
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert (told["schema"], told["account"], told["policy"]) == (1, payer, "binance")
    text = run(app, ["explain", where, payer, "--policy", "binance"]).stdout
    assert text.splitlines() == told["sentences"]
    out = tmp_path / "all.jsonl"
    assert run(app, ["explain", where, "--all", "--out", str(out), "--policy", "binance"]).exit_code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == len(adl.load(SMALL).rounds[1][0].accounts)
    assert next(line for line in lines if line["account"] == payer) == told
    table = adl.explain(where, policy="binance", everything=True).frame()
    assert table["taken_usd"].sum() == pytest.approx(told["executed_usd"])


@pytest.mark.parametrize(
    ("args", "more", "said"),
    [
        ((ROUND,), {}, "one account is explained, or all"),
        ((ROUND, "a"), {"everything": True}, "one account is explained, or all"),
        ((ROUND, "a"), {"out": "x"}, "a file is for all accounts"),
        ((ROUND, "z", "full-deficit/binance"), {}, "unknown account"),
        ((ROUND, "a"), {}, "needs the outcome"),
        (("oct10", "a"), {}, "one round is explained"),
        (("oct10:999", "a"), {}, "unknown round"),
        (("oct10:7", "a00006", "production"), {}, "no haircuts to explain"),
        ((ROUND, "a", ["binance", "okx"]), {}, "one policy is meant"),
        ((7, "a"), {}, "one round is meant"),
    ],
)
def test_what_cannot_be_meant(args, more, said):
    with pytest.raises(adl.AdlOptError, match=said):
        adl.explain(*args, **more)


def test_sub_accounts_stand_where_their_owner_does_and_exempt_ones_are_named():
    drawn = two_sided()
    m = len(drawn.positions)
    held = replace(drawn.positions, margin_mode=np.full(m, "cross"), isolated_margin=np.zeros(m))
    alone = replace(drawn, positions=held)
    ids = alone.accounts.id.tolist()
    exempt = [int(name == ids[1]) for name in ids]
    accounts = replace(alone.accounts, owner=["one" if k < 2 else name for k, name in enumerate(ids)])
    made = adl.explain(replace(alone, accounts=accounts), policy="full-deficit/okx", everything=True)
    first, second = made.explanations[:2]
    rank = {(p["market"], p["side"]): p["rank"] for p in first.places}
    for place in second.places:
        assert rank.get((place["market"], place["side"]), place["rank"]) == place["rank"]
    told = sum(e.taken_usd for e in made.explanations)
    assert told == pytest.approx(first.executed_usd)
    free = replace(alone, accounts=replace(alone.accounts, exempt=exempt))
    assert adl.explain(free, ids[1], "full-deficit/okx").bound_by == "exempt"
    wealth = replace(ROUND, accounts=replace(ACCOUNTS, exempt=[1, 0, 0, 0], cap=[30.0, 9.0, 5.0, 5.0]))
    made = adl.explain(wealth, policy="full-deficit/binance", everything=True).explanations
    assert [e.bound_by for e in made] == ["exempt", "cap", "cap", "no-capacity"]
    assert [e.taken_usd for e in made] == [0.0, 9.0, 5.0, 0.0]

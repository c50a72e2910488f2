"""The rules of venues as data: each is complete, and each worked example comes out exactly."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.allocation.queue import Ranked
from adl_opt.allocation.specifications import SHORT, venue_card
from adl_opt.cli.app import app
from tests.allocation.test_contracts import Published
from tests.rounds.books import small_book

CARDS = {row["venue"]: venue_card(row["venue"]) for row in adl.venues()}
EXAMPLES = {name: card["example"] for name, card in CARDS.items() if card["example"]}


@pytest.mark.parametrize("name", CARDS)
def test_a_specification_is_complete(name):
    card = CARDS[name]
    for key in ("rule", "formula", "trigger", "price", "margin", "source", "read"):
        assert card[key], key
    assert card["confidence"] in ("official", "secondary", "inferred")
    assert set(card["policies"]) <= set(ALLOCATIONS)
    assert ("example_absent" in card) == (card["example"] is None)


def test_an_unknown_venue_is_named():
    with pytest.raises(adl.UsageError, match="venue"):
        venue_card("nowhere")


def kinds(kind):
    return [name for name, example in EXAMPLES.items() if example["kind"] == kind]


@pytest.mark.parametrize("name", kinds("queue"))
def test_published_scores(name):
    case = EXAMPLES[name]
    round_ = small_book(
        case["lots"], side=case["side"], entry=600.0, mark=float(case["mark"]), losers="short",
        quantity=float(case["quantity"]), bankruptcy=float(case["bankruptcy"]),
        leverage=[float(s) for s in case["scores"]],
    )  # fmt: skip
    action = allocate_in_contracts(Published(), None, round_, round_.flow.quantity)
    assert action.lots.tolist() == case["closed"]
    assert action.x.tolist() == case["haircuts"]


@pytest.mark.parametrize("name", kinds("score"))
def test_scores_in_whole_numbers(name):
    case = EXAMPLES[name]
    rule = make_allocation(CARDS[name]["policies"][0])
    unit, key = (100, "hundredths") if "hundredths" in case else (10_000, "hundredths_of_percent")
    for k, side in enumerate(case["side"]):
        mark = float(case["mark"][k])
        rows = Ranked(
            account=np.array([0]), names=np.array(["a"]), market=np.array(["XBT"]), reach=np.ones(1),
            pnl=np.ones(1), equity=np.ones(1) / case["leverage"][k],
            columns={
                "side": np.array([1.0 if side == "long" else -1.0]), "mark": np.array([mark]),
                "entry": np.array([float(case["entry"][k])]), "notional": np.ones(1),
                "value_at_entry": np.array([mark]),
            },
        )  # fmt: skip
        assert round(float(rule.score(rows)[0]) * unit) == case[key][k]


@pytest.mark.parametrize("name", kinds("pool"))
def test_ratio_of_the_pool(name):
    case = EXAMPLES[name]
    pnl = [float(p) for p in case["pnl"]]
    round_ = adl.Round(deficit=400.0, accounts=adl.Accounts(id=["a", "b"], pnl=pnl, equity=[1e4, 1e4]))
    x = make_allocation(name).allocate(None, round_, sum(pnl) - case["residual"]).x
    assert np.rint(x).tolist() == pytest.approx(x) == case["haircuts"]


@pytest.mark.parametrize("name", kinds("side"))
def test_the_other_side_pays(name):
    case = EXAMPLES[name]
    assert _walk(case, equity=[5_000.0, 5_000.0]).lots.tolist() == case["closed"]


def test_dydx_skips_a_pair_whose_bankruptcy_prices_do_not_overlap():
    """100 contracts short at 100 with 900 USD of equity are bankrupt at 109; the long at 110."""
    assert _walk(EXAMPLES["dydx-v4"], equity=[900.0, 5_000.0]).lots.tolist() == [0, 0]
    assert _walk(EXAMPLES["dydx-v4"], equity=[1_100.0, 5_000.0]).lots.tolist() == [40, 0]


def _walk(case, equity):
    held = adl.Positions(
        account=[0, 1], market=["BTC"] * 2, lots=case["lots"], side=case["side"],
        entry=[float(e) for e in case["entry"]], mark=[float(case["mark"])] * 2,
    )  # fmt: skip
    flow = adl.Flow(
        market=["BTC"], side=[case["losers"]], quantity=[float(case["quantity"])],
        mark=[float(case["mark"])], bankruptcy=[float(case["bankruptcy"])],
    )  # fmt: skip
    accounts = adl.Accounts(id=["a", "b"], pnl=held.pnl, equity=equity)
    round_ = adl.Round(deficit=400.0, accounts=accounts, positions=held, flow=flow)
    return allocate_in_contracts(make_allocation("dydx-v4"), None, round_, flow.quantity)


@pytest.mark.parametrize("name", kinds("fund") + kinds("moved"))
def test_what_users_pay_is_moved(name):
    case = EXAMPLES[name]
    if case["kind"] == "fund":
        pays = min(case["loss"], case["fund"] * case["drawdown_percent"] // 100)
        assert (pays, case["loss"] - pays) == (case["fund_pays"], case["users_pay"])
    asked = case["users_pay"] if case["kind"] == "fund" else case["moved"]
    round_ = small_book(
        [asked], side="short", entry=120.0, mark=100.0, losers="long", quantity=float(asked),
        bankruptcy=101.0, leverage=[1.0], equity=[1e7],
    )  # fmt: skip
    action = allocate_in_contracts(make_allocation(name), None, round_, round_.flow.quantity)
    assert action.x.tolist() == [asked]


def test_the_page_of_metaflux_has_the_figures_of_a_replay():
    page = (Path(__file__).parents[2] / "docs" / "metaflux.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(.+?)` \|.*\| (\d+\.\d\d) \|$", page, re.MULTILINE))
    frame = adl.replay("oct10", list(rows)).frame()
    assert rows == {name: f"{frame.tracking_usd[name] / 1e6:.2f}" for name in rows}
    assert len(rows) == 3


def test_the_json_of_venues_is_a_bare_array():
    made = CliRunner().invoke(app, ["venues", "--format", "json"])
    rows = json.loads(made.stdout)
    assert {row["venue"] for row in rows} == set(CARDS)
    assert all(list(row) == list(SHORT) for row in rows)

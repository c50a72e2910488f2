"""Who was closed by market and side: by hand, and the sums of any replay."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.evaluate.markets import broken_hedges
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.series.gallery import gallery
from adl_opt.reports.series.markets import MOST_CELLS, hedge_series, market_series, objectives_series
from adl_opt.studies.findings import Findings

BOOK = "synthetic(accounts=150, rounds=3, markets=5, space=contracts, hedged=0.4, inverse=0.4, isolated=0.1)"
POLICIES = ["okx", "pro-rata", "full-deficit/binance", "min-max", "risk-based", "constant(0)"]


def by_hand():
    """Two markets.  a: short A and long B; b: short A; c: short A and long A; d: short B."""
    held = adl.Positions(
        account=[0, 0, 1, 2, 2, 3],
        market=["A", "B", "A", "A", "A", "B"],
        side=["short", "long", "short", "short", "long", "short"],
        lots=[10, 10, 20, 10, 10, 5],
        entry=[120.0, 90.0, 110.0, 130.0, 99.0, 120.0],
        mark=[100.0] * 6,
    )
    pnl = np.bincount(held.account, held.pnl)
    accounts = adl.Accounts(id=list("abcd"), pnl=pnl, equity=pnl + 1_000.0, leverage=[1.0, 9.0, 5.0, 1.0])
    flow = adl.Flow(
        market=["A", "A", "B", "B"],
        side=["long", "long", "long", "short"],
        quantity=[12.0, 4.0, 9.0, 2.0],
        mark=[100.0] * 4,
        bankruptcy=[105.0, 104.0, 101.0, 97.0],
    )
    round_ = adl.Round(deficit=91.0, accounts=accounts, positions=held, flow=flow)
    return adl.Episode("hand", "made up", [(round_, adl.Outcome(91.0))])


def test_by_hand():
    """okx ranks by return on entry times leverage: c (1.15), b (0.82), a (0.17)."""
    result = adl.replay(by_hand(), "full-deficit/okx")
    frame = result.per_market("full-deficit/okx")
    assert frame.index.tolist() == [("A", "long"), ("B", "long"), ("B", "short")]
    assert frame["flow"].tolist() == frame["wanted"].tolist() == [16.0, 9.0, 2.0]
    assert frame["closed"].tolist() == [16.0, 5.0, 2.0]
    assert frame["residual"].tolist() == [0.0, 4.0, 0.0]
    assert frame["residual_usd"].tolist() == [0.0, 4.0, 0.0]
    assert frame["haircut_usd"].tolist() == [12 * 5.0 + 4 * 4.0, 5.0, 6.0]
    assert frame["rounds"].tolist() == [1, 1, 1]
    # A long: c gives its 10 shorts, so that it is long alone, and b 6; B long: d; B short: a, long in B
    assert frame["accounts"].tolist() == [2, 1, 1]
    assert frame["hedges_broken"].tolist() == [1, 0, 1]
    assert result["full-deficit/okx"].hedges_broken == 2


@pytest.mark.parametrize(
    ("closed", "broken"),
    [([1, 0, 0], True), ([0, 1, 0], True), ([1, 1, 0], False), ([0, 0, 5], False), ([0, 0, 0], False)],
)
def test_a_hedge_is_broken_by_one_side_alone(closed, broken):
    found = broken_hedges(np.array([0, 0, 1]), np.array([1, -1, 1]), np.array(closed), 2)
    assert found.tolist() == [broken, False]


@pytest.fixture(scope="module")
def result():
    return adl.replay(BOOK, POLICIES)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_sums_are_those_of_the_replay(result, policy):
    name = "constant(theta=0)/pro-rata" if policy == "constant(0)" else policy
    frame, summary = result.per_market(name), result[name]
    assert frame["haircut_usd"].sum() == pytest.approx(summary.haircut_usd, abs=1e-6)
    assert frame["residual_usd"].sum() == pytest.approx(summary.residual_usd, abs=1e-6)
    apart = (frame["closed"] + frame["residual"] - frame["wanted"]).abs()
    assert (apart <= 1e-6 * frame["wanted"]).all()
    assert (frame["wanted"] <= frame["flow"] * (1 + 1e-9)).all()
    assert frame["accounts"].sum() >= summary.accounts_touched
    assert frame["hedges_broken"].sum() >= summary.hedges_broken
    assert (frame["hedges_broken"] <= frame["accounts"]).all()
    flow = {}
    for round_, _ in adl.load(BOOK):
        for market, side, quantity in zip(
            round_.flow.market, round_.flow.side.tolist(), round_.flow.quantity.tolist(), strict=True
        ):
            key = str(market), "long" if side > 0 else "short"
            flow[key] = flow.get(key, Fraction(0)) + Fraction(quantity)
    assert frame["flow"].to_dict() == pytest.approx({key: float(q) for key, q in flow.items()}, rel=1e-12)


def test_what_is_not_known_says_so(result):
    with pytest.raises(adl.UsageError, match="binance"):
        result.per_market("binance")
    wealth = adl.replay(BOOK, "okx", space="wealth")
    assert np.isnan(wealth["okx"].hedges_broken)
    with pytest.raises(adl.InputError, match="--space contracts"):
        wealth.per_market("okx")
    with pytest.raises(adl.UsageError, match="of a replay only"):
        adl.published().per_market("production")


def test_burdens_of_accounts_are_those_of_the_replay(result):
    """Isolated margin gives an account more than one pot: its capacity is what all of them can give."""
    paid = result.haircuts("okx", "pro-rata")
    for name, rows in paid.groupby("policy"):
        worst = (rows["haircut_usd"] / rows["base_usd"]).max()
        assert worst == pytest.approx(result[name].max_burden, rel=1e-12)


def test_the_terminal_names_markets_for_a_few_policies():
    few = CliRunner().invoke(app, ["replay", BOOK, "--policy", "okx", "--policy", "pro-rata"]).stdout
    assert "okx: who was closed, by market and side of the losers" in few
    assert "pro-rata: who was closed" in few
    assert "hedges broken: accounts that hold both sides" in few
    assert "future shortfall $" in few
    names = [word for policy in POLICIES for word in ("--policy", policy)]
    assert "who was closed" not in CliRunner().invoke(app, ["replay", BOOK, *names]).stdout
    wealth = CliRunner().invoke(app, ["replay", BOOK, "--policy", "okx", "--space", "wealth"]).stdout
    assert "who was closed" not in wealth
    assert "future shortfall" not in wealth


def test_figures_by_market_show_what_the_frames_say(result):
    found = Findings.of(adl.load(BOOK), ["okx", "pro-rata"])
    assert found.optimum is None
    assert list(found.markets) == ["okx", "pro-rata"]
    data = market_series(found.markets, found.result)
    haircuts = data.charts[-1]
    assert haircuts.title == "haircuts"
    (curve,) = haircuts.curves  # both take the same of each market, so that one curve has both names
    assert curve.label == "okx = pro-rata (ex-post)"
    for frame in found.markets.values():
        assert list(curve.y) == pytest.approx(frame["haircut_usd"].tolist(), rel=1e-9)
        assert [word.split()[0] for word in curve.x] == [market for market, _ in frame.index]
    many = adl.replay("synthetic(accounts=200, rounds=2, markets=12, space=contracts)", "okx")
    cells = market_series({"okx": many.per_market("okx")}, many).charts[0]
    assert len(cells.curves[0].x) == MOST_CELLS
    assert "more markets and sides" in cells.caption
    hedges = hedge_series(result)
    assert list(hedges.charts[0].curves[0].x) == [p.hedges_broken for p in result.policies]
    assert min(hedges.charts[1].curves[0].x) == 0.0
    front, *points, others = objectives_series(result).charts[0].curves
    table = result.pareto("total_usd", "future_shortfall_usd")
    assert front.x.tolist() == table["total_usd"].tolist()
    assert sum(curve.label.count(" = ") + 1 for curve in points) == len(table)
    assert len(others.x) == len(result.policies) - len(table)
    assert min(front.y) == 0.0
    for made in (data, hedges):
        assert len(draw(made).axes) == 2


def test_the_space_of_show_and_figures():
    assert adl.load(BOOK).space == "contracts"
    assert adl.load(BOOK, "wealth").space == "wealth"
    assert adl.load(BOOK, space="wealth").to_json()["space"] == "wealth"
    with pytest.raises(adl.InputError, match="not in contracts"):
        list(adl.load("synthetic(accounts=5, rounds=1)", "contracts"))
    names = set(gallery(Findings.of(adl.load(BOOK), "okx", space="contracts")))
    assert {"markets", "hedges"} <= names
    assert "gaps-to-optimum" not in names
    names = set(gallery(Findings.of(adl.load(BOOK), "okx", space="wealth")))
    assert "gaps-to-optimum" in names
    assert "markets" not in names

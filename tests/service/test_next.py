"""Who is next: moves by hand, hedged accounts, contracts, and probabilities that are kept."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.cli.app import app
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.service.moved import MovingBook
from tests.service.test_explain import two_sided

ACCOUNTS = adl.Accounts(
    id=["long", "short", "flat", "poor"],
    pnl=[10.0, 20.0, 30.0, -90.0],
    equity=[40.0, 60.0, 80.0, 10.0],
    side=["long", "short", "long", "long"],
    notional=[100.0, 200.0, 0.0, 100.0],
    margin=[1.0, 2.0, 0.0, 1.0],
    leverage=[2.5, 10.0 / 3.0, 0.0, 10.0],
)
BACK = {"id": "back", "pnl": -45.0, "equity": -5.0, "side": 1, "notional": 100.0, "margin": 1.0}
BACK["leverage"] = 30.0
ROUND = adl.Round(deficit=0.0, accounts=ACCOUNTS)


def given(*moves, chance=None):
    """Scenarios by hand: relative moves of every market."""

    def read(markets, mark):
        table = np.outer(moves, np.ones(len(markets))) * np.asarray(mark)
        return PriceMoves.of(table, chance, source="by hand")

    return ScenarioSource(read=read)


def test_a_move_by_hand():
    moved = MovingBook.of(ROUND).moved(np.array([-0.2]))
    assert moved.accounts.pnl.tolist() == [-10.0, 60.0, 30.0, -110.0]
    assert moved.accounts.equity.tolist() == [20.0, 100.0, 80.0, -10.0]
    assert moved.accounts.capacity.tolist() == [0.0, 60.0, 30.0, 0.0]
    assert moved.accounts.notional.tolist() == [80.0, 160.0, 0.0, 80.0]
    assert moved.accounts.leverage.tolist() == pytest.approx([4.0, 1.6, 0.0, 0.0])
    assert moved.deficit == 10.0
    assert ROUND.accounts.pnl.tolist() == [10.0, 20.0, 30.0, -90.0]


def test_an_account_that_comes_back_above_zero_has_no_leverage_below_it():
    below = {name: [*getattr(ACCOUNTS, name).tolist(), value] for name, value in BACK.items()}
    moved = MovingBook.of(adl.Round(deficit=0.0, accounts=adl.Accounts(**below))).moved(np.array([0.2]))
    assert moved.accounts.equity[-1] == 15.0
    assert moved.accounts.leverage.tolist() == pytest.approx([2.0, 12.0, 0.0, 4.0, 36.0])


def test_probabilities_and_means_by_hand():
    """Only the fall by 20 % leaves a deficit, 10 USD; pro-rata shares it 60 : 30."""
    made = adl.next_in_line(ROUND, moves=given(-0.2, -0.05, 0.1, chance=[0.25, 0.5, 0.25]))
    assert made.probability.tolist() == [0.0, 0.25, 0.25, 0.0]
    assert made.expected_usd.tolist() == pytest.approx([0.0, 0.25 * 20 / 3, 0.25 * 10 / 3, 0.0])
    assert made.rank.tolist() == [3, 2, 1, 0]
    assert made.frame().index.tolist() == ["short", "flat", "long", "poor"]
    queue = adl.next_in_line(ROUND, "full-deficit/binance", moves=given(-0.2))
    assert queue.probability.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert queue.rank.tolist() == [2, 1, 3, 0]
    assert "by hand" in str(queue)


@pytest.mark.parametrize("make", [two_sided, lambda: drawn_book(12)])
def test_what_was_asked_of_a_round_before_changes_nothing(make):
    moves, policy = "drawn(volatility=0.2, count=8)", adl.make_policy("full-deficit/binance")
    fresh = adl.next_in_line(make(), policy, moves=moves)
    asked = make()
    policy.act(policy.start(), asked)
    assert asked.capacity_usd > 0.0
    again = adl.next_in_line(asked, policy, moves=moves)
    assert again.probability.tolist() == fresh.probability.tolist()
    assert fresh.probability.max() > 0.0


def test_a_hedged_account_does_not_move():
    held = adl.Positions(
        account=[0, 0, 1, 2],
        market=["A", "A", "A", "A"],
        lots=[10, 10, 10, 10],
        side=["long", "short", "short", "long"],
        entry=[80.0, 110.0, 120.0, 101.0],
        mark=[100.0] * 4,
    )
    flow = adl.Flow(market=["A"], side=["long"], quantity=[1.0], mark=[100.0])
    pnl, equity = [300.0, 200.0, -10.0], [400.0, 500.0, 50.0]
    accounts = adl.Accounts(id=["hedged", "short", "long"], pnl=pnl, equity=equity)
    round_ = adl.Round(deficit=1.0, accounts=accounts, positions=held, flow=flow)
    assert round_.space == CONTRACTS
    moved = MovingBook.of(round_).moved(np.array([-0.1]))
    assert moved.accounts.pnl.tolist() == [300.0, 300.0, -110.0]
    assert moved.deficit == 50.0
    flow = moved.flow
    assert (flow.market.tolist(), flow.side.tolist(), flow.quantity.tolist()) == (["A"], [1], [10.0])
    positions = adl.Positions(**columns(moved.positions))
    rebuilt = adl.Round(deficit=50.0, accounts=moved.accounts, positions=positions, flow=flow)
    assert rebuilt.space == CONTRACTS  # the border accepts it: PNL, marks and sums agree
    made = adl.next_in_line(round_, "full-deficit/okx", moves=given(-0.1, 0.1))
    assert made.probability.tolist() == [0.5, 0.0, 0.0]  # 20 / 110 x 900 / 400 > 30 / 120 x 900 / 600
    assert made.rank.tolist() == [1, 1, 0]  # first of the longs, and of the shorts


def synthetic():
    return adl.load("synthetic(accounts=30, rounds=2)").rounds[0][0]


def columns(table):
    return {name: getattr(table, name) for name in table.present()}


@pytest.mark.parametrize("make", [two_sided, synthetic])
def test_a_moved_book_is_one_that_the_border_accepts(make):
    book = MovingBook.of(make())
    for seed in range(5):
        moves = np.random.default_rng(seed).uniform(-0.3, 0.3, len(book.markets))
        moved = book.moved(moves)
        accounts = adl.Accounts(**columns(moved.accounts))
        held = adl.Positions(**columns(moved.positions))
        again = adl.Round(deficit=moved.deficit, accounts=accounts, positions=held, flow=moved.flow)
        assert again.space == moved.space == book.round_.space
        assert again.capacity_usd == moved.capacity_usd
    still = book.moved(np.zeros(len(book.markets)))
    assert still.accounts.pnl.tolist() == pytest.approx(book.round_.accounts.pnl.tolist())


def drawn_book(n=60, seed=3):
    draw = np.random.default_rng(seed)
    side = np.where(draw.random(n) < 0.5, 1, -1)
    notional = draw.lognormal(8.0, 1.0, n)
    equity = notional / draw.uniform(2.0, 25.0, n)
    accounts = adl.Accounts(
        id=[f"k{k}" for k in range(n)],
        pnl=equity * draw.uniform(-0.6, 0.9, n),
        equity=equity,
        side=side,
        notional=notional,
        margin=0.01 * notional,
    )
    return adl.Round(deficit=0.0, accounts=accounts)


@pytest.mark.parametrize("policy", ["full-deficit/binance", "full-deficit/pro-rata"])
def test_probabilities_are_kept(policy):
    """1,000 simulated moves of the same law: on average within 2 % of what was said, in each tenth too."""
    round_ = drawn_book()
    said = adl.next_in_line(round_, policy, moves="drawn(volatility=0.08, count=2000, seed=1)").probability
    rule, book = adl.make_policy(policy), MovingBook.of(round_)
    steps = np.expm1(np.random.default_rng(99).normal(0.0, 0.08, 1000))
    seen = np.zeros(said.size)
    for step in steps:
        moved = book.moved(np.array([step]))
        whole = adl.Round(deficit=moved.deficit, accounts=adl.Accounts(**columns(moved.accounts)))
        seen += rule.act(rule.start(), whole).x > 0.0 if whole.deficit > 0.0 else 0.0
    seen /= steps.size
    assert 0.05 < said.mean() < 0.95
    assert abs(seen.mean() - said.mean()) < 0.02
    assert np.abs(seen - said).mean() < 0.02
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (said >= low) & (said < low + 0.1)
        if np.count_nonzero(inside) >= 5:
            assert abs(seen[inside].mean() - said[inside].mean()) < 0.04  # two standard errors of one tenth


def test_an_episode_foresees_by_its_past_and_a_shadow_by_its_log(tmp_path):
    first = two_sided()
    mark = first.positions.mark * 0.9
    kept = {k: v for k, v in columns(first.positions).items() if k not in ("lot_value", "settlement_rate")}
    held = adl.Positions(**kept | {"mark": mark})
    n = len(first.accounts)
    pnl = np.bincount(held.account, held.pnl, minlength=n)
    accounts = adl.Accounts(id=first.accounts.id, pnl=pnl, equity=pnl + 400.0, margin=first.accounts.margin)
    flow = adl.Flow(market=["BTC"], side=["long"], quantity=[1.0], mark=[540.0])
    second = adl.Round(deficit=5.0, accounts=accounts, positions=held, flow=flow, number=2)
    episode = adl.Episode("mine", "made up", [(first, adl.Outcome(1.0)), (second, adl.Outcome(1.0))])
    made = adl.next_in_line(episode, "full-deficit/okx")
    assert (made.round, made.scenarios) == (2, 2)
    assert "past moves" in made.moves
    with adl.Shadow("full-deficit/okx", tmp_path) as shadow:
        shadow.decide(second)
    logged = adl.next_in_line(f"{tmp_path}:2")
    assert (logged.policy, logged.scenarios) == ("full-deficit/okx", 64)
    assert "assumed" in logged.moves


def test_a_round_that_cannot_move_is_refused():
    accounts = adl.Accounts(id=["a"], pnl=[1.0], equity=[2.0])
    with pytest.raises(adl.LackError, match="does not say how its PNL moves"):
        adl.next_in_line(adl.Round(deficit=0.0, accounts=accounts))


def test_the_command():
    words = ["next", "synthetic(accounts=8, rounds=2)", "--policy", "full-deficit/okx"]
    told = json.loads(CliRunner().invoke(app, [*words, "--format", "json"]).stdout)
    assert (told["schema"], told["round"], len(told["accounts"])) == (1, 2, 8)
    assert set(told["accounts"][0]) == {"id", "rank", "probability", "expected_usd"}
    first = [words[0], f"{words[1]}:1", *words[2:], "--format", "json"]
    one = json.loads(CliRunner().invoke(app, first).stdout)
    assert one["round"] == 1
    table = CliRunner().invoke(app, words).stdout
    assert "volatility 0.1, correlation 0.8 (assumed)" in " ".join(table.split())
    frame = CliRunner().invoke(app, [*words, "--format", "csv"]).stdout
    assert len(frame.splitlines()) == 9

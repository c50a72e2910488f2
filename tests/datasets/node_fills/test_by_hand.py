"""A committed file of invented accounts, from raw lines to a policy table; every number worked out by hand.

The snapshot, at BTC 100 and ETH 10 (value = account value; K = value - size x mark: cash, if all positions
were worth nothing; then equity at any prices is K + sum of size x price):

    ann  value 1000  BTC long 3  at 90   K = 1000 - 300 =  700
    bob  value  500  ETH short 20 at 12  K =  500 + 200 =  700
    cat  value   60  BTC long 1  at 80   K =   60 - 100 =  -40
    leo  value   20  BTC short 4 at 95   K =   20 + 400 =  420
    lia  value   25  ETH long 10 at 11   K =   25 - 100 =  -75

The blocks (seconds after 21:16):

    0    trades at BTC 110, ETH 9 (and one spot fill, passed over)
    1    ADL of leo at 112, mark 113: ann sells 2 (fee 0.25), cat sells 1
    3    ADL of lia at 7, mark 7.5: bob buys 10; then a trade at BTC 114
    3.4  a trade at BTC 115
    4.5  a trade at ETH 6.5
    9    ADL of leo at 118, mark 120: ann sells 1; then a trade at BTC 121

ADL fills at 1, 3 and 9 s: gaps of 2 and 6 s, so the rounds are {1, 3} and {9}.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.errors import InputError, UsageError

DATA = Path(__file__).parent / "data"
FILLS = DATA / "node_fills_20251010_21.json"
SNAPSHOT = DATA / "clearinghouse.json"
MISC = DATA / "misc_events_20251010_21.json"
START = 1760130960000


@pytest.fixture(scope="module")
def both():
    return import_node_fills([FILLS], clearinghouse=[SNAPSHOT])


def test_rounds_and_needed_budgets(both):
    (one, after), (two, later) = both[0]
    assert (one.number, one.start_ms, after.end_ms) == (1, START + 1000, START + 3000)
    assert (two.number, two.start_ms, later.end_ms) == (2, START + 9000, START + 9000)
    # |113 - 112| x 3 BTC = 3;  |7.5 - 7| x 10 ETH = 5;  |120 - 118| x 1 BTC = 2
    assert after.gaps.market.tolist() == ["BTC", "ETH"]
    assert after.gaps.gap.tolist() == [3.0, 5.0]
    assert (after.needed, later.needed) == (8.0, 2.0)
    assert one.flow.quantity.tolist() == [3.0, 10.0]
    assert one.flow.mark.tolist() == [113.0, 7.5]
    assert two.flow.quantity.tolist() == [1.0]
    assert [line.losers for line in both[1].rounds] == [{"leo": 28.0, "lia": 5.0}, {"leo": 34.0}]
    assert [line.fills for line in both[1].rounds] == [3, 1]


def test_winners_at_the_prices_before_the_round(both):
    (one, _), (two, _) = both[0]
    # before the first block of round 1: BTC 110, ETH 9
    assert one.accounts.id.tolist() == ["ann", "cat", "bob"]  # in the order of their first fill
    assert one.accounts.pnl.tolist() == [3 * (110 - 90), 110 - 80, 20 * (12 - 9)]  # 60, 30, 60
    assert one.accounts.equity.tolist() == [700 + 330, -40 + 110, 700 - 180]  # 1030, 70, 520
    assert one.accounts.capacity.tolist() == [60.0, 30.0, 60.0]
    assert one.accounts.notional.tolist() == [330.0, 110.0, 180.0]
    assert one.accounts.leverage.tolist() == [330 / 1030, 110 / 70, 180 / 520]
    # before round 2: BTC 115; ann sold 2 at 112 with a fee of 0.25: K = 700 + 224 - 0.25 = 923.75
    assert two.accounts.id.tolist() == ["ann"]
    assert two.accounts.pnl.tolist() == [25.0]  # 1 x (115 - 90)
    assert two.accounts.equity.tolist() == [923.75 + 115]
    assert two.accounts.capacity.tolist() == [25.0]


def test_positions_in_whole_lots(both):
    held = both[0].rounds[0][0].positions
    assert held.market.tolist() == ["BTC", "BTC", "ETH"]
    assert held.lots.tolist() == [3, 1, 20]  # all sizes are whole: lots of one contract
    assert held.lot_value.tolist() == [20.0, 30.0, 3.0]
    assert held.side.tolist() == [1, 1, -1]
    assert held.entry.tolist() == [90.0, 80.0, 12.0]
    assert held.mark.tolist() == [110.0, 110.0, 9.0]


def test_deficits(both):
    # leo at 112: 420 - 4 x 112 = -28;  lia at 7: -75 + 70 = -5;  D = 33
    # leo bought 3 at 112: K = 420 - 336 = 84; at 118: 84 - 118 = -34
    assert [round_.deficit for round_, _ in both[0]] == [33.0, 34.0]


def test_production_haircuts_at_every_markout(both):
    one, two = both[1].rounds
    # at the end (3 s): BTC 114, ETH 7.  ann 2 x (114 - 112) + 0.25 fee = 4.25, cat 1 x 2 = 2, bob 10 x 0 = 0
    assert one.haircuts == {"ann": 4.25, "cat": 2.0, "bob": 0.0}
    # + 500 ms: BTC 115: ann 6.25, cat 3.  + 2000 ms: ETH 6.5: bob, short 10 more, were 5 richer
    assert one.production == {0: 6.25, 500: 9.25, 1000: 9.25, 2000: 14.25, 5000: 14.25}
    assert not one.cut_short
    # round 2 ends the file: BTC 121 stands at every markout: 1 x (121 - 118)
    assert two.production == dict.fromkeys((0, 500, 1000, 2000, 5000), 3.0)
    assert two.cut_short
    first, second = (outcome.recorded for _, outcome in both[0])
    assert (first.haircut, second.haircut) == (6.25, 3.0)
    # burdens: 4.25 / 60, 2 / 30, 0 / 60; and 3 / 25
    assert first.max_burden == pytest.approx(4.25 / 60, rel=1e-15)
    assert second.max_burden == 0.12
    assert math.isnan(first.reference_burden)


def test_marks_as_prices_of_adl_fills():
    _, report = import_node_fills([FILLS], clearinghouse=[SNAPSHOT], adl_prices="mark", markout_ms=500)
    # ETH then stands at 7.5 from 3 s on: bob were 10 x (7 - 7.5) = 5 poorer, so 0; at 6.5: + 5 as before
    assert report.rounds[0].production == {0: 6.25, 500: 9.25, 1000: 9.25, 2000: 14.25, 5000: 14.25}
    assert report.rounds[0].haircuts == {"ann": 6.25, "cat": 3.0, "bob": 0.0}


def test_policy_table(both):
    table = adl.replay(
        both[0],
        ["production", "pro-rata", "min-max-lots", "constant(0)", "full-deficit"],
        loss="base=capacity",
        space="wealth",
    ).frame()
    row = {name.split("/")[0]: table.loc[name] for name in table.index}
    # production: |6.25 - 8| + |3 - 2|
    assert row["production"].haircut_usd == 9.25
    assert row["production"].tracking_usd == 2.75
    assert (row["production"].overshoot_usd, row["production"].undershoot_usd) == (1.0, 1.75)
    # pro-rata of B: 8 / 150 in round 1, 2 / 25 in round 2: nothing off, largest burden 0.08
    assert row["pro-rata"].tracking_usd == pytest.approx(0.0, abs=1e-12)
    assert row["pro-rata"].max_burden == pytest.approx(0.08, rel=1e-12)
    # whole lots: 3 lots of bob (3 USD each, burden 9 / 60) cover 8; ann's one lot of 25 covers 2: 1 + 23 over
    assert row["min-max-lots"].haircut_usd == pytest.approx(34.0, rel=1e-12)
    assert row["min-max-lots"].tracking_usd == pytest.approx(24.0, rel=1e-12)
    assert row["min-max-lots"].max_burden == pytest.approx(1.0, rel=1e-9)
    # nothing: 8 + 2.  All of D: 33 - 8 = 25; D = 34 is capped at U = 25: 25 - 2 = 23
    assert row["constant(theta=0)"].tracking_usd == 10.0
    assert row["full-deficit"].tracking_usd == pytest.approx(48.0, rel=1e-12)


def test_misc_events_move_cash():
    episode, report = import_node_fills([FILLS], clearinghouse=[SNAPSHOT], misc=[MISC])
    (one, _), (two, _) = episode
    assert one.accounts.equity.tolist() == [1030.0, 68.0, 520.0]  # cat paid 2 of funding at 0.5 s
    assert one.deficit == 28.0 + 4.0  # lia got 1
    assert two.accounts.equity.tolist() == [1038.75 + 100 - 40]  # deposit and withdrawal at 5 s
    # at 6 s leo's equity is set to -30 with BTC at 115: K = -30 + 115 = 85; at 118: -33
    assert two.deficit == 33.0
    kinds = report.frame()
    assert kinds.loc["Funding"].tolist() == [1, 1, 0, 0, 0, -1.0]
    assert kinds.loc["UserNonFundingLedgerUpdate/Withdraw"].tolist() == [1, 1, 0, 0, 0, -40.0]
    assert kinds.loc["ValidatorRewards"].tolist() == [1, 0, 0, 1, 0, 0.0]


def test_without_a_snapshot_the_source_says_what_is_not_known():
    episode, report = import_node_fills([FILLS])
    (one, after), (two, _) = episode
    assert one.accounts.pnl.tolist() == [60.0, 30.0, 60.0]  # entries as closedPnl implies them
    assert one.accounts.equity.tolist() == [60.0, 30.0, 60.0]
    assert two.accounts.pnl.tolist() == [25.0]
    assert (one.deficit, two.deficit) == (8.0, 2.0)
    assert after.recorded.haircut == 6.25  # the difference of the passes needs no snapshot
    assert math.isnan(after.recorded.max_burden)
    assert one.accounts.leverage is None
    assert "equity is not known and stands at PNL" in episode.source
    assert "the deficit is not known and stands at the needed budget" in episode.source
    assert report.counts["spot fills"] == 1


def test_round_trip_through_the_store(both, tmp_path):
    again = load_episode(save_episode(both[0], tmp_path / "e"))
    assert again.source == both[0].source
    for (round_, outcome), (back, told) in zip(both[0], again, strict=True):
        assert round_.accounts.equity.tobytes() == back.accounts.equity.tobytes()
        assert round_.positions.lot_value.tobytes() == back.positions.lot_value.tobytes()
        assert (outcome.needed, outcome.recorded.haircut) == (told.needed, told.recorded.haircut)


def test_a_bar_with_its_rate_where_somebody_looks(monkeypatch, capsys):
    from adl_opt.cli.data import transfer

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with transfer("import", [FILLS], quiet=False) as advance:
        import_node_fills([FILLS], advance=advance)
    shown = capsys.readouterr().err
    assert "kB" in shown
    assert "/s" in shown or "?" in shown
    with transfer("import", [FILLS], quiet=True) as advance:
        assert advance is None


def test_the_command(tmp_path):
    out = tmp_path / "e"
    args = ["import", "node-fills", str(FILLS), "--out", str(out), "--clearinghouse", str(SNAPSHOT)]
    told = CliRunner().invoke(app, [*args, "--haircuts", str(tmp_path / "cuts.csv")])
    assert told.exit_code == 0, told.output
    cuts = (tmp_path / "cuts.csv").read_text().splitlines()
    assert cuts[0] == "round,id,equity_usd,capacity_usd,haircut_usd,information"
    assert cuts[1:] == [
        "1,ann,1030.0,60.0,4.25,observed",
        "1,cat,70.0,30.0,2.0,observed",
        "1,bob,520.0,60.0,0.0,observed",
        "2,ann,1038.75,25.0,3.0,observed",
    ]
    assert "round 1: 3 ADL fills, 3 winners, 2 losers, 2 markets, needed 8.00 USD" in told.stdout
    assert "6.25 at 0 ms" in told.stdout
    assert told.stderr == ""  # no bar where nobody looks, and nothing to tell
    assert [outcome.needed for _, outcome in adl.load(out)] == [8.0, 2.0]


def test_the_function_writes_what_it_is_asked_to(tmp_path):
    out, cuts = tmp_path / "e", tmp_path / "cuts.csv"
    episode, report = import_node_fills(FILLS, out, SNAPSHOT, haircuts=cuts)
    assert adl.load(out).source == episode.source
    assert len(cuts.read_text().splitlines()) == 5
    assert "round 2: 1 ADL fills" in str(report)
    quiet = import_node_fills(FILLS, clearinghouse=SNAPSHOT, gap_ms=1000)[1].rounds[0]
    assert sorted(quiet.production) == [0, 500, 1000]  # horizons beyond the gap are left out


def test_an_input_is_never_replaced_by_the_haircuts(tmp_path):
    copy = tmp_path / "fills.json"
    copy.write_bytes(FILLS.read_bytes())
    with pytest.raises(UsageError, match="own input"):
        import_node_fills([copy], tmp_path / "e", haircuts=copy)
    assert copy.read_bytes() == FILLS.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["fills.json"]


def test_strict_refuses_a_line_that_cannot_be_used(tmp_path):
    spoilt = tmp_path / "fills.json"
    spoilt.write_bytes(FILLS.read_bytes() + b"no JSON\n")
    assert len(import_node_fills(spoilt)[0]) == 2
    with pytest.raises(InputError, match="--strict"):
        import_node_fills(spoilt, tmp_path / "e", strict=True)
    assert not (tmp_path / "e").exists()

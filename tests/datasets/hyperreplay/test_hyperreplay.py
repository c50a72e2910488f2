from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.datasets.csv.rounds_table import RoundsTable, read_rounds
from adl_opt.datasets.hyperreplay import importer
from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.contracts import UNLISTED
from tests.datasets.conftest import attempted, refused

T = 1760000000000
HEAD = (
    "user,coin,time,adl_price,adl_size,position_size,entry_price,total_unrealized_pnl,total_equity,"
    "leverage_realtime,position_unrealized_pnl"
)
ROWS = [
    f"A,BTC,{T},100,1,-2.5,140,90,190,2.5,100",
    f"A,BTC,{T + 500},110,1.5,-1.5,140,45,195,1.65,45",
    f"A,ETH,{T + 500},10,4,4,12,45,195,0.4,-8",
    f"B,ETH,{T + 1000},12,3,-30,20,240,-5,0,240",
    f"D,BTC,{T + 5000},90,1,1,80,1,1,1,1",
    f"C,BTC,{T + 10000},90,0.5,1,80,10,4,1,10",
]
ROUNDS = (
    "wave,t_start_ms,t_end_ms,deficit_usd,needed_usd,production_usd,n_fills\n"
    f"1,{T},{T + 1000},20,3,5,4\n"
    f"2,{T + 10000},{T + 11000},7,0.25,1,2\n"
    f"3,{T + 20000},{T + 21000},7,1,1,9\n"
)
GAPS = "wave,coin,qty_contracts,gap_per_contract_usd\n1,BTC,2.5,0.5\n1,ETH,7,0.25\n2,BTC,0.5,0.5\n"


def lines(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def read(rows, rounds, gaps=None, **more):
    return importer.import_hyperreplay(rows, None, rounds, gaps, **more)


def imported(rows, rounds, gaps=None, **more):
    return read(rows, rounds, gaps, **more)[0]


@pytest.fixture
def files(write):
    return write(lines(*ROWS), "rows.csv"), write(ROUNDS, "rounds.csv"), write(GAPS, "gaps.csv")


def test_accounts_by_hand(files):
    (first, _), (second, _) = imported(*files)
    accounts = first.accounts
    assert accounts.id.tolist() == ["A", "B"]
    assert accounts.pnl.tolist() == [90.0, 240.0]  # the largest of the rows
    assert accounts.equity.tolist() == [195.0, -5.0]
    assert accounts.capacity.tolist() == [90.0, 0.0]
    assert accounts.notional.tolist() == [2.5 * 100 + 4 * 10, 30 * 12]
    assert accounts.leverage.tolist() == [2.5 + 0.4, 0.0]
    assert second.accounts.id.tolist() == ["C"]
    assert second.accounts.capacity.tolist() == [4.0]


def test_positions_by_hand(files):
    (first, _), (second, _) = imported(*files).in_space()
    held = first.positions  # A's ETH shows a loss and is left out
    assert held.account.tolist() == [0, 1]
    assert held.market.tolist() == ["BTC", "ETH"]
    assert held.side.tolist() == [-1, -1]
    assert held.lots.tolist() == [25, 30]  # BTC in lots of 0.1, ETH in lots of 1
    assert held.lot_value.tolist() == [4.0, 8.0]
    assert held.entry.tolist() == [140.0, 20.0]
    assert held.mark.tolist() == [100.0, 12.0]
    assert held.notional.tolist() == [250.0, 360.0]
    assert second.positions.lots.tolist() == [10]  # the lot is the coin's, not the position's
    assert second.positions.side.tolist() == [1]
    assert second.positions.lot_value.tolist() == [1.0]


def test_positions_in_contracts_by_hand(files):
    """All that the rows say; an entry that the PNL follows from; what the file does not list, as one line."""
    (first, _), (second, _) = imported(*files)
    held = first.positions
    assert (first.space, second.space) == ("contracts", "contracts")
    assert held.account.tolist() == [0, 0, 1, 0]
    assert held.market.tolist() == ["BTC", "ETH", "ETH", UNLISTED]
    assert held.side.tolist() == [-1, 1, -1, -1]
    assert held.quantity.tolist() == pytest.approx([2.5, 4.0, 30.0, 4.0])
    assert held.entry.tolist() == [140.0, 12.0, 20.0, 0.5]
    assert held.pnl.tolist() == pytest.approx([100.0, -8.0, 240.0, -2.0])  # A has 90 in all
    assert second.positions.entry.tolist() == [80.0]
    assert second.positions.pnl.tolist() == pytest.approx([10.0])


def test_a_stale_entry_is_replaced(write, files):
    rows = write(lines(*(row.replace(",140,", ",0,") for row in ROWS)), "zero.csv")
    episode, report = read(rows, files[1])
    assert episode.rounds[0][0].positions.entry[0] == 140.0  # short 2.5 at 100 with a gain of 100
    assert "1 entries replaced" in str(report)


def test_a_gain_that_no_entry_gives_leaves_the_round_in_wealth(write, files):
    rows = write(lines(*(row.replace(",80,10,4,1,10", ",80,10,4,1,100") for row in ROWS)), "odd.csv")
    episode, report = read(rows, files[1])
    (first, _), (second, _) = episode
    assert (first.space, second.space) == ("contracts", "wealth")
    assert second.positions.entry is None
    assert second.flow.side is None
    assert "round 2: no entry above 0" in episode.source
    assert not report.rounds[1].in_contracts


def test_an_import_is_scored_in_both_spaces(write, files):
    """Long and short losers of one coin; the pool is that of the winners, contracts are closed by side."""
    both = [*ROWS[:4], f"E,ETH,{T + 900},11,6,6,5,36,50,1,36"]
    gaps = write(GAPS.replace("1,ETH,7,0.25", "1,ETH,13,0.25"), "both.csv")
    episode = imported(write(lines(*both), "both_rows.csv"), files[1], gaps)
    ((round_, outcome),) = episode
    flow = dict(
        zip(zip(round_.flow.market, round_.flow.side, strict=True), round_.flow.quantity, strict=True)
    )
    assert flow == {("BTC", 1): 2.5, ("ETH", -1): 10.0, ("ETH", 1): 3.0}
    assert sorted(outcome.gaps.gap.tolist()) == [0.75, 1.25, 2.5]
    pool = adl.replay(episode, ["pro-rata", "min-max"])
    assert pool.space == "wealth"
    assert [p.haircut_usd for p in pool.policies] == pytest.approx([3.0, 3.0])
    made = adl.replay(episode, ["pro-rata", "min-max", "full-deficit/okx"], space="contracts")
    closed = made.per_market("full-deficit/okx")
    assert set(closed.index.get_level_values("market")) == {"BTC", "ETH"}
    assert all(p.haircut_usd <= 4.5 for p in made.policies)


def test_flow_and_outcome_by_hand(files):
    (first, outcome), (second, later) = imported(*files)
    assert (first.number, first.start_ms, first.deficit, outcome.end_ms) == (1, T, 20.0, T + 1000)
    assert first.flow.market.tolist() == ["BTC", "ETH", "ETH"]
    assert first.flow.side.tolist() == [1, -1, 1]  # losers are across from the winners: A is long, B short
    assert first.flow.quantity.tolist() == [2.5, 4.0, 3.0]
    assert first.flow.mark.tolist() == [(100 + 1.5 * 110) / 2.5, 10.0, 12.0]
    assert outcome.needed == 3.0
    assert outcome.gaps.market.tolist() == ["BTC", "ETH", "ETH"]
    assert outcome.gaps.quantity.tolist() == [2.5, 4.0, 3.0]
    assert outcome.gaps.gap.tolist() == [1.25, 1.0, 0.75]
    assert outcome.recorded.haircut == 5.0
    assert math.isnan(outcome.recorded.max_burden)
    assert math.isnan(outcome.recorded.reference_burden)
    assert (second.number, later.needed, later.gaps.gap.tolist()) == (2, 0.25, [0.25])


def test_report_counts_everything(files):
    episode, report = read(*files)
    assert report.fills == {1: 4, 2: 1}
    assert (report.rows, report.rows_outside, report.rows_not_chosen) == (6, 1, 0)
    one, two = report.rounds
    assert (one.accounts, one.coins, one.positions) == (2, 2, 2)
    assert (one.positions_without_profit, one.accounts_with_negative_equity) == (1, 1)
    assert two.notes == ("1 fills, the rounds table names 2",)
    assert "1 positions without positive PNL left out in wealth" in str(report)
    assert "5 of 6 rows used, 1 outside of every window" in episode.source
    assert "Powered by HyperReplay - (c) ConejoCapital" in episode.source
    assert "rounds table rounds.csv" in episode.source


def test_subset_and_tables_in_memory(files):
    rows, rounds, _ = files
    episode, report = read(rows, read_rounds(rounds), subset=[2])
    assert [round_.number for round_, _ in episode] == [2]
    assert report.rows_not_chosen == 4
    ((_, outcome),) = episode
    assert outcome.gaps is None
    plain = RoundsTable(number=[8], start_ms=[T], end_ms=[T], needed=[1.0], deficit=[2.0])
    ((round_, outcome),) = imported(rows, plain)
    assert (round_.number, outcome.recorded) == (8, None)


def test_rows_out_of_order_are_sorted_by_time(write, files):
    again = imported(write(lines(*reversed(ROWS)), "back.csv"), *files[1:])
    (first, _), _ = again.in_space()
    assert first.accounts.pnl.tolist() == [90.0, 240.0]
    assert first.positions.lots.tolist() == [25, 30]


def test_deficit_from_losers(write, files):
    head = f"{HEAD},liquidated_user,liquidated_total_equity"
    losers = ["L1,-5", "L1,-8", "L2,3", "L1,-8", "L3,-100", "L3,-2.5"]
    rows = write(lines(*(f"{r},{x}" for r, x in zip(ROWS, losers, strict=True)), head=head), "rich.csv")
    without = write(ROUNDS.replace("deficit_usd", "ignored"), "without.csv")
    episode, _ = read(rows, without)
    assert [round_.deficit for round_, _ in episode] == [8.0, 2.5]
    episode, report = read(rows, files[1])
    assert [round_.deficit for round_, _ in episode] == [20.0, 7.0]  # the table's
    assert report.rounds[0].deficit_of_losers == 8.0
    assert "deficit 20.00 USD of the rounds table used, the losers' rows give 8.00 (-12.00)" in str(report)


@pytest.mark.parametrize(
    ("export", "more", "cells"),
    [
        ("canonical", "liquidated_user", "L1"),
        ("derived", "liquidated_user,timestamp,time_str", "L1,2025-10-10 21:16:04,21:16:04"),
        ("enriched", "liquidated_user,liquidated_total_equity,liquidated_total_unrealized_pnl", "L1,-5,-9"),
    ],
)
def test_the_three_exports_give_the_same_winners_and_are_named(write, files, export, more, cells):
    rows = write(lines(*(f"{row},{cells}" for row in ROWS), head=f"{HEAD},{more}"), "export.csv")
    plain, _ = read(*files)
    episode, report = read(rows, *files[1:])
    assert report.export == export
    assert f"HyperReplay {export} rows" in episode.source
    for (one, after), (two, later) in zip(plain, episode, strict=True):
        assert one.accounts.pnl.tolist() == two.accounts.pnl.tolist()
        assert one.positions.lot_value.tolist() == two.positions.lot_value.tolist()
        assert after.needed == later.needed
    computed = [line.deficit_of_losers for line in report.rounds]
    assert computed == ([5.0, 5.0] if export == "enriched" else [None, None])


def test_disagreements_with_the_gaps_are_reported(write, files):
    odd = GAPS.replace("1,ETH,7,0.25", "1,ETH,8,0.5") + "1,SOL,1,1\n"
    _, report = read(files[0], files[1], write(odd, "odd.csv"))
    notes = " ".join(report.rounds[0].notes)
    assert "coins of the table of gaps without fills: SOL" in notes
    assert "ETH: 7 contracts, the table of gaps has 8" in notes
    assert "gaps add up to 4.75 USD, the needed budget is 3.00" in notes


def changed(row, old, new):
    return lines(*(text.replace(old, new) if i == row else text for i, text in enumerate(ROWS)))


BAD = {
    "seconds": (changed(0, f"{T}", f"{T // 1000}"), "wrong time unit", "seconds", "line 2"),
    "microseconds": (changed(1, f"{T + 500}", f"{T + 500}000"), "microseconds", "line 3"),
    "nanoseconds": (changed(1, f"{T + 500}", f"{T + 500}000000"), "nanoseconds", "line 3"),
    "NaN PNL": (changed(3, ",240,-5", ",nan,-5"), "finite", "'total_unrealized_pnl'", "line 5"),
    "infinite equity": (changed(3, ",240,-5", ",240,-inf"), "finite", "'total_equity'"),
    "zero price": (changed(0, ",100,1,", ",0,1,"), "above 0", "'adl_price'"),
    "zero size": (changed(0, ",100,1,", ",100,0,"), "above 0", "'adl_size'"),
    "nothing held": (changed(3, ",-30,", ",0,"), "nothing to close", "line 5"),
    "size off every grid": (changed(0, "-2.5", "-0.1234567891"), "no lot can", "'-0.1234567891'"),
    "too many lots": (changed(0, "-2.5", "-9.5e14"), "2^53", "line 2"),
    "negative leverage": (changed(0, ",2.5,100", ",-2.5,100"), "at least 0", "'leverage_realtime'"),
    "blank user": (changed(0, "A,", ","), "blank", "'user'"),
    "twins": (lines(*ROWS, ROWS[1]), "alike", "lines 3 and 8", "'A'"),
    "outside of every window only": (lines(ROWS[4]), "no row lies in a window", f"{T + 5000}", "3 windows"),
    "missing columns": ("user,coin\na,b\n", "missing time, adl_price"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows(write, files, case):
    content, *words = BAD[case]
    refused(lambda: imported(write(content), *files[1:]), InputError, "file.csv", *words)


def test_bad_companions(write, files):
    rows, rounds, _ = files
    error = refused(lambda: imported(rows, rounds, subset=[1, 3, 99]), UsageError, "rounds 3, 99")
    assert "rounds with rows: 1, 2" in error.ways_out
    refused(lambda: imported(rows, rounds, subset=[]), InputError, "no rounds")
    no_eth = write(GAPS.replace("1,ETH,7,0.25\n", ""), "no_eth.csv")
    refused(lambda: imported(rows, rounds, no_eth), InputError, "round 1", "ETH", "leave the table")
    without = write(ROUNDS.replace("deficit_usd", "ignored"), "without.csv")
    refused(lambda: imported(rows, without), InputError, "deficit of round 1 is not known", "enriched")


NUMBER = st.sampled_from(
    ["1", "2.5", "-3", "0", "1e-9", "1e-300", "1e15", "-1e15", "1e300", "0.1", "nan", "", "1e-8", "9e14"]
)
LIKELY = ["1", "2", "7"]
ROW = st.tuples(
    st.sampled_from("AB"),
    st.sampled_from(["X", "Y"]),
    st.sampled_from([str(T), str(T + 10000)]),
    *(st.sampled_from(LIKELY) | NUMBER for _ in range(8)),
)
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.lists(ROW, max_size=4), st.binary(max_size=30) | st.just(b""))
def test_any_rows_give_an_episode_or_a_refusal(write, rows, junk):
    table = RoundsTable(
        number=[1, 2], start_ms=[T, T + 10000], end_ms=[T, T + 10000], needed=[1, 1], deficit=[1, 1]
    )
    path = write(lines(*map(",".join, rows)).encode() + junk)
    for round_, _ in attempted(lambda: imported(path, table).in_space()) or ():
        assert np.all(round_.positions.lot_value > 0)


DATA = os.environ.get("ADL_OPT_DATA")


@pytest.fixture(scope="module")
def real():
    reference = Path(os.environ.get("ADL_OPT_REFERENCE", Path(DATA).parent / "reference"))
    rounds, gaps = reference / "oct10_rounds.csv", reference / "oct10_coin_gaps.csv"
    if not rounds.exists():
        pytest.skip(f"{rounds} is not there")
    rows = Path(DATA) / "hyperreplay" / "adl_detailed_analysis_REALTIME.late-rounds.csv"
    return read(rows, rounds, gaps)


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the HyperReplay rows")
class TestRealRows:
    """The 148 real rows of rounds 17, 21, 25, 28 (third party, never committed)."""

    def test_counts(self, real):
        _, report = real
        assert report.fills == {17: 75, 21: 26, 25: 10, 28: 37}
        assert [item.fills_expected for item in report.rounds] == [75, 26, 10, 37]
        assert [item.accounts for item in report.rounds] == [44, 16, 6, 18]
        assert [item.coins for item in report.rounds] == [6, 5, 3, 3]
        assert [item.positions for item in report.rounds] == [45, 11, 4, 18]
        assert [item.positions_without_profit for item in report.rounds] == [0, 5, 2, 0]
        assert [item.accounts_with_negative_equity for item in report.rounds] == [2, 3, 2, 0]
        assert (report.rows, report.rows_outside) == (148, 0)

    def test_quantities_agree_with_the_published_gaps(self, real):
        episode, report = real
        assert all(item.remarks == () for item in report.rounds)  # quantities and sums agree
        for _, outcome in episode:
            assert math.isclose(math.fsum(outcome.gaps.gap), outcome.needed, rel_tol=1e-12)

    def test_rounds_are_in_both_spaces(self, real):
        """Longs and shorts of real rounds; what the file lists is the same in both."""
        episode, report = real
        assert all(item.in_contracts for item in report.rounds)
        assert [sorted(set(r.flow.side.tolist())) for r, _ in episode] == [[1], [-1, 1], [-1, 1], [1]]
        made = adl.replay(episode, ["pro-rata", "hyperliquid-literal"], space="contracts")
        assert all(p.covered_usd_share > 0.5 for p in made.policies)
        for (round_, _), (pool, _) in zip(episode, episode.in_space(), strict=True):
            listed = round_.positions.market != UNLISTED
            gains = listed & (round_.positions.lot_value > 0)
            assert pool.positions.lot_value.tolist() == round_.positions.lot_value[gains].tolist()

    def test_what_is_held_covers_what_was_closed(self, real):
        for round_, outcome in real[0]:
            assert np.all(round_.accounts.capacity <= np.maximum(round_.accounts.pnl, 0))
            assert round_.capacity_usd > round_.deficit
            assert outcome.recorded.haircut > 0
            assert np.all(round_.positions.lots >= 1)

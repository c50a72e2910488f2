"""Fills and misc events that a snapshot has in it already: counted, told, never booked twice.

The snapshot here is that of the hand-computed file at 5 s, after the first round (see test_by_hand):

    ann  value 1038.75  BTC long 1 at 90    (sold 2 at 112 with a fee of 0.25: K = 923.75)
    leo  value  -31     BTC short 1 at 95   (bought 3 at 112: K = 84)
"""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from adl_opt.cli.app import app
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.errors import InputError, UsageError
from tests.datasets.node_fills.test_by_hand import FILLS, MISC, SNAPSHOT, START

TIME = "2025-10-10T21:16:05Z"


def snapshot(folder, **more):
    def position(user, size, entry):
        return {"user": user, "size": size, "entry_price": entry, "notional_size": 115.0 * abs(size)}

    held = [position("ann", 1, 90), position("leo", -1, 95)]
    data = {
        "accounts": [{"user": "ann", "account_value": 1038.75}, {"user": "leo", "account_value": -31}],
        "markets": [{"market_name": "hyperliquid:BTC", "positions": held}],
    }
    path = folder / "later.json"
    path.write_text(json.dumps(data | more))
    return path


@pytest.mark.parametrize("way", ["option", "milliseconds", "file", "both"])
def test_fills_up_to_the_snapshot_are_not_booked(way, tmp_path):
    own = {"time": START + 5000} if way in ("file", "both") else {}
    given = {"option": TIME, "milliseconds": START + 5000, "both": TIME}.get(way)
    told = []
    episode, report = import_node_fills(
        [FILLS], clearinghouse=[snapshot(tmp_path, **own)], clearinghouse_time=given, tell=told.append
    )
    ((two, outcome),) = episode  # round 1 lies in the snapshot
    assert two.accounts.equity.tolist() == [1038.75]
    assert two.accounts.capacity.tolist() == [25.0]
    assert two.deficit == 34.0  # as with the earlier snapshot
    assert (outcome.needed, outcome.recorded.haircut) == (2.0, 3.0)
    text = str(report)
    seen = report.counts["fills"] - 4  # after it: ADL of ann and leo, and a trade of two sides
    assert f"snapshot of 2025-10-10T21:16:05.000Z: {seen} fills up to then are in it already" in text
    assert "3 of them winners' ADL fills, which are in no round" in text
    assert "2 fills whose startPosition was not the book's" in text  # mm1 and mm2, whom it does not have
    assert report.unused == len(told) == 2
    assert "node_fills_20251010_21.json:2 has ADL fills that the snapshot has in it" in told[0]
    assert "(2 fills, block 701)" in told[0]
    assert "fills up to then are in it already" in episode.source


def test_without_a_time_every_fill_is_booked_and_the_notes_say_so(tmp_path):
    episode, report = import_node_fills([FILLS], clearinghouse=[snapshot(tmp_path)])
    assert len(episode.rounds) == 2
    assert "the time of the snapshot is not known" in str(report)
    assert "startPosition was not the book's" in str(report)  # what double counting looks like


def test_a_snapshot_before_the_first_fill_changes_nothing():
    plain, _ = import_node_fills([FILLS], clearinghouse=[SNAPSHOT])
    timed, report = import_node_fills([FILLS], clearinghouse=[SNAPSHOT], clearinghouse_time=START - 1)
    for (one, _), (two, _) in zip(plain, timed, strict=True):
        assert one.accounts.equity.tolist() == two.accounts.equity.tolist()
        assert one.deficit == two.deficit
    assert "0 fills up to then are in it already" in str(report)
    assert "is a file missing?" not in str(report)
    _, early = import_node_fills([FILLS], clearinghouse=[SNAPSHOT], clearinghouse_time=START - 3_600_000)
    assert "the first block after the snapshot is 3,600 s later: is a file missing?" in str(early)


def test_misc_events_up_to_the_snapshot_are_not_applied(tmp_path):
    given = {"clearinghouse": [snapshot(tmp_path)], "clearinghouse_time": TIME}
    episode, report = import_node_fills([FILLS], misc=[MISC], **given)
    # the deposit at 5 s is in it, the withdrawal of 40 at 5.1 s is not; leo's equity is set to -30 at 6 s:
    # K = 85, and 85 - 118 = -33
    assert episode.rounds[0][0].accounts.equity.tolist() == [998.75]
    assert episode.rounds[0][0].deficit == 33.0
    assert report.frame()["in_snapshot"].to_dict()["Funding"] == 1
    assert report.frame()["in_snapshot"].to_dict()["UserNonFundingLedgerUpdate/Deposit"] == 1
    assert report.frame()["applied"].to_dict()["UserNonFundingLedgerUpdate/Withdraw"] == 1
    assert report.frame()["applied"].to_dict()["UserAccountValue"] == 1


def test_markets_that_the_snapshot_has_no_mark_for_keep_the_price_before_it(tmp_path):
    lines = FILLS.read_text().replace('"ETH"', '"SOL"').splitlines(keepends=True)
    early = tmp_path / "early.json"
    early.write_text("".join(lines))
    path = snapshot(tmp_path)
    at = {"clearinghouse": [path], "clearinghouse_time": START + 2000}
    episode, _ = import_node_fills([early], **at)
    one = episode.rounds[0][0]  # bob's ADL in SOL at 3 s: the last price before was 9, in the snapshot's past
    assert one.positions.mark.tolist() == [9.0]
    assert one.positions.market.tolist() == ["SOL"]


@pytest.mark.parametrize(
    ("own", "given", "says"),
    [
        ({"time": START}, TIME, "another time than the option"),
        ({}, "yesterday", "cannot be read"),
        ({}, "", "cannot be read"),
        ({"time": "soon"}, None, "not a clearinghouse snapshot"),
        ({"time": 5}, None, "not a clearinghouse snapshot"),
        ({"time": [1]}, None, "not a clearinghouse snapshot"),
    ],
)
def test_a_time_that_is_none_or_two_is_refused(own, given, says, tmp_path):
    path = snapshot(tmp_path, **own)
    with pytest.raises((UsageError, InputError), match=says) as error:
        import_node_fills([FILLS], clearinghouse=[path], clearinghouse_time=given)
    assert error.value.ways_out


def test_two_files_of_two_times_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    files = [snapshot(tmp_path, time=START), snapshot(tmp_path / "other", time=START + 1)]
    with pytest.raises(InputError, match="not a clearinghouse snapshot"):
        import_node_fills([FILLS], clearinghouse=files)


def test_a_time_without_a_snapshot_and_a_snapshot_after_everything(tmp_path):
    with pytest.raises(UsageError, match="without the snapshot"):
        import_node_fills([FILLS], clearinghouse_time=TIME)
    with pytest.raises(InputError, match="every ADL fill lies before the snapshot"):
        import_node_fills([FILLS], clearinghouse=[SNAPSHOT], clearinghouse_time=START + 60_000)


def test_the_option_and_strict(tmp_path):
    words = ["import", "node-fills", str(FILLS), "--out", str(tmp_path / "e")]
    words += ["--clearinghouse", str(snapshot(tmp_path)), "--clearinghouse-time", TIME]
    strict = CliRunner().invoke(app, [*words, "--strict"])
    assert strict.exit_code != 0
    assert not (tmp_path / "e").exists()
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "not used: node_fills_20251010_21.json:2 has ADL fills that the snapshot has in it" in told.stderr
    assert "up to then are in it already" in told.stdout

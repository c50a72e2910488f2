"""The invented recording of 2026: every event accounted for, both rounds and every equity worked out by hand.

K is the account value less size x mark (cash, if all positions were worth nothing).

Round 1, 09:10:02.  Prices before it: BTC 86, ETH 9.2, xyz:TSLA 45.

    wes       K 1000 + 500 = 1500, short 5 at 120     PNL 5 x 34 = 170, equity 1500 - 430 = 1070
    wil       K 250 + 200 = 450, short 2 at 100       PNL 28, equity 450 - 172 = 278
    ida#ETH   isolated, cash 260, short 20 at 12      PNL 20 x 2.8 = 56, equity 260 - 184 = 76
    ivy       K 180 + 150 = 330, short 15 at 13       PNL 15 x 3.8 = 57, equity 330 - 138 = 192
    xav@xyz   K 300 + 500 = 800, short 10 at 60       PNL 150, equity 800 - 450 = 350

    lon       K 110 - 800 = -690, sold 2 at 86: -518; 6 BTC at 85: deficit 8
    iso#ETH   isolated with 15 at 10: cash -285; 30 ETH at 9.3: deficit 6 (4,985 elsewhere are not touched)
    xlo@xyz   K 30 - 500 = -470; 10 TSLA at 46: deficit 10 (2,000 on the venue's own perpetuals)

Round 2, 10:05:01.  Prices before it: BTC 130, ETH 9.1 (its last mark).  sam: K 60 + 300 + 2 of funding = 362,
3 BTC at 125: deficit 13.
"""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.errors import AdlOptError, InputError, UsageError
from benchmarks.fuzz_cases import NUMBER

from .recording import DAY, END, LIQUIDATOR, SECOND, documents, ledger, write


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write(tmp_path_factory.mktemp("recording"))


@pytest.fixture(scope="module")
def both(made):
    return import_node_fills(**made, strict=True)


def near(values):
    return pytest.approx(values, rel=1e-12)


def test_every_event_is_accounted_for(both):
    _, report = both
    kinds = report.frame()
    assert report.unused == 0
    assert kinds["refused"].sum() == 0
    assert kinds["read"].to_dict() == {
        "fill: trade": 10, "fill: spot": 1, "fill: outcome token": 1, "fill: liquidation": 4,
        "fill: ADL, winner": 8, "fill: ADL, other side": 8, "fill: settlement of a delisted coin": 1,
        "Funding": 2, "UserAccountValue": 1, "UserNonFundingLedgerUpdate/Deposit": 1,
        "LedgerUpdate/deposit": 2, "LedgerUpdate/withdraw": 1, "LedgerUpdate/internalTransfer": 1,
        "LedgerUpdate/accountClassTransfer": 1, "LedgerUpdate/subAccountTransfer": 1,
        "LedgerUpdate/spotTransfer": 1, "LedgerUpdate/send": 3, "LedgerUpdate/vaultCreate": 1,
        "LedgerUpdate/vaultDeposit": 1, "LedgerUpdate/vaultWithdraw": 1, "LedgerUpdate/vaultDistribution": 1,
        "LedgerUpdate/vaultLeaderCommission": 1, "LedgerUpdate/liquidation": 1,
        "LedgerUpdate/rewardsClaim": 1, "LedgerUpdate/cStakingTransfer": 1,
        "CDeposit": 1, "Delegation": 1, "ValidatorRewards": 1,
    }  # fmt: skip
    assert (kinds["applied"] + kinds["in_snapshot"] + kinds["without_effect"]).equals(kinds["read"])
    assert kinds["in_snapshot"].sum() == 3  # two fills and a deposit before the snapshot
    assert report.files == ("20260717/8.lz4", "20260717/9.lz4", "20260717/10.lz4")
    assert "2 lines went on with the block of an earlier line" in report.notes


def test_round_one(both):
    round_, outcome = both[0].rounds[0]
    line = both[1].rounds[0]
    accounts = round_.accounts
    assert accounts.id.tolist() == ["wes", "wil", "ida#ETH", "ivy", "xav@xyz"]
    assert accounts.pnl.tolist() == near([170, 28, 56, 57, 150])
    assert accounts.equity.tolist() == near([1070, 278, 76, 192, 350])
    assert accounts.capacity.tolist() == near([170, 28, 56, 57, 150])
    assert line.losers == {"lon": near(8), "iso#ETH": near(6), "xlo@xyz": near(10)}
    assert round_.deficit == near(24)
    assert (line.fills, line.winners, line.markets) == (5, 5, 3)
    # 6 x (85 - 84), 30 x (9.3 - 9.1), 10 x (46 - 44)
    assert outcome.gaps.gap.tolist() == near([6, 6, 20])
    assert outcome.needed == near(32)
    # in a quiet market the marks stand: each pays its share of the gap
    assert line.haircuts == {
        "wes": near(4), "wil": near(2), "ida#ETH": near(4), "ivy": near(2), "xav@xyz": near(20)
    }  # fmt: skip
    assert outcome.recorded.haircut == near(32)


def test_round_two_and_who_is_a_vault(both):
    round_, outcome = both[0].rounds[1]
    line = both[1].rounds[1]
    assert round_.accounts.id.tolist() == ["tak", LIQUIDATOR, "mm"]
    # tak: BTC 1 x 40 and ETH 10 x 0.1; the liquidator: 1 x 42; mm, long 1 at 86: 44, and ETH 10 x -0.1
    assert round_.accounts.pnl.tolist() == near([41, 42, 43])
    assert round_.accounts.equity.tolist() == near([1051.9 + 130 - 91, 49_912 + 130, 99_823 + 130 + 91])
    assert (round_.deficit, line.losers) == (near(13), {"sam": near(13)})
    assert (outcome.needed, outcome.recorded.haircut) == (near(15), near(15))
    assert both[1].roles == {LIQUIDATOR: "HLP liquidator", "vlt2": "vault", "vlt": "vault"}
    assert f"HLP liquidator: {LIQUIDATOR}" in str(both[1])


def test_the_flow_has_sides_and_both_spaces_are_scored(both):
    (one, after), (two, _) = both[0]
    assert one.flow.market.tolist() == ["BTC", "ETH", "xyz:TSLA"]
    assert one.flow.side.tolist() == [1, 1, 1]  # the losers were long
    assert one.flow.quantity.tolist() == [6, 30, 10]
    assert one.flow.mark.tolist() == near([84, 9.1, 44])
    assert one.flow.close is None  # with it the round would say what is known only after it
    assert after.gaps.side.tolist() == [1, 1, 1]
    assert (two.flow.side.tolist(), two.flow.quantity.tolist()) == ([-1], [3])
    assert one.positions.margin_mode.tolist() == ["cross", "cross", "isolated", "cross", "cross"]
    assert one.positions.isolated_margin.tolist() == near([0, 0, 20, 0, 0])
    assert two.positions.market.tolist() == ["BTC", "ETH", "BTC", "BTC", "ETH"]
    assert both[0].space == "contracts"
    for space in ("contracts", "wealth"):
        table = adl.replay(both[0], ["production", "min-max"], space=space).frame()
        assert table["haircut_usd"].tolist() == near([47, 47])


def test_equity_is_that_of_the_second_snapshot(both):
    closing = both[1].closing
    assert closing.snapshot.cash.keys() >= END.keys()
    assert (closing.accounts, closing.met, closing.off) == (len(END), len(END), [])
    moved = both[1].moved
    assert moved["losses of isolated positions beyond their margin"] == near(6)
    assert moved["positions that no fill explains"] == 0.0
    kinds = both[1].frame()["equity_usd"]
    assert kinds["Funding"] == near(-3.25)
    assert kinds["LedgerUpdate/internalTransfer"] == near(-1)  # its fee
    assert kinds["LedgerUpdate/vaultCreate"] == near(-10)
    assert kinds["UserAccountValue"] == near(10)
    assert kinds["fill: trade"] == near(-0.6)  # both sides of a trade move against each other, but for fees


def test_what_is_off_is_listed_by_cause(tmp_path):
    refused = [(10, "10:11:00", ledger(["ben"], "borrowLend", token="USDC", amount="1", operation="supply"))]
    changed = documents(refused)
    data = changed["second"]
    values = {row["user"]: row for row in data["account_values"] if "dex" not in row}
    values["tak"]["account_value"] = "1086.88"  # two cents
    values["wil"]["account_value"] = "280.009"  # less than one
    values["ben"]["account_value"] = "76"
    data["account_values"].append({"user": "new", "account_value": "5"})
    data["markets"][0]["positions"] = []  # sel is flat
    options = write(tmp_path, changed)
    _, report = import_node_fills(**options)
    causes = {row["id"]: (round(row["off_usd"], 2), row["cause"]) for row in report.closing.off}
    assert causes == {
        "sel": (1.0, "holds other positions: fills are missing"),
        "tak": (0.02, "not known"),
        "ben": (-1.0, "a misc event was refused: LedgerUpdate/borrowLend"),
        "new": (-5.0, "is in the second snapshot alone"),
    }
    assert report.frame().loc["LedgerUpdate/borrowLend", "refused"] == 1
    assert "moves money between balances that it does not name" in report.troubles
    text = str(report)
    assert "second snapshot: 24 of 28 accounts met to the cent" in text
    assert "1 off by 5.00 USD in all: is in the second snapshot alone" in text
    with pytest.raises(InputError, match="accounts are off") as error:
        import_node_fills(**options, strict=True)
    assert "borrowLend" in str(error.value)


def test_kinds_that_are_not_known_are_refused(tmp_path):
    send = {"user": "ben", "destination": "ben", "sourceDex": "spot", "destinationDex": ""}
    strange = [
        (10, "10:11:00", ledger(["ben"], "teleport", usdc="3")),
        (10, "10:11:01", {"Mint": {"user": "ben", "amount": "3"}}),
        (10, "10:11:02", ledger(["ben", "dep"], "deposit", usdc="3")),
        (10, "10:11:03", ledger(["ben"], "accountClassTransfer", usdc="3", toPerp="yes")),
        (10, "10:11:04", ledger(["ben"], "send", token="HYPE", amount="3", fee="0", **send)),
        (10, "10:11:05", ledger(["ben"], "deployGasAuction", token="USDC", amount="3")),
        (10, "10:11:06", ledger(["ben"], "deployGasAuction", token="HYPE", amount="3")),
        (10, "10:11:07", {"Funding": {"deltas": [{"user": "ben"}, {"user": "ben", "usd": "1"}]}}),
    ]  # fmt: skip
    options = write(tmp_path, documents(strange))
    kinds = import_node_fills(**options)[1].frame()
    refused = kinds["refused"][kinds["refused"] > 0].to_dict()
    names = ("teleport", "deposit", "accountClassTransfer", "send", "deployGasAuction")
    assert refused == {
        **dict.fromkeys([f"LedgerUpdate/{name}" for name in names], 1),
        "Mint": 1,
        "Funding of an account": 1,
    }
    assert kinds.loc["Funding", "applied"] == 3
    assert kinds.loc["LedgerUpdate/deployGasAuction", "without_effect"] == 1
    with pytest.raises(InputError, match="--strict"):
        import_node_fills(**options, out=tmp_path / "e", strict=True)
    assert not (tmp_path / "e").exists()


def test_the_command_ends_with_the_table(made, tmp_path):
    args = ["import", "node-fills", *map(str, made["files"]), "--out"]
    for name in ("misc", "clearinghouse", "reconcile"):
        args[-1:-1] = [part for path in made[name] for part in (f"--{name}", str(path))]
    told = CliRunner().invoke(app, [*args, str(tmp_path / "e")])
    assert told.exit_code == 0, told.output
    assert "second snapshot: 27 of 27 accounts met to the cent" in told.stdout
    last = told.stdout.splitlines()
    assert last[-1].startswith("wrote ")
    assert "equity at the end" in last[-2]
    assert any(line.split()[:3] == ["LedgerUpdate/send", "3", "2"] for line in last)
    told = CliRunner().invoke(app, [*args, str(tmp_path / "j"), "--format", "json"])
    data = json.loads(told.stdout)
    assert data["reconciliation"] == {
        "time": f"{SECOND}.000Z", "accounts": 27, "met": 27, "off": [], "by_cause": []
    }  # fmt: skip
    assert [row["kind"] for row in data["events"] if row["refused"]] == []
    assert data["rounds"][0]["losers"]["iso#ETH"] == near(6)
    assert sum(row["equity_usd"] for row in data["events"]) + sum(
        usd for name, usd in data["equity"].items() if name != "end_usd"
    ) == near(data["equity"]["end_usd"])
    assert adl.load(tmp_path / "e").space == "contracts"


def test_a_second_snapshot_needs_the_first(made):
    with pytest.raises(UsageError, match="second snapshot"):
        import_node_fills(made["files"], reconcile=made["reconcile"])
    with pytest.raises(UsageError, match="--reconcile-time"):
        import_node_fills(**made, reconcile_time=f"{DAY}10:31:00")


def test_with_prices_of_the_fills_a_quiet_market_has_no_haircuts(made):
    episode, _ = import_node_fills(**made, adl_prices="fill")
    assert [outcome.recorded.haircut for _, outcome in episode] == near([0, 0])
    assert [outcome.needed for _, outcome in episode] == near([32, 15])


def leaves(value):
    """Yield (container, key) of everything that a document holds, objects and lists too."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from leaves(value[key])


PLACES = len(list(leaves(documents())))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, PLACES - 1), NUMBER | st.just("gone")), min_size=1, max_size=4))
def test_a_recording_with_anything_in_any_place(tmp_path, changes):
    spoilt = documents()
    places = list(leaves(spoilt))
    for place, value in changes:
        container, key = places[place]
        if value == "gone" and isinstance(container, dict):
            container.pop(key, None)
        elif isinstance(container, list) or key in container:
            container[key] = value
    if not all(isinstance(spoilt.get(name), dict) for name in ("files", "misc")):
        return
    for name in ("files", "misc"):
        spoilt[name] = {hour: lines for hour, lines in spoilt[name].items() if isinstance(lines, list)}
    spoilt = {"first": None, "second": None} | spoilt
    try:
        _, report = import_node_fills(**write(tmp_path, spoilt))
    except AdlOptError:
        return
    found = report.to_json()
    moved = [row["equity_usd"] for row in found["events"]]
    moved += [usd for name, usd in found["equity"].items() if name != "end_usd"]
    rounding = 1e-3 + 1e-12 * sum(map(abs, moved))
    assert found["equity"]["end_usd"] == pytest.approx(math.fsum(moved), abs=rounding)
    assert all(line.isprintable() for line in str(report).splitlines())

"""Rounds in contracts from CSV: positions with sides, flow, gaps; contradictions are named by their line."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.errors import InputError, UsageError
from tests.datasets.conftest import refused

HEAD = (
    "id,pnl,equity,market,side,lots,lot_size,entry,mark,kind,multiplier,settlement_rate,"
    "margin_mode,isolated_margin\n"
)
BOOK = (
    HEAD + "a,80,1080,BTC,short,10,0.1,700,600,linear,1,1,cross,0\n"
    "a,80,1080,BTC,long,4,0.1,650,600,linear,1,1,cross,0\n"
    "b,50,1050,BTC,long,5,0.1,500,600,linear,1,1,cross,0\n"
    "c,32,1032,BTC,short,8,0.1,640,600,linear,1,1,isolated,100\n"
)
LATER = HEAD + (
    "a,100,1080,BTC,short,10,0.1,700,600,linear,1,1,cross,0\n"
    "d,20,90,COIN,short,200,1,62000,60000,inverse,6,100,cross,0\n"
).replace("d,20,", f"d,{200 * (1 / 60000 - 1 / 62000) * 6 * 100!r},")
FLOW = (
    "round,market,side,quantity,mark,bankruptcy,close\n"
    "1,BTC,long,0.7,600,650,640\n"
    "1,BTC,long,0.3,600,630,630\n"
    "1,BTC,short,0.2,600,580,580\n"
    "2,COIN,long,150,60000,61000,60500\n"
)
GAPS = "round,market,side,quantity,gap\n1,BTC,long,1.0,30\n1,BTC,short,0.2,2.5\n2,COIN,long,150,1.5\n"


@pytest.fixture
def files(write):
    return [write(BOOK, "one.csv"), write(LATER, "two.csv")], write(FLOW, "flow.csv"), write(GAPS, "gaps.csv")


def same(left: adl.Episode, right: adl.Episode) -> None:
    assert left.space == right.space
    for a, b in zip(left.to_frames(), right.to_frames(), strict=True):
        assert a.equals(b)


def test_from_csv_to_the_store_and_to_frames_and_back(files, tmp_path):
    tables, flow, gaps = files
    episode, report = adl.import_accounts(tables, tmp_path / "mine", [60, 5], flow=flow, gaps=gaps)
    assert episode.space == "contracts"
    assert "4 positions, 3 rows of flow" in report
    (first, outcome), (second, last) = episode
    assert first.accounts.pnl.tolist() == [80.0, 50.0, 32.0]
    assert first.positions.pnl.tolist() == [100.0, -20.0, 50.0, 32.0]
    assert first.flow.closing.tolist() == [640.0, 630.0, 580.0]
    assert (outcome.needed, last.needed) == (32.5, 1.5)
    assert outcome.gaps.side.tolist() == [1, -1]
    assert second.positions.kind.tolist() == ["linear", "inverse"]
    stored = adl.load(tmp_path / "mine")
    same(episode, stored)
    same(episode, adl.Episode.from_frames(*stored.to_frames(), name="mine"))
    policies = ["okx", "pro-rata", "full-deficit/okx"]
    results = [adl.replay(e, policies).frame().drop(columns="seconds") for e in (episode, stored)]
    assert results[0].equals(results[1])
    assert set(results[0]["space"]) == {"contracts"}
    assert (results[0]["haircut_usd"] > 0).all()


def test_the_command(files, tmp_path):
    tables, flow, gaps = files
    line = ["import", "accounts", *map(str, tables), "--out", str(tmp_path / "e"), "--flow", str(flow)]
    made = CliRunner().invoke(app, [*line, "--gaps", str(gaps), "--deficit", "60", "--deficit", "5"])
    assert made.exit_code == 0, made.output
    assert adl.load(tmp_path / "e").space == "contracts"
    assert [o.needed for _, o in adl.load(tmp_path / "e")] == [32.5, 1.5]


def test_one_round_needs_no_column_round_and_without_sides_it_is_in_wealth(write):
    flow = write("coin,side,qty_contracts,mark_usd\nBTC,long,1,600\n", "flow.csv")
    episode, _ = adl.import_accounts(write(BOOK), deficit=[60], needed=[30], flow=flow)
    assert episode.space == "contracts"
    assert episode.rounds[0][0].flow.closing is None
    gaining = "\n".join(line for line in BOOK.splitlines() if ",650," not in line).replace("a,80,", "a,100,")
    flow = write("market,quantity,mark\nBTC,1,600\n", "flow.csv")
    assert adl.import_accounts(write(gaining), deficit=[60], needed=[30], flow=flow)[0].space == "wealth"


CONTRADICTIONS = {
    "pnl of the account": ("one", "b,50,", "b,51,", "line 4", "'pnl'", "'51'", "its losing ones too"),
    "pnl of a lot": ("one", "linear,1,1,cross,0\nb", "linear,2,1,cross,0\nb", "multiplier", "'2'", "line 3"),
    "kind": ("one", "600,linear,1,1,isolated", "600,quanto,1,1,isolated", "line 5", "'kind'", "'quanto'"),
    "margin": ("one", "isolated,100", "isolated,0", "line 5", "'isolated_margin'", "'0'", "above 0"),
    "side twice": ("one", "BTC,long,4", "BTC,short,4", "market twice", "'BTC'", "lines 2 and 3"),
    "flow side": ("flow", "BTC,short", "BTC,both", "flow.csv", "line 4", "'side'", "'both'"),
    "flow price": ("flow", "600,580,580", "600,580,-1", "flow.csv", "line 4", "'close'", "'-1'", "above 0"),
    "flow round": ("flow", "2,COIN", "3,COIN", "flow.csv", "line 5", "'round'", "'3'", "from 1 to 2"),
    "flow column": ("flow", ",close\n", ",clse\n", "flow.csv", "'clse' (did you mean 'close'?)"),
    "gap": ("gaps", "150,1.5", "150,-1.5", "gaps.csv", "line 4", "'gap'", "'-1.5'", "at least 0"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_refused_by_file_line_column_and_value(case, files, write):
    tables, flow, gaps = files
    which, old, new, *words = CONTRADICTIONS[case]
    path = {"one": tables[0], "flow": flow, "gaps": gaps}[which]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    refused(
        lambda: adl.import_accounts(tables, deficit=[60, 5], flow=flow, gaps=gaps),
        InputError,
        path.name,
        *words,
    )


def test_a_capacity_above_equity_is_refused_by_its_line(write):
    book = "id,pnl,equity,capacity,market,side,lots,entry,mark\na,100,50,60,BTC,short,1,700,600\n"
    flow = write("market,side,quantity,mark\nBTC,long,1,600\n", "flow.csv")
    words = ("file.csv", "line 2", "'capacity'", "'60'", "exceeds the account's equity", "lower the capacity")
    refused(lambda: adl.import_accounts(write(book), deficit=[1], needed=[1], flow=flow), InputError, *words)


def test_a_losing_position_without_sides_of_the_flow_is_named_with_the_way_out(write):
    words = ("file.csv", "line 3", "give the flow its sides", "column 'entry': '650'")
    refused(lambda: adl.import_accounts(write(BOOK), deficit=[1], needed=[1]), InputError, *words)


def test_amounts_that_contradict_the_gaps_or_lack(files):
    tables, flow, gaps = files
    words = ("round 1", "needed = 33.0", "32.5", "leave --needed out")
    call = {"flow": flow, "gaps": gaps}
    refused(lambda: adl.import_accounts(tables, None, [60, 5], [33.0, 1.5], **call), InputError, *words)
    refused(lambda: adl.import_accounts(tables, deficit=[60, 5], flow=flow), UsageError, "0 x needed")
    flow.write_text(FLOW.replace("round,", "").replace("\n1,", "\n").replace("\n2,", "\n"))
    words = ("flow.csv", "must say theirs", "add a column round")
    refused(lambda: adl.import_accounts(tables, deficit=[60, 5], flow=flow, gaps=gaps), InputError, *words)


def test_what_a_contract_gives_up_is_what_the_closing_price_says(files):
    """Rule by rule the reckoned dollars are those of the closing prices, row by row."""
    tables, flow, gaps = files
    round_ = adl.import_accounts(tables, deficit=[60, 5], flow=flow, gaps=gaps)[0].rounds[0][0]
    action = adl.make_policy("full-deficit/okx").act((None, None), round_)
    g = np.array([40.0, 30.0, 20.0])
    assert action.closures.given_up == pytest.approx(g)
    assert action.executed == pytest.approx(float(action.closures.contracts @ g[action.closures.row]))

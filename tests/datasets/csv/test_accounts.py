from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.datasets.accounts import import_accounts
from adl_opt.datasets.csv.accounts import read_accounts, read_round
from adl_opt.errors import InputError
from tests.datasets.conftest import attempted, refused


def test_accounts_alone(write):
    accounts, positions = read_accounts(write("id,pnl_usd,equity\nNA,10,4\n007,-3,5\nz,6,9\n"))
    assert positions is None
    assert accounts.id.tolist() == ["NA", "007", "z"]
    assert accounts.pnl.tolist() == [10.0, -3.0, 6.0]
    assert accounts.equity.tolist() == [4.0, 5.0, 9.0]
    assert accounts.capacity.tolist() == [4.0, 0.0, 6.0]
    assert accounts.missing("side", "entry", "mark", "notional", "leverage", "margin") == [
        *("side", "entry", "mark", "notional", "leverage", "margin")
    ]


def test_accounts_with_every_column_and_one_position_each(write):
    accounts, positions = read_accounts(
        write(
            "id,side,entry,mark,notional,leverage,margin,pnl,equity,capacity,lot_value,lots\n"
            "b,Long,100,110,1100,2,11,100,550,90,10,10\n"
            "a,-1,50,40,80,0.5,1,20,160,20,5,4\n"
        )
    )
    assert accounts.id.tolist() == ["b", "a"]
    assert accounts.capacity.tolist() == [90.0, 20.0]
    assert accounts.side.tolist() == [1, -1]
    assert accounts.entry.tolist() == [100.0, 50.0]
    assert accounts.mark.tolist() == [110.0, 40.0]
    assert accounts.notional.tolist() == [1100.0, 80.0]
    assert accounts.leverage.tolist() == [2.0, 0.5]
    assert accounts.margin.tolist() == [11.0, 1.0]
    assert positions.account.tolist() == [0, 1]
    assert positions.market.tolist() == ["-", "-"]
    assert positions.lot_value.tolist() == [10.0, 5.0]
    assert positions.lots.tolist() == [10, 4]
    assert positions.pnl.tolist() == [100.0, 20.0]


MARKETS = (
    "id,market,pnl,equity,leverage,side,entry,mark,notional,lot_value,lots\n"
    "b,BTC,30,100,3,long,9,10,200,2,10\n"
    "a,BTC,5,50,1,short,12,10,50,1,5\n"
    "b,ETH,30.0,100,3,+1,1,2,100,1,10\n"
)


def test_positions_by_market(write):
    accounts, positions = read_accounts(write(MARKETS))
    assert accounts.id.tolist() == ["b", "a"]
    assert accounts.pnl.tolist() == [30.0, 5.0]
    assert accounts.leverage.tolist() == [3.0, 1.0]
    assert accounts.notional.tolist() == [300.0, 50.0]
    assert accounts.missing("side", "entry", "mark", "margin") == ["side", "entry", "mark", "margin"]
    assert positions.account.tolist() == [0, 1, 0]
    assert positions.market.tolist() == ["BTC", "BTC", "ETH"]
    assert positions.side.tolist() == [1, -1, 1]
    assert positions.entry.tolist() == [9.0, 12.0, 1.0]
    assert positions.notional.tolist() == [200.0, 50.0, 100.0]
    assert np.bincount(positions.account, weights=positions.pnl).tolist() == [30.0, 5.0]


def test_round_and_episode(write):
    path = write(MARKETS, "book.csv")
    round_ = read_round(path, deficit=8.0, number=3)
    assert (round_.deficit, round_.number, round_.capacity_usd) == (8.0, 3, 35.0)
    episode, _ = import_accounts(path, deficit=[8.0], needed=[2.5])
    assert episode.name == "book"
    assert "book.csv" in episode.source
    ((only, outcome),) = episode
    assert (only.deficit, outcome.needed, len(only.positions)) == (8.0, 2.5, 3)
    refused(lambda: import_accounts(path, deficit=[-1.0], needed=[1.0]), InputError, "deficit = -1.0")
    refused(lambda: import_accounts(path, deficit=[1.0], needed=[float("nan")]), InputError, "needed = nan")


PLAIN = "id,pnl,equity"
MARKET = "id,market,pnl,equity,lot_value,lots"
BAD = {
    "NaN": (f"{PLAIN}\na,nan,1", "finite", "line 2", "'pnl'"),
    "infinite": (f"{PLAIN}\na,1,inf", "finite", "'equity'"),
    "blank number": (f"{PLAIN}\na,,1", "blank", "line 2"),
    "text": (f"{PLAIN}\na,1,1\nb,x,1", "not a number", "line 3", "'x'"),
    "negative equity": (f"{PLAIN}\na,1,1\nb,2,-3", "insolvent", "deficit", "line 3", "'-3'"),
    "id twice": (f"{PLAIN}\na,1,1\nb,1,1\na,2,2", "an id occurs twice", "'a'", "lines 2 and 4"),
    "blank id": (f"{PLAIN}\n,1,1", "blank", "'id'", "line 2"),
    "no equity": ("id,pnl\na,1", "missing equity"),
    "header only": (PLAIN, "no rows"),
    "unknown column": (f"{PLAIN},leverge\na,1,1,1", "'leverge' (did you mean 'leverage'?)", "known columns"),
    "misspelt required": ("id,pln,equity\na,1,1", "did you mean 'pnl'?"),
    "both spellings": (f"{PLAIN},pnl_usd\na,1,1,1", "given twice"),
    "capacity over pnl": (f"{PLAIN},capacity\na,1,5,2", "exceeds the positive PNL", "line 2", "'2'"),
    "negative capacity": (f"{PLAIN},capacity\na,1,5,-2", "at least 0", "'-2'"),
    "negative leverage": (f"{PLAIN},leverage\na,1,5,-2", "at least 0", "'leverage'"),
    "zero mark": (f"{PLAIN},mark\na,1,5,0", "above 0", "'mark'"),
    "negative notional": (f"{PLAIN},notional_usd\na,1,5,-9", "at least 0", "'notional_usd'"),
    "side word": (f"{PLAIN},side\na,1,5,up", "no side", "line 2", "'up'", "long or short"),
    "side 0": (f"{PLAIN},side\na,1,5,0", "no side", "'0'"),
    "side blank": (f"{PLAIN},side\na,1,5,", "no side", "''"),
    "lots without value": (f"{PLAIN},lots\na,1,5,1", "missing lot_value"),
    "value without lots": (f"{PLAIN},lot_value\na,1,5,1", "missing lots"),
    "market without lots": ("id,market,pnl,equity\na,M,1,5", "missing lot_value, lots"),
    "half a lot": (f"{PLAIN},lot_value,lots\na,1,5,1,1.5", "whole", "'lots'", "'1.5'"),
    "negative lots": (f"{PLAIN},lot_value,lots\na,1,5,1,-1", "at least 0", "'lots'", "line 2"),
    "zero lot value": (f"{PLAIN},lot_value,lots\na,1,5,0,1", "above 0", "'lot_value'"),
    "(id, market) twice": (f"{MARKET}\na,M,1,5,1,1\na,M,1,5,1,1", "market twice", "'M'", "lines 2 and 3"),
    "pnl conflict": (
        f"{MARKET}\na,M,1,5,1,1\nb,M,1,5,1,1\na,N,2,5,1,1",
        "'pnl'",
        "'1' on line 2",
        "'2' on line 4",
    ),
    "equity conflict": (f"{MARKET}\na,M,1,5,1,1\na,N,1,6,1,1", "do not agree", "'equity'", "line 3"),
    "blank market": (f"{MARKET}\na,,1,5,1,1", "blank", "'market'"),
    "too many fields": (f"{PLAIN}\na,1,1,1", "line 2", "4 fields"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_accounts(write, case):
    content, *words = BAD[case]
    refused(lambda: read_accounts(write(content + "\n")), InputError, "file.csv", *words)


CELL = st.sampled_from(
    ["a", "b", "M", "1", "2", "0", "-1", "1.5", "1e15", "1e-300", "nan", "", "long", "short"]
)
HEADS = st.lists(
    st.sampled_from(["market", "lot_value", "lots", "side", "capacity", "notional"]), unique=True
)
FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.data(), HEADS, st.binary(max_size=40))
def test_any_rows_give_accounts_or_a_refusal(write, data, extra, junk):
    columns = ["id", "pnl", "equity", *extra]
    likely = {"id": "ab", "market": "MN", "side": ["long", "-1", "x"]}
    rows = st.tuples(*(st.sampled_from(likely.get(name, ["1", "2"])) | CELL for name in columns))
    lines = [columns, *data.draw(st.lists(rows, max_size=3))]
    tail = junk if data.draw(st.booleans()) else b""
    path = write("\n".join(map(",".join, lines)).encode() + b"\n" + tail)
    if found := attempted(lambda: read_accounts(path)):
        accounts, positions = found
        assert np.all(accounts.equity >= 0)
        assert np.all(accounts.capacity <= np.maximum(accounts.pnl, 0))
        assert positions is None or np.all(positions.account < len(accounts))


def test_positions_by_side_entry_and_mark_in_hedge_mode(tmp_path):
    path = tmp_path / "hedged.csv"
    path.write_text(
        "id,pnl,equity,market,side,lots,lot_size,entry,mark,kind\n"
        "a,50,100,BTC,short,10,0.1,700,600,linear\n"
        "a,50,100,BTC,long,10,0.1,650,600,linear\n"
    )
    accounts, held = read_accounts(path)
    assert held.pnl.tolist() == [100.0, -50.0]
    assert accounts.pnl.tolist() == [50.0]
    assert held.kind.tolist() == ["linear", "linear"]
    path.write_text(path.read_text() + "a,50,100,BTC,short,1,0.1,700,600,linear\n")
    with pytest.raises(InputError, match="an id has a market twice"):
        read_accounts(path)

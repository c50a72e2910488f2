"""A warehouse export becomes an episode in contracts; every figure by hand, every refusal names its cell."""

import io
import runpy
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.datasets.warehouse.config import read_config

ROOT = Path(adl.__file__).parents[1]


def test_a_book_by_hand(book):
    episode, report = book.read()
    ((round_, outcome),) = list(episode)
    assert episode.space == "contracts"
    assert round_.accounts.id.tolist() == ["a", "c"]  # b left with its last position
    assert round_.accounts.pnl.tolist() == [400.0, 2500.0]
    coin = F("-0.039975") * 50_000 + F(1030) * F("0.98") + 500 + 2500
    assert round_.accounts.equity.tolist() == [1000.0, float(coin)]
    flow, gaps = round_.flow, outcome.gaps
    assert (flow.market.tolist(), flow.side.tolist(), flow.quantity.tolist()) == (["ETH"], [1], [1.0])
    assert flow.bankruptcy.tolist() == [1840.0]  # 160 of collateral: 40 below zero at 1800
    assert flow.previous_mark.tolist() == [1900.0]
    assert round_.deficit == 40.0
    assert outcome.needed == gaps.gap.sum() == pytest.approx(1840 - 1780)
    assert round_.positions.kind.tolist() == ["linear", "inverse"]
    assert round_.positions.lots.tolist() == [4, 100]
    found = report.reconciliation.set_index(["figure", "cause"])["rows"].to_dict()
    assert found == {
        ("PNL of positions", "agrees"): 3,
        ("bankruptcy prices", "agrees"): 1,
        ("equity of accounts", "agrees"): 3,
    }
    assert "60.00" in str(report)


def test_an_isolated_position_and_its_bankruptcy_price(book):
    """An inverse position answers with its own margin alone: its coins are gone at 1 / (1/mark + E / ...)."""
    book.files["liquidations.csv"] = "account,market,side,size,bk\nc,BTC,long,40,\n"
    fills = "market,side,size,price,kind\nBTC,long,20,15000,liquidation\nBTC,long,20,30000,liquidation\n"
    book.files["fills.csv"] = fills  # in coins the mean price is 20,000
    round_, outcome = book.read()[0].rounds[0]
    price = 1 / (F(1, 50_000) + (F(500) + 2500) / (100 * 100 * 50_000))
    assert round_.flow.bankruptcy.tolist() == [pytest.approx(float(price), rel=1e-14)]
    assert round_.positions.lots.tolist() == [4, 2, 60]  # what is not liquidated stays
    assert round_.positions.isolated_margin.tolist() == [0, 0, 300.0]
    assert round_.accounts.equity[2] == pytest.approx(2010.65 - 0.4 * 3000)
    gone = 40 * 100 * (1 / F(20_000) - 1 / price) * 50_000
    assert outcome.needed == pytest.approx(float(gone))
    assert round_.deficit == 0.0  # it is solvent at the mark


def test_cross_positions_share_what_answers_for_them(book):
    book.files["positions.csv"] += "b,BTC,long,18,50000,cross,,0\n"
    book.files["liquidations.csv"] += "b,BTC,long,,\n"
    book.files["fills.csv"] += "BTC,long,18,50000,liquidation\n"
    book.files["liquidations.csv"] = book.files["liquidations.csv"].replace("1840", "")
    round_, _ = book.read()[0].rounds[0]
    assert round_.flow.bankruptcy[0] == 1820.0  # 1,800 of notional each: half of the 40 that are lacking
    assert round_.flow.bankruptcy[1] == pytest.approx(float(1 / (F(1, 50_000) - F(20) / (1800 * 50_000))))
    assert round_.deficit == pytest.approx(40.0)


def test_losers_of_a_side_are_one_row_at_their_mean_price(book):
    book.files["accounts.csv"] += "d,130\n"
    book.files["wallets.csv"] += "d,USD,430\n"
    book.files["positions.csv"] += "d,ETH,long,1.5,2000,cross,,-300\n"
    book.files["liquidations.csv"] += "d,ETH,long,,\n"
    several, (_, needed) = book.read()[0].rounds[0], book.read()[0].rounds[0]
    book.config = book.config.replace("[rules]", '[rules]\nlosers = "by side"')
    round_, outcome = book.read()[0].rounds[0]
    first, second = several[0].flow.bankruptcy
    assert (len(several[0].flow), len(round_.flow)) == (2, 1)
    assert round_.flow.quantity.tolist() == [2.5]
    assert round_.flow.bankruptcy[0] == pytest.approx((first + 1.5 * second) / 2.5)
    assert (round_.deficit, outcome.needed) == (several[0].deficit, needed.needed)


def test_a_fund_pays_first_and_both_sides_share_it(book):
    book.config += '[fund]\nfiles = "fund.csv"\n[fund.columns]\nmarket = "market"\nbalance = "usd"\n'
    book.config += '[totals]\nfiles = "totals.csv"\n[totals.columns]\nmarket = "market"\nside = "side"\n'
    book.config += 'needed = "needed"\ndeficit = "deficit"\n'
    book.files["fund.csv"] = "market,usd\nETH,15\nBTC,1000\n"
    book.files["totals.csv"] = "market,side,needed,deficit\nETH,long,45,25\n"
    episode, report = book.read()
    round_, outcome = episode.rounds[0]
    assert (round_.deficit, outcome.needed) == (25.0, 45.0)
    assert report.cells["fund_usd"].tolist() == [15.0]
    book.files["totals.csv"] = "market,side,needed,deficit\nETH,long,60,25\n"
    with pytest.raises(adl.InputError, match="insurance fund not counted"):
        book.read()


def test_adl_fills_are_what_production_took(book):
    book.files["fills.csv"] += "ETH,long,1,1810,adl\n"
    episode, _ = book.read()
    assert episode.rounds[0][1].recorded.haircut == pytest.approx(30.0)  # sold at 1810, the market paid 1780
    assert adl.replay(episode, ["production", "pro-rata"], loss="base=equity").policies[0].haircut_usd == 30.0


def test_an_episode_on_disk_plays(book, tmp_path):
    adl.import_book(book.write(), tmp_path / "episode")
    result = adl.replay(tmp_path / "episode", "full-deficit/pro-rata")
    assert result.policies[0].haircut_usd == pytest.approx(60.0)  # a pays: one contract, from 1840 to 1780
    with pytest.raises(adl.UsageError, match="already there"):
        adl.import_book(tmp_path / "book.toml", tmp_path / "episode")


def test_rounds_by_time_and_events_between_them(book):
    first, second = "2025-10-10T21:16:00+02:00", "2025-10-10 19:17:00Z"
    for name in ("accounts", "positions", "marks", "wallets"):
        head, *rows = book.files[f"{name}.csv"].splitlines()
        lines = [f"{at},{row}" for at in (first, second) for row in rows]
        book.files[f"{name}.csv"] = "\n".join([f"ts,{head}", *lines]) + "\n"
    for name in ("liquidations", "fills"):
        head, *rows = book.files[f"{name}.csv"].splitlines()
        book.files[f"{name}.csv"] = "\n".join([f"ts,{head}", *(f"2025-10-10T19:17:05Z,{r}" for r in rows)])
    for table in ("accounts", "positions", "marks", "collateral", "liquidations", "fills"):
        book.config = book.config.replace(f"[{table}.columns]", f'[{table}.columns]\ntime = "ts"')
    episode, _ = book.read()
    assert [r.deficit for r, _ in episode] == [0.0, 40.0]
    assert [len(r.accounts) for r, _ in episode] == [3, 2]
    assert episode.rounds[0][0].start_ms == 1_760_123_760_000


WRITTEN = {
    "semicolons, decimal comma, thousands, a byte order mark": (
        '\ufeffAccount; MARKET ;Side;size;"Entry";mode;iso;upnl;note\n'
        'a;ETH;SHORT;2,0;"2.000,00";Cross;;400,00;"a;b"\n'
        "b;ETH;long;+1;2000;cross;;-200;\n"
        "c;BTC;long;100;40.000;isolated;5e2;2.500,0;\n",
        '[positions.format]\ndelimiter = ";"\ndecimal = ","\nthousands = "."\n',
    ),
    "tabs and blanks as thousands": (
        "account\tmarket\tside\tsize\tentry\tmode\tiso\tupnl\n"
        "a\tETH\tshort\t2\t2 000\tcross\t-\t400\nb\tETH\tlong\t1\t2000.\tcross\t-\t-200\n"
        "c\tBTC\tlong\t100\t40 000\tisolated\t500\t2 500\n",
        '[positions.format]\ndelimiter = "\\t"\nthousands = " "\nblank = ["-"]\n',
    ),
    "signed sizes": (
        "account,market,side,size,entry,mode,iso,upnl\na,ETH,BOTH,-2,2000,cross,,400\n"
        "b,ETH,BOTH,1,2000,cross,,-200\nc,BTC,L,100,40000,isolated,500,2500\n",
        '[positions.words.side]\nBOTH = "signed"\nL = "long"\n',
    ),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_the_same_book_written_in_another_way(book, case):
    plain = book.read()[0].rounds[0][0]
    book.files["positions.csv"], more = WRITTEN[case]
    book.config += more
    episode, report = book.read()
    made = episode.rounds[0][0]
    assert made.positions.frame().equals(plain.positions.frame())
    assert made.accounts.frame().equals(plain.accounts.frame())
    assert ("note" in str(report)) == ("note" in book.files["positions.csv"])


def test_parquet_and_globs(book):
    plain = book.read()[0].rounds[0][0]
    frame = pd.read_csv(io.StringIO(book.files.pop("positions.csv")))
    for k in range(3):
        frame.iloc[[k]].to_parquet(book.folder / f"part-{k}.parquet")
    book.config = book.config.replace('"positions.csv"', '"part-*.parquet"')
    made = book.read()[0].rounds[0][0]
    assert made.positions.frame().equals(plain.positions.frame())


def test_whole_numbers_are_ids_to_the_last_digit(book):
    """Ids beyond 2^53 differ by one, and one row has no owner: no float may come between."""
    book.config = book.config.replace('id = "id"', 'id = "id"\nowner = "owner"')
    book.config = book.config.replace('"accounts.csv"', '"accounts.parquet"')
    big = 2**60 + 1
    owners = pd.array([big, big + 1, None], dtype="Int64")
    frame = pd.DataFrame({"id": ["a", "b", "c"], "owner": owners, "equity": [1000.0, -40.0, 2010.65]})
    frame.to_parquet(book.folder / "accounts.parquet")
    round_ = book.read()[0].rounds[0][0]
    assert round_.accounts.owner.tolist() == [str(big), "c"]


def test_the_standard_input(book):
    marks = book.files.pop("marks.csv")
    book.config = book.config.replace('"marks.csv"', '"-"')
    made = CliRunner().invoke(
        app, ["import", "book", str(book.write()), "--out", str(book.folder / "e")], input=marks
    )
    assert made.exit_code == 0, made.output
    assert "next: adl-opt recommend" in made.stdout
    assert len(adl.load(book.folder / "e")) == 1


REFUSED = {
    "no number": ("positions.csv", "400", "4oo", ["positions.csv", "row 1", "'upnl'", "4oo", "decimal"]),
    "thousands": ("positions.csv", "a,ETH,short,2,2000", 'a,ETH,short,2,"2,000"', ["row 1", "thousands"]),
    "blank": ("positions.csv", "a,ETH,short,2,2000", "a,ETH,short,2,", ["row 1", "'entry'", "blank"]),
    "infinite": ("marks.csv", "1800", "1e999", ["marks.csv", "row 1", "'mark'"]),
    "side": ("positions.csv", "short", "sell", ["row 1", "'side'", "sell", "words"]),
    "account": ("positions.csv", "b,ETH", "x,ETH", ["row 2", "'account'", "'x'", "no account"]),
    "market": ("positions.csv", "b,ETH", "b,DOGE", ["row 2", "'market'", "DOGE", "no mark"]),
    "asset": ("wallets.csv", "EUR", "GBP", ["wallets.csv", "row 4", "GBP", "no rate"]),
    "lots": ("positions.csv", "long,1,", "long,1.2,", ["row 2", "'size'", "lot_size"]),
    "twice": ("positions.csv", "b,ETH,long", "a,ETH,short", ["row 2", "there twice"]),
    "two accounts": ("accounts.csv", "b,-40", "a,-40", ["accounts.csv", "row 2", "another than in row 1"]),
    "two marks": ("marks.csv", "BTC,50000,49000\n", "BTC,50000,49000\nETH,1801,1900\n", ["row 3", "'mark'"]),
    "negative size": ("positions.csv", "short,2", "short,-2", ["row 1", "'size'", "signed"]),
    "haircut in percent": ("assets.csv", "0.02", "2", ["assets.csv", "row 2", "'haircut'", "percents"]),
    "nothing to liquidate": (
        "liquidations.csv",
        "b,ETH",
        "a,ETH",
        ["liquidations.csv", "row 1", "no position"],
    ),
    "too much": ("liquidations.csv", "long,,", "long,7,", ["row 1", "'size'", "more than"]),
    "no fill": (
        "fills.csv",
        "long,0.5,1790,liquidation\nETH,long",
        "short,1,1790,adl\nETH,short",
        ["ETH long", "executed_at"],
    ),
    "isolated without margin": ("positions.csv", "500,2500", ",2500", ["row 3", "'iso'", "isolated"]),
    "columns": ("positions.csv", "entry", "entree", ["positions.csv", "'entry'", "not there", "entree"]),
    "fields": ("positions.csv", "a,ETH,short,2", "a,ETH,short", ["positions.csv", "malformed"]),
    "one column": ("marks.csv", ",", ";", ["marks.csv", "delimiter", "';'"]),
    "rows": ("marks.csv", "\nETH,1800,1900\nBTC,50000,49000\n", "\n", ["marks.csv", "no rows"]),
    "equity": (
        "accounts.csv",
        "1000",
        "1000.02",
        ["accounts.csv", "row 1", "'equity'", "1,000.02", "unexplained"],
    ),
    "never bankrupt": ("wallets.csv", "b,USD,160", "b,USD,9000", ["liquidations.csv", "row 1", "no price"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_file_row_column_value_and_ways_out(book, case):
    name, old, new, words = REFUSED[case]
    assert old in book.files[name]
    book.files[name] = book.files[name].replace(old, new, -1 if old == "," else 1)
    with pytest.raises(adl.InputError) as caught:
        book.read()
    assert caught.value.ways_out
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('equity = "equity"', 'equty = "equity"', ["equty", "did you mean 'equity'?"]),
        ("[fills]", "[fils]", ["fils", "fills"]),
        ('files = "marks.csv"', 'files = "mark.csv"', ["mark.csv", "no such file"]),
        ('entry = "entry"', "", ["entry", "[positions.columns]"]),
        ("isolated_margin_in_collateral = false", "", ["isolated_margin_in_collateral = true", "row 3"]),
        ("[rules]", '[reconcile]\naccept = ["all"]\n[rules]', ["all", "unexplained"]),
        ("[rules]", '[marks.format]\ndecimal = ".."\n[rules]', ["decimal", "one character"]),
        ("[rules]", '[marks.format]\ntimezone = "Mars"\n[rules]', ["timezone", "Mars"]),
        ("[rules]", "[rules", ["cannot be read", "--sniff"]),
        ('files = "marks.csv"', "files = 5", ["files", "list of texts"]),
    ],
)
def test_a_configuration_that_cannot_be_meant(book, old, new, words):
    assert old in book.config
    book.config = book.config.replace(old, new, 1)
    with pytest.raises(adl.InputError) as caught:
        book.read()
    for word in words:
        assert word in str(caught.value)


CAUSES = {
    "collateral haircut not applied": ("accounts.csv", "2010.65", str(2010.65 + 1030 * 0.02)),
    "PNL not counted": ("accounts.csv", "1000", "600"),
    "isolated margin not counted": ("accounts.csv", "2010.65", "1510.65"),
    "isolated margin counted twice": ("accounts.csv", "2010.65", "2510.65"),
    "isolated positions not counted": ("accounts.csv", "2010.65", "-989.35"),
    "at the previous mark": ("positions.csv", "400", "200"),
    "other sign": ("positions.csv", "400", "-400"),
    "in the settlement asset": ("positions.csv", "2500", "0.05"),
    "multiplier left out": ("positions.csv", "2500", "25"),
    "rounded to its digits": ("liquidations.csv", "1840", "1840"),
    "unexplained": ("positions.csv", "400", "417"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_difference_has_its_cause_and_is_accepted_by_name(book, cause):
    name, old, new = CAUSES[cause]
    book.files[name] = book.files[name].replace(old, new, 1)
    if cause == "rounded to its digits":
        book.files["wallets.csv"] = book.files["wallets.csv"].replace("b,USD,160", "b,USD,159.7")
        book.files["accounts.csv"] = book.files["accounts.csv"].replace("b,-40", "b,-40.3")
    with pytest.raises(adl.InputError, match=cause):
        book.read()
    book.config += f'[reconcile]\naccept = ["{cause}"]\n'
    _, report = book.read()
    assert cause in report.reconciliation["cause"].tolist()


def test_a_time_without_a_zone_needs_one(book):
    for name in ("accounts", "positions", "marks", "wallets"):
        head, *rows = book.files[f"{name}.csv"].splitlines()
        book.files[f"{name}.csv"] = "\n".join([f"ts,{head}", *(f"2025-03-30 01:30:00,{r}" for r in rows)])
    for table in ("accounts", "positions", "marks", "collateral"):
        book.config = book.config.replace(f"[{table}.columns]", f'[{table}.columns]\ntime = "ts"')
    with pytest.raises(adl.InputError, match="no time zone"):
        book.read()
    book.config = '[format]\ntimezone = "Europe/Berlin"\n' + book.config
    assert book.read()[0].rounds[0][0].start_ms == 1_743_294_600_000
    for name in ("accounts", "positions", "marks", "wallets"):
        book.files[f"{name}.csv"] = book.files[f"{name}.csv"].replace("01:30", "02:30")
    with pytest.raises(adl.InputError, match="happened twice or never"):
        book.read()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """The invented exchange of the examples, small."""
    write = runpy.run_path(str(ROOT / "examples" / "invented_exchange.py"))["write"]
    return write(tmp_path_factory.mktemp("exchange"), accounts=60, markets=6, rounds=3, seed=1)


def test_the_invented_exchange_is_reconciled_to_the_cent(exchange):
    episode, report = adl.import_book(exchange)
    assert (len(episode), episode.space) == (3, "contracts")
    found = report.reconciliation
    assert set(found["cause"]) <= {"agrees", "rounded to its digits"}
    equity = found.set_index(["figure", "cause"]).loc[("equity of accounts", "agrees")]
    assert equity["rows"] == 180
    assert equity["largest_usd"] <= 0.01
    losses = pd.read_csv(exchange.parent / "losses.csv").groupby("ts")["loss_usd"].sum()
    needed = np.array([o.needed for _, o in episode])
    assert needed == pytest.approx(losses.to_numpy(), abs=0.02 * 12)
    assert needed.sum() > 0


def test_a_first_configuration_marks_its_guesses_and_doubts(exchange, tmp_path):
    files = sorted(p for p in exchange.parent.iterdir() if p.suffix in (".csv", ".parquet"))
    path = exchange.parent / "first.toml"
    text = adl.import_book(files, path, sniff=True)
    assert text == path.read_text()
    assert "# doubt: say under [positions.words.side] what these mean: BOTH" in text
    assert "# guess: by its name" in text
    assert set(read_config(path).tables) == set(read_config(exchange).tables)
    with pytest.raises(adl.InputError, match="BOTH"):
        adl.import_book(path)
    decided = text.replace("# isolated_margin_in_collateral", "isolated_margin_in_collateral")
    decided = decided.replace("accept = []", 'accept = ["rounded to its digits"]')
    path.write_text(decided + '[positions.words.side]\nBOTH = "signed"\n')
    made, again = adl.import_book(path)[0], adl.import_book(exchange)[0]
    assert [r.accounts.frame().equals(s.accounts.frame()) for (r, _), (s, _) in zip(made, again, strict=True)]


EVERYDAY = {
    "positions.csv": (
        "snapshot_ts,account_id,symbol,account_equity_usd,position_size,avg_entry_px,mark_px,margin_mode,"
        "isolated_margin_usdt,upnl_usdt\n"
        "2025-10-10T21:00:00Z,a,ETH,1200,-2,2000,1800,cross,,400\n"
        "2025-10-10T21:00:00Z,a,BTC,1200,0.1,50000,52000,cross,,200\n"
        "2025-10-10T21:00:00Z,b,ETH,-40,1,2000,1800,cross,,-200\n"
    ),
    "wallets.csv": "account_id,ccy,wallet_balance\na,USDT,600\nb,USDT,160\n",
    "liq.csv": "ts,account_id,symbol,side,qty,fill_px\n2025-10-10T21:00:05Z,b,ETH,long,1,1780\n",
}


def test_everyday_exports_need_decisions_and_nothing_else(tmp_path):
    for name, text in EVERYDAY.items():
        (tmp_path / name).write_text(text)
    path = tmp_path / "book.toml"
    text = adl.import_book([tmp_path / name for name in EVERYDAY], path, sniff=True)
    assert set(read_config(path).tables) == {
        *("accounts", "positions", "marks", "collateral", "liquidations", "fills", "contracts", "assets")
    }
    assert "left aside" not in text
    assert text.count("its rows are those of another table") == 3
    assert "\nBTC,?,?,?,?,?\nETH,?,?,?,?,?\n" in text
    assert "\nUSDT,?,?\n" in text
    with pytest.raises(adl.InputError, match=r"rows of \[assets\]|rows of \[contracts\]"):
        adl.import_book(path)
    text = text.replace("BTC,?,?,?,?,?", "BTC,linear,1,0.1,,0.01").replace(
        "ETH,?,?,?,?,?", "ETH,linear,1,1,,0.01"
    )
    path.write_text(text.replace("USDT,?,?", "USDT,1,0"))
    episode, report = adl.import_book(path)
    assert report.reconciliation["cause"].unique().tolist() == ["agrees"]
    assert report.reconciliation["figure"].tolist() == ["PNL of positions", "equity of accounts"]
    # b is bankrupt at 1840 and was closed at 1780
    assert episode.rounds[0][1].needed == pytest.approx(60)


def test_rows_of_an_account_that_say_the_same_count_once(book):
    one = book.read()[0].rounds[0][0]
    book.files["accounts.csv"] += "a,1000\n"
    assert book.read()[0].rounds[0][0].accounts.frame().equals(one.accounts.frame())


def _only_wallets(book, haircut):
    """Thirty accounts with BTC; the venue counts it at 0.95."""
    names = [f"x{k}" for k in range(30)]
    book.files["accounts.csv"] += "".join(f"{n},{(k + 1) * 50000 * 0.95}\n" for k, n in enumerate(names))
    book.files["wallets.csv"] += "".join(f"{n},BTC,{k + 1}\n" for k, n in enumerate(names))
    book.files["assets.csv"] = book.files["assets.csv"].replace("BTC,50000,0.1", f"BTC,50000,{haircut}")


@pytest.mark.parametrize("haircut", ["0.1", ""])
def test_a_wrong_haircut_is_found(book, haircut):
    _only_wallets(book, haircut)
    with pytest.raises(adl.InputError) as caught:
        book.read()
    assert "BTC at 0.95 explains 33 of 33 rows" in str(caught.value)
    assert "accept" not in str(caught.value)
    _only_wallets(again := type(book)(book.folder), "0.05")
    again.read()


def test_what_differs_in_every_row_is_not_offered_to_be_accepted(book):
    book.files["accounts.csv"] = "id,equity\na,1001\nb,-47\nc,2019.65\n"
    with pytest.raises(adl.InputError, match="all that the venue gives") as caught:
        book.read()
    assert "accept" not in str(caught.value)


def test_rules_that_lack_the_maintenance_margin_are_named(book):
    _, report = book.read()
    assert "binance" in report.notes[0]
    assert "maintenance_rate" in report.notes[0]
    book.config = book.config.replace(
        'settlement = "settle"', 'settlement = "settle"\nmaintenance_rate = "mmr"'
    )
    head, *rows = book.files["contracts.csv"].split()
    book.files["contracts.csv"] = "\n".join([f"{head},mmr", *(f"{row},0.01" for row in rows)])
    episode, report = book.read()
    assert not any("maintenance" in note for note in report.notes)
    assert adl.replay(episode, ["full-deficit/binance"]).policies


def test_the_next_night_goes_on_in_the_same_log(book, tmp_path):
    for night in (1, 2):
        out = str(tmp_path / f"night-{night}")
        made = CliRunner().invoke(
            app, ["import", "book", str(book.write()), "--out", out, "--first-round", str(night)]
        )
        assert made.exit_code == 0, made.output
        assert f"round {night} (1)" in made.stdout
        told = adl.shadow("full-deficit/kucoin", tmp_path / "state", out, tmp_path / f"{night}.jsonl")
        assert str(told).startswith("1 decided, 1 revealed, 0 known before")


POSITIONS = {
    "Binance": "uid,symbol,positionAmt,entryPrice,markPrice,unRealizedProfit,marginType,positionSide",
    "Bybit": "uid,symbol,side,size,avgPrice,markPrice,unrealisedPnl,createdTime",
    "OKX": "uid,instId,posSide,pos,avgPx,markPx,upl,mgnMode,uTime",
    "BitMEX": "account,symbol,currentQty,avgEntryPrice,markPrice,unrealisedPnl",
    "Deribit": "user_id,instrument_name,size,average_price,mark_price,direction,floating_profit_loss",
}


@pytest.mark.parametrize("venue", POSITIONS)
def test_the_columns_of_a_venue_s_positions_are_known(tmp_path, venue):
    header = POSITIONS[venue]
    (tmp_path / "x.csv").write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")
    text = adl.import_book([tmp_path / "x.csv"], sniff=True)
    assert "[positions]\n" in text
    assert "[marks]\n" in text
    assert "left aside" not in text


def test_without_a_symbol_there_is_nothing_to_fill_in(tmp_path):
    (tmp_path / "x.csv").write_text("uid,equity\na,1\n")
    text = adl.import_book([tmp_path / "x.csv"], sniff=True)
    assert "# doubt: no file looks like [contracts], which is needed" in text
    assert "rows =" not in text

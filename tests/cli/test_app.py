"""The command line as a user meets it: output, exit codes, no traceback."""

import csv
import io
import json
import runpy
import subprocess
import sys

import pytest

from adl_opt.cli.app import main
from adl_opt.datasets.book import invented_book
from adl_opt.datasets.store.folder import save_episode

ACCOUNTS = "id,pnl,equity,market,lot_value,lots\na,50,100,BTC,7,5\na,50,100,ETH,3,5\nb,30,90,BTC,4,7\n"
ROUNDS = "wave,t_start_ms,t_end_ms,deficit_usd,needed_usd\n1,1760130964831,1760130965000,100,50\n"


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr(sys, "argv", ["adl-opt", *map(str, args)])
        with pytest.raises(SystemExit) as stop:
            main()
        out = capsys.readouterr()
        assert "Traceback" not in out.out + out.err
        return stop.value.code or 0, out.out, out.err

    return call


@pytest.fixture
def accounts(tmp_path):
    path = tmp_path / "accounts.csv"
    path.write_text(ACCOUNTS)
    return path


def test_without_arguments_it_shows_three_uses_by_commands_that_exist(run):
    code, out, _ = run()
    named = {line.split("adl-opt ")[1].split()[0] for line in out.splitlines() if line.startswith("  ")}
    assert code == 0
    assert named == {"optimum", "replay", "report", "models", "solve"}
    listed = run("--help")[1]
    assert all(f" {name} " in listed for name in named)
    assert max(map(len, out.splitlines())) <= 110


def test_replay_prints_a_table_with_information(run):
    code, out, _ = run("replay", "oct10", "--policy", "production", "--policy", "full-deficit/binance")
    assert code == 0
    assert "53,782,490.53" in out
    assert "start-of-round" in out
    assert "published:" in out


def test_replay_json_and_csv_agree(run):
    names = ["--policy", "pro-rata", "--policy", "constant(0.5)/okx"]
    data = json.loads(run("replay", *names, "--format", "json")[1])
    rows = list(csv.DictReader(io.StringIO(run("replay", *names, "--format", "csv")[1])))
    assert [p["policy"] for p in data["policies"]] == [r["policy"] for r in rows]
    for p, r in zip(data["policies"], rows, strict=True):
        assert float(r["tracking_usd"]) == p["tracking_usd"]


def test_replay_in_contracts_takes_scenarios(run, tmp_path):
    folder, file = tmp_path / "book", tmp_path / "moves.csv"
    save_episode(invented_book(accounts=60, markets=2), folder)
    file.write_text("M00,M01\n-0.3,-0.2\n0.4,0.3\n")
    rows = ("--policy", "risk-based", "--policy", "okx", "--format", "json")
    for moves, said in (("drawn(seed=3)", "seed 3"), (file, "file moves.csv")):
        code, out, err = run("replay", folder, "--space", "contracts", "--moves", moves, *rows)
        assert code == 0, err
        told = json.loads(out)
        assert said in " ".join(told["notes"])
        risk, queue = (p["future_shortfall_usd"] for p in told["policies"])
        assert 0 <= risk <= queue
    code, _, err = run("replay", "--moves", "past")
    assert code == 2
    assert "rounds in contracts" in err


def test_replay_writes_only_into_its_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, _ = run("replay", "--policy", "pro-rata", "--out", tmp_path / "out")
    assert code == 0
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "out",
        "policies.csv",
        "regret.csv",
        "result.json",
        "rounds.csv",
        "times.json",
    ]


def test_published_has_the_fields_of_replay(run):
    data = json.loads(run("published", "--format", "json")[1])
    assert list(data["policies"][0]) == list(
        json.loads(run("replay", "--policy", "pro-rata", "--format", "json")[1])["policies"][0]
    )
    assert [p["policy"] for p in data["policies"]] == [
        "production",
        "integer-pro-rata",
        "vector-mirror-descent",
        "min-max-ilp",
        "continuous-pro-rata",
        "pnl-pro-rata",
        "equity-pro-rata",
    ]
    assert data["policies"][0]["seconds"] is None
    assert round(data["headlines"]["net_overshoot_usd"], 2) == 45028665.72


def test_policies_lists_the_catalogue(run):
    data = json.loads(run("policies", "--format", "json")[1])["policies"]
    names = {p["name"] for p in data}
    assert {"production", "hyperliquid-literal", "dydx-random", "min-max-lots", "drift-socialised"} <= names
    assert {"oracle", "constant", "full-deficit", "observed"} <= names
    assert all(p["rule"] and p["source"] and p["information"] for p in data)
    assert "pro-rata" in run("policies")[1]


def test_solve(run, accounts, tmp_path):
    out_file = tmp_path / "haircuts.csv"
    code, out, _ = run("solve", accounts, "--budget", "25", "--out", out_file)
    assert code == 0
    assert "proven at least 0.340000" in out
    rows = list(csv.DictReader(io.StringIO(out_file.read_text())))
    assert sum(float(r["lots_value_usd"]) for r in rows) == 25.0
    facts = json.loads(run("solve", accounts, "--budget", "25", "--format", "json")[1])
    assert facts["max_burden"] == pytest.approx(0.34, rel=1e-12)
    assert facts["gap"] == 0.0
    assert len(run("solve", accounts, "--budget", "25", "--format", "csv")[1].splitlines()) == 4


def test_solve_chooses_min_max_without_lots_and_names_a_shortfall(run, tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("id,pnl,equity\n=cmd(),50,100\nb,30,90\n")
    code, out, _ = run("solve", path, "--budget", "100")
    assert code == 0
    assert "min-max:" in out
    assert "shortfall $20.00" in out
    assert "'=cmd()" in run("solve", path, "--budget", "8", "--format", "csv")[1]


def test_data_is_text_never_a_command(run, tmp_path):
    path = written(tmp_path / "odd.csv", "id,pnl,equity\n[/b],50,100\n[red]x[/red],30,90\n\x1b[2Jz,10,90\n")
    code, out, _ = run("solve", path, "--budget", "50")
    assert code == 0
    assert "[/b]" in out
    assert "[red]x[/red]" in out
    assert "\x1b[2J" not in out
    assert "\\x1b[2Jz" in out


def test_a_narrow_terminal_keeps_who_and_on_what():
    from rich.console import Console

    import adl_opt as adl
    from adl_opt.reports.terminal.tables import fitted

    result = adl.replay("oct10", ["production", "hyperliquid-side-adjusted", "vector-mirror-descent-text"])
    for width in (80, 100, 120, 240):
        console = Console(width=width, record=True, file=io.StringIO(), markup=False)
        console.print(fitted(result, console))
        text = console.export_text()
        assert "hyperliquid-side-adjusted" in text
        assert "observed" in text
        assert "64,859,522.21" in text
        assert "…" not in text
        assert ("too narrow" in text) == (width < 240)


def test_min_max_of_equity_is_measured_on_equity(run, tmp_path):
    path = written(tmp_path / "eq.csv", "id,pnl,equity\na,10,100\nb,20,20\n")
    facts = json.loads(
        run("solve", path, "--budget", "20", "--policy", "min-max(base=equity)", "--format", "json")[1]
    )
    assert facts["burden_base"] == "equity"
    assert facts["max_burden"] == pytest.approx(facts["max_burden_lower_bound"])
    assert facts["gap"] == pytest.approx(0.0, abs=1e-12)


def test_the_output_never_replaces_the_input_nor_a_link(run, accounts, tmp_path):
    before = accounts.read_text()
    assert run("solve", accounts, "--budget", "5", "--out", accounts)[0] == 2
    link = tmp_path / "link.csv"
    link.symlink_to(accounts)
    assert run("solve", accounts, "--budget", "5", "--out", link)[0] == 2
    assert accounts.read_text() == before
    out = tmp_path / "out"
    (out / "rounds.csv").mkdir(parents=True)
    assert run("replay", "--policy", "pro-rata", "--out", out)[0] == 2
    assert [p.name for p in out.iterdir()] == ["rounds.csv"]


def test_regret_csv_is_the_regret(run, tmp_path):
    run("replay", "--policy", "pro-rata", "--policy", "constant(0)", "--out", tmp_path / "o")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "o" / "regret.csv").read_text())))
    assert [r["policy"] for r in rows] == ["pro-rata", "constant(theta=0)/pro-rata"]
    assert float(rows[1]["tracking_regret_usd"]) == pytest.approx(15_079_669.61, abs=0.01)


def test_show_and_doctor_and_version(run):
    assert len(json.loads(run("show", "oct10", "--format", "json")[1])["rounds"]) == 16
    assert "capacity_usd" in run("show", "synthetic(accounts=5, rounds=2)")[1]
    code, out, _ = run("doctor")
    assert code == 0, out
    assert "FAILED" not in out
    assert json.loads(run("doctor", "--format", "json")[1])["ok"] is True
    assert run("--version")[1].startswith("adl-opt 0.")


def test_a_broken_installation_is_told_by_doctor(run, monkeypatch):
    import adl_opt.health as doctor

    monkeypatch.setattr(doctor, "PUBLISHED_TOTALS", {"production": 1.0})
    code, out, _ = run("doctor")
    assert code == 1
    assert "FAILED" in out


def test_import_of_the_real_rows(run, late_rounds, tmp_path):
    gaps = late_rounds.parents[2] / "reference" / "oct10_coin_gaps.csv"
    more = ["--gaps", gaps] if gaps.exists() else []
    code, out, _ = run("import", "hyperreplay", late_rounds, *more, "--out", tmp_path / "late")
    assert code == 0
    for part in ("round 17: 75 fills", "round 21: 26 fills", "round 25: 10 fills", "round 28: 37 fills"):
        assert part in out
    data = json.loads(run("replay", tmp_path / "late", "--format", "json")[1])
    assert data["rounds"] == 4
    tracking = {p["policy"]: p["tracking_usd"] for p in data["policies"]}
    assert tracking["pro-rata"] < 1.0
    assert tracking["production"] == pytest.approx(277_485.51, abs=0.01)
    assert run("import", "hyperreplay", late_rounds, "--out", tmp_path / "late")[0] == 2  # it is there


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


BAD = {
    "no such episode": (["replay", "nosuch"], "unknown episode"),
    "no such folder": (["replay", "./nosuch/"], "does not exist"),
    "a file is no episode": (["replay", "{accounts}"], "an episode is a folder"),
    "folder without episode": (["replay", "{empty}"], "episode.toml"),
    "unknown policy": (["replay", "--policy", "pro-ratta"], "did you mean pro-rata"),
    "unknown parameter": (["replay", "--policy", "dydx-random(sed=1)"], "did you mean seed"),
    "constant without theta": (["replay", "--policy", "constant/pro-rata"], "constant(theta=...)"),
    "theta above one": (["replay", "--policy", "constant(2)"], "from 0 to 1"),
    "policy twice": (["replay", "--policy", "binance", "--policy", "binance"], "different names"),
    "lambda negative": (["replay", "--policy", "okx", "--lambda", "-1"], "fair is out of range"),
    "lambda NaN": (["replay", "--policy", "okx", "--lambda", "nan"], "fair is out of range"),
    "burden unknown": (["replay", "--burden", "wealth"], "Invalid value"),
    "format unknown": (["replay", "--format", "xml"], "Invalid value"),
    "option unknown": (["replay", "--polcy", "okx"], "No such option"),
    "command unknown": (["rerun"], "No such command"),
    "solve without budget": (["solve", "{accounts}"], "needs a budget"),
    "budget negative": (["solve", "{accounts}", "--budget", "-5"], "budget = -5.0"),
    "budget NaN": (["solve", "{accounts}", "--budget", "nan"], "budget = nan"),
    "budget text": (["solve", "{accounts}", "--budget", "many"], "Invalid value for '--budget'"),
    "deficit negative": (["solve", "{accounts}", "--budget", "5", "--deficit", "-1"], "deficit = -1.0"),
    "accounts missing": (["solve", "nosuch.csv", "--budget", "5"], "nosuch.csv"),
    "solve unknown policy": (["solve", "{accounts}", "--budget", "5", "--policy", "minmax"], "did you mean"),
    "solve lacks columns": (
        ["solve", "{accounts}", "--budget", "5", "--policy", "binance"],
        "without margin",
    ),
    "rounds missing": (
        ["import", "hyperreplay", "{accounts}", "--rounds", "no.csv", "--out", "{new}"],
        "no.csv",
    ),
    "rows of another kind": (["import", "hyperreplay", "{accounts}", "--out", "{new}"], "columns"),
    "rows missing": (["import", "hyperreplay", "no.csv", "--out", "{new}"], "no.csv"),
    "import without out": (["import", "hyperreplay", "{accounts}"], "Missing option"),
    "synthetic of nobody": (["replay", "synthetic(accounts=0)"], "accounts is out of range"),
    "synthetic misspelt": (["replay", "synthetic(acounts=5)"], "did you mean accounts"),
    "not a name": (["replay", "--policy", "Pro Rata!"], "not of the form"),
    "production has no parameters": (["replay", "--policy", "production(severity=3)"], "unknown parameter"),
    "a name too long": (["replay", "x" * 5000], "unknown episode"),
    "a pipe is no file": (["solve", "/dev/zero", "--budget", "5"], "pipe or device"),
    "too many accounts": (["replay", "synthetic(accounts=100000000000)"], "accounts is out of range"),
    "published lambda": (["published", "--lambda", "-5"], "fair is out of range"),
    "two allocations": (["replay", "--policy", "okx/binance"], "unknown severity"),
}

BAD_ACCOUNTS = {
    "empty file": ("", "empty"),
    "header only": ("id,pnl,equity\n", ""),
    "missing column": ("id,pnl\na,1\n", "equity"),
    "NaN": ("id,pnl,equity\na,nan,1\n", "nan"),
    "inf": ("id,pnl,equity\na,1,inf\n", "inf"),
    "blank": ("id,pnl,equity\na,,1\n", "line 2"),
    "text": ("id,pnl,equity\na,x,1\n", "'x'"),
    "negative equity": ("id,pnl,equity\na,1,-2\n", "loser"),
    "duplicate id": ("id,pnl,equity\na,1,2\na,3,4\n", "lines 2 and 3"),
    "too many fields": ("id,pnl,equity\na,1,2,3\n", "line 2"),
    "not UTF-8": (b"id,pnl,equity\n\xff\xfe,1,2\n", "UTF-8"),
    "unknown column": ("id,pnl,equity,levrage\na,1,2,3\n", "leverage"),
    "lots not whole": (ACCOUNTS.replace("7,5\n", "7,5.5\n"), "5.5"),
    "lots negative": (ACCOUNTS.replace("7,5\n", "7,-5\n"), "-5"),
    "lot value zero": (ACCOUNTS.replace("7,5\n", "0,5\n"), "0"),
    "market twice": (ACCOUNTS.replace("ETH", "BTC"), "BTC"),
    "pnl differs": (ACCOUNTS.replace("a,50,100,ETH", "a,51,100,ETH"), "51"),
    "side unknown": ("id,pnl,equity,side\na,1,2,up\n", "up"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_usage_is_exit_code_2(run, tmp_path, accounts, case):
    args, said = BAD[case]
    (tmp_path / "empty").mkdir()
    places = {"accounts": accounts, "empty": tmp_path / "empty", "new": tmp_path / "new"}
    code, out, err = run(*(a.format(**places) if "{" in a else a for a in args))
    assert code == 2, err
    assert said in " ".join(err.replace("│", " ").split())
    assert out == ""
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("case", BAD_ACCOUNTS)
def test_bad_accounts_are_exit_code_2(run, tmp_path, case):
    text, said = BAD_ACCOUNTS[case]
    path = written(tmp_path / "bad.csv", text)
    code, out, err = run("solve", path, "--budget", "1", "--out", tmp_path / "out.csv")
    assert code == 2, err
    assert said in err
    assert "ways out:" in err
    assert out == ""
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("scale", "unit"), [(1e-3, "second"), (1e3, "microsecond"), (1e6, "nanosecond")])
def test_wrong_time_unit_is_named(run, tmp_path, scale, unit):
    text = ROUNDS.replace("1760130964831", str(int(1760130964831 * scale)))
    rounds = written(tmp_path / "rounds.csv", text)
    rows = written(tmp_path / "rows.csv", "user,coin,time\na,b,1760130964831\n")
    code, _, err = run("import", "hyperreplay", rows, "--rounds", rounds, "--out", tmp_path / "new")
    assert code == 2
    assert unit in err


def test_an_output_that_cannot_be_written_is_exit_code_1(run, accounts, tmp_path):
    code, _, err = run("solve", accounts, "--budget", "5", "--out", accounts / "below" / "x.csv")
    assert code == 1
    assert "cannot be written" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["accounts.csv"]


def test_python_dash_m_and_a_closed_pipe():
    made = subprocess.run(
        f"{sys.executable} -m adl_opt show 'synthetic(accounts=2, rounds=800)' --format json | head -1",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert made.stdout.strip() == "{"
    assert "Traceback" not in made.stderr


def test_python_dash_m_of_the_command_line_runs_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["adl-opt", "--version"])
    with pytest.raises(SystemExit):
        runpy.run_module("adl_opt.cli", run_name="__main__")
    assert capsys.readouterr().out


PLAN_TOML = 'policies = ["pro-rata"]\nscenarios = ["no-deficit"]\nseeds = 1\n'
SCORING = (
    *(["replay"], ["published"], ["optimum"], ["study", "oct10"], ["theory"], ["sweep"], ["report"]),
    *(["figures"], ["simulate", "run"], ["simulate", "feedback"]),
)


@pytest.mark.parametrize("words", SCORING, ids=" ".join)
def test_every_command_that_scores_takes_a_loss(words, run, tmp_path):
    places = {
        "sweep": [written(tmp_path / "plan.toml", PLAN_TOML), "--out", str(tmp_path / "sweep")],
        "report": ["--out", str(tmp_path / "report.html")],
        "figures": ["--out", str(tmp_path / "figures")],
    }
    code, _, err = run(*words, *places.get(words[0], []), "--loss", "undr=5")
    assert code == 2, err
    assert "undr" in err


def test_a_loss_changes_what_is_measured(run):
    def total(*args):
        rows = json.loads(run(*args, "--format", "json")[1])
        return (rows.get("policies") or [r["totals"] for r in rows["runs"]])[0]["total_usd"]

    for words in (["replay", "--policy", "constant(0)"], ["simulate", "run", "--policy", "constant(0)"]):
        once, five = (total(*words, "--loss", f"fair=0,under={k}") for k in (1, 5))
        assert five == pytest.approx(5 * once)
        assert once > 0

"""``adl-opt fetch``, ``import oct10`` and ``import accounts`` as a user meets them."""

import shutil
import sys

import pytest

import adl_opt as adl
from adl_opt.cli.app import main

ACCOUNTS = "id,pnl,equity\na,50,100\nb,30,90\n"


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


def test_without_a_network_each_file_is_named_and_the_job_fails(run, tmp_path):
    code, out, err = run("fetch", "oct10", "--dir", tmp_path / "d", "--base", "http://127.0.0.1:9")
    assert code == 1
    assert "Powered by HyperReplay" in out
    assert "non-commercial" in out
    assert out.count("FAILED") == 10
    assert "get it by hand" in err
    assert "10 of 10 files are missing" in err


def test_an_unknown_event_is_wrong_usage(run):
    assert run("fetch", "nov11")[0] == 2


def test_the_real_rounds_go_from_a_folder_to_a_replay(run, late_rounds, tmp_path):
    folder = tmp_path / "data" / "HyperReplay"
    folder.mkdir(parents=True)
    shutil.copy(late_rounds, folder)
    code, out, _ = run("import", "oct10", tmp_path / "data", "--out", tmp_path / "e")
    assert code == 0
    assert "canonical export" in out
    assert "missing: no two_pass_wave_coin_gap_per_contract.csv" in out
    assert "missing: no rows of rounds 1, 2, 4" in out
    assert "its hash was not verified" in out
    episode = adl.load(tmp_path / "e")
    assert [round_.number for round_, _ in episode] == [17, 21, 25, 28]


@pytest.mark.parametrize("laid", ["nothing", "no folder", "two files"])
def test_a_folder_without_the_one_file_is_refused(run, tmp_path, laid):
    folder = tmp_path / "data"
    if laid != "no folder":
        folder.mkdir()
    if laid == "two files":
        for name in ("adl_detailed_analysis_REALTIME.csv", "adl_detailed_analysis_REALTIME.late.csv"):
            (folder / name).write_text("x\n")
    code, _, err = run("import", "oct10", folder, "--out", tmp_path / "e")
    assert code == 2
    assert "ways out" in err
    assert not (tmp_path / "e").exists()


def test_a_venues_own_accounts_become_an_episode(run, tmp_path):
    for k in (1, 2):
        (tmp_path / f"{k}.csv").write_text(ACCOUNTS)
    args = ["--deficit", 20, "--deficit", 10, "--needed", 12, "--needed", 3, "--out", tmp_path / "mine"]
    code, out, _ = run("import", "accounts", tmp_path / "1.csv", tmp_path / "2.csv", *args)
    assert code == 0
    assert "round 2: 2 accounts, capacity 80.00 USD, D 10.00, B 3.00" in out
    episode = adl.load(tmp_path / "mine")
    assert [(r.number, r.deficit, o.needed) for r, o in episode] == [(1, 20.0, 12.0), (2, 10.0, 3.0)]
    assert run("replay", tmp_path / "mine", "--policy", "pro-rata")[0] == 0


def test_each_round_needs_its_amounts(run, tmp_path):
    (tmp_path / "1.csv").write_text(ACCOUNTS)
    args = ["--deficit", 20, "--deficit", 5, "--needed", 1, "--out", tmp_path / "mine"]
    code, _, err = run("import", "accounts", tmp_path / "1.csv", *args)
    assert code == 2
    assert "1 tables, 2 x deficit" in err
    assert not (tmp_path / "mine").exists()

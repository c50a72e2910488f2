"""Results know themselves: a flipped bit is found, and the same input gives the same files."""

import json
import re
import subprocess
import sys

import pytest

import adl_opt as adl
from adl_opt.rounds.digest import episode_sha256
from adl_opt.studies.sweeps import plan as plans
from adl_opt.studies.sweeps.run import sweep
from benchmarks.attack.bits import PLAN, flipped, healed, written


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    return written(tmp_path_factory.mktemp("sealed"))


def test_no_flipped_bit_goes_unseen(things):
    found = flipped(things, 120)
    assert {kind: dict(seen) for kind, seen in found.items()} == {kind: {"found": 120} for kind in things}


@pytest.mark.parametrize(
    ("kind", "file", "old", "new"),
    [
        ("proof", "", rb"e-(\d\d)", rb"E-\1"),  # the same number
        ("result", "result.json", rb"e-(\d\d)", rb"E-\1"),
        ("result", "result.json", rb'  "', rb'\t "'),
        ("sweep", "sweep.json", rb"\n$", rb"\n\n"),
        ("sweep", "results.json", rb'": "', rb'":  "'),
        ("episode", "episode.toml", rb"\[manifest\]", rb"[manifesu]"),  # no seal is left
        ("episode", "episode.toml", rb"units = ", rb"units  = "),
    ],
)
def test_a_change_that_leaves_the_content_is_found(things, kind, file, old, new):
    path = things[kind] / file if file else things[kind]
    content = path.read_bytes()
    changed, times = re.subn(old, new, content, count=1)
    assert times == 1
    path.write_bytes(changed)
    with pytest.raises(adl.AdlOptError) as caught:
        adl.verify(things[kind])
    assert caught.value.exit_code == 1
    path.write_bytes(content)


def test_a_sweep_heals_its_parts(things):
    assert dict(healed(things["sweep"], 4)) == {"healed": 4}


def test_what_is_intact_is_said_to_be(things):
    for kind, path in things.items():
        found = adl.verify(path)
        assert found.to_json()["accepted"], kind
    assert "5" not in adl.verify(things["episode"]).claim
    assert adl.verify(things["result"] / "result.json").claim == adl.verify(things["result"]).claim


@pytest.mark.parametrize("kind", ["episode", "result", "sweep"])
def test_what_is_missing_is_said(things, kind):
    gone = {"episode": "accounts.parquet", "result": "rounds.csv", "sweep": "summary.parquet"}[kind]
    content = (things[kind] / gone).read_bytes()
    (things[kind] / gone).unlink()
    with pytest.raises(adl.AdlOptError, match="as it was written") as caught:
        adl.verify(things[kind])
    assert caught.value.exit_code == 1
    assert gone in caught.value.got
    (things[kind] / gone).write_bytes(content)


def test_the_command_says_it_by_its_exit_code(things, tmp_path):
    command = [sys.executable, "-m", "adl_opt.cli.app", "verify"]
    assert subprocess.run([*command, str(things["result"])], capture_output=True, check=False).returncode == 0
    bad = tmp_path / "bad"
    bad.mkdir()
    for file in things["result"].iterdir():
        (bad / file.name).write_bytes(file.read_bytes().replace(b"pro-rata", b"pro-rate"))
    assert subprocess.run([*command, str(bad)], capture_output=True, check=False).returncode == 1
    assert subprocess.run([*command, str(tmp_path)], capture_output=True, check=False).returncode == 2


def test_the_same_input_gives_the_same_files(tmp_path):
    for name in ("one", "two"):
        adl.replay("synthetic(accounts=6, rounds=2)", ["pro-rata", "ogd"], out=tmp_path / name)
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert set(one) == {"result.json", "policies.csv", "rounds.csv", "regret.csv", "times.json"}
    assert {k: v for k, v in one.items() if k != "times.json"} == {
        k: v for k, v in two.items() if k != "times.json"
    }
    made_of = json.loads(one["result.json"])["made_of"]
    assert made_of["episode_sha256"] == episode_sha256(adl.load("synthetic(accounts=6, rounds=2)"))
    assert made_of["adl_opt"] == adl.__version__


def test_a_report_knows_itself(tmp_path):
    pytest.importorskip("plotly")
    path = adl.report("synthetic(accounts=6, rounds=2)", tmp_path / "r.html", ["pro-rata"])
    assert adl.verify(path).claim == "a report, as it was written"
    path.write_bytes(path.read_bytes().replace(b"pro-rata", b"pro-rate", 1))
    with pytest.raises(adl.AdlOptError, match="as it was written"):
        adl.verify(path)


def test_a_sweep_of_another_version_is_not_gone_on_with(tmp_path, monkeypatch):
    sweep(PLAN, tmp_path / "s")
    monkeypatch.setattr(plans, "__version__", "9.9")
    with pytest.raises(adl.UsageError, match="another version"):
        sweep(PLAN, tmp_path / "s", resume=True)


def test_a_stored_episode_has_the_digest_that_it_had(things):
    assert episode_sha256(adl.load(things["episode"])) != episode_sha256(adl.load("oct10"))
    again = adl.load(things["episode"])
    assert episode_sha256(again) == episode_sha256(adl.load(things["episode"]))

"""Sweeps: the same rows on every back end, kept over a kill, failures among them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adl_opt.cli.app import main
from adl_opt.errors import InputError, PolicyError, SolverError, UsageError
from adl_opt.locks import only_one
from adl_opt.losses import Loss
from adl_opt.studies.simulation.run import run_policy
from adl_opt.studies.simulation.scenarios import scenario
from adl_opt.studies.sweeps.feedback import feedback
from adl_opt.studies.sweeps.parts import LOCK, part
from adl_opt.studies.sweeps.plan import Plan, read_plan
from adl_opt.studies.sweeps.run import sweep
from adl_opt.studies.sweeps.summary import NOBODY, SHOWN, feedback_table, summary_table

PLAN = Plan(
    policies=("pro-rata", "binance"),
    scenarios=("flash-crash", "no-deficit"),
    seeds=3,
    parameters={"accounts": (40,), "feedback": (0.0, 1.0)},
    chunk=2,
)
TOML = """
policies = ["pro-rata", "binance"]
scenarios = ["flash-crash"]
seeds = 40
chunk = 1
[parameters]
accounts = [60]
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return sweep(PLAN, tmp_path_factory.mktemp("sweep") / "alone")


def test_rows_are_those_of_single_runs(alone):
    assert len(alone.rows) == 2 * 2 * 3 * 2
    assert alone.rows["cell"].tolist() == list(range(24))
    row = alone.rows[(alone.rows["feedback"] == 1.0) & (alone.rows["seed"] == 2)].iloc[1]
    assert (row["policy"], row["scenario"]) == ("binance", "flash-crash")
    from dataclasses import replace

    once = run_policy("binance", replace(scenario("flash-crash").settings, accounts=40), seed=2)
    assert {k: row[k] for k in once.totals} == once.totals


@pytest.mark.filterwarnings("ignore")
def test_two_processes_give_the_same_rows(alone, tmp_path):
    seen = []
    made = sweep(PLAN, tmp_path / "two", workers=2, progress=lambda d, n: seen.append((d, n)))
    pd.testing.assert_frame_equal(made.rows, alone.rows, check_exact=True)
    assert seen[-1] == (24, 24)
    left, right = (p / "results.parquet" for p in (tmp_path / "two", tmp_path / "again"))
    sweep(PLAN, tmp_path / "again")
    assert left.read_bytes() == right.read_bytes()


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_the_same_rows(alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        made = sweep(PLAN, tmp_path / "dask", scheduler=cluster.scheduler_address)
    pd.testing.assert_frame_equal(made.rows, alone.rows, check_exact=True)


@pytest.mark.filterwarnings("ignore")
def test_without_dask_or_without_a_scheduler(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="needs Dask"):
        sweep(PLAN, tmp_path / "a", scheduler="tcp://127.0.0.1:9")
    monkeypatch.undo()
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="scheduler"):
        sweep(PLAN, tmp_path / "b", scheduler="nonsense://x")


def test_a_cluster_that_is_lost_is_said_to_be(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    class Lost(contextlib.nullcontext):
        def scatter(self, *args, **more):
            raise distributed.comm.CommClosedError("in <TCP>: Stream is closed")

    monkeypatch.setattr(distributed, "Client", lambda *args, **more: Lost())
    with pytest.raises(SolverError, match="the cluster was lost") as caught:
        sweep(PLAN, tmp_path / "a", scheduler="tcp://127.0.0.1:9")
    assert "--resume" in caught.value.ways_out[0]


def test_a_kill_loses_nothing_and_nothing_is_run_twice(tmp_path):
    config, out = tmp_path / "c.toml", tmp_path / "out"
    config.write_text(TOML)
    code = "import sys; from adl_opt.cli.app import main; sys.argv = ['adl-opt', *sys.argv[1:]]; main()"
    command = [sys.executable, "-c", code, "sweep", str(config), "--out", str(out), "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while len(list(out.glob("parts/part-*"))) < 4 and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in out.glob("parts/part-*")}
    assert 4 <= len(kept) < 40
    with pytest.raises(UsageError, match="already there"):
        sweep(read_plan(config), out)
    (out / "parts" / f".part-00000001-x.parquet.{0:032x}.tmp").write_bytes(b"half")
    made = sweep(read_plan(config), out, resume=True)
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in kept} == kept
    assert not list(out.glob("parts/.*"))
    pd.testing.assert_frame_equal(made.rows, sweep(read_plan(config), tmp_path / "whole").rows)


def test_a_worker_that_is_killed_is_told_and_the_sweep_goes_on(tmp_path):
    config, out = tmp_path / "c.toml", tmp_path / "out"
    config.write_text(TOML.replace("seeds = 40", "seeds = 2000"))
    code = "import sys; from adl_opt.cli.app import main; sys.argv = ['adl-opt', *sys.argv[1:]]; main()"
    words = ["sweep", str(config), "--out", str(out), "--workers", "2", "--quiet"]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while len(list(out.glob("parts/part-*"))) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    busy = [c for c in children if "loky.backend.popen" in Path(f"/proc/{c}/cmdline").read_text()]
    os.kill(int(busy[0]), signal.SIGKILL)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "a process of the sweep was killed" in told
    assert "--resume" in told
    assert "Traceback" not in told
    kept = list(out.glob("parts/part-*"))
    assert 2 <= len(kept) < 2000


def test_resume_repairs_a_damaged_part_and_refuses_another_plan(alone, tmp_path):
    out = tmp_path / "s"
    sweep(PLAN, out)
    part(out, 1).write_bytes(b"PAR1 not")
    part(out, 2).unlink()
    seen = []
    made = sweep(PLAN, out, resume=True, progress=lambda d, n: seen.append(d))
    assert seen == [20, 24]
    with only_one(out / LOCK), pytest.raises(UsageError, match="another process"):
        sweep(PLAN, out, resume=True)
    pd.testing.assert_frame_equal(made.rows, alone.rows)
    other = Plan(policies=("pro-rata",), scenarios=("no-deficit",), seeds=1)
    with pytest.raises(UsageError, match="another plan"):
        sweep(other, out, resume=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        sweep(other, tmp_path / "x")
    with pytest.raises(InputError, match="cannot be used"):
        sweep(other, tmp_path / "x" / "mine.txt")


def test_a_folder_without_finished_work_is_taken_up(alone, tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="scheduler cannot be reached"):
        sweep(PLAN, tmp_path / "s", scheduler="nonsense://x")
    pd.testing.assert_frame_equal(sweep(PLAN, tmp_path / "s").rows, alone.rows)
    with pytest.raises(UsageError, match="already there"):
        sweep(PLAN, tmp_path / "s")


def test_chunks_by_default_are_small_parts_of_the_whole():
    names = {"policies": ("pro-rata",), "scenarios": ("no-deficit",)}
    for seeds, size in ((1, 1), (250, 2), (1000, 10), (1_000_000, 64)):
        chunks = Plan(**names, seeds=seeds).chunks
        assert len(chunks[0]) == size
        assert sum(map(len, chunks)) == seeds
    assert len(Plan(**names, seeds=1000, chunk=8).chunks) == 125


def test_failures_are_rows(tmp_path):
    plan = Plan(
        policies=("pro-rata", "production"),
        scenarios=("flash-crash",),
        seeds=4,
        parameters={"accounts": (60,)},
    )
    made = sweep(plan, tmp_path / "f")
    failed = made.failures
    assert set(failed["policy"]) == {"production"}
    assert failed["error"].str.contains("record").all()
    assert failed["needed_usd"].isna().all()
    assert not made.rows[made.rows["policy"] == "pro-rata"]["needed_usd"].isna().any()
    row = made.summary[made.summary["policy"] == "production"].iloc[0]
    assert row["failed"] == len(failed)
    assert row["episodes"] == row["paired"] == 4 - len(failed)
    with pytest.raises(PolicyError, match="production"):
        feedback(["production"], ["flash-crash"], seeds=4)


def test_summary_by_hand():
    def rows(policy, values):
        base = {"scenario": "s", "policy": policy, "information": "i", "error": ""}
        return [base | {"seed": k} | dict.fromkeys(FIGURES, v) for k, v in enumerate(values)]

    from adl_opt.studies.sweeps.summary import SHOWN as FIGURES

    frame = pd.DataFrame(rows("a", [1.0, 3.0, 5.0]) + rows("b", [2.0, 5.0, 5.0]))
    frame.loc[2, "error"] = "broke"
    found = summary_table(frame, [], "b").set_index(["policy", "figure"]).loc[("a", "needed_usd")]
    assert (found["mean"], found["episodes"], found["failed"], found["paired"]) == (2.0, 2, 1, 2)
    half = 1.959963984540054 * np.std([1.0, 3.0], ddof=1) / np.sqrt(2)
    assert (found["low"], found["high"]) == pytest.approx((2 - half, 2 + half))
    assert found["against"] == -1.5
    assert found["against_high"] == pytest.approx(-1.5 + 1.959963984540054 * np.std([1, 2], ddof=1) / 2**0.5)


def test_feedback_is_on_minus_off_by_seed(alone):
    effect = feedback(["pro-rata", "binance"], ["no-deficit"], seeds=2).frame()
    assert (effect["effect"] == 0).all()
    table = alone.feedback.set_index(["scenario", "policy", "figure"])
    rows = alone.rows[(alone.rows["scenario"] == "flash-crash") & (alone.rows["policy"] == "binance")]
    off, on = (rows[rows["feedback"] == f]["impact_cost_usd"].to_numpy() for f in (0.0, 1.0))
    found = table.loc[("flash-crash", "binance", "impact_cost_usd")]
    assert found["effect"] == pytest.approx(np.mean(on - off))
    assert found["low"] <= found["effect"] <= found["high"]
    assert found["pairs"] == 3
    assert alone.feedback["own"].isna().all()  # nobody who takes nothing is in this sweep


def test_the_own_effect_is_beyond_that_of_nobody():
    def rows(policy, off, on):
        made = []
        for strength, values in ((0.0, off), (1.0, on)):
            head = {"scenario": "s", "policy": policy, "information": "i", "error": "", "feedback": strength}
            made += [head | {"seed": k} | dict.fromkeys(SHOWN, v) for k, v in enumerate(values)]
        return made

    frame = pd.DataFrame(rows("a", [1.0, 2.0, 3.0], [3.0, 6.0, 6.0]) + rows(NOBODY, [4.0, 4, 4], [5.0, 5, 5]))
    found = feedback_table(frame, ["feedback"]).set_index(["policy", "figure"])
    one, none = found.loc[("a", "needed_usd")], found.loc[(NOBODY, "needed_usd")]
    assert (one["off"], one["on"], one["effect"], one["share"]) == (2.0, 5.0, 3.0, 1.5)
    half = 1.959963984540054 * np.std([2.0, 4.0, 3.0], ddof=1) / np.sqrt(3)
    assert (one["low"], one["high"]) == pytest.approx((3 - half, 3 + half))
    assert (one["own"], one["own_low"], one["own_high"]) == pytest.approx((2.0, 2 - half, 2 + half))
    assert (none["effect"], none["own"], none["own_low"]) == (1.0, 0.0, 0.0)
    frame.loc[0, "error"] = "broke"  # seed 0 of a: its pair is out, there and in the own effect
    one = feedback_table(frame, ["feedback"]).set_index(["policy", "figure"]).loc[("a", "needed_usd")]
    assert (one["pairs"], one["effect"], one["own"]) == (2, 3.5, 2.5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("policies = [", "cannot be read"),
        ('policies = ["pro-rata"]\nseeds = 1', "scenarios"),
        (TOML.replace("chunk", "chunks"), "chunks"),
        (TOML.replace("accounts", "acounts"), "acounts"),
        (TOML.replace("[60]", "[2]"), "accounts"),
        (TOML.replace("[60]", "[60, 60]"), "each once"),
        (TOML.replace("flash-crash", "flash-crush"), "flash-crash"),
        (TOML.replace('"binance"', '"binanse"'), "binance"),
        (TOML.replace('["flash-crash"]', '"flash-crash"'), "list"),
        (TOML.replace("seeds = 40", 'seeds = "many"'), "seeds"),
        (TOML.replace("seeds = 40", 'seeds = 4\nbaseline = "okx"'), "okx"),
        (TOML.replace("[parameters]\naccounts = [60]", "parameters = 3"), "parameters"),
        (TOML.replace("accounts = [60]", "accounts = [[60]]"), "accounts"),
    ],
)
def test_bad_configurations_are_named(text, says, tmp_path, capsys, monkeypatch):
    config = tmp_path / "c.toml"
    config.write_text(text)
    with pytest.raises((UsageError, InputError)) as error:
        read_plan(config)
    assert says in str(error.value)
    monkeypatch.setattr(sys, "argv", ["adl-opt", "sweep", str(config), "--out", str(tmp_path / "o")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert not (tmp_path / "o").exists()


def _ran(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["adl-opt", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code in (0, None)
    return capsys.readouterr().out


def test_commands(tmp_path, monkeypatch, capsys):
    config = tmp_path / "c.toml"
    config.write_text(TOML.replace("seeds = 40", "seeds = 2").replace("[60]", "[60]\nfeedback = [0.0, 1.0]"))
    text = _ran(monkeypatch, capsys, "sweep", config, "--out", tmp_path / "o")
    assert "feedback effect on needed usd" in text
    assert "paired by seed" in text
    data = json.loads(_ran(monkeypatch, capsys, "sweep", config, "--out", tmp_path / "p", "--format", "json"))
    assert data["cells"] == 8
    assert data["failed"] == 0
    assert "single-whale" in _ran(monkeypatch, capsys, "simulate", "scenarios")
    assert "needed usd" in _ran(
        monkeypatch, capsys, "simulate", "run", "single-whale", "--policy", "pro-rata"
    )
    prices = tmp_path / "prices.csv"
    prices.write_text("a,b\n10,5\n7,4\n5,2\n")
    words = ("simulate", "run", "--path", prices, "--policy", "pro-rata", "--format", "json")
    assert json.loads(_ran(monkeypatch, capsys, *words))["runs"][0]["totals"]["money_created_usd"] == 0
    words = ("simulate", "feedback", "--policy", "binance", "--seeds", "2", "--format", "csv")
    assert _ran(monkeypatch, capsys, *words).startswith("scenario,space,policy")


def test_the_example_configuration_is_a_plan():
    plan = read_plan(Path(__file__).parents[3] / "examples" / "sweep.toml")
    assert len(plan) == 60


def test_a_pipe_is_no_configuration(tmp_path):
    os.mkfifo(tmp_path / "c.toml")
    with pytest.raises(InputError, match="a pipe or device"):
        read_plan(tmp_path / "c.toml")


def test_a_plan_and_the_call_may_say_the_loss(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('loss = "under=5"\n' + TOML.replace("seeds = 40", "seeds = 1"))
    plan = read_plan(path)
    assert plan.loss == Loss(under=5.0)
    one = sweep(plan, tmp_path / "one").rows
    other = sweep(path, tmp_path / "other", loss="under=2").rows
    own = run_policy("binance", replace(scenario("flash-crash").settings, accounts=60), loss="under=5")
    assert one.set_index("policy").total_usd["binance"] == own.totals["total_usd"]
    assert (one.total_usd > other.total_usd).any()
    with pytest.raises(UsageError, match="of another plan"):
        sweep(path, tmp_path / "one", loss="under=2", resume=True)
    path.write_text("loss = 5\n" + TOML)
    with pytest.raises(UsageError, match="loss is of the wrong kind"):
        read_plan(path)


def test_feedback_scores_on_the_loss():
    figures = [
        feedback("constant(0)", "flash-crash", seeds=2, loss=loss)
        .frame()
        .set_index("figure")
        .off["tracking_usd"]
        for loss in (None, "under=5")
    ]
    assert figures[1] == pytest.approx(5.0 * figures[0])
    assert figures[0] > 0

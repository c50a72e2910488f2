"""Ctrl-C and SIGTERM: the exit code says so, what was finished is kept, and no worker is left."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

CLI = [sys.executable, "-m", "adl_opt.cli.app"]
SLOW = """
policies = ["pro-rata", "min-max", "ftrl-exact/min-max"]
scenarios = ["repeated-rounds"]
seeds = 4000
chunk = 2
"""
WAITS = """
import sys
from dataclasses import dataclass, field
from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram

KIND = "procedure"


def build():
    from adl_opt.programs import solve
    import time
    seen = []
    def answer(round_, *, needed, engine, options):
        seen.append(1)
        if len(seen) == 3:
            print("third", file=sys.stderr, flush=True)
            time.sleep(60)
        program = RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget()])
        return solve(program, round_, needed=needed, options=options)
    return answer
"""


def start(*command):
    """Start a command that hears Ctrl-C, also where these tests run in the background of a shell."""
    return subprocess.Popen(
        [*CLI, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def left_of(group):
    """Return whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_that_is_stopped_leaves_no_worker_and_keeps_its_parts(tmp_path, number, code):
    (tmp_path / "plan.toml").write_text(SLOW)
    out = tmp_path / "out"
    run = start("sweep", str(tmp_path / "plan.toml"), "--out", str(out), "--workers", "2")
    until = time.time() + 60
    while time.time() < until and len(list(out.glob("parts/part-*"))) < 2:
        time.sleep(0.1)
    os.kill(run.pid, number)
    _, err = run.communicate(timeout=30)
    assert run.returncode == code, err
    assert "Traceback" not in err
    assert len(list(out.glob("parts/part-*"))) >= 2
    until = time.time() + 5
    while left_of(run.pid) and time.time() < until:
        time.sleep(0.1)
    assert not left_of(run.pid)


def test_ctrl_c_in_an_episode_keeps_the_rounds_that_are_solved(tmp_path):
    (tmp_path / "model.py").write_text(WAITS)
    episode = "synthetic(accounts=10, rounds=5)"
    run = start("solve", episode, "--model", str(tmp_path), "--format", "json")
    assert "third" in run.stderr.readline()
    os.kill(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    facts = json.loads(out)
    assert [row["round"] for row in facts["rounds"]] == [1, 2]
    assert facts["message"] == "stopped after 2 of 5 rounds"


def test_closed_streams_are_no_traceback():
    for closed in (">&-", "2>&-", ">&- 2>&-", "| true"):
        run = subprocess.run(
            ["/bin/sh", "-c", f"{' '.join(CLI)} policies {closed}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in run.stderr + run.stdout, closed

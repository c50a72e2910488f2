"""Ctrl-C, wherever it comes: the best answer so far, or NO_SOLUTION that says why; never a traceback."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from adl_opt.programs import (
    CumulativeBurden,
    Entropy,
    EpisodeProgram,
    ExactBudget,
    Lots,
    MaxAccounts,
    MaxBurden,
    Overshoot,
    RoundProgram,
    Solvency,
    Status,
    TotalHaircut,
    Tracking,
    solve,
    solve_episode,
)
from adl_opt.programs.engines import together
from adl_opt.programs.engines.cvxpy import solver as cvxpy_
from adl_opt.programs.engines.highs import direct, polish
from adl_opt.programs.engines.raw import INTERRUPTED
from adl_opt.programs.episode import program as episode_module
from tests.programs.cases import make_round
from tests.programs.test_traps import hard_round


@pytest.fixture(autouse=True)
def _heard():
    """Tests that are started in the background of a shell inherit an ignored Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def ctrl_c(*args, **kwargs):
    signal.raise_signal(signal.SIGINT)
    time.sleep(1.0)  # the handler raises before this ends
    raise AssertionError("the signal did not arrive")


def nothing(answer):
    assert answer.status is Status.NO_SOLUTION
    assert answer.message == INTERRUPTED
    assert answer.certify().ok


def test_in_branch_and_bound_it_returns_the_incumbent():
    round_ = hard_round(2, 400)
    goal = Overshoot() + 0.01 * TotalHaircut() + 1e3 * MaxBurden()
    program = RoundProgram(goal, [Solvency(), MaxAccounts(37), Lots()])
    timer = threading.Timer(2.5, signal.raise_signal, [signal.SIGINT])
    began = time.perf_counter()
    timer.start()
    answer = solve(program, round_, needed=0.0513 * round_.capacity_usd, options={"time_limit_seconds": 60.0})
    timer.cancel()
    assert time.perf_counter() - began < 45
    assert answer.status is Status.FEASIBLE, (answer.status, answer.message)
    assert answer.certify().ok
    assert answer.certify().bound_source == "stated by a solver, not re-derived"


def test_in_the_start_heuristic(monkeypatch):
    monkeypatch.setattr(direct, "mip_start", ctrl_c)
    round_ = make_round(1, 4, positions=5)
    program = RoundProgram(Tracking() + 50 * MaxBurden(), [Lots(), MaxAccounts(2)])
    nothing(solve(program, round_, needed=0.3 * round_.capacity_usd))


def test_in_clarabel_and_in_the_polish_after_it(monkeypatch):
    round_ = make_round(1, 4)
    needed = 0.3 * round_.capacity_usd
    program = RoundProgram(Entropy(), [ExactBudget()])
    monkeypatch.setattr(polish, "_step", ctrl_c)
    rough = solve(program, round_, needed=needed, engine="cvxpy")
    assert rough.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert rough.certify().ok
    monkeypatch.setattr(cvxpy_, "_by_clarabel", ctrl_c)
    nothing(solve(program, round_, needed=needed, engine="cvxpy"))
    nothing(solve(RoundProgram(Tracking() + MaxBurden()), round_, needed=needed, engine="cvxpy"))


@pytest.mark.parametrize("where", ["trade_burden", "solve_direct"])
def test_after_the_kernel_its_lots_are_the_answer(monkeypatch, where):
    if where == "trade_burden":
        monkeypatch.setattr("adl_opt.kernels.lots.tradeoff.trade_burden", ctrl_c)
    else:
        monkeypatch.setattr(together, "solve_direct", ctrl_c)
    round_ = make_round(2, 5, positions=6)
    program = RoundProgram(
        Overshoot() + 0.1 * round_.capacity_usd * MaxBurden(), [Solvency(), MaxAccounts(4), Lots()]
    )
    answer = solve(program, round_, needed=0.37 * round_.capacity_usd)
    assert answer.status is Status.FEASIBLE, answer
    assert answer.message == INTERRUPTED
    assert answer.certify().ok
    assert answer.bound < answer.objective


def test_while_an_episode_is_built(monkeypatch):
    monkeypatch.setattr(episode_module, "joint_model", ctrl_c)
    program = EpisodeProgram(RoundProgram(MaxBurden(), [ExactBudget()]), [CumulativeBurden(0.9)])
    nothing(solve_episode(program, [make_round(1, 4)], needed=[5.0]))


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from adl_opt.programs import Entropy, RoundProgram, TotalHaircut, Tracking, solve
from tests.programs.cases import make_round
round_ = make_round(1, 20000)
program = RoundProgram(Entropy() + Tracking() + 0.1 * TotalHaircut())
small = make_round(1, 3)
solve(program, small, needed=1.0, engine="cvxpy")  # everything is imported now
print("go", flush=True)
answer = solve(program, round_, needed=1e5, engine="cvxpy")
print(answer.status.value, answer.message)
"""


def test_a_real_signal_to_a_process_in_clarabel():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert out.startswith("no-solution interrupted by the user"), out

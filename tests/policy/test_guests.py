"""Code of others runs in a process of its own: whatever it does, no row of another policy moves."""

import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.allocation.base import AllocationRule
from adl_opt.policy.cards import policies
from adl_opt.policy.guest import in_one_line
from adl_opt.policy.lineup import lineup
from adl_opt.policy.online import guest_model
from adl_opt.policy.policy import Policy, catalogue
from adl_opt.policy.wire import action_of_json, action_to_json
from adl_opt.rounds.round import Allocation
from adl_opt.severity.base import make_severity
from adl_opt.studies.sweeps.plan import Plan
from adl_opt.studies.sweeps.run import sweep
from benchmarks.attack.hostile import NAMES, WHAT
from benchmarks.attack.plugins import EPISODE, SOUND, attack, installed, rows_of

QUICK = (
    *("writes-rounds", "reads-frames", "reads-heap", "changes-library", "exits", "leaves", "segfaults"),
    *("prints", "returns-nothing", "asks-for-infinity"),
)
HARMLESS = {"writes-rounds", "prints"}
"""Those whose tricks stay in their own process, and whose answers are sound."""
MODEL = """
KIND = "round"
import sys
print("noise")
from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram
def build():
    {0}
    return RoundProgram(minimize=MaxBurden(), subject_to=[ExactBudget()])
"""
HOUSE = """
import adl_opt as adl
class House(adl.Policy):
    '''Ours.

    Rule: half of it.  Source: us.  Information: start of round.  Tie-break: none.
    '''
def make(theta=0.5):
    half = adl.make_policy(f"constant({theta})/pro-rata")
    return House(severity=half.severity, allocation=half.allocation)
"""


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Return a folder on the path with a sound plug-in, one that shadows, and two broken packages."""
    (tmp_path / "house_package.py").write_text(HOUSE)
    for package, lines in {
        "house": "[adl_opt.policies]\nhouse = house_package:make\npro-rata = house_package:make\n"
        "gone = no_such_package:make\n",
        "odd": "[console_scripts]\nno equals sign\n",
    }.items():
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", QUICK)
def test_a_hostile_policy_moves_no_row_of_another(tmp_path, name):
    (row,) = attack(tmp_path, [name], seconds=20.0)
    assert row["rows of others that moved"] == 0
    assert row["what it gets"].startswith("its rows" if name in HARMLESS else ("PolicyError", "ValueError"))


def test_a_policy_that_hangs_ends_at_the_limit(tmp_path):
    (row,) = attack(tmp_path, ["ignores-signals"], seconds=1.0)
    assert "no answer within 1 seconds" in row["what it gets"]
    assert row["rows of others that moved"] == 0
    assert row["seconds"] < 15


def test_there_are_enough_hostile_policies_and_the_docs_have_them_all():
    assert len(NAMES) >= 25
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w-]+) \| (.*?) \| .* \| (\d+) \|$", page, re.MULTILINE)
    assert rows == [(name, WHAT[name], "0") for name in NAMES]


def test_a_plug_in_is_not_explained(house):
    with pytest.raises(adl.UsageError, match="of another package"):
        adl.explain("synthetic(accounts=5, rounds=1):1", policy="house", everything=True)


def test_a_sound_plug_in_plays_as_the_same_policy_here(house):
    names = ["house(0.25)", "constant(theta=0.25)/pro-rata"]
    result = adl.replay("oct10", names)
    theirs, ours = (result.by_policy[name] for name in names)
    for a, b in zip(theirs, ours, strict=True):
        assert (a.haircut, a.max_burden, a.shortfall) == (b.haircut, b.max_burden, b.shortfall)
    assert (theirs[0].severity, theirs[0].information) == (ours[0].severity, ours[0].information)
    again = adl.replay("oct10", names, states=json.loads(json.dumps(result.states)))
    assert not again.failures


def test_plug_ins_are_listed_and_broken_packages_are_named(house):
    rows = {row["name"]: row for row in policies()}
    assert rows["house"]["rule"] == "half of it"
    assert "no_such_package" in rows["gone"]["summary"]
    assert rows["odd"]["kind"] == "broken package"
    assert catalogue().count("pro-rata") == 1
    assert "house" not in lineup()
    assert adl.make_policy("pro-rata").allocation.name == "pro-rata"
    with pytest.raises(adl.UsageError, match="unknown policy"):
        adl.make_policy("nowhere")


def test_a_failure_is_a_row_and_the_last_one_an_error(house):
    result = adl.replay(EPISODE, ["pro-rata", "gone", "house(nonsense=1)"])
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    fine, *failed = data["policies"]
    assert "error" not in fine
    assert [row["policy"] for row in failed] == ["gone", "house(nonsense=1)"]
    assert all(row["error"] and row["total_usd"] is None for row in failed)
    assert list(failed[0]) == [*fine, "error"]
    frame = result.frame()
    assert math.isnan(frame.loc["gone", "total_usd"])
    assert "no_such_package" in frame.loc["gone", "error"]
    assert "gone" in str(result)
    assert "no_such_package" in result.to_csv()
    assert list(result.regret().index) == ["pro-rata"]
    with pytest.raises(adl.PolicyError, match="gone"):
        adl.replay(EPISODE, "gone")


def test_a_cell_of_a_sweep_that_fails_is_a_row(tmp_path):
    with installed(tmp_path, ["exits", "aborts"], 20.0):
        plan = Plan(policies=("pro-rata", "exits", "aborts"), scenarios=("repeated-rounds",), seeds=1)
        rows = sweep(plan, tmp_path / "out").rows.set_index("policy")
    assert rows.loc["pro-rata", "error"] == ""
    assert "SystemExit" in rows.loc["exits", "error"]
    assert "signal 6" in rows.loc["aborts", "error"]


@dataclass(frozen=True)
class Odd(AllocationRule):
    """A rule of the user's own, in this process: it does what it is told in round 2."""

    deed: object = None
    name = "odd"

    def allocate(self, state, round_, asked):
        if round_.number == 2:
            self.deed(round_)
        return Allocation(x=np.zeros(len(round_.accounts)), asked=asked)


def _exits(round_):
    sys.exit(0)


def _divides(round_):
    return 1 // 0


def _writes(round_):
    round_.accounts.capacity.setflags(write=True)


def _writes_the_base(round_):
    np.asarray(round_.accounts.pnl.base).setflags(write=True)
    memoryview(round_.accounts.pnl.base)[0] = 1


@pytest.mark.parametrize("deed", [_exits, _divides, _writes, _writes_the_base])
def test_a_rule_of_this_process_that_fails_is_a_row_too(deed):
    odd = Policy(severity=make_severity("oracle"), allocation=Odd(deed), name="odd")
    result = adl.replay(EPISODE, [SOUND[0], odd, *SOUND[1:]])
    (failure,) = result.failures
    assert "round 2" in failure.error
    assert rows_of(result, SOUND) == rows_of(adl.replay(EPISODE, SOUND), SOUND)
    with pytest.raises(adl.PolicyError, match="round 2"):
        adl.replay(EPISODE, odd)


def test_a_model_by_its_path_prints_nothing_and_its_exit_is_a_row(tmp_path):
    for name, deed in (("fine", "pass"), ("leaves", "sys.exit(0)")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.py").write_text(MODEL.format(deed))
    command = [sys.executable, "-m", "adl_opt.cli.app", "replay", EPISODE, "--format", "json"]
    models = [f"--model={tmp_path / name}" for name in ("fine", "leaves")]
    run = subprocess.run(
        [*command, "--policy", "min-max", *models], capture_output=True, text=True, check=True
    )
    rows = json.loads(run.stdout)["policies"]
    assert [row["policy"] for row in rows] == ["min-max", "model:fine", "model:leaves"]
    assert rows[1]["max_burden"] == pytest.approx(rows[0]["max_burden"], rel=1e-9)
    assert "SystemExit" in rows[2]["error"]


def test_a_guest_ends_with_its_policy(tmp_path):
    (tmp_path / "model.py").write_text(MODEL.format("pass"))
    policy = guest_model(str(tmp_path))
    policy.start()
    child = policy.guest._process.child
    assert child.poll() is None
    del policy
    assert child.wait(timeout=5) is not None


def test_answers_go_through_as_they_are():
    x = np.array([0.1, 1e-300, 1e15])
    sent = Allocation(x=x, asked=0.3, lots=np.array([0, 1, 2**53]), lower_bound=math.nan)
    back = action_of_json(json.loads(json.dumps(action_to_json(sent))))
    assert back.x.tobytes() == x.tobytes()
    assert back.lots.tolist() == [0, 1, 2**53]
    assert math.isnan(back.lower_bound)
    for wrong in (None, "x", Allocation(x=np.array([[1.0]]), asked=0.0)):
        with pytest.raises((TypeError, ValueError)):
            action_to_json(wrong)
    for asked in (math.nan, math.inf, -1.0):
        with pytest.raises(ValueError, match="budget"):
            action_of_json(action_to_json(Allocation(x=x, asked=asked)))


def test_no_control_character_is_printed():
    assert in_one_line("\x1b[31mred\x07\u202e") == "\\x1b[31mred\\x07\\u202e"
    assert len(in_one_line("x" * 10_000)) == 300

"""Proof files: solve writes them, a checker that stands alone accepts them, and refuses changed ones."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import adl_opt as adl
from adl_opt.proofs import check as checker

ROUND_MODELS = [name for name in adl.models().frame().index if adl.load_model(name).kind == "round"]


@pytest.mark.parametrize("model", ROUND_MODELS)
@pytest.mark.parametrize("number", [9, 28])
def test_every_model_proves_its_answer(model, number, tmp_path):
    file = tmp_path / "proof.json"
    space = "contracts" if model == "risk-based" else None
    solved = adl.solve(f"oct10:{number}", model=model, gap=1e-4, proof=file, space=space)
    found = adl.verify(file)
    facts = solved.facts
    assert facts["status"] == "optimal"
    assert found.bound <= facts["rederived_bound"]
    assert found.bound == pytest.approx(facts["rederived_bound"], rel=1e-9, abs=1e-12)
    assert found.objective == pytest.approx(facts["objective"], rel=1e-4, abs=1e-9)
    assert found.about["engine"] == facts["engine"]


def test_the_checker_runs_alone(tmp_path):
    file = tmp_path / "proof.json"
    adl.solve("oct10:9", model="account-selection", proof=file)
    alone = tmp_path / "check.py"
    alone.write_text(Path(checker.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    run = [sys.executable, "-I", "-S", str(alone), str(file)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("accepted: the least cost lies between")


def test_a_changed_file_is_refused(tmp_path):
    file = tmp_path / "proof.json"
    adl.solve("oct10:9", model="min-max-lots", proof=file)
    made = json.loads(file.read_text(encoding="utf-8"))
    made["problem"]["budget"] = "1"
    file.write_text(checker.proof_text(made), encoding="utf-8")
    with pytest.raises(adl.ProofRefused, match="does not prove its claim"):
        adl.verify(file)
    made["sha256"] = checker.digest(made)
    file.write_text(checker.proof_text(made), encoding="utf-8")
    with pytest.raises(adl.ProofRefused, match="may raise"):
        adl.verify(file)
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(adl.InputError, match="not a proof"):
        adl.verify(file)
    with pytest.raises(adl.InputError, match="not a proof"):
        adl.verify(tmp_path / "missing.json")


def test_each_round_of_an_episode_has_its_own_file(tmp_path):
    episode = adl.load("synthetic(accounts=20, rounds=2)")
    adl.solve(episode, model="min-max-lp", proof=tmp_path / "p.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p-1.json", "p-2.json"]
    adl.solve(episode, model="cumulative-fairness", proof=tmp_path / "all.json")
    assert adl.verify(tmp_path / "all.json").objective > 0


def test_vipr_takes_linear_and_mixed_integer_programs(tmp_path):
    adl.solve("oct10:9", model="cvar-severity", proof=tmp_path / "p.vipr")
    assert (tmp_path / "p.vipr").read_text(encoding="utf-8").startswith("VER 1.1")
    with pytest.raises(adl.UsageError, match="VIPR holds"):
        adl.solve("oct10:9", model="capped-pro-rata", proof=tmp_path / "q.vipr")


def test_a_policy_has_no_proof(tmp_path):
    with pytest.raises(adl.UsageError, match="--proof is for the answer of a model"):
        adl.solve("oct10:9", policy="pro-rata", proof=tmp_path / "p.json")


def test_severities_have_no_proof_file(tmp_path):
    with pytest.raises(adl.SolverError, match="no proof"):
        adl.solve(adl.load("oct10"), model="hindsight-path", proof=tmp_path / "p.json")

"""The benchmarks run, agree with one another, and write what they measured; speed is never asserted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import isolate
from benchmarks.__main__ import APART, PARTS, run
from benchmarks.answer import Answer, judge_lots, limit_status
from benchmarks.contracts_solve import contracts_others_section, contracts_solve_section
from benchmarks.growth import exponent
from benchmarks.instances import LotsInstance, draw_lots
from benchmarks.lots import ENGINES
from benchmarks.objectives import frontier_section, moves_section, objectives_section
from benchmarks.peers.pulp_cbc import _bound
from benchmarks.report import shown, to_json, to_markdown
from benchmarks.solvency_drift import drifted


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    """Everything in one process: at this size no measurement needs a process of its own."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(isolate, "run", lambda function, *args, limit=0.0: isolate.answered(function, args))
        run("tiny", None, folder / "r.json", folder / "r.md", PARTS + APART)
    return json.loads((folder / "r.json").read_text()), (folder / "r.md").read_text()


def section(results: tuple[dict, str], title: str) -> list[dict]:
    return next(part["rows"] for part in results[0]["sections"] if part["title"].startswith(title))


def test_all_who_prove_agree(results: tuple[dict, str]) -> None:
    rows = section(results, "Min-max over lots")
    kernels, peers = rows[: len(ENGINES)], rows[len(ENGINES) :]
    kernel = kernels[0]
    assert [row["certificate"] for row in kernels] == ["holds"] * len(ENGINES)
    assert [row["z"] for row in kernels] == [kernel["z"]] * len(ENGINES)
    assert len(peers) == 5
    for row in peers:
        if row["status"].startswith("not installed"):
            continue
        if row["status"].startswith("proven"):
            assert row["certificate"] == "holds", row
            assert row["z"] == pytest.approx(kernel["z"], rel=2e-4), row
        elif row["certificate"] == "holds":  # a limit of one second may end anywhere
            assert row["z"] >= kernel["z"] * (1 - 1e-6), row
    assert any(row["status"].startswith("proven") for row in peers)
    for row in section(results, "Min-max over lots: more draws"):
        assert row["kernel gap"] == 0
        assert row["HiGHS (arrays)"].startswith(("proven", "limit")), row
        assert row["times kernel"] > 0
    for row in section(results, "Min-max in contract space"):
        if "kernel" not in row["peer"] and "off demand" not in row:  # a limit of seconds may end it before
            continue
        assert row["off demand"] < 1e-6, row
        assert abs(row["above bound"]) < 1e-6, row
    for row in section(results, "Whole lots in contract space"):
        assert row["certificate"] == "holds", row
    for row in section(results, "LP"):
        assert row["certificate"] == "holds", row
    for row in section(results, "Projections"):
        assert row["off budget"] < 1e-9, row
    for row in section(results, "Chunked"):
        assert row["paid / budget"] >= 1 - 1e-11, row
    played = section(results, "Learners of severity")
    assert len(played) == 15
    for row in [*played, *section(results, "Learners of allocation")]:
        assert min(row.get("per million", row.get("passes", 0.0)), 1.0) > 0.0, row


def test_loaders_are_flat_and_survive(results: tuple[dict, str]) -> None:
    assert [row["rounds"] for row in section(results, "Node fills as a stream")] == [1, 1, 1]
    fuzzed = section(results, "Fuzzed loaders")
    assert [row["failures"] for row in fuzzed] == [0] * 5
    assert sum(row["cases"] for row in fuzzed) >= 25


def test_answers_hold_against_the_enumeration_and_proofs_against_faults(results: tuple[dict, str]) -> None:
    rows = section(results, "Answers against an enumeration")
    assert len({row["program"] for row in rows}) == 12
    assert sum(row["answers"] for row in rows if row["engine"] == "highs") == 20
    for name in ("false optimal", "false bound", "false infeasible", "unproven infeasible", "refused proof"):
        assert [row[name] for row in rows] == [0] * len(rows), name
    for row in section(results, "Planted faults"):
        assert row["accepted as they are"] == row["documents"] > 0, row
        assert row["refused by digest"] == row["faults"] == 20, row
        assert row["new digest: false"] == row["strongest: false"] == 0, row
        assert row["new digest: true"] + row["strongest: true"] > 0, row
    (row,) = section(results, "Proofs of October 10")
    assert row["proofs"] == row["optimal"] == row["accepted"] == 1


def test_the_battery_finds_what_is_wrong() -> None:
    from dataclasses import replace
    from fractions import Fraction

    from adl_opt.programs import solve
    from benchmarks.proofs_battery import faults
    from benchmarks.proofs_cases import draw, min_max_lots
    from benchmarks.proofs_truth import least

    drawn = draw(3)
    program, task = min_max_lots(drawn)
    answer, truth = (
        solve(program, drawn.round(), needed=drawn.usd(drawn.needed), engine="kernel"),
        least(task),
    )
    assert truth is not None
    assert not faults(answer, task, truth, exact=True)
    below = truth * (1 - Fraction(1, 10**6))
    assert faults(answer, task, below, exact=True) == ["false optimal", "false bound"]
    assert faults(replace(answer, proof=None), task, truth, exact=True) == ["refused proof"]
    wrong = replace(answer, status=type(answer.status)("infeasible"), proof=None)
    assert faults(wrong, task, truth, exact=True) == ["false infeasible", "unproven infeasible"]


def test_false_claims_are_seen_without_the_checker() -> None:
    from benchmarks.proofs_claims import holds
    from benchmarks.proofs_faults import KINDS

    for kind, documents in KINDS.items():
        made = next(documents())
        assert holds(made), kind
        claim = made["claim"]
        more = {"status": "bounded", "bound": "1000000"} if "bound" in claim else claim
        easier = made | {"claim": more}
        if claim["status"] == "infeasible":
            rows = [row | {"low": "-inf", "high": "inf"} for row in made["problem"]["rows"]]
            easier = made | {"problem": made["problem"] | {"rows": rows}}
        assert not holds(easier), kind


def test_replays_are_of_all_default_policies(results: tuple[dict, str]) -> None:
    (row,) = section(results, "Replays")
    assert (row["accounts"], row["rounds"], row["policies"]) == (200, 3, 39)
    assert min(row["wall seconds"], row["processor seconds"], row["peak MiB"]) > 0.0


def test_risk_based_closing_is_proven_and_agrees_with_the_whole_program(results: tuple[dict, str]) -> None:
    rows = section(results, "Risk-based closing")
    assert [row["book"] for row in rows] == ["usual"] * 5 + ["hot"] * 5
    for row in rows:
        assert row["status"].startswith(("proven", "optimal")), row
        assert abs(row["above bound"]) <= (1e-4 if "1e-4" in row["method"] else 2e-6), row


def test_the_page_names_machine_versions_and_every_section(results: tuple[dict, str]) -> None:
    data, page = results
    assert f"highspy {data['versions']['highspy']}" in page
    assert data["machine"]["processor"] in page
    for part in data["sections"]:
        assert f"## {part['title']}" in page


def test_committed_page_is_made_from_the_committed_figures(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    for results, page in (
        ("latest", "benchmarks"),
        ("loaders", "benchmarks-loaders"),
        ("replays", "benchmarks-replays"),
        ("risk", "benchmarks-risk"),
        ("proofs", "benchmarks-proofs"),
        ("contracts", "benchmarks-contracts"),
        ("contracts-solve", "benchmarks-contracts-solve"),
        ("books", "benchmarks-books"),
    ):
        data = json.loads((root / "benchmarks" / "results" / f"{results}.json").read_text())
        to_markdown(data, tmp_path / "page.md")
        assert (tmp_path / "page.md").read_text() == (root / "docs" / f"{page}.md").read_text()


def test_answers_are_judged_by_their_lots() -> None:
    instance = LotsInstance(np.array([10.0]), np.array([0, 0]), np.array([1.0, 2.0]), np.array([3, 2]), 4.0)
    assert judge_lots(instance, np.array([0.0, 2.0])).z == pytest.approx(0.4)
    assert judge_lots(instance, np.array([0.0, 2.0])).holds
    for lots, fault in (([0.0, 1.0], "covers only"), ([0.0, 3.0], "range"), ([1.4, 2.0], "off whole")):
        verdict = judge_lots(instance, np.array(lots))
        assert not verdict.holds
        assert any(fault in said for said in verdict.faults)
    assert not judge_lots(instance, None).holds
    assert not judge_lots(instance, np.zeros(2)).holds


def test_a_limit_is_called_a_limit() -> None:
    assert limit_status(False, Answer("", 1.0, 0.02, 0.01)) == "limit, gap 5.0e-01"
    assert limit_status(False, Answer("", 1.0)) == "limit, gap unknown"
    log = "after 9 nodes, 1 on tree, 0.03 best solution, best possible 0.021 (1 s)\nLower bound: 0.0"
    assert _bound(log, 0.03, proven=False) == 0.021


def lacking() -> None:
    import no_such_solver  # noqa: F401


def test_failures_are_results() -> None:
    assert isolate.run(lacking).failure == "not installed (no_such_solver)"
    assert isolate.run(int, "x").failure.startswith("error: ValueError")


def test_a_run_whose_engines_fail_ends_with_a_page_that_says_so(tmp_path: Path, monkeypatch) -> None:
    """A kernel that dies, and one without a bound, are rows, and targets that do not hold."""
    unbounded = {
        "status": "feasible",
        "z": np.inf,
        "gap": None,
        "one decides": "no",
        "cpu s": 0.1,
        "wall s": 1.0,
    }
    answers = iter([isolate.Outcome(failure="died without an answer"), *[isolate.Outcome(unbounded)] * 6])
    monkeypatch.setattr(isolate, "run", lambda *args, limit: next(answers))
    parts = [
        section(["tied"], [20_000], 1.0, 1) for section in (contracts_solve_section, contracts_others_section)
    ]
    assert [holds for part in parts for *_, holds in part.targets] == [False] * 4
    data = to_json({}, parts, tmp_path / "r.json")
    assert [row["status"] for row in data["sections"][0]["rows"]] == [
        "died without an answer",
        *["feasible"] * 4,
    ]


def test_small_parts() -> None:
    assert exponent([10, 100, 1000], [1.0, 10.0, 100.0]) == pytest.approx(1.0)
    assert [shown(v) for v in (None, 12345, 0.0, 1e-9, 123.4, "x")] == [
        "-",
        "12,345",
        "0",
        "1.0e-09",
        "123",
        "x",
    ]
    first, second = draw_lots(50), draw_lots(50)
    np.testing.assert_array_equal(first.lot_value, second.lot_value)


def test_the_feedback_page_is_made_from_its_results_and_they_are_not_stale() -> None:
    from benchmarks.feedback import CASES, PAGE, RESULTS, page, probe

    data = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(data)
    assert data["seeds"].keys() == set(CASES)
    assert min(data["seeds"].values()) >= 100
    assert {row["scenario"] for row in data["rows"]} == set(CASES)
    assert all(row["pairs"] == data["seeds"][row["scenario"]] for row in data["rows"])
    assert probe() == pytest.approx(data["probe"], rel=1e-9)


def test_all_rules_stand_on_both_objectives():
    only, losers = (objectives_section(300, 4, losers_too=too).rows for too in (False, True))
    assert [row["rule"] for row in only[:-2]] == [row["rule"] for row in losers]
    least = min(row["future shortfall usd"] for row in only)
    by_rule = {row["rule"]: row for row in only}
    assert by_rule["risk-based"]["future shortfall usd"] == least
    assert by_rule["min-max-lots"]["loss usd"] == min(row["loss usd"] for row in only)
    assert {"risk-based", "min-max-lots"} <= {row["rule"] for row in only if row["frontier"]}
    both = by_rule["model:risk-based(weight=10000)"]
    assert both["largest burden"] < by_rule["okx"]["largest burden"] / 2
    assert both["future shortfall usd"] < by_rule["pro-rata"]["future shortfall usd"]
    assert all(row["largest burden"] <= 1 + 1e-9 for row in only)
    for queue in ("okx", "binance", "dydx-v4", "hyperliquid-literal"):
        assert by_rule[queue]["largest burden"] > 4 * by_rule["pro-rata"]["largest burden"]
        assert by_rule[queue]["accounts closed"] < by_rule["pro-rata"]["accounts closed"]


def test_risk_based_is_least_under_the_moves_it_knows():
    rows = moves_section(300, 4).rows
    known = next(row for row in rows if row["rule"] == "risk-based")
    for law in set(known) - {"rule"}:
        assert known[law] <= min(row[law] for row in rows) * (1 + 1e-3)


def test_no_rule_passes_the_frontier_of_both_objectives():
    points = frontier_section(300, 4).rows
    assert all(row["status"].startswith("optimal") for row in points)
    for rule in objectives_section(300, 4).rows:
        for point in points:
            burden = rule["largest burden"] - point["largest burden"]
            worth = rule["future shortfall usd"] - point["future shortfall usd"]
            assert worth + point["weight usd"] * burden >= -1e-6 * point["future shortfall usd"]


def test_a_guarantee_covers_needs_that_drift() -> None:
    """A share of the 10,000 episodes of the page; the rule in numpy is held against the severity there."""
    row = drifted("fixed-step", 1000, 100)
    assert row["covered"] >= 0.945
    assert row["overshoot"] <= 1.5
    assert row["broken"] == 0

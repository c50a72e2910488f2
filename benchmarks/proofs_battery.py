"""A battery of small rounds with whole lots: every engine against an enumeration in fractions."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

from adl_opt.programs import Options, Solution, Status, solve
from adl_opt.programs.engines.kernels.kernel import find_kernel
from benchmarks.proofs_cases import UNITS, draw, program_of
from benchmarks.proofs_truth import Task, least
from benchmarks.sections import Section

TEXT = (
    "Random rounds of one to eight accounts with at most 600 combinations of lots, U/B from 1 to 1e8, "
    "amounts in 1/64 USD (exact as floats) or in cents. Every second round is solved for one of the five "
    "models of the catalogue with whole numbers, the others for one of seven other programs; `auto` is "
    "`highs` where no kernel fits. The truth is an enumeration in fractions of every combination of "
    "lots, or of every set of payers (`benchmarks/proofs_truth.py`); it uses nothing of the library. "
    "False: an optimal answer beyond the allowed gap above the truth; a re-derived bound above the truth "
    "by more than 1e-12; infeasible where a point exists. Unproven: infeasible, and the checker does not "
    "accept its proof. Refused: an optimal answer whose proof the checker does not accept. Feasible "
    "answers of `kernel` alone are not meant to be more."
)
STATUSES = [str(status) for status in Status]
FAULTS = [
    "false optimal",
    "false bound",
    "false infeasible",
    "unproven infeasible",
    "refused proof",
    "crashed",
]
COLUMNS = ["program", "engine", "answers", *STATUSES, *FAULTS]
BOUND = Fraction(1, 10**12)
"""By how much a bound may exceed the truth, relative."""

ROUNDING = Fraction(1, 2**50)
"""By how much amounts in cents are not what their floats are, relative."""


def proofs_battery_section(rounds: int, with_cvxpy: int) -> Section:
    """Solve so many rounds with kernels and HiGHS, and the first of them with cvxpy too."""
    section = Section("Answers against an enumeration in fractions", TEXT, COLUMNS)
    found = measure(rounds, with_cvxpy)
    for (program, engine), count in sorted(found.items()):
        section.rows.append(
            {"program": program, "engine": engine, **{name: count[name] for name in COLUMNS[2:]}}
        )
    total = sum(found.values(), Counter[str]())
    for name in FAULTS:
        section.targets.append(
            (f"{rounds:,} rounds: no {name}", f"{total[name]} of {total['answers']:,}", not total[name])
        )
    return section


def measure(rounds: int, with_cvxpy: int) -> dict[tuple[str, str], Counter[str]]:
    """Solve so many rounds, and count what every engine does to every program."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for seed in range(rounds):
        name = program_of(seed).__name__.replace("_", "-")
        for engine, seen in judged(seed, program_of(seed), seed < with_cvxpy).items():
            counts.setdefault((name, engine), Counter()).update(["answers", *seen])
    return counts


def judged(seed: int, make: Any, with_cvxpy: bool) -> dict[str, list[str]]:
    """Solve a program on a round with every engine; return the status and the faults of each answer."""
    drawn = draw(seed)
    program, task = make(drawn)
    round_, needed, truth = drawn.round(), drawn.usd(drawn.needed), least(task)
    engines = [
        "highs",
        *(["auto", "kernel"] if find_kernel(program) else []),
        *(["cvxpy"] if with_cvxpy else []),
    ]
    found = {}
    for engine in engines:
        try:
            answer = solve(program, round_, needed=needed, engine=engine, options=Options())
            found[engine] = [str(answer.status), *faults(answer, task, truth, exact=drawn.unit == UNITS[0])]
        except Exception:  # whatever it is, it is counted
            found[engine] = ["crashed"]
    return found


def faults(answer: Solution, task: Task, truth: Fraction | None, *, exact: bool) -> list[str]:
    """Return what is false about an answer, or not proven."""
    found = []
    if answer.status is Status.INFEASIBLE:
        found += ["false infeasible"] * (truth is not None) + ["unproven infeasible"] * (not accepted(answer))
    elif answer.status is Status.OPTIMAL:
        value = Fraction(answer.objective)
        slack = Fraction(0) if exact else rounding(answer, task)
        above = (
            truth is None
            or value - truth > Fraction(answer.allowed_gap) * max(abs(value), abs(truth)) + slack
        )
        found += ["false optimal"] * above + ["refused proof"] * (not accepted(answer))
    if answer.status in (Status.OPTIMAL, Status.FEASIBLE) and answer.proof is not None and truth is not None:
        bound = answer.proof.rederived()[0]
        slack = Fraction(0) if exact else rounding(answer, task)
        found += ["false bound"] * (bound > truth + BOUND * abs(truth) + slack)
    return found


def rounding(answer: Solution, task: Task) -> Fraction:
    """Return by how much the objective moves where every amount is wrong in its last digit."""
    money = task.needed + Fraction(answer.executed)
    return ROUNDING * (money * (task.over + task.under + task.haircut + task.draw) + task.burden)


def accepted(answer: Solution) -> bool:
    """Say whether the checker accepts the proof of an answer."""
    try:
        return bool(answer.proof and answer.proof.check())
    except Exception:  # refused, or no proof that can be written
        return False

"""check_program: the catalogue passes, planted faults do not."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest

from adl_opt.allocation.base import AllocationRule
from adl_opt.catalogue import load_model, model_names
from adl_opt.errors import PolicyError, SolverError
from adl_opt.programs import (
    ConstraintTerm,
    ExactBudget,
    MaxBurden,
    MinTicket,
    ObjectiveTerm,
    RiskWeighted,
    RoundProgram,
)
from adl_opt.testing import check_policy, check_program
from tests.models.goldens import CONTRACTS_ONLY

ROUND = [n for n in model_names() if load_model(n).kind == "round" and n not in CONTRACTS_ONLY]


@pytest.mark.parametrize("name", ROUND)
def test_the_catalogue_passes(name):
    in_usd = {"account-selection", "insurance-cofunding", "fund-top-up"}  # a ticket, a fund
    done = check_program(load_model(name).program, scales=False if name in in_usd else None)
    assert done["certificate"] == 47  # 35 in wealth, 12 in contracts


@dataclass(frozen=True, eq=False)
class Lying(MaxBurden):
    """The numpy face is not the one that is optimised."""

    def value(self, point, round_):
        return 2 * super().value(point, round_)


@dataclass(frozen=True, eq=False)
class TwoFaces(MaxBurden):
    """The array face is another term."""

    def expression(self, symbols):
        return symbols.h[0] if symbols.n else 0.0


@dataclass(frozen=True, eq=False)
class Lax(ConstraintTerm):
    """The faces that are solved allow what the numpy face forbids."""

    name: str = field(default="lax", kw_only=True)

    def violation(self, point, round_):
        return float(np.max(point.x - 0.5 * round_.accounts.capacity, initial=0.0))

    def expression(self, symbols):
        return [symbols.h <= 1]

    def rows(self, builder):
        return None


COUNT = itertools.count()


@dataclass(frozen=True, eq=False)
class Moody(RiskWeighted):
    """Another weight each time."""

    def resolved(self, round_):
        return np.cos(np.arange(len(round_.accounts)) + next(COUNT))


@dataclass(frozen=True, eq=False)
class Nowhere(ObjectiveTerm):
    """Reads what no round of the battery has."""

    name: str = field(default="nowhere", kw_only=True)

    def check(self, round_):
        RiskWeighted(np.ones(10**6)).check(round_)

    def expression(self, symbols):
        return symbols.total


def broken(face):
    """Return a term of which one face raises an error of its own."""

    def fail(*_):
        raise ZeroDivisionError(face)

    kind = dataclass(frozen=True, eq=False)(type("Broken", (MaxBurden,), {face: fail}))
    return kind(name=f"broken-{face}")


@dataclass(frozen=True, eq=False)
class Naive(ObjectiveTerm):
    """The largest haircut, by a numpy face that forgets rounds without accounts."""

    name: str = field(default="naive", kw_only=True)

    def value(self, point, round_):
        return float(np.max(point.x))

    def expression(self, symbols):
        return symbols.cp.max(symbols.x)


FAULTS = {
    "numpy face": RoundProgram(Lying(), [ExactBudget()]),
    "two faces": RoundProgram(TwoFaces(), [ExactBudget()]),
    "constraint not enforced": RoundProgram(-1 * RiskWeighted(), [ExactBudget(), Lax()]),
    "random": RoundProgram(Moody(), [ExactBudget()]),
    "a ticket in USD does not scale": RoundProgram(MaxBurden(), [ExactBudget(), MinTicket(5.0)]),
    "no data": RoundProgram(Nowhere()),
    "value fails": RoundProgram(broken("value"), [ExactBudget()]),
    "rows fail": RoundProgram(broken("rows") + RiskWeighted(), [ExactBudget()]),
    "expression fails": RoundProgram(broken("expression"), [ExactBudget()]),
    "check fails": RoundProgram(broken("check"), [ExactBudget()]),
    "no account": RoundProgram(Naive(), [ExactBudget()]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault):
    with pytest.raises(SolverError, match=r"conformance table|could not be checked|HiGHS refuses"):
        check_program(FAULTS[fault])


def test_a_report_names_the_round_and_the_error():
    with pytest.raises(SolverError, match=r"round 1 with 0 accounts.*ValueError"):
        check_program(FAULTS["no account"])


@dataclass(frozen=True)
class Crashing(AllocationRule):
    """A rule that knows no round without accounts."""

    name = "crashing"

    def allocate(self, state, round_, asked):
        raise IndexError(f"nobody in {round_.number}")


def test_check_policy_reports_a_rule_that_crashes():
    with pytest.raises(PolicyError, match="an answer to every round") as report:
        check_policy(Crashing())
    assert "IndexError: nobody in 1" in str(report.value)

"""
Your own model
==============

Your own model: a new term and a new program, held to the conformance table, then solved and replayed.

Run it: ``python examples/05_your_own_model.py``.  Everything below is what an extension takes.
"""

# %% A term: haircuts as a share of notional, the largest of which is to be small.
from dataclasses import dataclass, field

import numpy as np

import adl_opt as adl
from adl_opt.allocation.program import ProgramAllocation
from adl_opt.programs import ExactBudget, HaircutCap, ObjectiveTerm, RoundProgram, solve
from adl_opt.testing import check_program, make_round


@dataclass(frozen=True, eq=False)
class NotionalBurden(ObjectiveTerm):
    """max_i x_i / notional_i, without unit."""

    name: str = field(default="notional-burden", kw_only=True)
    unit = "1"
    curvature = "convex"

    def value(self, point, round_):
        """Return the numpy face: it judges every answer."""
        return float(np.max(point.x / round_.accounts.notional, initial=0.0))

    def parameters(self, round_, needed):
        """Return the data of the cvxpy face: the share of notional that a full haircut is."""
        return {"full": round_.accounts.capacity / round_.accounts.notional}

    def expression(self, symbols):
        """Return the cvxpy face, in haircut fractions h."""
        return symbols.cp.max(symbols.cp.multiply(symbols.of(self)["full"], symbols.h)) if symbols.n else 0.0


# %% A model: nobody loses more than 60 % of the capacity, and the budget is met exactly.
program = RoundProgram(NotionalBurden(), [ExactBudget(), HaircutCap(0.6)], name="by-notional")

# %% The conformance table: hard rounds, feasible and infeasible.
print(check_program(program))

# %% One round: the answer with its proof.
round_ = make_round(np.array([100.0, 50.0, 10.0]), np.array([90.0, 90.0, 90.0]), np.array([1, 1, 1]))
answer = solve(program, round_, needed=40.0)
print(answer.status.value, answer.x.round(2), "gap", answer.gap, "certified", answer.certify().ok)

# %% An episode: the model beside a rule of the catalogue.
mine = adl.Policy(severity=adl.make_severity("oracle"), allocation=ProgramAllocation(program))
result = adl.replay(adl.load("synthetic(accounts=30, rounds=3)"), ["pro-rata", mine])
print(result)

# %% In a figure.
result.plot.cumulative()

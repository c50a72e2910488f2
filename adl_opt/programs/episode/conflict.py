"""Why an episode is infeasible: the terms and links that cannot hold together, the lack, and the proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.conflict import NOTHING, Budget, Conflict, beyond, floor_of, names_of, reduced_program
from adl_opt.programs.engines.highs.direct import raw_of
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.episode.links import link_violation
from adl_opt.programs.infeasible import Start, conflict_of
from adl_opt.programs.mended import mended_point
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.solution import within_cents
from adl_opt.programs.terms.base import Objective
from adl_opt.programs.terms.deviation import Undershoot
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round


@dataclass(frozen=True, eq=False)
class EpisodeTerms:
    """The terms and links of an episode: what can be in conflict.

    ``joined`` returns the arrays of an episode program for rounds and needed budgets.
    """

    program: Any
    rounds: Sequence[Round]
    needed: Sequence[float]
    options: Options
    joined: Callable[[Any, Sequence[Round], Sequence[float]], LinearModel]

    @cached_property
    def floor(self) -> str:
        """Name of what every program holds: 0 <= x <= u."""
        return floor_of(self.program.program)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the terms and links."""
        goals = {term.name for term in self.program.program.objective.terms}
        terms, links = names_of(self.program.program), [link.name for link in self.program.links]
        return (*(n for n in terms if n in goals), *links, *(n for n in terms if n not in goals))

    def reduced(self, names: Sequence[str], floor: bool = True, goal: Objective = NOTHING) -> Any:
        """Return the program of some terms and links."""
        most = None if floor else beyond(self.rounds, self.needed)
        links = [link for link in self.program.links if link.name in names]
        return replace(
            self.program, program=reduced_program(self.program.program, names, most, goal), links=links
        )

    def model(self, names: Sequence[str], floor: bool = True) -> LinearModel:
        """Return the arrays of some terms and links."""
        return self.joined(self.reduced(names, floor), self.rounds, self.needed)

    def start(self, names: Sequence[str], model: LinearModel, floor: bool = True) -> Start:
        """Nothing is at hand."""

    def holds(self, names: Sequence[str], model: LinearModel, v: Floats, floor: bool = True) -> bool:
        """Say whether a point of the arrays breaks none of these terms and links by half a cent."""
        made = self.reduced(names, floor)
        cases = [
            Case(made.program, r, b, self.options) for r, b in zip(self.rounds, self.needed, strict=True)
        ]
        points = [mended_point(case, raw_of(model, v, f"{t}:")) for t, case in enumerate(cases)]
        money = max(max(point.needed, point.executed) for point in points)
        broken = [link_violation(link, self.rounds, [point.x for point in points]) for link in made.links]
        values = [0.0]
        for case, point in zip(cases, points, strict=True):
            broken += [rule.violation(point, case.round) for rule in case.program.subject_to]
            values += [term.value(point, case.round) for term in case.program.objective.terms]
        return within_cents(max(broken), money).passed and all(map(math.isfinite, values))

    def explained(self) -> Conflict | None:
        """Return the proof that nothing is feasible, and the conflict; None where no proof is found."""
        found = conflict_of(self, self.joined(self.program, self.rounds, self.needed), self.options)
        if found is None:
            return None
        rules = (*self.program.program.terms, *self.program.links)
        names = tuple(rule.name for rule in rules if rule.name in found[0])
        lack = self.lack(names)
        text = f"these terms cannot hold together: {', '.join(names)}"
        return Conflict(names, text + (f"; at least {lack:,.2f} USD are lacking" if lack else ""), found[1])

    def lack(self, names: Sequence[str]) -> float:
        """Return what the rounds lack at least together, USD, if some terms hold and the budgets need not."""
        budgets = [rule.name for rule in self.program.program.subject_to if isinstance(rule, Budget)]
        others, goal = [name for name in names if name not in budgets], 1.0 * Undershoot(name="nothing")
        model = self.joined(self.reduced(others, goal=goal), self.rounds, self.needed)
        answer = run_highs(replace(model, integer=np.zeros_like(model.integer)), self.options)
        lack = 0.0 if answer.y is None else LinearProof(model, answer.y).bound()
        funds = sum(r.fund for r in self.program.program.subject_to if isinstance(r, Budget))
        lack -= funds * len(self.rounds)
        return lack if len(others) < len(names) and lack >= 0.005 else 0.0

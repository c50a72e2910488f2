"""What a kernel sees of a program and a round."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from adl_opt.programs.program import Case
from adl_opt.programs.terms.budget import ExactBudget, Solvency, solvency_gap


class Shape(Case):
    """A case whose program has a shape that a kernel knows."""

    def part(self, kind: type) -> tuple[float, Any]:
        """Return the weight and the objective term of a kind."""
        return next((w, t) for w, t in self.program.objective.parts if type(t) is kind)

    @property
    def exact(self) -> bool:
        """Whether the haircuts must raise just what is required."""
        return any(type(rule) is ExactBudget for rule in self.program.subject_to)

    @property
    def asked(self) -> float:
        """USD that haircuts and fund must raise: what is needed, or what solvency asks for, if more."""
        solvent = any(type(rule) is Solvency for rule in self.program.subject_to)
        return max(self.needed, solvency_gap(self.round)) if solvent else self.needed

    @property
    def drawn(self) -> float:
        """USD that a fund pays which costs nothing: all that it can."""
        return min(sum(r.fund for r in self.program.subject_to if type(r) is Solvency), self.asked)

    @cached_property
    def required(self) -> float:
        """USD that the haircuts must raise: what the fund leaves of :attr:`asked`."""
        required = self.asked - self.drawn
        reach = math.fsum(self.upper)
        return reach if reach < required <= reach * (1 + 1e-12) else required

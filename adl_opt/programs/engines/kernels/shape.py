"""What a kernel sees of a program and a round."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.terms.budget import ExactBudget, Solvency, solvency_gap
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats


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
        reach = exact_sum(self.upper)
        return reach if reach < required <= reach * (1 + 1e-12) else required


def linear_answer(
    name: str,
    shape: Shape,
    x: Floats,
    prices: Mapping[str, Floats | float],
    z: float | None = None,
    closed: Floats | None = None,
) -> Raw:
    """Return haircuts with their proof, from the prices of blocks of rows by the end of their names."""
    model = shape.model(unit=1.0)
    y = np.zeros(model.row_lower.size)
    for suffix, price in prices.items():
        y[model.rows_of(next(owner for _, owner in model.row_owner if owner.endswith(suffix)))] = price
    v = np.zeros(model.cost.size)
    v[model.blocks["x"]] = x
    if closed is not None:
        v[model.blocks["closed"]] = closed
    total = exact_sum(x)
    for label, value in (
        ("total", total),
        ("over", max(total - shape.needed, 0.0)),
        ("under", max(shape.needed - total, 0.0)),
        ("fund", shape.drawn),
    ):
        if label in model.blocks:
            v[model.blocks[label]] = value
    if z is not None:
        v[model.blocks[next(label for label in model.blocks if label.endswith(":z"))]] = z
    return Raw(
        verdict="optimal",
        engine=f"kernel:{name}",
        x=x,
        closed=closed,
        fund=shape.drawn,
        proof=LinearProof(model, y, v),
    )

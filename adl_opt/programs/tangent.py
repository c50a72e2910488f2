"""The tangent proof: a convex program is bounded by the linear one that touches it at the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.proof import NOISE
from adl_opt.programs.terms.base import Objective, ObjectiveTerm, Point
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round


def smooth_parts(program: RoundProgram) -> tuple[tuple[float, ObjectiveTerm], ...] | None:
    """Return the weighted terms that give slopes and no rows; None where another term has no rows either.

    Examples
    --------
    >>> from adl_opt.programs import Entropy, ExactBudget, RoundProgram, Tracking
    >>> smooth_parts(RoundProgram(2 * Entropy() + Tracking(), [ExactBudget()]))[0][0]
    2.0
    """
    own = tuple((w, t) for w, t in program.objective.parts if not t.has_rows)
    known = all(type(term).slopes is not ObjectiveTerm.slopes for _, term in own)
    return own if own and known and all(rule.has_rows for rule in program.subject_to) else None


def linear_rest(program: RoundProgram) -> RoundProgram:
    """Return the program without its smooth terms; its arrays are the constraints and the linear costs."""
    rest = tuple((w, t) for w, t in program.objective.parts if t.has_rows)
    goal = Objective(rest) if rest else 0.0 * TotalHaircut(name="nothing")
    return RoundProgram(goal, program.subject_to, program.name)


@dataclass(frozen=True, eq=False)
class TangentProof:
    """A convex objective lies above its tangent, so the linear program of the tangent bounds the optimum.

    The slopes are recomputed from the terms; weak duality bounds the linear program, whatever ``y`` is.

    Parameters
    ----------
    program : RoundProgram
    round : Round
    point : Point
        Where the tangent touches.
    model : LinearModel
        The program without its smooth terms.
    y : (rows,)
        Prices of its rows.
    """

    program: RoundProgram
    round: Round
    point: Point
    model: LinearModel
    y: Floats

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column at the tangent."""
        return self.tangent().natural_cost()

    def tangent(self) -> LinearModel:
        """Return the linear program of the tangent."""
        cost = self.model.cost.copy()
        cost[self.model.blocks["x"]] += self._slope()
        return replace(self.model, cost=cost)

    def value(self) -> float:
        """Return the objective where the tangent touches."""
        return self.program.objective.value(self.point, self.round)

    def bound(self) -> float:
        """Return the bound of the tangent's dual, moved up by what the tangent cuts off at zero."""
        tangent = self.tangent()
        smooth = Objective(smooth_parts(self.program) or ()).value(self.point, self.round)
        least = tangent.dual_bound(self.y, NOISE * tangent.natural_cost())
        return smooth - math.fsum(self._slope() * self.point.x) + least

    def checks(self) -> dict[str, bool]:
        """Return ``dual-signs``, ``stationarity`` (finite slopes) and ``complementarity``."""
        bound, value = self.bound(), self.value()
        near = abs(value - bound) <= 1e-7 * max(abs(value), abs(bound)) + NOISE * self.scale
        return {
            "dual-signs": math.isfinite(bound),
            "stationarity": bool(np.all(np.isfinite(self._slope()))),
            "complementarity": near,
        }

    def _slope(self) -> Floats:
        slope = np.zeros(self.point.x.size)
        for weight, term in smooth_parts(self.program) or ():
            own = term.slopes(self.point.x, self.round)
            assert own is not None  # noqa: S101
            slope = slope + weight * own[0]
        return slope

"""The tangent proof: a convex program is bounded by the linear one that touches it at the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.proof import NOISE, Proof, meets
from adl_opt.programs.terms.base import Objective, ObjectiveTerm, Point
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.proofs.certificate import Check, once
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round


def smooth_parts(objective: Objective) -> tuple[tuple[float, ObjectiveTerm], ...] | None:
    """Return the weighted terms that give slopes and no rows; None where another term has no rows either.

    Examples
    --------
    >>> from adl_opt.programs import Entropy, Tracking
    >>> smooth_parts(2 * Entropy() + Tracking())[0][0]
    2.0
    """
    own = tuple((w, t) for w, t in objective.parts if not t.has_rows)
    known = all(type(term).slopes is not ObjectiveTerm.slopes for _, term in own)
    return own if own and known else None


def linear_rest(program: RoundProgram) -> RoundProgram:
    """Return the program without its smooth terms; its arrays are the constraints and the linear costs."""
    rest = tuple((w, t) for w, t in program.objective.parts if t.has_rows)
    goal = Objective(rest) if rest else 0.0 * TotalHaircut(name="nothing")
    return program.minimizing(goal)


def slopes_of(objective: Objective, x: Floats, round_: Round) -> tuple[Floats, Floats]:
    """Return the weighted first and second derivatives of the smooth terms by each haircut, (n,) each."""
    slope, curvature = np.zeros((2, x.size))
    for weight, term in smooth_parts(objective) or ():
        own = term.slopes(x, round_)
        assert own is not None  # noqa: S101
        slope, curvature = slope + weight * own[0], curvature + weight * own[1]
    return slope, curvature


@dataclass(frozen=True, eq=False)
class TangentProof(Proof):
    """A convex objective lies above its tangent, so the linear program of the tangent bounds the optimum.

    The slopes are recomputed from the terms; weak duality bounds the linear program, whatever ``y`` is.

    Parameters
    ----------
    objective : Objective
        Of the program.
    round : Round
    point : Point
        Where the tangent touches.
    model : LinearModel
        The program without its smooth terms.
    y : (rows,)
        Prices of its rows.
    """

    objective: Objective
    round: Round
    point: Point
    model: LinearModel
    y: Floats
    source: ClassVar[str] = "tangent and weak duality"

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column at the tangent."""
        return self.tangent().natural_cost()

    @once
    def tangent(self) -> LinearModel:
        """Return the linear program of the tangent."""
        cost = self.model.cost.copy()
        cost[self.model.blocks["x"]] += self._slope()
        return replace(self.model, cost=cost)

    @once
    def value(self) -> float:
        """Return the objective where the tangent touches."""
        return self.objective.value(self.point, self.round)

    @once
    def bound(self) -> float:
        """Return the bound of the tangent's dual, moved up by what the tangent cuts off at zero."""
        tangent = self.tangent()
        smooth = Objective(smooth_parts(self.objective) or ()).value(self.point, self.round)
        least = tangent.dual_bound(self.y, NOISE * tangent.natural_cost())
        return smooth - math.fsum(self._slope() * self.point.x) + least

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs``, ``stationarity`` (finite slopes) and ``complementarity``."""
        bound = self.bound()
        return {
            "dual-signs": Check.that(math.isfinite(bound)),
            "stationarity": Check.that(bool(np.all(np.isfinite(self._slope())))),
            "complementarity": meets(self.value(), bound, self.scale),
        }

    @once
    def _slope(self) -> Floats:
        return slopes_of(self.objective, self.point.x, self.round)[0]

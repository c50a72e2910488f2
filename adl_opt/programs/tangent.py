"""The tangent proof: a convex program is bounded by the linear one that touches it at the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.kernel_proofs import ROUNDINGS
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.proof import Proof, Statement, model_problem, sound_prices
from adl_opt.programs.terms.base import Objective, ObjectiveTerm, Point
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.proofs.certificate import Check, once
from adl_opt.proofs.check import number
from adl_opt.proofs.document import exact, leaf
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
    v : (columns,), optional
        The point in the columns of the model.
    """

    objective: Objective
    round: Round
    point: Point
    model: LinearModel
    y: Floats
    v: Floats | None = None
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
        """Return the bound of the tangent's dual, moved up by what the tangent cuts off at zero.

        Slopes and values may be off by some roundings: over the whole box, that much is taken off.
        """
        smooth = Objective(smooth_parts(self.objective) or ()).value(self.point, self.round)
        touching = self._slope() * self.point.x
        widest = np.abs(self._slope()) * (self.point.x + self.model.col_upper[self.model.blocks["x"]])
        doubt = ROUNDINGS * (abs(smooth) + math.fsum(widest))
        return math.fsum([smooth, *(-touching), self._priced()[1], -doubt])

    def _priced(self) -> tuple[Floats, float]:
        return sound_prices(self.tangent(), self.y, self.model.col_lower, self.model.col_upper)

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs`` and ``stationarity`` (finite slopes)."""
        return {
            "dual-signs": Check.that(math.isfinite(self.bound())),
            "stationarity": Check.that(bool(np.all(np.isfinite(self._slope())))),
        }

    def statement(self) -> Statement:
        """Return the smooth terms as curves, the arrays of the rest, and the prices."""
        parts = smooth_parts(self.objective) or ()
        known = [(weight, term.curves(self.round)) for weight, term in parts]
        if len(parts) != 1 or known[0][1] is None:
            return super().statement()
        columns, tangents, curves = self.model.blocks["x"], [], {}
        finite = self.model.col_upper[columns] * (1 - 2.0**-40)  # where slopes are finite
        touch = np.minimum(self.point.x, finite)
        each = (columns.tolist(), touch.tolist(), self._slope().tolist(), known[0][1])
        for j, at, rate, curve in zip(*each, strict=True):
            if curve is not None:
                curves[j] = {**curve, "weight": exact(Fraction(known[0][0]) * number(curve["weight"]))}
                tangents.append((j, at, rate))
        prices = leaf(self._priced()[0], tangents=tangents)
        return Statement(model_problem(self.model, curves=curves), {"tree": [prices]}, self.v)

    @once
    def _slope(self) -> Floats:
        return slopes_of(self.objective, self.point.x, self.round)[0]

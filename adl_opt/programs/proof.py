"""Proofs: what a bound on the optimum rests on, recomputed here and never taken from a solver's word.

Every proof gives ``bound()``, a number that no feasible point beats, and ``checks()``, named conditions.
They stand in this room and not in ``adl_opt.proofs``, because they read the arrays of programs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adl_opt.losses import entropy, share
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.proofs.certificate import Certificate, Check, once
from adl_opt.rounds.columns import Floats

NOISE = 1e-9
"""Dual values this small, relative to the objective's own scale, count as zero against infinite bounds."""


class Proof(ABC):
    """What a certificate asks of a proof."""

    source: ClassVar[str] = "weak duality"
    """What the bound rests on."""

    @abstractmethod
    def bound(self) -> float:
        """Return a lower bound on the optimum."""

    @abstractmethod
    def checks(self) -> dict[str, Check]:
        """Return named conditions; all must hold."""

    @property
    @abstractmethod
    def scale(self) -> float:
        """Size of the objective below which differences do not count."""

    @property
    def rounding(self) -> float:
        """Size of the objective that the bound is rounded in."""
        return self.scale

    def rederived(self) -> tuple[float, str]:
        """Return the bound that follows without a solver's word, and what the bound of the proof rests on."""
        return self.bound(), f"re-derived: {self.source}"


@dataclass(frozen=True, eq=False)
class LinearProof(Proof):
    """Row duals of a linear program: weak duality gives the bound, whatever the duals are.

    Parameters
    ----------
    model : LinearModel
    y : (rows,)
        Change of the optimum per unit of each right-hand side.
    v : (columns,), optional
        The primal point, for complementarity.
    """

    model: LinearModel
    y: Floats
    v: Floats | None = None

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column."""
        return self.model.natural_cost()

    @once
    def bound(self) -> float:
        """Return the dual objective."""
        return self.model.dual_bound(self.y, NOISE * self.scale)

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs`` and ``complementarity``; stationarity holds by construction."""
        bound = self.bound()
        found = {"dual-signs": Check.that(math.isfinite(bound))}
        if self.v is not None and math.isfinite(bound):
            value = float(self.model.cost @ self.v)
            found["complementarity"] = meets(value, bound, self.scale)
        return found


@dataclass(frozen=True, eq=False)
class ConicProof(Proof):
    """KKT of ``min c'x + x'Px/2, A x + s = b, s in K``: stationarity, dual cone, complementarity.

    Parameters
    ----------
    data : mapping
        ``c``, ``A``, ``b``, ``dims`` (and ``P``) as cvxpy hands them to the solver.
    x, z : arrays
        Primal and dual point of the solver.
    unit, offset : float
        The program's objective is ``unit * (value + offset)``.
    """

    data: Any
    x: Floats
    z: Floats
    unit: float
    offset: float

    @property
    def scale(self) -> float:
        """One unit of the scaled objective."""
        return self.unit

    def bound(self) -> float:
        """Return the dual objective, less what the residual of stationarity may hide."""
        hidden = float(np.abs(self._residual()) @ np.abs(self.x))
        value = -0.5 * float(self.x @ self._curved()) - float(self.data["b"] @ self.z) - hidden
        return self.unit * (value + self.offset)

    def checks(self) -> dict[str, Check]:
        """Return ``stationarity``, ``dual-signs`` (z in the dual cone) and ``complementarity``."""
        size = 1.0 + float(np.max(np.abs(self.data["c"]), initial=0.0))
        slack = self.data["b"] - self.data["A"] @ self.x
        apart = abs(float(slack @ self.z))
        value = abs(float(self.data["c"] @ self.x))
        return {
            "stationarity": Check(float(np.max(np.abs(self._residual()), initial=0.0)), 1e-7 * size),
            "dual-signs": Check.that(in_dual_cone(self.z, self.data["dims"], 1e-8 * size)),
            "complementarity": Check(apart, 1e-7 * max(1.0, value)),
        }

    @once
    def _residual(self) -> Floats:
        return np.asarray(self.data["c"] + self._curved() + self.data["A"].T @ self.z)

    def _curved(self) -> Floats:
        matrix = self.data.get("P")
        return np.zeros(self.x.size) if matrix is None else np.asarray(matrix @ self.x)


def in_dual_cone(z: Floats, dims: Any, tolerance: float) -> bool:
    """Say whether z is in the dual of zero x nonnegative x second-order x exponential cones."""
    start = int(dims.zero)
    stop = start + int(dims.nonneg)
    good = bool(np.all(z[start:stop] >= -tolerance))
    for size in dims.soc:
        block, stop = z[stop : stop + size], stop + size
        good = good and float(np.linalg.norm(block[1:])) <= block[0] + tolerance
    if any(dims.psd) or any(dims.p3d):
        return False
    u, v, w = z[stop : stop + 3 * int(dims.exp)].reshape(-1, 3).T if dims.exp else np.empty((3, 0))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        need = np.where(
            u < 0, -u * np.exp(v / np.where(u < 0, u, -1.0) - 1.0), np.where(v >= -tolerance, 0.0, np.inf)
        )
    return good and bool(np.all((u <= tolerance) & (need <= w + tolerance * np.maximum(1.0, np.abs(w)))))


@dataclass(frozen=True, eq=False)
class LotsProof(Proof):
    """The certificate of a lots kernel: below its lower bound what is required is out of reach.

    Parameters
    ----------
    result : LotsResult
    weight : float
        Of the largest burden in the objective.
    least : float
        What the other terms of the objective cost at least.
    """

    result: Any
    weight: float
    least: float = 0.0
    source: ClassVar[str] = "the lots kernel's certificate"

    @property
    def scale(self) -> float:
        """The burden is unitless."""
        return self.weight

    def bound(self) -> float:
        """Return the weighted lower bound on the largest burden, and the least of the rest."""
        return self.weight * float(self.result.lower_bound) + self.least

    def checks(self) -> dict[str, Check]:
        """Return the kernel's own checks."""
        report = self.result.certify()
        if isinstance(report, Certificate):
            found = dict(report.checks)
        else:
            found = {name: Check.that(getattr(report, name)) for name in report.__dataclass_fields__}
        return {f"kernel-{name.replace('_', '-')}": check for name, check in found.items()}


@dataclass(frozen=True, eq=False)
class EntropyProof(Proof):
    """The dual of ``min w sum u phi(x/u), sum x = B, 0 <= x <= upper`` at one price of B."""

    capacity: Floats
    upper: Floats
    needed: float
    weight: float
    price: float
    exact: bool
    needed_rate: float = 1.0
    """Change of the demand per USD of the needed budget: 0 where solvency demands more."""

    @property
    def scale(self) -> float:
        """Objective of one USD at full disutility."""
        return self.weight * max(self.needed, 0.0)

    def bound(self) -> float:
        """Return price B + min over x of w u phi(x/u) - price x."""
        u, most = self.capacity, self.upper
        slope = self.price / self.weight
        h = np.clip(-np.expm1(-max(slope, 0.0)), 0.0, share(most, u))
        return math.fsum([self.price * self.needed, *(self.weight * u * entropy(h) - self.price * u * h)])

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs``: a demand of at least B has a price of at least 0."""
        return {"dual-signs": Check.that(self.exact or self.price >= 0)}


@dataclass(frozen=True, eq=False)
class EngineBound(Proof):
    """A dual bound that HiGHS states, beside one that is re-derived.

    Parameters
    ----------
    stated : float
        HiGHS's bound on the program's objective; -inf where it was refuted.
    size : float
        Of the objective: cost of one unit of the dearest column.
    own : Proof, optional
        What is re-derived: a branch-and-bound tree.
    unit, offset : float
        The program's objective is ``unit * (value of own's model + offset)``.
    """

    stated: float
    size: float
    own: Proof | None = None
    unit: float = 1.0
    offset: float = 0.0

    @property
    def scale(self) -> float:
        """The size that was given."""
        return self.size

    def bound(self) -> float:
        """Return the stated bound, or the re-derived one where that is larger."""
        return max(self.stated, self.derived())

    def derived(self) -> float:
        """Return the re-derived bound; -inf without."""
        return -math.inf if self.own is None else self.unit * (self.own.bound() + self.offset)

    def checks(self) -> dict[str, Check]:
        """Return ``mip-bound``: the bound is a number."""
        return {"mip-bound": Check.that(math.isfinite(self.bound()))}

    def rederived(self) -> tuple[float, str]:
        """Return the re-derived bound, and what it rests on.

        Examples
        --------
        >>> EngineBound(2.0, 1.0).rederived()
        (-inf, 're-derived: nothing')
        """
        return self.derived(), f"re-derived: {'nothing' if self.own is None else self.own.source}"


@dataclass(frozen=True, eq=False)
class BestProof(Proof):
    """Two proofs of one program: the larger bound holds, and both must hold up."""

    first: Proof
    second: Proof

    @property
    def scale(self) -> float:
        """The scale of the first."""
        return self.first.scale

    def bound(self) -> float:
        """Return the larger bound."""
        return max(self.first.bound(), self.second.bound())

    def checks(self) -> dict[str, Check]:
        """Return the checks of both."""
        return {**self.first.checks(), **self.second.checks()}

    @property
    def rounding(self) -> float:
        """The larger scale: HiGHS rounds in its own."""
        return max(self.first.scale, self.second.scale)

    def rederived(self) -> tuple[float, str]:
        """Return the larger re-derived bound, and what it rests on."""
        return max(self.first.rederived(), self.second.rederived())


def meets(value: float, bound: float, scale: float) -> Check:
    """Return the check that a value and its bound meet: complementary slackness in one number."""
    return Check(abs(value - bound), 1e-7 * max(abs(value), abs(bound)) + NOISE * scale)

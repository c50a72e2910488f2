"""What a cone solver's prices say of an optimum: they hold up to a tolerance, and prove no bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.programs.proof import Proof
from adl_opt.proofs.certificate import Check, once
from adl_opt.rounds.columns import Floats


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

    def rederived(self) -> tuple[float, str]:
        """Return no bound: conditions that hold up to a tolerance do not prove one."""
        return -math.inf, "re-derived: nothing"

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

"""The answer of min-max in contract space, with its proof, and the certificate that checks it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.contracts.base import REL_TOL, ContractsProblem, FloatArray
from adl_opt.kernels.contracts.certificate import Figures, contracts_checks


@dataclass(frozen=True)
class ContractsCertificate:
    """What holds of an answer, computed from the problem and the legs alone.

    Parameters
    ----------
    within : bool
        Every leg pays between 0 and its cap; with the hard cap no account pays more than its capacity.
    cleared : bool
        The legs of every cell and its residual add up to its demand, and no answer leaves less residual.
    match : bool
        The haircuts, and the levels of cells, are those of the legs.
    burden : bool
        `z` is the largest burden.
    bound : bool
        The deciding cells prove `lower_bound`, and `gap` is what it says.
    levelled : bool
        No account could take over from another one with a higher burden: every cell is as level as it can be.
    """

    within: bool
    cleared: bool
    match: bool
    burden: bool
    bound: bool
    levelled: bool

    @property
    def ok(self) -> bool:
        """All of it holds."""
        return all(vars(self).values())


@dataclass(frozen=True, eq=False)
class ContractsResult:
    """Haircuts in contract space at the lexicographically least burdens.

    Parameters
    ----------
    z : float
        Largest burden; above 1 accounts pay more than their capacity.
    lower_bound, gap : float
        Proven bound on z; ``(z - lower_bound) / z``.
    leg_usd : (m,) USD
        What every leg gives up.
    haircut_usd : (n,) USD
        What every account gives up.
    residual_usd : (cells,) USD
        What the legs of a cell cannot cover of its demand.
    level : (cells,)
        Largest burden among those that pay in the cell.  The cells with at least some level are the nested
        sets that prove the answer: in them, accounts below the level give all they have.
    deciding : (cells,) bool
        The first of these sets, the cells whose level is z.
    """

    z: float
    lower_bound: float
    gap: float
    leg_usd: NDArray[np.float64]
    haircut_usd: NDArray[np.float64]
    residual_usd: NDArray[np.float64]
    level: NDArray[np.float64]
    deciding: NDArray[np.bool_]
    problem: ContractsProblem = field(repr=False)

    def certify(self, *, exact: bool = False) -> ContractsCertificate:
        """Check the answer against the problem, by code that the search does not use; O(n + m).

        Parameters
        ----------
        exact : bool
            Compute in rational numbers, which is slow and rounds nothing.

        Returns
        -------
        ContractsCertificate
            Never raises for a result of `minmax_contracts`, however its fields were changed.

        Examples
        --------
        >>> from adl_opt.kernels import minmax_contracts
        >>> minmax_contracts([100.0, 100.0], [0, 1], [0, 0], [10.0, 100.0], [50.0]).certify(exact=True).ok
        True
        """
        try:
            with np.errstate(all="ignore"):
                return ContractsCertificate(*contracts_checks(self, exact))
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return ContractsCertificate(False, False, False, False, False, False)


def contracts_result(problem: ContractsProblem, leg_usd: FloatArray) -> ContractsResult:
    """Recompute every figure from the legs."""
    figures = Figures(problem, leg_usd)
    z = float(np.max(figures.burden, initial=0.0))
    level = figures.levels()
    deciding = (level >= z * (1 - REL_TOL)) & (level > 0)
    residual = np.maximum(problem.demand - figures.paid, 0.0)
    residual[residual <= REL_TOL * problem.demand] = 0.0
    lower = min(figures.bound(deciding, z, residual), z)
    return ContractsResult(
        z=z,
        lower_bound=lower,
        gap=(z - lower) / z if z > 0 else 0.0,
        leg_usd=leg_usd,
        haircut_usd=figures.haircut,
        residual_usd=residual,
        level=level,
        deciding=deciding,
        problem=problem,
    )

"""Shadow prices: from row duals to derivatives of the optimum in the data of the round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.kernel_proofs import EntropyProof
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.tangent import TangentProof
from adl_opt.rounds.columns import Floats

BUDGET = "change of the optimal objective when the needed budget rises by 1 USD"
CAPACITY = "change of the optimal objective when the capacity of the account rises by 1 USD"


@dataclass(frozen=True, eq=False, kw_only=True)
class Dual:
    """A shadow price: one number, or one for each account.

    Parameters
    ----------
    value : float or (n,)
    unit : str
    orientation : str
        What moves, and which way.
    """

    value: Any
    unit: str = "objective per USD"
    orientation: str


def prices_of(proof: Any) -> dict[str, Dual]:
    """Return the prices that follow from a proof, as total derivatives.

    ``budget`` is one number.  ``capacity`` is (n,), at most 0 where more capacity helps.  Linear programs
    have both, smooth ones that of the budget, mixed-integer programs and cones none.  Where the optimum has
    a kink, a price is one of the one-sided derivatives or lies between them.

    Examples
    --------
    >>> from adl_opt.programs.combined import EngineBound
    >>> prices_of(EngineBound(1.0, 1.0))
    {}
    """
    if isinstance(proof, EntropyProof):
        return {"budget": Dual(value=proof.price * proof.needed_rate, orientation=BUDGET)}
    if not isinstance(proof, (LinearProof, TangentProof)):
        return {}
    prices = {"budget": Dual(value=_budget(proof.model, proof.y), orientation=BUDGET)}
    if isinstance(proof, LinearProof):
        prices["capacity"] = Dual(value=_capacity(proof), orientation=CAPACITY)
    return prices


def _budget(model: LinearModel, y: Floats) -> float:
    return sum(float(rate * np.sum(y[rows])) for rows, rate in model.shadow.needed)


def _capacity(proof: LinearProof) -> Floats:
    model, y = proof.model, proof.y
    capacity = np.minimum(model.reduced_costs(y)[model.blocks["x"]], 0.0) * model.shadow.upper
    if proof.v is not None:
        for rows, column in model.shadow.capacity:
            capacity = capacity + y[rows] * proof.v[column]
    return capacity

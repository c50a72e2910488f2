"""Shadow prices: from row duals to derivatives of the optimum in the data of the round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.programs.program import upper_bounds
from adl_opt.programs.proof import EntropyProof, LinearProof
from adl_opt.programs.solution import Dual
from adl_opt.programs.tangent import TangentProof
from adl_opt.programs.terms.budget import Solvency

if TYPE_CHECKING:
    from adl_opt.programs.program import RoundProgram
    from adl_opt.rounds.round import Round

BUDGET = "change of the optimal objective when the needed budget rises by 1 USD"
CAPACITY = "change of the optimal objective when the capacity of the account rises by 1 USD"


def prices_of(program: RoundProgram, round_: Round, needed: float, proof: Any) -> dict[str, Dual]:
    """Return the prices that follow from a proof.

    Of the budget and of capacities for linear programs, of the budget for smooth ones, none for
    mixed-integer programs and cones.

    Examples
    --------
    >>> from adl_opt.programs.proof import EngineBound
    >>> prices_of(None, None, 0.0, EngineBound(1.0, 1.0))
    {}
    """
    if isinstance(proof, LinearProof):
        return shadow_prices(program, round_, proof)
    if isinstance(proof, TangentProof):
        price = sum(float(rate * np.sum(proof.y[rows])) for rows, rate in proof.model.shadow.needed)
    elif isinstance(proof, EntropyProof):
        demands = [rule for rule in program.subject_to if isinstance(rule, Solvency)]
        price = proof.price if all(rule.required(round_, needed) == needed for rule in demands) else 0.0
    else:
        return {}
    return {"budget": Dual(value=price, unit="objective per USD", orientation=BUDGET)}


def shadow_prices(program: RoundProgram, round_: Round, proof: LinearProof) -> dict[str, Dual]:
    """Return the prices ``budget`` and ``capacity`` of a linear program, as total derivatives.

    Parameters
    ----------
    program : RoundProgram
    round_ : Round
    proof : LinearProof
        With the primal point.

    Returns
    -------
    dict of Dual
        ``budget``: one number; ``capacity``: (n,), at most 0 where more capacity helps.  Where the
        optimum has a kink, a price is one of the one-sided derivatives or lies between them.
    """
    model, y = proof.model, proof.y
    budget = sum(float(rate * np.sum(y[rows])) for rows, rate in model.shadow.needed)
    reduced = model.reduced_costs(y)[model.blocks["x"]]
    rates = upper_bounds(program, round_)[1]
    capacity = np.minimum(reduced, 0.0) * rates
    if proof.v is not None:
        for rows, column in model.shadow.capacity:
            capacity = capacity + y[rows] * proof.v[column]
    unit = "objective per USD"
    return {
        "budget": Dual(value=budget, unit=unit, orientation=BUDGET),
        "capacity": Dual(value=capacity, unit=unit, orientation=CAPACITY),
    }

"""Shadow prices: from row duals to derivatives of the optimum in the data of the round.

Terms say how their rows move with the needed budget and with capacities.  Where a program holds a term from
outside the library, its arrays are made again at a smaller budget and at smaller capacities.  A price is
given only where what the terms say explains how the arrays move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.kernel_proofs import EntropyProof
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.rates import STEP, Moved, price_explained
from adl_opt.programs.tangent import TangentProof, linear_rest, smooth_parts
from adl_opt.programs.terms.base import Objective
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.tabular import Noun

BUDGET = "change of the optimal objective when the needed budget rises by 1 USD"
CAPACITY = "change of the optimal objective when the capacity of the account rises by 1 USD"
SIDE = "change of the optimal objective when the right-hand side of each row rises by 1"
MARKET = "change of the optimal objective when one more contract of each row of the flow must be closed"
BOUND = "change of the optimal objective when the largest haircut of the account rises by 1 USD"


@dataclass(frozen=True, eq=False, kw_only=True)
class Dual(Noun):
    """A shadow price: one number, or one for each account or row.

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


def prices_of(proof: Any, case: Case) -> dict[str, Dual]:
    """Return the prices that follow from a proof.

    ``budget`` is one number and ``capacity`` is (n,); both are total derivatives.  Each constraint has the
    prices of its rows, or of the upper bounds that it sets, by its name; in contracts ``market`` (k,) has
    those of contracts of each row of the flow.  Linear programs have all of these,
    smooth ones the budget and the constraints, mixed-integer programs and cones none.  Where the optimum has
    a kink, the price of the budget or of a bound is one of the one-sided derivatives or lies between them.

    A term that reads B or capacities and does not say so (``needed_rate``, ``builder.moves``) leaves the
    program without the price of the budget, or of capacities.

    Examples
    --------
    >>> from adl_opt.programs.combined import EngineBound
    >>> prices_of(EngineBound(1.0, 1.0), None)
    {}
    """
    if isinstance(proof, EntropyProof):
        return {"budget": Dual(value=proof.price * proof.needed_rate, orientation=BUDGET)}
    if not isinstance(proof, (LinearProof, TangentProof)):
        return {}
    unsaid: set[str] = set()
    if isinstance(proof, TangentProof):
        unsaid = _read_by_curved(proof)
        proof, case = (
            LinearProof(proof.tangent(), proof.y),
            replace(case, program=linear_rest(case.program)),
        )
    named = _by_name(proof, case)
    unsaid |= _unsaid(proof, case) | proof.model.shadow.unknown
    if "budget" not in unsaid:
        named["budget"] = Dual(value=_budget(proof), orientation=BUDGET)
    if "capacity" not in unsaid and proof.v is not None:
        named["capacity"] = Dual(value=_capacity(proof), orientation=CAPACITY)
    if isinstance(case.round, PricedRound):
        named["market"] = Dual(value=_market(proof, case, case.round), unit="objective", orientation=MARKET)
    return named


def _market(proof: LinearProof, case: Case, round_: PricedRound) -> Floats:
    """Return the price of a contract of each row: of its clearing, and of the budget that it is part of."""
    demands = [r.name for r in case.program.subject_to if isinstance(r, (ExactBudget, Solvency))]
    budget = sum(float(proof.y[_rows_of(proof.model, name)].sum()) for name in demands)
    return proof.y[proof.model.rows_of("clearing:flow")] + budget * round_.cost


def _read_by_curved(proof: TangentProof) -> set[str]:
    """Return the price of the budget where a curved term reads the budget, of which it cannot speak."""
    point = proof.point
    lower = replace(point, needed=point.needed * (1.0 - STEP))
    curved = Objective(smooth_parts(proof.objective) or ())
    same = curved.value(point, proof.round) == curved.value(lower, proof.round)
    return set() if same else {"budget"}


def _by_name(proof: LinearProof, case: Case) -> dict[str, Dual]:
    """Return the prices of the rows of each constraint, or of the bounds that it sets."""
    found: dict[str, Dual] = {}
    slope = np.minimum(proof.reduced()[proof.model.blocks["x"]], 0.0)
    for place, rule in enumerate(case.program.subject_to):
        rows = _rows_of(proof.model, rule.name)
        if rows.size:
            value = float(proof.y[rows[0]]) if rows.size == 1 else proof.y[rows]
            unit = "objective per unit of the row"
            found[rule.name] = Dual(value=value, unit=unit, orientation=SIDE)
        elif rule.upper(case.round) is not None:
            found[rule.name] = Dual(value=np.where(case.bounds[2] == place, slope, 0.0), orientation=BOUND)
    return found


def _rows_of(model: LinearModel, name: str) -> Ints:
    blocks = [model.rows_of(owner) for _, owner in model.row_owner if owner.rpartition(":")[0] == name]
    return np.concatenate([*blocks, np.empty(0, dtype=np.int64)]).astype(np.int64)


def _budget(proof: LinearProof) -> float:
    return sum(float(rate @ proof.y[rows]) for rows, rate in proof.model.shadow.needed)


def _capacity(proof: LinearProof) -> Floats:
    """Return the price of each capacity: what its upper bound and its rows are worth, as far as they move."""
    model, y, v = proof.model, proof.y, proof.v
    assert v is not None  # noqa: S101
    reduced, x = proof.reduced(), model.blocks["x"]
    upper = np.broadcast_to(np.asarray(model.shadow.upper, dtype=np.float64), x.shape)
    price, moving = np.minimum(reduced[x], 0.0) * upper, np.zeros(y.size)
    for rows, accounts, column, rate in model.shadow.capacity:
        move = rate * (1.0 if column is None else -v[column])
        np.add.at(price, accounts, y[rows] * move)
        np.add.at(moving, rows, move)
    return _opened(model, y, reduced, np.where(model.col_upper[x] == 0, upper, np.nan), moving, price)


def _opened(
    model: LinearModel, y: Floats, reduced: Floats, room: Floats, moving: Floats, price: Floats
) -> Floats:
    """Return the prices with those of accounts that cannot pay at all: what the first USD of capacity brings.

    Such an account may be shut by its bound and by rows together.  Which of them carries the price is left
    to chance, and the one that opens least decides.  ``room`` is the rate of the bound, NaN for the others.
    """
    shut = np.flatnonzero(~np.isnan(room))
    if not shut.size:
        return price
    alone = np.bincount(model.row[model.value != 0], minlength=y.size) == 1
    place = np.full(model.cost.size, -1)
    place[model.blocks["x"][shut]] = shut
    own = np.flatnonzero(place[model.col] >= 0)
    own = own[alone[model.row[own]] & (model.value[own] > 0)]
    who, at, value = place[model.col[own]], model.row[own], model.value[own]
    slope, most = reduced[model.blocks["x"]].copy(), room.copy()
    np.add.at(slope, who, value * y[at])
    tight = model.row_upper[at] <= 0
    np.minimum.at(most, who[tight], moving[at[tight]] / value[tight])
    return np.where(np.isnan(room), price, np.minimum(slope, 0.0) * np.maximum(most, 0.0))


def _unsaid(proof: LinearProof, case: Case) -> set[str]:
    """Return the prices that would be wrong, because a term reads what it does not speak of."""
    if all(type(term).__module__.split(".")[0] == "adl_opt" for term in case.program.terms):
        return set()
    try:
        unsaid = set() if price_explained(proof, Moved.by_budget(case), _budget(proof)) else {"budget"}
        if proof.v is not None:
            moved = Moved.by_capacity(case)
            if not price_explained(proof, moved, float(_capacity(proof) @ moved.direction)):
                unsaid.add("capacity")
    except Exception:  # a term of one's own fails at other amounts than those that were asked for
        return {"budget", "capacity"}
    return unsaid

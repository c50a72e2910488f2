"""Least largest burden in contracts, where each market and side has one closing price: the exact kernels.

The kernels know capacities, legs and cells.  What else a program asks for (caps, pots, cohorts, hedges) is
let go of first.  Where the answer keeps it all the same, it is the optimum of the program too, with the
same prices as proof.  Where it does not, HiGHS solves the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from adl_opt.kernels.contracts.base import REL_TOL
from adl_opt.kernels.contracts.lots import minmax_contract_lots
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.losses import burden, burden_base
from adl_opt.programs.engines.kernels.loser_rows import min_max_loser_rows
from adl_opt.programs.engines.kernels.shape import Shape, linear_answer
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.kernel_proofs import ContractLotsProof
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.solution import PROVEN
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.clearing import Clearing
from adl_opt.programs.terms.limits import PositivePnl
from adl_opt.proofs.certificate import relative_gap
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats

LOTS = "kernel:min-max-contract-lots"

KEPT = 1e-9
"""Share of the money by which an answer may break a constraint that the kernel does not know: rounding."""


@dataclass(frozen=True, eq=False)
class Levelled:
    """What a kernel answers to a round.

    Parameters
    ----------
    result : ContractsResult or ContractLotsResult
    closed : (l,)
        Lots of each leg.
    x : (n,) USD
    one_price : bool
        Each cell has one price.  Otherwise the answer is at mean prices: it can be done, and may not be the
        best.
    """

    result: Any
    closed: Floats
    x: Floats
    one_price: bool


def min_max_contracts(shape: Shape) -> Raw | None:
    """Least z where each market and side closes its share, as level as it can be, by the flow kernel."""
    weight, term = shape.part(MaxBurden)
    book, found = shape.round, _levelled_of(shape)
    assert isinstance(book, PricedRound)  # noqa: S101
    if found is not None and not found.one_price:
        raw = None if found.result.residual_usd.any() else min_max_loser_rows(shape, book, _clearing(shape))
        if raw is None or not _keeps(shape, raw.x, raw.closed):
            return None
        return _proven(raw, shape.program.objective.value(_point(shape, raw.x, raw.closed), book))
    if found is None or not _keeps(shape, found.x, found.closed):
        return None
    result, held = found.result, book.held
    base = burden_base(book, term.base)
    pays = burden(found.x, base)
    priced = (result.deciding | (result.residual_usd > 0))[book.legs.of_row]
    priced &= _clearing(shape).most(book, shape.needed) > 0
    free = (pays >= result.z * (1 - REL_TOL)) & (pays > 0)
    price = weight / exact_sum(base[free]) if free.any() else 0.0
    spent = np.where(free | (shape.upper == 0), 0.0, -price)
    prices: dict[str, Floats | float] = {
        ":budget": price,
        ":sum": -price,
        ":burden": np.where(free, -price, 0.0),
        "closed:lots": spent,
        ":flow": np.where(priced, 0.0, -price * book.cost),
    }
    count = np.bincount(book.legs.position, minlength=book.source_lots.size)
    if np.any(count > 1):  # a lot counts once, against one row or another
        worth, legs = np.zeros(count.size), np.flatnonzero(priced[book.legs.row])
        worth[book.legs.position[legs]] = (spent[held.account] * held.lot_value)[legs]
        prices[":held"] = worth[count > 1]
    return _proven(
        linear_answer("min-max-contracts", shape, found.x, prices, z=result.z, closed=found.closed),
        weight * result.z,
    )


def _proven(raw: Raw, value: float) -> Raw | None:
    """Return an answer whose prices prove it; None where rounding leaves a gap, and HiGHS solves it."""
    gap = relative_gap(value, raw.proof.bound(), raw.proof.scale)
    return raw if gap <= PROVEN and all(check.passed for check in raw.proof.checks().values()) else None


def min_max_contract_lots(shape: Shape) -> Raw | None:
    """Least z in whole lots, by the lots kernel: proven where one market and side decides."""
    weight, _ = shape.part(MaxBurden)
    found = _levelled_of(shape)
    if found is None or not _most_is_paid(found) or not _keeps(shape, found.x, found.closed):
        return None
    proof = ContractLotsProof(found.result, weight)
    gap = relative_gap(weight * found.result.z, proof.bound(), proof.scale)
    proven = gap <= max(shape.options.mip_gap, PROVEN)
    lots = np.rint(found.closed).astype(np.int64)
    return Raw(verdict="optimal" if proven else "stopped", engine=LOTS, x=found.x, lots=lots, proof=proof)


def raised_in_contracts(case: Case) -> float | None:
    """Return the most that haircuts can raise, USD; None where no kernel knows it.

    An answer of a kernel leaves the least residual of those that keep fewer constraints.  Where it keeps all
    of them, nothing raises more.  At mean prices that is sure only where there is no residual.
    """
    found = _levelled_of(case)
    if found is None or not _keeps(case, found.x, found.closed):
        return None
    if _clearing(case).whole:
        known = _most_is_paid(found)
    else:
        known = found.one_price or not found.result.residual_usd.any()
    return exact_sum(found.x) if known else None


def _clearing(case: Case) -> Clearing:
    return next(rule for rule in case.program.subject_to if isinstance(rule, Clearing))


def _levelled_of(case: Case) -> Levelled | None:
    """Return the kernel's answer to the round of a case, whatever its objective is."""
    bases = {term.base for term in case.program.objective.terms if isinstance(term, MaxBurden)}
    base = "equity" if bases == {"equity"} else "capacity"
    hard = base == "capacity" and any(type(rule) is PositivePnl for rule in case.program.subject_to)
    assert isinstance(case.round, PricedRound)  # noqa: S101
    return least_burdens(case.round, _clearing(case), case.needed, base, hard)


@lru_cache(maxsize=1)
def least_burdens(
    round_: PricedRound, clearing: Clearing, needed: float, base: str, hard: bool
) -> Levelled | None:
    """Return the least burdens of a round; None where its lots are no problem of the kernel.

    The last answer is kept: what can be raised, and the program, are one problem.
    """
    legs, held, rows = round_.legs, round_.held, clearing.most(round_, needed)
    cells = int(legs.of_row.max(initial=-1)) + 1
    wanted = np.bincount(legs.of_row, rows, cells)
    part = np.divide(rows, wanted[legs.of_row], out=np.zeros(rows.size), where=rows > 0)
    cost = np.where(rows > 0, round_.cost, np.nan)
    low, high = np.full(cells, np.inf), np.zeros(cells)
    np.fmin.at(low, legs.of_row, cost)
    np.fmax.at(high, legs.of_row, cost)
    one_price = not np.any((low < high) & (wanted > 0))
    price = high if one_price else np.bincount(legs.of_row, part * round_.cost, cells)
    first = np.arange(legs.position.size)
    if rows.size > cells:
        first = np.unique(legs.position, return_index=True)[1]
    cell, who = legs.cell[first], held.account[first]
    value, lots = held.lot_size[first] * price[cell], held.lots[first]
    capacity, pays = burden_base(round_, base), value > 0
    if clearing.whole:
        if rows.size > cells or not _same_size(cell, held.lot_size[first], cells):
            return None
        columns = (who[pays], cell[pays], value[pays], lots[pays])
        result: Any = minmax_contract_lots(capacity, *columns, wanted * price, hard_cap=hard)
        closed = np.zeros(first.size)
        closed[pays] = result.lots
    else:
        result = minmax_contracts(capacity, who, cell, value * lots, wanted * price, hard_cap=hard)
        closed = np.minimum(np.divide(result.leg_usd, value, out=np.zeros(value.size), where=pays), lots)
    of_position = np.zeros(round_.source_lots.size)
    of_position[legs.position[first]] = closed
    each = of_position[legs.position] * (1.0 if clearing.whole else part[legs.row])
    return Levelled(result, each, np.asarray(result.haircut_usd, dtype=np.float64), one_price)


def _same_size(cell: Any, size: Floats, cells: int) -> bool:
    """Say whether all lots of each cell have one size: else lots that cover a cell may be too many."""
    low, high = np.full(cells, np.inf), np.zeros(cells)
    np.minimum.at(low, cell, size)
    np.maximum.at(high, cell, size)
    return not np.any(low < high)


def _most_is_paid(found: Levelled) -> bool:
    """Say whether whole lots cover all that the lots of each cell can: with hard caps they may not."""
    problem = found.result.problem
    lack = problem.payable() - (problem.demand - found.result.residual_usd)
    return not np.any(lack > REL_TOL * problem.demand)


def _keeps(case: Case, x: Any, closed: Any) -> bool:
    """Say whether an answer keeps the constraints of a program, but for what the haircuts must raise."""
    point = _point(case, x, closed)
    rules = (r for r in case.program.subject_to if not isinstance(r, (ExactBudget, Solvency)))
    return all(r.violation(point, case.round) <= KEPT * max(point.executed, 0.0) for r in rules)


def _point(case: Case, x: Any, closed: Any) -> Point:
    if _clearing(case).whole:
        return Point(x=x, needed=case.needed, lots=np.rint(closed).astype(np.int64))
    return Point(x=x, needed=case.needed, closed=closed)

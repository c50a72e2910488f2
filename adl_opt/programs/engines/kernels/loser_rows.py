"""Least largest burden where a market and side has several closing prices: a small linear program by HiGHS.

The program of a round has one row for the sum of all haircuts, which makes the simplex method slow.  Where
all that is asked for can be raised, every row of losers is closed in full.  Then :func:`minmax_loser_rows`
says the same without that row, and its prices are those of the program: the price of the budget is the
largest price of a dollar of any row, and rows whose dollars cost less are tight.
"""

from __future__ import annotations

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.losses import burden_base
from adl_opt.programs.engines.kernels.shape import Shape, linear_answer
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.loser_rows import minmax_loser_rows
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.clearing import Clearing
from adl_opt.rounds.columns import Floats


def min_max_loser_rows(shape: Shape, book: PricedRound, clearing: Clearing) -> Raw | None:
    """Least z over rows of losers; None where a row cannot be closed in full, or HiGHS does not solve it."""
    weight, term = shape.part(MaxBurden)
    legs, held, wanted = book.legs, book.held, clearing.most(book, shape.needed)
    base, rows, m = burden_base(book, term.base), wanted.size, book.source_lots.size
    position, first = np.unique(legs.position, return_index=True)
    who, size = held.account[first], held.lot_size[first]
    losers = (legs.of_row, wanted, book.cost)
    try:
        found = minmax_loser_rows(
            base, who, legs.cell[first], held.quantity[first], *losers, options=shape.options
        )
    except SolverError:
        return None
    if found.residual_contracts.any():
        return None
    pair = legs.row * m + legs.position
    order = np.argsort(pair)
    at = order[np.searchsorted(pair[order], found.row * m + position[found.leg])]
    closed = np.zeros(pair.size)
    closed[at] = found.contracts / held.lot_size[at]
    y = weight * found.proof.y
    of_row, of_leg, of_account = (
        y[:rows],
        y[rows : rows + first.size],
        np.minimum(y[rows + first.size :], 0.0),
    )
    slope = weight * np.minimum(found.proof.model.reduced_costs(found.proof.y)[:-1], 0.0)
    alone = wanted[found.row] <= held.quantity[at]  # a leg that takes a whole row: its bound is that row
    cheaper = np.zeros(rows)
    np.minimum.at(cheaper, found.row[alone], slope[alone])
    of_row = of_row + cheaper
    each = np.divide(of_row, book.cost, out=np.zeros(rows), where=(book.cost > 0) & (wanted > 0))
    price = max(float(np.max(each, initial=0.0)), 0.0)
    prices: dict[str, Floats | float] = {
        ":budget": price,
        ":sum": -price,
        ":burden": of_account,
        "closed:lots": np.where(shape.upper == 0, 0.0, -price - of_account),
        ":flow": np.minimum(of_row - price * book.cost, 0.0),
    }
    several = np.bincount(legs.position, minlength=m)[position] > 1
    if several.any():
        prices[":held"] = np.minimum(of_leg * size, 0.0)[several]
    x = np.asarray(found.haircut_usd)
    return linear_answer("loser-rows", shape, x, prices, z=found.z, closed=closed)

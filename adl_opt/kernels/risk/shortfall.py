"""The expected shortfall of equity after the next move: what a risk-based round makes least."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.risk.book import Equity, RiskBook
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.sums import total


def expected_shortfall(
    book: RiskBook, scenarios: PriceMoves, closed: npt.ArrayLike, *, equity: Equity = "after"
) -> float:
    """Return ``sum_i E[(e_i + (q_i - k_i)' dP)^-]``, what the venue must expect to lose next, USD.

    Parameters
    ----------
    book : RiskBook
    scenarios : PriceMoves
        The laws of dP.
    closed : (k,) contracts
        k, of each position in the user's order.
    equity : {'after', 'before'}
        Whether e is the equity after the haircuts of this round, ``e_i - g' k_i``, or before them.

    Returns
    -------
    float
        USD.  An account that is under water already counts as it stands.

    Notes
    -----
    O(positions x scenarios), in blocks of about eight MiB.  Accounts that no scenario can bring below zero
    are left out.

    References
    ----------
    arXiv 2603.15963 (objective); the sum over cross-margined accounts is derived in docs/risk-based.md.

    Examples
    --------
    >>> from adl_opt.kernels.risk.scenarios import PriceMoves
    >>> book = RiskBook.of([10.0], [0], [0], [2.0], [[1.0, 0.0]])
    >>> moves = PriceMoves.of([[-20.0], [20.0]], source="by hand")
    >>> expected_shortfall(book, moves, [0.0]), expected_shortfall(book, moves, [1.0])
    (15.0, 5.0)
    """
    book.check_scenarios(scenarios)
    k = book.sorted(closed)
    cash = book.equity - np.bincount(
        book.account, weights=book.seen(equity).gives_up * k, minlength=book.equity.size
    )
    return shortfall_of(cash, book, book.size - book.side * k, scenarios)


def shortfall_of(cash: Vector, book: RiskBook, held: Vector, scenarios: PriceMoves) -> float:
    """Return the expected shortfall of equities (n,) and contracts held (k,), signed."""
    far = np.abs(scenarios.moves).max(axis=0)
    worst = cash - np.bincount(book.account, weights=np.abs(held) * far[book.market], minlength=cash.size)
    idle = np.bincount(book.account, minlength=cash.size) == 0
    parts = [np.maximum(-cash[idle], 0.0) * scenarios.chance.sum()]
    moves = np.ascontiguousarray(scenarios.moves.T)
    for block in book.blocks(worst < 0, scenarios.chance.size):
        change = held[block.rows, None] * moves[book.market[block.rows]]
        equity = np.add.reduceat(change, block.first, axis=0) + cash[block.account, None]
        parts.append(np.maximum(-equity, 0.0) @ scenarios.chance)
    return total(np.concatenate(parts))

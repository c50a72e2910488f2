"""Leverage draining: the most levered are reduced first, by water-filling on what leverage remains.

Why it is exact.  One asset, positions of one side, and equities e_i > 0.  Account i keeps r_i = N_i - k_i.
Its equity after a move is e_i + r_i Z, where Z is the move for one contract, with the side's sign.  So its
expected shortfall is e_i f(r_i / e_i) with f(l) = E[(1 + l Z)^-], which is convex whatever the law of Z is.
The sum of the r_i is fixed.  By the conditions of Karush, Kuhn and Tucker an equal l = r_i / e_i is optimal,
but for accounts at a bound: the level of water-filling.  The level is the same for every law, and the largest
leverage is least as well.

After haircuts of g for a contract the equity is e_i - g k_i = (e_i - g N_i) + g r_i.  With E_i = e_i - g N_i
in place of e_i and g + Z in place of Z the same holds, as long as every E_i > 0.  Where E_i <= 0, E_i f is
not convex and levelling is wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from adl_opt.checks import refuse
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector, scalar, vector
from adl_opt.kernels.fill.narrow import meet_budget
from adl_opt.kernels.fill.ramps import Ramps
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.sums import total

_STILL = 1e-13  # relative to the largest factor leverage: sweeps end when levels move less
_SWEEPS = 10_000


def drain_leverage(
    size: npt.ArrayLike,
    equity: npt.ArrayLike,
    quantity: float,
    *,
    closable: npt.ArrayLike | None = None,
    gives_up: float = 0.0,
) -> Vector:
    """Close contracts of one asset and side so that the largest leverage left is least.

    Parameters
    ----------
    size : (n,) contracts
        N, what each account holds, >= 0.
    equity : (n,) USD
        e.
    quantity : float
        Q, contracts to close.  More than there is closes all that may be closed.
    closable : (n,) contracts, optional
        The most that may be closed of each; all by default.
    gives_up : float
        g, USD that one contract gives up (0: closed at the mark), >= 0.

    Returns
    -------
    (n,) float64
        k, contracts closed: ``k_i = clip(N_i - level (e_i - g N_i), 0, closable_i)``.  Leverage times price
        is r / e; without a price it is levelled as well.

    Raises
    ------
    InputError
        An account that holds contracts has e <= g N: it is not levelled.  The program
        :func:`~adl_opt.kernels.risk.saddle.risk_based` treats it.

    Notes
    -----
    Expected O(n).  It needs no law of the next move: the answer has the least expected shortfall under
    every one (see the head of this module), and is not the only one where a law is flat.

    References
    ----------
    arXiv 2603.15963 (abstract: leverage draining).  Haircuts and caps are derived here.

    Examples
    --------
    >>> drain_leverage([100.0, 40.0], [100.0, 20.0], 30.0).round(9)
    array([ 8.33333333, 21.66666667])
    """
    held = vector("size", size, low=0.0)
    cash = vector("equity", equity, size=held.size)
    most = held if closable is None else vector("closable", closable, size=held.size, low=0.0)
    refuse("closable is more than the position", most > held, lambda row: f"account {row}")
    cash = cash - scalar("gives_up", gives_up, low=0.0) * held
    _refuse_under_water(cash, held > 0)
    return _levelled(held, np.where(held > 0, cash, 1.0), most, scalar("quantity", quantity, low=0.0))


def drain_factor(book: RiskBook, beta: npt.ArrayLike) -> Vector:
    """Level factor-adjusted leverage, ``beta'(q - k) / e``, where one factor moves all markets.

    Parameters
    ----------
    book : RiskBook
        Every account that holds a position has e > 0, and nothing is given up (closed at the mark).
    beta : (m,)
        USD per contract by which each market moves with the factor: dP = beta f.

    Returns
    -------
    (k,) contracts
        Closed of each position, in the user's order.

    Raises
    ------
    InputError
        An account with e <= 0, or positions that give something up: use
        :func:`~adl_opt.kernels.risk.saddle.risk_based`.

    Notes
    -----
    With x_i = beta'(q_i - k_i) the shortfall is e_i f(x_i / e_i), f(l) = E[(1 + l f)^-] convex: the x_i / e_i
    are levelled, with their sign.  Where accounts are not turned round, this levels abs(x_i) / e_i.  Where
    one market and side closes, the answer is one water-filling.  With several, what can be closed is a flow
    from markets to accounts, and the x that makes sum x_i^2 / e_i least is best for every convex f (S.
    Fujishige, Lexicographically optimal base of a polymatroid, Math. Oper. Res. 5, 1980).  It is found by
    one water-filling after another until nothing moves.

    Examples
    --------
    A hedged account (long 100 of each side of a pair) is left alone; the unhedged one is reduced.

    >>> book = RiskBook.of([50.0, 50.0], [0, 0, 1], [0, 1, 0], [100, -100, 100], [[30, 0], [0, 0]])
    >>> drain_factor(book, [1.0, 1.0])
    array([ 0.,  0., 30.])
    """
    rate = vector("beta", beta, size=len(book.quantity))[book.market]
    holds = np.bincount(book.account, minlength=book.equity.size) > 0
    _refuse_under_water(book.equity, holds)
    refuse("factor-adjusted levelling closes at the mark", book.gives_up > 0, lambda row: f"position {row}")
    exposure = np.bincount(book.account, weights=book.size * rate, minlength=book.equity.size)
    slope, closed = book.side * rate, np.zeros(book.size.size)
    pools = [
        np.flatnonzero((book.pool == pool) & (book.can_close > 0)) for pool in np.flatnonzero(book.to_close)
    ]
    for _ in range(_SWEEPS):
        moved = 0.0
        for rows in pools:
            who, steep = book.account[rows], np.abs(slope[rows])
            now, most = closed[rows], book.can_close[rows]
            if not steep[0]:  # the market does not move with the factor
                new = most * (book.to_close[book.pool[rows[0]]] / total(most))
            else:
                ahead = np.sign(slope[rows]) * exposure[who] / steep + now
                new = _levelled(
                    ahead, book.equity[who] / steep, most, float(book.to_close[book.pool[rows[0]]])
                )
            change = slope[rows] * (new - now)
            exposure[who] -= change
            closed[rows] = new
            moved = max(moved, float(np.max(np.abs(change) / book.equity[who], initial=0.0)))
        largest = float(np.max(np.abs(exposure[holds]) / book.equity[holds], initial=0.0))
        if len(pools) < 2 or moved <= _STILL * largest:
            break
    return book.restored(closed)


def _levelled(ahead: Vector, slope: Vector, most: Vector, quantity: float) -> Vector:
    """Return k = clip(ahead + slope t, 0, most) whose sum is the quantity (all, if it cannot be)."""
    return meet_budget(Ramps(ahead, slope, most, np.ones(most.size)), quantity)


def _refuse_under_water(cash: Vector, holds: npt.NDArray[np.bool_]) -> None:
    wrong = holds & (cash <= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            "an account without equity (after its haircut in full) cannot be levelled",
            got=f"account {row}: {float(cash[row])!r} USD (and {int(wrong.sum()) - 1} more)",
            ways_out=["use risk_based, which treats such accounts exactly", "leave these accounts out"],
        )

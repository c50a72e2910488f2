"""Min-max with few payers and a smallest ticket, in closed form.

At a burden z an account can pay min(capacity, z base), and pays nothing where that is below the ticket.  At
most k accounts pay, and tickets of the budget allow at most budget // ticket of them: let r be the smaller
number.  The budget can be raised at z exactly where the r largest of those amounts reach it, for each payer
may then go down to its ticket.  That sum does not fall as z rises, so the least z is found by halving an
interval of floats until its ends are neighbours: about 60 sums of O(n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector, vector


@dataclass(frozen=True, eq=False)
class Selection:
    """Who pays at the least burden.

    Parameters
    ----------
    z : float
        The largest burden of the haircuts.
    x : (n,) USD
        Haircuts; they add up to the budget.
    lower_bound : float
        Below it the accounts cannot raise the budget.
    """

    z: float
    x: Vector
    lower_bound: float


def select_payers(
    capacity: npt.ArrayLike, base: npt.ArrayLike, budget: float, *, accounts: int, ticket: float = 0.0
) -> Selection | None:
    """Return the haircuts of at most ``accounts`` payers at the least largest burden, or None.

    Parameters
    ----------
    capacity, base : (n,) USD >= 0
        An account with base 0 cannot pay.
    budget : float
        USD >= 0, to be raised exactly.
    accounts : int
        k: so many accounts may pay.
    ticket : float
        USD: a haircut is 0 or at least this.

    Returns
    -------
    Selection or None
        None where no choice of payers raises the budget.

    Raises
    ------
    InputError
        Negative or non-finite amounts, or lengths that differ.

    Examples
    --------
    >>> found = select_payers([10.0, 30.0, 2.0], [10.0, 30.0, 2.0], 8.0, accounts=2)
    >>> found.z, found.x.tolist()
    (0.2, [2.0, 6.0, 0.0])
    """
    u = vector("capacity", capacity, low=0.0)
    b = vector("base", base, size=u.size, low=0.0)
    if budget == 0:
        return Selection(0.0, np.zeros_like(u), 0.0)
    able = np.where(b > 0, u, 0.0)
    most = min(accounts, u.size, int(budget // ticket) if ticket > 0 else u.size)
    if most < 1 or _raised(able, math.inf, b, most, ticket) < budget:
        return None
    full = np.divide(able, b, out=np.zeros_like(b), where=b > 0)
    low, high = 0.0, float(np.max(full))
    while (middle := low + (high - low) / 2) not in (low, high):
        if _raised(able, middle, b, most, ticket) < budget:
            low = middle
        else:
            high = middle
    x = _paid(able, high, b, most, ticket, budget)
    z = float(np.max(np.divide(x, b, out=np.zeros_like(b), where=b > 0), initial=0.0))
    return Selection(z, x, low)


def _amounts(able: Vector, z: float, base: Vector, ticket: float) -> Vector:
    pays = able if math.isinf(z) else np.minimum(able, z * base)
    return np.where(pays >= ticket, pays, 0.0)


def _raised(able: Vector, z: float, base: Vector, most: int, ticket: float) -> float:
    pays = _amounts(able, z, base, ticket)
    return math.fsum(pays if most >= pays.size else np.partition(pays, pays.size - most)[-most:])


def _paid(able: Vector, z: float, base: Vector, most: int, ticket: float, budget: float) -> Vector:
    """Return the haircuts at z, lowered towards the ticket until they add up to the budget."""
    pays = _amounts(able, z, base, ticket)
    x = np.zeros_like(pays)
    payers = np.argsort(-pays, kind="stable")[:most]
    payers = payers[pays[payers] > 0]
    x[payers] = pays[payers]
    for payer in payers[::-1]:
        excess = math.fsum([*x[payers], -budget])
        if excess <= 0:
            break
        x[payer] = max(x[payer] - excess, ticket)
    return x

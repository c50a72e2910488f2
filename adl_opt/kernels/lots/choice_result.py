"""Result of the min-max over lots and payers, and its certificate, without the code of the search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.lots.certificate import SUMS_LIMIT, WORK_LIMIT, loose_bounds, lots_checks, most_below
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.kernels.lots.result import LotsCertificate, LotsResult


@dataclass(frozen=True)
class LotsChoiceCertificate(LotsCertificate):
    """The checks of `LotsCertificate` for at most k payers, and ``payers``.

    ``lower_bound``: below it no k accounts reach the budget.  ``payers``: the chosen accounts are exactly
    those that pay, and at most k.
    """

    payers: bool


@dataclass(frozen=True)
class LotsChoiceResult(LotsResult):
    """Whole lots of at most k accounts that cover a budget at the smallest largest burden.

    Attributes
    ----------
    chosen : ndarray of int64
        Rows of the accounts that pay, ascending.
    accounts : int
        k, how many may pay.
    overshoot_proven : bool
        True when no k accounts with burdens up to `z` overshoot less, or as much with fewer lots.
    """

    chosen: NDArray[np.int64]
    accounts: int

    def certify(self) -> LotsChoiceCertificate:
        """Check the answer against the problem, by code that the search does not use.

        Returns
        -------
        LotsChoiceCertificate
            Never raises for a result of `minmax_lots_choice`, however its fields were changed.

        Notes
        -----
        At ``lower_bound * (1 - 1e-12)`` the k largest caps are summed; while they reach the budget, the
        caps among them are replaced by listed subset sums.  Accounts with more than `SUMS_LIMIT` sums count
        with their cap, so a true bound may, rarely, stay unconfirmed (False).

        Examples
        --------
        >>> from adl_opt.kernels import minmax_lots_choice
        >>> minmax_lots_choice([10.0, 10.0], [0, 1], [3.0, 4.0], [3, 2], 8.0, 1).certify().ok
        True
        """
        try:
            with np.errstate(all="ignore"):
                checks = lots_checks(self, partial(payable_by, accounts=self.accounts))
                return LotsChoiceCertificate(*(*checks, self._payers_follow()))
        except (TypeError, ValueError, ArithmeticError, IndexError):
            return LotsChoiceCertificate(False, False, False, False, False, False, False)

    def _payers_follow(self) -> bool:
        paying = np.unique(self.problem.account[np.asarray(self.lots) > 0])
        return paying.size <= self.accounts and np.array_equal(paying, np.asarray(self.chosen))


def payable_by(problem: LotsProblem, z: float, goal: float, accounts: int) -> float:
    """Upper bound on what the best ``accounts`` accounts pay at burden z, USD."""
    return sharpened(problem, z, goal, accounts)[0]


def sharpened(problem: LotsProblem, z: float, goal: float, accounts: int) -> tuple[float, list[int]]:
    """Return what the best ``accounts`` accounts pay at burden z at most (USD), and whose sums were listed.

    Sharpened, an eighth of the open accounts at a time, until below the goal or nothing among them is open.
    """
    if accounts == 0:
        return 0.0, []
    loose, work, settled = loose_bounds(problem, z), 0.0, set()
    bound, owner = loose.bound, loose.owner
    for limit in (SUMS_LIMIT // 200, SUMS_LIMIT):
        tried = np.ones(bound.size, dtype=bool)
        tried[owner[loose.worth > 0]] = False
        for _ in range(owner.size + 1):  # every pass lists the sums of at least one account
            top = np.argsort(-bound, kind="stable")[:accounts]
            places = np.searchsorted(owner, top[~tried[top]])
            if math.fsum(bound[top]) < goal or places.size == 0 or work > WORK_LIMIT:
                break
            order = np.argsort(-loose.worth[places], kind="stable")
            for place in places[order[: places.size // 8 + 1]]:
                who, rows = int(owner[place]), loose.groups[int(place)]
                listed = most_below(problem.lot_value[rows], loose.fit[rows], float(loose.room[who]), limit)
                bound[who], tried[who] = min(bound[who], listed), True
                settled.add(who)
                work += min(float(loose.cost[place]), limit)
    return math.fsum(np.sort(bound)[::-1][:accounts]), sorted(settled)

"""Result of the min-max over lots and payers, and its certificate, without the code of the search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.lots.certificate import MOST_PAIRS, Caps, lots_checks
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.kernels.lots.result import LotsCertificate, LotsResult
from adl_opt.proofs.sums import exact_sum


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
        caps among them are replaced by best sums of whole lots.  That work is limited (`MOST_PAIRS`), so a
        true bound may, rarely, stay unconfirmed (False).

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
    caps, work = Caps(problem, z), 0.0
    place, listed = np.full(caps.bound.size, -1), caps.alike.tolist()
    place[caps.open] = np.where(caps.cost <= MOST_PAIRS, np.arange(caps.open.size), -1)
    while accounts > 0:
        top = np.argsort(-caps.bound, kind="stable")[:accounts]
        places = place[top][place[top] >= 0]
        if exact_sum(caps.bound[top]) < goal or places.size == 0 or work > MOST_PAIRS:
            break
        places = places[np.argsort(-caps.gain[places] / caps.cost[places], kind="stable")]
        places = places[: places.size // 8 + 1]
        caps.sharpen(places)
        work += float(np.sum(caps.cost[places]))
        listed += caps.open[places].tolist()
        place[listed] = -1
    return exact_sum(np.sort(caps.bound)[::-1][:accounts]), sorted(listed)

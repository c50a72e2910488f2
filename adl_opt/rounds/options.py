"""What the options of a round say: who may be closed, in which band, which accounts share a cap, which pairs.

Every rule is held to them (:mod:`adl_opt.allocation.limits`), and so is every program
(:mod:`adl_opt.programs.terms.options`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from adl_opt.errors import LackError
from adl_opt.kernels.fill.whole import SLACK
from adl_opt.rounds.columns import Floats, Ints

if TYPE_CHECKING:
    from adl_opt.rounds.tables import Accounts, Flow, Positions


def cohorts(accounts: Accounts) -> tuple[Ints, Floats]:
    """Return which cohort each account is in, (n,), and the cap of each cohort, USD."""
    assert accounts.cohort is not None  # noqa: S101
    assert accounts.cohort_cap is not None  # noqa: S101
    _, first, cohort = np.unique(accounts.cohort, return_index=True, return_inverse=True)
    return cohort.astype(np.int64), accounts.cohort_cap[first]


def closable(accounts: Accounts, held: Positions) -> Ints:
    """Return the whole lots of each position that may be closed, (m,): none of exempt accounts."""
    if accounts.exempt is None:
        return held.lots
    return np.where(accounts.exempt[held.account] == 1, 0, held.lots)


def out_of_band(flow: Flow) -> npt.NDArray[np.bool_]:
    """Return which rows of the flow would be closed outside of the band around the mark, (k,).

    Raises
    ------
    LackError
        There is a band, and no closing price to hold against it.
    """
    if flow.band is None:
        return np.zeros(len(flow), dtype=np.bool_)
    if flow.closing is None:
        raise LackError(
            "a price band needs closing prices",
            got="flow with band, without close and bankruptcy",
            ways_out=["give bankruptcy or close", "leave the band out"],
        )
    return np.asarray(np.abs(flow.closing - flow.mark) > flow.band * flow.mark * (1.0 + SLACK))


def uneven_legs(held: Positions, lots: Ints) -> tuple[Ints, Ints]:
    """Return the legs of hedged pairs of which too much is closed, and the lots that would be even.

    A leg is closed too far where its share exceeds the least share of its pair by more than the tolerance.
    """
    legs = np.flatnonzero((held.hedge > 0) & (held.lots > 0))
    if not legs.size:
        return legs, legs
    _, pair = np.unique(np.stack([held.account[legs], held.hedge[legs]]), axis=1, return_inverse=True)
    pair = pair.ravel()
    share = lots[legs] / held.lots[legs]
    least, slack = np.ones(pair.max() + 1), np.full(pair.max() + 1, np.inf)
    np.minimum.at(least, pair, share)
    np.minimum.at(slack, pair, held.hedge_tolerance[legs])
    allowed = (least + slack)[pair]
    over = share > allowed + SLACK
    return legs[over], np.floor(allowed[over] * held.lots[legs[over]] + SLACK).astype(np.int64)


def hedged_pairs(held: Positions) -> tuple[Ints, Ints, Floats]:
    """Return both positions of each hedged pair, (p,) and (p,), and by how much their shares may differ.

    Of three legs or more with one number every two are a pair; the least tolerance of all holds for each.
    """
    legs = np.flatnonzero((held.hedge > 0) & (held.lots > 0))
    key = held.account[legs] * (int(held.hedge.max(initial=0)) + 1) + held.hedge[legs]
    order = np.argsort(key, kind="stable")
    legs, key = legs[order], key[order]
    _, start, count = np.unique(key, return_index=True, return_counts=True)
    tolerance = np.minimum.reduceat(held.hedge_tolerance[legs], start) if start.size else np.zeros(0)
    parts = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))]
    for one in range(1, int(count.max(initial=1))):
        for other in range(one):
            has = count > one
            parts.append((legs[start[has] + other], legs[start[has] + one], tolerance[has]))
    first, second, slack = (np.concatenate([part[k] for part in parts]) for k in range(3))
    return first, second, slack

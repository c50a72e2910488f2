"""The order of candidates: who qualifies, why others do not, and what is said of the first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 0.05
"""Where no candidate qualifies, shares of the needed USD that are this near to the best count as equal."""

MARGIN = 1e-9
"""Of a burden above 1: rounding."""


def candidates_in_order(frames: Mapping[str, pd.DataFrame], cover: float) -> pd.DataFrame:
    """Return the candidates, best first: those that qualify by their mean loss, then the others.

    A candidate qualifies where it raises the share ``cover`` in each evidence, and takes of no account more
    than it has: no burden is above 1.  Of the others those come first whose coverage is within
    :data:`TOLERANCE` of the best, by their mean loss; then by coverage; last those that take too much.

    ``frames`` are those of the evidence (:meth:`Evidence.frame`), by its name.

    Columns are ``qualifies``, ``reason`` (why it does not), ``takes_too_much``, ``max_burden``, ``score``
    (mean loss for each USD needed), ``covered`` (the least share of the needed USD in any evidence), and
    ``loss_share`` and ``covered_share`` of each evidence by its name.
    """
    import pandas as pd

    made = pd.DataFrame(index=frames["own"].index)
    burdens = pd.DataFrame(index=made.index)
    for name, frame in frames.items():
        for figure in ("loss_share", "covered_share"):
            made[f"{figure}_{name}"] = frame[figure].reindex(made.index)
        burdens[name] = frame["max_burden"].reindex(made.index)
    losses = made[[f"loss_share_{name}" for name in frames]]
    shares = made[[f"covered_share_{name}" for name in frames]].set_axis(list(frames), axis=1)
    made.insert(0, "covered", shares.min(axis=1, skipna=False))
    made.insert(0, "score", losses.mean(axis=1, skipna=False))
    made.insert(0, "max_burden", burdens.max(axis=1))
    made.insert(0, "takes_too_much", made["max_burden"] > 1.0 + MARGIN)
    rows = zip(shares.to_dict("records"), burdens.to_dict("records"), strict=True)
    reasons = [_reason(share, burden, cover) for share, burden in rows]
    made.insert(0, "reason", reasons)
    made.insert(0, "qualifies", [not reason for reason in reasons])
    short = made["covered"].fillna(-1.0)
    near = short >= short[~made["takes_too_much"]].max() - TOLERANCE
    made["_short"] = np.where(made["qualifies"] | near, 0.0, -short)
    by = ["qualifies", "takes_too_much", "_near", "_short", "score"]
    order = made.assign(_near=near).sort_values(by, ascending=[False, True, False, True, True], kind="stable")
    return order.drop(columns=["_short", "_near"])


def _reason(shares: dict[Any, float], burdens: dict[Any, float], cover: float) -> str:
    """Return why a candidate does not qualify, by its figures in each evidence; nothing where it does."""
    made = []
    where, most = max(burdens.items(), key=lambda item: -1.0 if math.isnan(item[1]) else item[1])
    if most > 1.0 + MARGIN:
        times = f"{most:.3g} times what an account has" if math.isfinite(most) else "of accounts with nothing"
        made.append(f"takes {times} ({where})")
    if lacking := [str(name) for name, share in shares.items() if math.isnan(share)]:
        made.append(f"not tried ({', '.join(lacking)})")
    else:
        where, least = min(shares.items(), key=lambda item: item[1])
        if least < cover - 1e-12:
            made.append(f"raises {100.0 * least:.1f} % ({where})")
    return "; ".join(made)


def verdict_on(table: pd.DataFrame) -> str:
    """Return what is said of the first candidate of a ranking.

    Examples
    --------
    >>> import pandas as pd
    >>> verdict_on(pd.DataFrame({"qualifies": [False], "takes_too_much": [False]}, index=["ogd/pro-rata"]))
    'none qualifies; nearest: ogd/pro-rata'
    """
    first = table.iloc[0]
    if first["qualifies"]:
        return f"recommended: {table.index[0]}"
    if first["takes_too_much"]:
        return "none qualifies, and none is near: each candidate takes more than accounts have"
    return f"none qualifies; nearest: {table.index[0]}"

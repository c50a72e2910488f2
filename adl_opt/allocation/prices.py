"""The price at which the flow of a round is closed: the round's own, or that of a venue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.errors import LackError
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CLOSE, pnl_per_contract
from adl_opt.rounds.flows import side_of, tables_in_contracts, terms_of

if TYPE_CHECKING:
    from adl_opt.rounds.closures import Closures
    from adl_opt.rounds.round import Round


def priced(round_: Round, price: str) -> Round:
    """Return a round in contracts whose flow is closed at a price.

    Parameters
    ----------
    round_ : Round
    price : str
        ``close`` (:attr:`Flow.closing`), ``mark``, ``previous mark``, ``bankruptcy``, or ``capped mark``: the
        mark, but none at which a loser would lose more than it has.

    Raises
    ------
    LackError
        The flow lacks a column that the price needs.
    """
    if price == CLOSE:
        return round_
    flow, _ = tables_in_contracts(round_)
    needed = "previous_mark" if price == "previous mark" else "bankruptcy"
    lacking = flow.missing(needed) if price != "mark" else []
    lacking += ["bankruptcy"] if flow.closing is None and "bankruptcy" not in lacking else []
    if lacking:
        raise LackError(
            f"a rule closes at a price that the round lacks: {price}",
            got=f"round {round_.number}: flow without {', '.join(lacking)}",
            ways_out=["give the columns", 'choose price="close" (--price close)'],
        )
    bankrupt = flow.mark if flow.bankruptcy is None else flow.bankruptcy
    long = side_of(flow) > 0
    close = {
        "mark": flow.mark,
        "previous mark": flow.previous_mark,
        "bankruptcy": bankrupt,
        "capped mark": np.where(long, np.maximum(flow.mark, bankrupt), np.minimum(flow.mark, bankrupt)),
    }[price]
    return replace(round_, flow=replace(flow, close=close))


def beyond_close(round_: Round, closures: Closures) -> Floats:
    """Return how much more a contract gives up at the price of closures than at the flow's own, (k,) USD."""
    flow, _ = tables_in_contracts(round_)
    if flow.closing is None or closures.close is None:
        return np.zeros(len(flow))
    kind, *terms = terms_of(round_)
    return pnl_per_contract(kind, side_of(flow), flow.closing, closures.close, *terms)

"""The pool of dollars behind a round in contracts.

The function takes the table as it comes, so that :mod:`adl_opt.rounds.round` can stand on it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.rounds.contracts import UNLISTED, notional_per_contract


def gaining(held: Any) -> Any:
    """Return the Positions with PNL, with notional, as a round in wealth has them."""
    gains = (held.lot_value > 0) & (held.market != UNLISTED)
    held = held if gains.all() else held.take(np.flatnonzero(gains))
    if held.notional is not None:
        return held
    terms = held.kind, held.mark, held.multiplier, held.settlement_rate
    return replace(held, notional=held.quantity * notional_per_contract(*terms))

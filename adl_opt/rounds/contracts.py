"""What a contract is worth: linear and inverse contracts, their PNL, and what closing one gives up.

All functions take arrays, or numbers, of one shape.  They know no round, so the nouns can be built on them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LINEAR, INVERSE = "linear", "inverse"
KINDS_OF_CONTRACT = (LINEAR, INVERSE)
CROSS, ISOLATED = "cross", "isolated"
MARGIN_MODES = (CROSS, ISOLATED)
SPACES = WEALTH, CONTRACTS = "wealth", "contracts"
"""The two spaces of a round: a pool of dollars, or contracts by market and side."""
UNLISTED = "(not listed)"
"""The market of a line that stands for all positions of an account that a source does not list.

It counts in PNL and equity.  No flow is against it, and in wealth it is left out.
"""
PRICES = CLOSE, VENUE = "close", "venue"
"""What a replay in contracts closes at: ``Flow.close`` for every rule, or the price of each rule's venue."""


def pnl_per_contract(
    kind: Any, side: Any, entry: Any, price: Any, multiplier: Any = 1.0, settlement_rate: Any = 1.0
) -> Floats:
    """Return the PNL of one contract at a price, USD.

    Parameters
    ----------
    kind : text
        ``linear``: side (price - entry) multiplier, in the settlement asset.  ``inverse``: side (1 / entry -
        1 / price) multiplier, in coin.
    side : +1 long, -1 short
    entry, price : USD > 0
    multiplier : > 0
        Units of the asset, of an inverse contract USD, that one contract stands for.
    settlement_rate : USD > 0
        What one unit of the settlement asset is worth.

    Examples
    --------
    >>> float(pnl_per_contract("linear", 1, 60_000.0, 62_000.0))
    2000.0
    >>> round(float(pnl_per_contract("inverse", -1, 62_000.0, 60_000.0, 100.0, 60_000.0)), 6)
    3.225806
    """
    inverse = np.asarray(kind) == INVERSE
    entry, price = np.asarray(entry, dtype=np.float64), np.asarray(price, dtype=np.float64)
    linear_gain = price - entry
    inverse_gain = (price - entry) / entry / price
    gain = np.where(inverse, inverse_gain, linear_gain)
    return np.asarray(side * gain * multiplier * settlement_rate, dtype=np.float64)


def given_up_per_contract(
    kind: Any,
    losers: Any,
    close: Any,
    executed: Any,
    multiplier: Any = 1.0,
    settlement_rate: Any = 1.0,
) -> Floats:
    """Return g, USD: what a winner gives up with each contract that is closed against losers.

    It is what the contract would have brought more at the price of the market than at the closing price.  A
    negative g is a gain for the winner.

    Parameters
    ----------
    kind, multiplier, settlement_rate
        As in :func:`pnl_per_contract`.
    losers : +1 long, -1 short
        Side of the losers; the winner is on the other.
    close : USD > 0
        The closing price of the venue's rule.
    executed : USD > 0
        The price that the market would have paid.

    Examples
    --------
    A bankrupt long is closed at 650, and the market pays 600: a short gives up 50.

    >>> float(given_up_per_contract("linear", 1, 650.0, 600.0))
    50.0
    """
    return pnl_per_contract(kind, losers, executed, close, multiplier, settlement_rate)


def return_on_entry(kind: Any, side: Any, entry: Any, mark: Any) -> Floats:
    """Return PNL over the value at entry, without unit: inverse contracts count both in coin.

    Examples
    --------
    >>> round(float(return_on_entry("inverse", 1, 60_000.0, 62_000.0)), 4)
    0.0323
    """
    gain = np.asarray(side) * (np.asarray(mark, dtype=np.float64) - entry)
    return np.asarray(gain / np.where(np.asarray(kind) == INVERSE, mark, entry), dtype=np.float64)


def notional_per_contract(kind: Any, mark: Any, multiplier: Any = 1.0, settlement_rate: Any = 1.0) -> Floats:
    """Return the notional of one contract at the mark, USD: of an inverse contract multiplier / mark coins.

    Examples
    --------
    >>> float(notional_per_contract("inverse", 50_000.0, 100.0, 50_000.0))
    100.0
    """
    mark = np.asarray(mark, dtype=np.float64)
    units = np.where(np.asarray(kind) == INVERSE, 1.0 / mark, mark)
    return np.asarray(units * multiplier * settlement_rate, dtype=np.float64)

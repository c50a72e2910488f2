"""Which lots of which position are closed against which row of the flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NAMES = {1: "long", -1: "short"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Closures:
    """What one allocation closes, and what it was to close.

    Parameters
    ----------
    position, row, lots : (c,) int
        So many whole lots of the position are closed against the losers of that row of the flow.
    contracts : (c,)
        The same in contracts.
    account : (c,) int
        Who holds the position.
    wanted : (k,) contracts
        What was to be closed of each row of the flow.
    cells : k of (market, side)
        Market and losers' side of each row.
    given_up : (k,) USD
        g of each row: what a winner gives up with each contract; a negative g is a gain.
    close : (k,) USD, optional
        The price at which each row is closed, where it is known.
    """

    position: Ints
    row: Ints
    lots: Ints
    contracts: Floats
    account: Ints
    wanted: Floats
    cells: tuple[tuple[str, str], ...]
    given_up: Floats
    close: Floats | None = None

    def haircuts(self, accounts: int) -> Floats:
        """Return the haircut of each account, USD >= 0; a gain is none."""
        cut = self.contracts * np.maximum(self.given_up, 0.0)[self.row]
        return np.bincount(self.account, cut, minlength=accounts).astype(np.float64)

    def gains(self, accounts: int) -> Floats:
        """Return what each account gains where the closing price is better than the market's, USD >= 0."""
        gain = self.contracts * np.maximum(-self.given_up, 0.0)[self.row]
        return np.bincount(self.account, gain, minlength=accounts).astype(np.float64)

    def left(self) -> Floats:
        """Return the contracts of each row that were to be closed and are not, (k,)."""
        closed = np.bincount(self.row, self.contracts, minlength=self.wanted.size)
        left = self.wanted - closed
        return np.where(left > 1e-9 * self.wanted, left, 0.0)

    def residual(self) -> dict[tuple[str, str], float]:
        """Return the contracts that are left of each (market, losers' side), by name."""
        out: dict[tuple[str, str], float] = dict.fromkeys(self.cells, 0.0)
        for cell, left in zip(self.cells, self.left().tolist(), strict=True):
            out[cell] += left
        return out

    @property
    def residual_usd(self) -> float:
        """USD: what the contracts that are left would have brought."""
        return float(self.left() @ np.maximum(self.given_up, 0.0))

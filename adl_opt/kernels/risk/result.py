"""The answer of a risk-based round, and its certificate."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.risk.book import Equity, RiskBook
from adl_opt.kernels.risk.bound import Prices, proven_bound
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from adl_opt.proofs.certificate import Certificate, Check, once, outside, relative_gap

CLOSE = 1e-9
"""Error allowed in what is closed of a market and side, relative to it."""

SAME = 1e-12
"""Error allowed in the stated shortfall and bound, relative to the shortfall where nothing is closed."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RiskResult:
    """Which contracts are closed, and how near this is to the least expected shortfall.

    Parameters
    ----------
    closed : (k,) contracts
        Of each position, in the user's order.
    residual : (m, 2) contracts
        What nobody holds to close, of long and of short positions.
    shortfall_usd : float
        Expected shortfall after closing.
    bound_usd : float
        No way of closing has a lower one (proven by ``prices``).
    equity : {'before', 'after'}
        Whether equity is seen before or after the haircuts of this round.
    method : str
    steps : int
        Of the first-order method.
    book, scenarios, prices
        What the answer is judged by.

    Examples
    --------
    >>> from adl_opt.kernels.risk.saddle import risk_based
    >>> book = RiskBook.of([100.0, 20.0], [0, 1], [0, 0], [100.0, 40.0], [[30.0, 0.0]], gives_up=[0.5, 0.5])
    >>> moves = PriceMoves.of([[-1.0], [0.01]], [0.1, 0.9], source="by hand")
    >>> answer = risk_based(book, moves, equity="after")
    >>> answer.closed.round(6), round(answer.shortfall_usd, 6), answer.certify().ok
    (array([ 0., 30.]), 0.5, True)
    """

    closed: Vector
    residual: npt.NDArray[np.float64]
    shortfall_usd: float
    bound_usd: float
    equity: Equity
    method: str
    steps: int
    book: RiskBook = field(repr=False)
    scenarios: PriceMoves = field(repr=False)
    prices: Prices = field(repr=False)

    @property
    def gap(self) -> float:
        """(shortfall - bound) / shortfall."""
        return relative_gap(self.shortfall_usd, self.bound_usd, 0.0)

    @once
    def certify(self) -> Certificate:
        """Check the answer from the book alone: the pairs that were left out are looked at again."""
        book, size = self.book, self.book.size.size
        if np.shape(self.closed) != (size,) or not np.all(np.isfinite(self.closed)):
            return Certificate(checks={"cents:range": Check.that(False)})
        k = book.sorted(self.closed)
        sums = np.bincount(book.pool, weights=k, minlength=book.quantity.size)
        left = np.abs(book.quantity - book.to_close.reshape(book.quantity.shape) - self.residual)
        worth = expected_shortfall(book, self.scenarios, self.closed, equity=self.equity)
        bound = proven_bound(book.seen(self.equity), self.scenarios, self.prices)
        scale = max(expected_shortfall(book, self.scenarios, np.zeros(size)), worth)
        off = np.max(np.abs(sums - book.to_close) / np.maximum(book.to_close, 1e-300), initial=0.0)
        checks = {
            "cents:range": Check(max(outside(k, 0.0, np.inf), outside(k - book.can_close, -np.inf, 0.0))),
            "cents:quantity": Check(float(off), CLOSE),
            "residual": Check(float(np.max(left, initial=0.0))),
            "shortfall": Check(abs(worth - self.shortfall_usd), SAME * scale),
            "stated-bound": Check(self.bound_usd - bound, SAME * scale),
        }
        gap = relative_gap(worth, bound, scale)
        source = "re-derived from prices of pairs and pools"
        return Certificate(checks=checks, bound=bound, gap=gap, rederived_bound=bound, bound_source=source)


def risk_result(
    book: RiskBook,
    scenarios: PriceMoves,
    closed: Vector,
    prices: Prices,
    *,
    equity: Equity,
    method: str,
    steps: int = 0,
) -> RiskResult:
    """Compute shortfall and bound from the contracts closed (in the order of the book) and the prices."""
    kept = prices.price > 0
    prices = Prices(prices.account[kept], prices.scenario[kept], prices.price[kept])
    given = book.restored(closed)
    return RiskResult(
        closed=given,
        residual=book.residual,
        shortfall_usd=expected_shortfall(book, scenarios, given, equity=equity),
        bound_usd=proven_bound(book.seen(equity), scenarios, prices),
        equity=equity,
        method=method,
        steps=steps,
        book=book,
        scenarios=scenarios,
        prices=prices,
    )

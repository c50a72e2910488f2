"""Risk-based closing over all markets: a first-order method for contracts and prices, with a proven gap.

The problem is ``min over k of max over w`` of a function that is linear in each: k are contracts in boxes
that add up by market and side, w are prices of pairs (account, scenario), at most the scenario's probability.

1. One step.  Contracts go down the slope that the prices give and are projected exactly on boxes and sums.
   Then prices go up by how far the pairs fall short, within their limits.  The lengths of the steps follow
   from the sums of the rows and columns of the matrix; one number, the weight, trades one for the other.
2. The mean of the steps converges faster than the last one.  Every 40 steps both are measured, each by its
   true gap: what the contracts cost, less what the prices prove.
3. Restart.  Where the gap has halved, or much time has passed, the method starts again from the better of the
   two, with a weight that follows how far contracts and prices have moved.

References: A. Chambolle, T. Pock, A first-order primal-dual algorithm, J. Math. Imaging Vis. 40, 2011; the
same, Diagonal preconditioning, ICCV 2011; D. Applegate et al., PDLP, NeurIPS 2021 (restarts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.kernels.arrays import Vector, scalar
from adl_opt.kernels.risk.book import Equity, RiskBook
from adl_opt.kernels.risk.bound import Prices
from adl_opt.kernels.risk.layers import Layers
from adl_opt.kernels.risk.pairs import Pairs
from adl_opt.kernels.risk.pools import Pools
from adl_opt.kernels.risk.result import RiskResult, risk_result
from adl_opt.kernels.risk.scenarios import PriceMoves

MEASURE = 40
"""Steps between two measurements of the gap."""

_HALVED, _LONG = 0.5, 0.4  # restart where the gap has halved, or a run is so long a part of all steps
_FLAT = 1e-2  # a position that hardly matters steps as if its column had this part of a mean sum


def risk_based(
    book: RiskBook,
    scenarios: PriceMoves,
    *,
    equity: Equity = "after",
    gap: float = 1e-6,
    steps: int = 20_000,
) -> RiskResult:
    """Close what must be closed so that the expected shortfall of equity is least.

    Minimises ``sum_i E[(e_i - g' k_i + (q_i - k_i)' dP)^-]`` over ``0 <= k <= closable`` whose sums are the
    quantity of each market and side.

    Parameters
    ----------
    book : RiskBook
        Accounts under water are allowed.
    scenarios : PriceMoves
    equity : {'after', 'before'}
        Whether equity is seen after the haircuts g' k of this round, or before them.
    gap : float
        Relative gap to prove, >= 0.
    steps : int
        Most steps; the answer then has the gap that was reached.

    Returns
    -------
    RiskResult
        With ``shortfall_usd``, ``bound_usd`` and ``certify``.

    Raises
    ------
    InputError
        Scenarios of another number of markets.
    UsageError
        Another word for ``equity``.

    Notes
    -----
    O(pairs) a step; about 200 steps to 1e-4 and 1,000 to 1e-6 as a rule.  Where no pair can fall short, the
    same share of every position is closed: that is where the method starts.

    References
    ----------
    arXiv 2603.15963 (objective); the method and the bound are derived in docs/risk-based.md.

    Examples
    --------
    >>> book = RiskBook.of([100.0, 20.0], [0, 1], [0, 0], [100.0, 40.0], [[30.0, 0.0]])
    >>> moves = PriceMoves.of([[-1.2], [1.2]], source="by hand")
    >>> answer = risk_based(book, moves, gap=1e-9)
    >>> round(answer.shortfall_usd, 6), answer.gap <= 1e-9
    (6.0, True)
    """
    book.check_scenarios(scenarios)
    scalar("gap", gap, low=0.0)
    seen = book.seen(equity)
    pairs = Pairs.of(seen, scenarios)
    pools = Pools.of(seen.pool[pairs.rows], seen.can_close[pairs.rows], seen.to_close)
    best = _descend(pairs, pools, gap, steps)
    closed = np.zeros(book.size.size)
    closed[pairs.rows] = best.closed
    prices = Prices(pairs.account, pairs.scenario, best.price)
    return risk_result(book, scenarios, closed, prices, equity=equity, method="first-order", steps=best.steps)


@dataclass(eq=False)
class _Best:
    """The contracts that cost least so far, and the prices that prove most."""

    pairs: Pairs
    pools: Pools
    closed: Vector
    price: Vector
    cost: float = np.inf
    proven: float = -np.inf
    steps: int = 0

    def measure(self, closed: Vector, price: Vector) -> float:
        """Keep what is better, and return the gap of these contracts and prices, USD."""
        cost, slope = self.pairs.expected(closed), self.pairs.cost(price)
        proven = float(price @ self.pairs.short + slope @ self.pools.cheapest(slope)[0])
        if cost < self.cost:
            self.closed, self.cost = closed, cost
        if proven > self.proven:
            self.price, self.proven = price, proven
        return cost - proven

    @property
    def gap(self) -> float:
        """Relative gap; 0 where nothing is lost."""
        return (self.cost - self.proven) / self.cost if self.cost > 0 else 0.0


def _descend(pairs: Pairs, pools: Pools, gap: float, steps: int) -> _Best:
    """Take steps until the gap is proven."""
    k = pools.even()
    price = np.where(pairs.shortfall(k) > 0, pairs.chance, 0.0)
    best = _Best(pairs, pools, k, price)
    last = best.measure(k, price)
    free, slope = pairs.take(~pairs.always), pairs.cost(np.where(pairs.always, pairs.chance, 0.0))
    if not free.short.size:
        best.measure(pools.cheapest(slope)[0], price)
        return best
    run = _Run(free, pools, slope, k, price[~pairs.always])
    began = 0
    while best.gap > gap and best.steps < steps:
        run.steps(MEASURE)
        best.steps += MEASURE
        ends = []
        for closed, w in ((run.k, run.w), run.mean()):
            price = np.where(pairs.always, pairs.chance, 0.0)
            price[~pairs.always] = w
            ends.append((best.measure(closed, price), closed, w))
        left, k, w = min(ends, key=lambda end: end[0])
        if left <= _HALVED * last or best.steps - began >= _LONG * best.steps:
            run.restart(k, w)
            last, began = left, best.steps
    return best


class _Run:
    """Steps between two restarts, and their mean."""

    def __init__(self, pairs: Pairs, pools: Pools, slope: Vector, k: Vector, w: Vector) -> None:
        self.pairs, self.pools, self.slope, self.weight = pairs, pools, slope, 1.0
        most = self.most = pools.restored_most
        size = np.abs(pairs.rate) * most[pairs.position]
        column = np.bincount(pairs.position, weights=size, minlength=most.size)
        self.down = most**2 / np.maximum(column, _FLAT * float(column[column > 0].mean()))
        self.up = 1.0 / np.bincount(pairs.pair, weights=size, minlength=w.size)
        self.levels, self.layers = np.zeros(pools.number.size), Layers.of(pairs)
        self._begin(k, w)

    def _begin(self, k: Vector, w: Vector) -> None:
        self.k, self.w, self.start = k, w, (k, w)
        self.sums, self.count = (np.zeros_like(k), np.zeros_like(w)), 0

    def steps(self, count: int) -> None:
        """Take so many steps."""
        down, up = self.weight * self.down, self.up / self.weight
        for _ in range(count):
            slope = self.slope + self.layers.cost(self.w)
            k = self.pools.project(self.k - down * slope, down, self.levels)
            short = self.layers.rates(2.0 * k - self.k)
            short += self.pairs.short
            short *= up
            short += self.w
            self.k, self.w = k, np.clip(short, 0.0, self.pairs.chance, out=short)
            for mean, now in zip(self.sums, (self.k, self.w), strict=True):
                mean += now
        self.count += count

    def mean(self) -> tuple[Vector, Vector]:
        """Return the mean contracts and prices since the restart."""
        k, w = self.sums
        return np.minimum(k / self.count, self.most), np.minimum(w / self.count, self.pairs.chance)

    def restart(self, k: Vector, w: Vector) -> None:
        """Begin anew at a point; the weight follows how far contracts and prices have moved."""
        moved = float(np.sum((k - self.start[0]) ** 2 / self.down))
        priced = float(np.sum((w - self.start[1]) ** 2 / self.up))
        if moved > 0 and priced > 0:
            self.weight = float(np.sqrt(np.sqrt(moved / priced) * self.weight))
        self._begin(k, w)

"""Seeded instances; capacities are drawn from the October 10 quantiles of closed PNL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adl_opt.datasets.draws import Pool

SEED = 20251010
SHARE = 0.02  # budget as a share of all capacity
MORE_POSITIONS = 0.6  # mean number of positions beyond the first: 1.6 an account in all
LOTS_DECADES = (1.5, 4.5)  # lots of a position, log-uniform: median about 1,000, mean about 4,500

BLOCK = 100_000


@dataclass(frozen=True)
class LotsInstance:
    """Min-max over lots: capacity (n,) USD; account, lot_value (USD a lot) and lots (m,); budget USD."""

    capacity: np.ndarray
    account: np.ndarray
    lot_value: np.ndarray
    lots: np.ndarray
    budget: float


def capacities(n: int, seed: int = SEED) -> np.ndarray:
    """Capacity = min(PNL, equity) of n accounts, USD, drawn in blocks so that drawing needs little memory."""
    rng, blocks = np.random.default_rng(seed), [min(BLOCK, n - start) for start in range(0, n, BLOCK)]
    pools = (Pool.draw(rng, size) for size in blocks)
    return np.concatenate([pool.size * np.minimum(pool.ratio, 1.0) for pool in pools])


def draw_lots(n: int, *, single: bool = False, seed: int = SEED) -> LotsInstance:
    """Accounts with 1.6 positions on average (or one each), and B = 2 % of the capacity."""
    capacity, rng = capacities(n, seed), np.random.default_rng([seed, n])
    count = 1 + (np.zeros(n, dtype=np.int64) if single else rng.poisson(MORE_POSITIONS, n))
    account = np.repeat(np.arange(n), count)
    share = 0.05 + rng.random(account.size)
    share /= np.bincount(account, share)[account]
    lots = np.floor(10.0 ** rng.uniform(*LOTS_DECADES, account.size))
    value = capacity[account] * share / lots
    return LotsInstance(capacity, account, value, lots.astype(np.int64), SHARE * float(capacity.sum()))


@dataclass(frozen=True)
class ContractsInstance:
    """Min-max in contract space: capacity (n,) USD; account, cell and cap (m,); demand (cells,) USD."""

    capacity: np.ndarray
    account: np.ndarray
    cell: np.ndarray
    cap: np.ndarray
    demand: np.ndarray

    @property
    def book(self) -> tuple[np.ndarray, ...]:
        """The arguments of the kernel."""
        return self.capacity, self.account, self.cell, self.cap, self.demand

    @property
    def scale(self) -> np.ndarray:
        """Demands, (cells,) USD, and 1 where there is none."""
        return np.where(self.demand > 0, self.demand, 1.0)


def draw_contracts(n: int, cells: int, kind: str, seed: int = SEED) -> ContractsInstance:
    """Legs of n accounts in markets of unequal size.

    ``usual``: accounts with 1.6 legs on average, each cell needs up to 10 % of its caps.  ``tied``: the same
    legs, and demands at which all cells share the level 0.05.  ``chain``: each account holds two neighbouring
    cells, and demands differ.
    """
    u, rng = capacities(n, seed), np.random.default_rng([seed, n, cells])
    if kind == "chain":
        account, first = np.repeat(np.arange(n), 2), rng.integers(0, cells - 1, n)
        cell = np.column_stack([first, first + 1]).ravel()
        demand = np.bincount(cell, 0.025 * u[account], cells) * rng.uniform(0.3, 1.7, cells)
        return ContractsInstance(u, account, cell, 10.0 * u[account], demand)
    account = np.repeat(np.arange(n), 1 + rng.poisson(MORE_POSITIONS, n))
    share = 1 / np.arange(1, cells + 1)
    pairs = np.unique(account * cells + rng.choice(cells, account.size, p=share / share.sum()))
    account, cell = pairs // cells, pairs % cells
    part = rng.exponential(size=pairs.size)
    if kind == "usual":
        cap = 2 * part * u[account]
        return ContractsInstance(
            u, account, cell, cap, np.bincount(cell, cap, cells) * rng.uniform(0, 0.1, cells)
        )
    y = 0.05 * u[account] * part / np.bincount(account, part, n)[account]
    cap = y * rng.uniform(1.2, 10, pairs.size)
    return ContractsInstance(u, account, cell, cap, np.bincount(cell, y, cells))


def draw_point(n: int, seed: int = SEED) -> tuple[np.ndarray, np.ndarray, float]:
    """Point to project (fractions around the pro-rata level), capacities (USD), budget (USD)."""
    weights, rng = capacities(n, seed), np.random.default_rng([seed, n, 1])
    return np.exp(rng.normal(np.log(SHARE), 1.0, n)), weights, SHARE * float(weights.sum())


def one_pass(z: float, u: np.ndarray, d: np.ndarray, k: np.ndarray) -> float:
    """Return what lots pay at burden z, in one numpy pass over the positions: the floor of all times."""
    return float(np.minimum(np.floor(z * u / d), k) @ d)

"""Random books and laws, and the optimum of small ones in rational numbers."""

from fractions import Fraction
from itertools import product

import numpy as np

from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.scenarios import PriceMoves


def random_book(seed, accounts=12, markets=3, *, wet=0.15, gives_up=0.3, whole=False):
    """Return a book with longs, shorts, hedges, accounts under water, and some without positions."""
    rng = np.random.default_rng(seed)
    held = rng.random((accounts, markets)) < 0.6
    account, market = np.nonzero(held)
    size = rng.lognormal(3, 1, account.size) * rng.choice([-1.0, 1.0], account.size)
    equity = rng.lognormal(3, 1, accounts) * np.where(rng.random(accounts) < wet, -0.3, 1.0)
    if whole:
        size, equity = np.ceil(np.abs(size)) * np.sign(size), np.ceil(equity)
    there = np.zeros((markets, 2))
    np.add.at(there, (market, (size < 0).astype(int)), np.abs(size))
    quantity = there * rng.choice([0.0, 0.2, 0.7], there.shape)
    quantity = np.floor(quantity) if whole else quantity
    price = rng.uniform(0, gives_up, account.size) * (rng.random(account.size) < 0.7)
    price = np.round(8 * price) / 8 if whole else price
    order = rng.permutation(account.size)
    return RiskBook.of(equity, account[order], market[order], size[order], quantity, gives_up=price[order])


def random_moves(seed, markets=3, count=8, *, whole=False):
    rng = np.random.default_rng(1000 + seed)
    moves = rng.normal(0, 1.0, (count, 1)) * rng.uniform(0.5, 1.5, markets) + rng.normal(
        0, 0.3, (count, markets)
    )
    if whole:
        return PriceMoves.of(np.round(4 * moves) / 4, np.full(count, 1 / count), source="drawn")
    chance = rng.dirichlet(np.ones(count))
    return PriceMoves.of(moves, chance / chance.sum(), source="drawn")


def exact_prices_value(book, scenarios, prices, level):
    """Return what prices of pairs and pools prove, in rational numbers."""
    F = Fraction
    total = sum(F(y) * F(q) for y, q in zip(level, book.to_close, strict=True))
    moves = [[F(v) for v in row] for row in scenarios.moves.tolist()]
    own = [[] for _ in book.equity]
    for i, s, w in zip(*(part.tolist() for part in prices), strict=True):
        own[i].append((s, F(w)))
    for i, e in enumerate(book.equity):
        total -= F(e) * sum((w for _, w in own[i]), F(0))
    for r, i in enumerate(book.account.tolist()):
        value = sum((w * moves[s][book.market[r]] for s, w in own[i]), F(0))
        weight = sum((w for _, w in own[i]), F(0))
        rest = int(book.side[r]) * value + F(book.gives_up[r]) * weight - F(level[book.pool[r]])
        total += -F(book.size[r]) * value + F(book.can_close[r]) * min(F(0), rest)
    return total


def enumerated_one_asset(size, equity, quantity, gives_up, moves, chance):
    """Return the least expected shortfall of long positions of one asset, in rational numbers.

    The cost of an account is convex and piecewise linear.  At a vertex all accounts but one are at 0, at
    their position, or where a move leaves them with nothing.
    """
    F = Fraction
    size, equity, moves, chance = ([F(v) for v in values] for values in (size, equity, moves, chance))
    quantity, g = F(quantity), F(gives_up)

    def kinks(n, e):
        places = {F(0), n}
        places |= {(e + n * d) / (g + d) for d in moves if g + d}
        return sorted(k for k in places if 0 <= k <= n)

    def cost(k):
        return sum(
            p * max(F(0), -(e - g * x + (n - x) * d))
            for n, e, x in zip(size, equity, k, strict=True)
            for d, p in zip(moves, chance, strict=True)
        )

    best = None
    places = [kinks(n, e) for n, e in zip(size, equity, strict=True)]
    for last in range(len(size)):
        others = [i for i in range(len(size)) if i != last]
        for chosen in product(*(places[i] for i in others)):
            rest = quantity - sum(chosen)
            if 0 <= rest <= size[last]:
                k = dict(zip(others, chosen, strict=True)) | {last: rest}
                value = cost([k[i] for i in range(len(size))])
                best = value if best is None else min(best, value)
    return best

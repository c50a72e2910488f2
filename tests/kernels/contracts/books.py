"""Invented books of legs, and the exact answer of small ones by enumerating all sets of cells."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np

from benchmarks.instances import draw_contracts

KINDS = ("whole", "usual", "far", "level", "equal", "chain", "one cell")


def small(seed, kind):
    """At most 11 accounts, 6 cells and 30 legs: zeros, ties, amounts far apart, legs that overlap."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    n, m = int(rng.integers(1, 12)), int(rng.integers(0, 30))
    cells = 1 if kind == "one cell" else int(rng.integers(1, 7))
    account, cell = rng.integers(0, n, m), rng.integers(0, cells, m)
    if kind == "chain":
        account = np.repeat(np.arange(n), 2)
        cell = (account % cells + np.tile([0, 1], n)) % cells
    m, size = account.size, {"far": 8.0, "usual": 2.0}.get(kind, 1.0)
    u, cap = np.exp(rng.normal(0, size, n)), np.exp(rng.normal(0, size, m))
    demand = np.bincount(cell, cap, cells) * rng.random(cells)
    if kind == "whole":
        u, cap, demand = (rng.integers(0, top, k).astype(float) for top, k in ((5, n), (5, m), (12, cells)))
    if kind == "level":
        y = 0.3 * u[account] * rng.random(m)
        cap, demand = y * rng.choice([1.0, 1.5, 4.0, 100.0], m), np.bincount(cell, y, cells)
    if kind == "equal":
        u, cap, demand = np.ones(n), np.full(m, 9.0), np.full(cells, 2.0)
    return u, account, cell, cap, demand.astype(float)


def large(n, cells, kind, seed=1):
    """``usual`` markets, all ``tied`` at one level, or hanging in a ``chain``."""
    return draw_contracts(n, cells, kind, seed).book


def enumerated(book):
    """Lexicographically least haircuts and the levels of cells, in rational numbers, by all sets of cells.

    The set of cells that needs the highest level is settled first; then the others, beside it.
    """
    u, account, cell, cap, demand = book
    u, cap = [Fraction(v) for v in u], [Fraction(v) for v in cap]
    legs = [j for j in range(len(cap)) if u[account[j]] > 0]
    most = [sum((cap[j] for j in legs if cell[j] == c), Fraction(0)) for c in range(len(demand))]
    need = [min(Fraction(d), m) for d, m in zip(demand, most, strict=True)]
    base, level = [Fraction(0)] * len(u), {}
    left = [c for c in range(len(need)) if need[c] > 0]
    while left:
        best = None
        for size in range(1, len(left) + 1):
            for cells in combinations(left, size):
                room = [Fraction(0)] * len(u)
                for j in legs:
                    room[account[j]] += cap[j] if cell[j] in cells else 0
                z = least(u, base, room, sum(need[c] for c in cells))
                if best is None or z >= best[0]:
                    best = (z, cells, room)
        z, cells, room = best
        base = [b + pays(z, v, b, r) for v, b, r in zip(u, base, room, strict=True)]
        level |= dict.fromkeys(cells, z)
        left = [c for c in left if c not in cells]
    return base, level


def pays(z, u, base, room):
    """Clip z u - base to 0..room."""
    return min(max(z * u - base, Fraction(0)), room)


def least(u, base, room, need):
    """Least z at which accounts pay ``need``, among the ends and by a line between two of them."""
    rows = [k for k in range(len(u)) if room[k] > 0]
    ends = sorted({e for k in rows for e in (base[k] / u[k], (base[k] + room[k]) / u[k])})

    def paid(z):
        return sum(pays(z, u[k], base[k], room[k]) for k in rows)

    low = Fraction(0)
    for high in ends:
        if paid(high) >= need:
            step = paid(high) - paid(low)
            return low + (high - low) * (need - paid(low)) / step if step else low
        low = high
    return low

"""The matrix of pairs and positions in layers, so that a product needs few jumps in memory.

Pairs are sorted by account.  Layer 0 has the first position of each pair's account, layer 1 the second, and
so on.  Within a layer the pairs of an account stand together and share one position: a product with the
contracts repeats one number, a product with the prices sums a run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from adl_opt.kernels.arrays import Ints, Vector
from adl_opt.kernels.risk.pairs import Pairs


class Layer(NamedTuple):
    """One position of every account that has so many: ``first`` and ``length`` are runs of entries."""

    pair: Ints | slice
    rate: Vector
    position: Ints
    first: Ints
    length: Ints


class Layers(NamedTuple):
    """The matrix; every pair has an entry in the first layer."""

    layers: list[Layer]
    positions: int

    @classmethod
    def of(cls, pairs: Pairs) -> Layers:
        """Sort the entries of pairs that each have one at least."""
        begin = np.flatnonzero(np.diff(pairs.pair, prepend=-1))
        slot = np.arange(pairs.pair.size) - begin[pairs.pair]
        layers = []
        for number in range(int(slot.max(initial=-1)) + 1):
            at = np.flatnonzero(slot == number)
            first = np.flatnonzero(np.diff(pairs.position[at], prepend=-1))
            count = np.diff(first, append=at.size)
            pair = pairs.pair[at] if number else slice(None)
            layers.append(Layer(pair, pairs.rate[at], pairs.position[at[first]], first, count))
        return cls(layers, pairs.rows.size)

    def rates(self, closed: Vector) -> Vector:
        """Return what contracts closed of each position add to each pair."""
        total, *rest = (layer.rate * np.repeat(closed[layer.position], layer.length) for layer in self.layers)
        for layer, part in zip(self.layers[1:], rest, strict=True):
            total[layer.pair] += part
        return total

    def cost(self, price: Vector) -> Vector:
        """Return what each contract closed adds at prices of the pairs."""
        cost = np.zeros(self.positions)
        for layer in self.layers:
            cost[layer.position] += np.add.reduceat(layer.rate * price[layer.pair], layer.first)
        return cost

"""Positions by market and side: what every row of a flow against them looks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sides:
    """The positions of each market and side, sorted once.

    Parameters
    ----------
    place : dict
        Which market each name is, counted from 0 in the order of names.
    first : list of int
        The first position in each market.
    order : (m,) int
        Positions by market, then shorts before longs, then by row.
    start : list of int
        Where in the order each market and side begins: markets count by 2, longs are 1 more.
    """

    place: dict[str, int]
    first: list[int]
    order: Ints
    start: list[int]

    @classmethod
    def of(cls, markets: tuple[npt.NDArray[np.str_], npt.NDArray[np.intp]], side: Ints) -> Self:
        """Return the sides, from the names of the markets, which of them each position is in, and its side.

        Examples
        --------
        >>> names, code = np.array(["BTC", "ETH"]), np.array([1, 0, 1])
        >>> Sides.of((names, code), np.array([1, -1, 1])).across("ETH", -1)
        array([0, 2])
        """
        names, code = markets
        first = np.empty(names.size, dtype=np.int64)
        first[code[::-1]] = np.arange(code.size)[::-1]
        key = 2 * code + (side > 0)
        start = np.concatenate([[0], np.cumsum(np.bincount(key, minlength=2 * names.size))])
        order = np.argsort(key.astype(np.min_scalar_type(2 * names.size)), kind="stable")  # few: by digits
        place = {name: k for k, name in enumerate(names.tolist())}
        return cls(place=place, first=first.tolist(), order=order, start=start.tolist())

    def across(self, market: str, side: int) -> Ints:
        """Return the positions of a market that are not of this side, in the order of rows."""
        if (k := self.place.get(market, -1)) < 0:
            return self.order[:0]
        key = 2 * k + (side < 0)
        return self.order[self.start[key] : self.start[key + 1]]

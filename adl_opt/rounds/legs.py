"""Legs of a round in contracts: which position can be closed against which row of the flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.rounds.columns import Ints
from adl_opt.rounds.flows import tables_in_contracts

if TYPE_CHECKING:
    from adl_opt.rounds.round import Round


@dataclass(frozen=True, eq=False, kw_only=True)
class Legs:
    """Pairs of a row of the flow and a position on the other side of its market.

    Parameters
    ----------
    row, position : (l,) int
    cell : (l,) int
        Market and side of the row, counted from 0.
    of_row : (k,) int
        The same of each row of the flow.
    """

    row: Ints
    position: Ints
    cell: Ints
    of_row: Ints

    @classmethod
    def of(cls, round_: Round) -> Legs:
        """Return the legs of a round in contracts, row by row."""
        flow, held = tables_in_contracts(round_)
        assert flow.side is not None  # noqa: S101
        assert held.side is not None  # noqa: S101
        names, code = held.markets
        place: dict[str, int] = {}
        for name in [*names.tolist(), *flow.market.tolist()]:
            place.setdefault(name, len(place))
        key = 2 * np.array([place[m] for m in flow.market.tolist()], dtype=np.int64) + (flow.side > 0)
        taken = 2 * code + (held.side < 0)  # positions of the other side have the key of the losers
        of_row = np.unique(key, return_inverse=True)[1]
        small = np.min_scalar_type(2 * len(place) + 1)  # short numbers are sorted faster
        sorted_by = np.argsort(taken.astype(small), kind="stable")
        here = taken[sorted_by]
        start, stop = (np.searchsorted(here, key, side) for side in ("left", "right"))
        position = [sorted_by[a:b] for a, b in zip(start, stop, strict=True)]
        count = stop - start
        row = np.repeat(np.arange(len(flow)), count)
        joined = np.concatenate([np.empty(0, dtype=np.int64), *position])
        return cls(row=row, position=joined, cell=of_row[row], of_row=of_row)

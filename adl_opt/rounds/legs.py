"""Legs of a round in contracts: which position can be closed against which row of the flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.rounds.columns import Ints
from adl_opt.rounds.flows import across, tables_in_contracts

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

    def of_cell(self, row: int) -> slice:
        """Return where the legs of a row of the flow are, in the order of positions."""
        start, stop = np.searchsorted(self.row, [row, row + 1]).tolist()
        return slice(start, stop)

    @classmethod
    def of(cls, round_: Round) -> Legs:
        """Return the legs of a round in contracts, row by row."""
        flow, held = tables_in_contracts(round_)
        assert flow.side is not None  # noqa: S101
        place = dict(held.sides.place)
        for name in flow.market.tolist():
            place.setdefault(name, len(place))
        key = 2 * np.array([place[m] for m in flow.market.tolist()], dtype=np.int64) + (flow.side > 0)
        of_row = np.unique(key, return_inverse=True)[1]
        position = list(across(round_))
        row = np.repeat(np.arange(len(flow)), [rows.size for rows in position])
        joined = np.concatenate([np.empty(0, dtype=np.int64), *position])
        return cls(row=row, position=joined, cell=of_row[row], of_row=of_row)

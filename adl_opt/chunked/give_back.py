"""Second goal of min-max over lots in passes: give back what the budget does not need, dearest lot first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.chunked.lots import lots_at
from adl_opt.chunked.source import Chunk, Source
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.lots.engine import engine

MOST_LINES = 1 << 19
"""Accounts held in memory at a time while giving back."""


class Returned(NamedTuple):
    """Lots given back: rows ascending, and how many each."""

    row: npt.NDArray[np.int64]
    lots: Vector

    def of(self, chunk: Chunk, size: int) -> Vector:
        """Lots given back by the accounts of a chunk."""
        first, last = np.searchsorted(self.row, [chunk.start, chunk.start + size])
        out = np.zeros(size)
        out[self.row[first:last] - chunk.start] = self.lots[first:last]
        return out


class Lines(NamedTuple):
    """Accounts with lots that could be given back, dearest first, ties by row."""

    row: npt.NDArray[np.int64]
    value: Vector
    lots: Vector

    def join(self, other: Lines, most: int) -> tuple[Lines, bool]:
        """Both together, at most so many; and whether any were dropped."""
        row, value, lots = (np.concatenate(both) for both in zip(self, other, strict=True))
        order = np.lexsort((row, -value))[:most]
        return Lines(row[order], value[order], lots[order]), row.size > most


def give_back_lots(source: Source, z: float, overshoot: float, *, most_lines: int = MOST_LINES) -> Returned:
    """Choose lots to give back so that no single lot could be given back any more.

    Notes
    -----
    One pass where `most_lines` lines suffice; otherwise one more for every further `most_lines`.
    """
    rows, given = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    value, row, more = overshoot, -1, True
    while more and overshoot > 0:
        lines, more = _dearest(source, z, overshoot, (value, row), most_lines)
        if lines.row.size == 0:
            break
        left = lines.lots.copy()
        engine().give_back(left, lines.value, overshoot)
        back = lines.lots - left
        overshoot -= float(np.sum(back * lines.value))
        rows.append(lines.row[back > 0])
        given.append(back[back > 0])
        value, row = float(lines.value[-1]), int(lines.row[-1])
    place = np.concatenate(rows)
    order = np.argsort(place)
    return Returned(place[order], np.concatenate(given)[order])


def _dearest(
    source: Source, z: float, overshoot: float, after: tuple[float, int], most: int
) -> tuple[Lines, bool]:
    """Next lines behind `after` whose lot fits into the overshoot, and whether there are more."""
    best, dropped = Lines(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)), False
    for chunk in source.chunks():
        value, rows = chunk["lot_value_usd"], chunk.rows
        behind = (value < after[0]) | ((value == after[0]) & (rows > after[1]))
        fits = np.flatnonzero(behind & (value <= overshoot))
        lots = lots_at(chunk, z)[fits]
        fits, lots = fits[lots > 0], lots[lots > 0]
        best, cut = best.join(Lines(rows[fits], value[fits], lots), most)
        dropped |= cut
    return best, dropped

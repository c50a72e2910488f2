"""What everybody pays at a burden: the singles exactly, bounds for the crowd."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from adl_opt.kernels.lots_book import Book
from adl_opt.kernels.lots_coarse import line_lots, relaxed_burden
from adl_opt.kernels.lots_crowd import Crowd, CrowdAt
from adl_opt.kernels.lots_singles import Singles
from adl_opt.kernels.subset_sums import FloatArray, IntArray

LEFT = 0.7
"""Share of the distance between target and expected pay that the bound which is sharpened may still lose."""

KEEP, SMALL = 0.1, 0.7
"""Share of a loss that one search may leave, and share of that which the accounts not looked at may lose."""

EXPONENT = 52
"""The bits of a positive float above so many are its exponent."""


@dataclass(eq=False)
class At:
    """Bounds on the total at burden z, USD; ``expected`` is what the accounts probably pay.

    ``fixed`` is what singles and settled accounts pay, ``crowd`` are the bounds of the accounts in play.
    """

    z: float
    fixed: float
    crowd: CrowdAt
    lower: float = 0.0
    upper: float = 0.0
    expected: float = 0.0


class Start(NamedTuple):
    """Where a search starts: the target is out of reach at burden ``low`` and all lots are paid at ``high``.

    ``slope`` is USD by unit of burden, at most; ``roof`` USD that all lots pay, at most.
    """

    low: float
    high: float
    slope: float
    roof: float


class Payers(Protocol):
    """The accounts of a book, as the search of a burden asks them."""

    def start(self, target: float) -> Start:
        """Return the ends of the interval, and what is known there."""

    def at(self, z: float) -> At:
        """Bounds at burden z from what is known of both ends of the search's interval."""

    def expected(self, z: float) -> float:
        """USD that the accounts probably pay at burden z."""

    def doubt(self, z: float) -> float:
        """USD by which what they pay is off, about: a standard deviation."""

    def sharpen(self, at: At, target: float, allowance: int, trust: bool) -> int:
        """Search subset sums where the bounds lose most by node; return the nodes, 0: none are allowed.

        Under ``trust`` in what is expected, only the bound is sharpened that keeps it from a decision.
        """

    def fill(self, at: At) -> None:
        """Try dearest lots first at the burden of ``at``."""

    def lift(self, at: At) -> None:
        """Take ``at`` as the lower end of the interval."""

    def take(self, at: At) -> float:
        """Take ``at`` as the upper end of the interval; return the largest burden that its lots make."""

    def settle(self, low: float, high: float) -> None:
        """Drop every account that pays the same at both ends of the interval."""

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD, about) and burden of the largest known jump inside, zeros where there is none."""

    def measure(self, z: float) -> None:
        """Note how far apart the sums near burden z lie."""

    def begin(self, z: float) -> None:
        """Take dearest lots first at burden z as all that is known of both ends."""

    def lots(self, z: float) -> FloatArray:
        """Lots of every line of the book at the upper end z of the interval."""


class ArrayPayers:
    """`Payers` in numpy."""

    def __init__(self, book: Book) -> None:
        self.book, self.singles, self.crowd = book, Singles(book), Crowd(book)
        self.measure, self.begin = self.crowd.measure, self.crowd.begin

    def start(self, target: float) -> Start:
        """Return the ends of the interval, and what is known there."""
        base, total = self.book.base, self.book.total
        pays = total > 0
        burden = np.divide(total, base, out=np.zeros(pays.size), where=pays)
        high, slope = float(np.max(burden, initial=0.0)), float(np.sum(np.where(pays, base, 0.0)))
        return Start(relaxed_burden(self.book, target), high, slope, float(np.sum(total)))

    def at(self, z: float) -> At:
        """Bounds at burden z from what is known of both ends of the search's interval."""
        return added(At(z, self.fixed(z), self.crowd.at(z)))

    def expected(self, z: float) -> float:
        """USD that the accounts probably pay at burden z."""
        crowd = self.crowd.at(z)
        return self.fixed(z) + float(np.sum(crowd.upper - crowd.missed()))

    def doubt(self, z: float) -> float:
        """USD by which what they pay is off, about: a standard deviation."""
        return math.sqrt(float(np.sum(self.crowd.at(z).variance())))

    def fixed(self, z: float) -> float:
        """USD that singles and settled accounts pay at burden z."""
        return self.singles.pay(z) + self.crowd.settled

    def sharpen(self, at: At, target: float, allowance: int, trust: bool) -> int:
        """Search subset sums where the bounds lose most by node; return the nodes, 0: none are allowed."""
        crowd, part = self.crowd, at.crowd
        loss, missed, margin = part.slack(), part.missed(), 0.0
        if trust:
            loss = loss - missed if at.expected >= target else missed
            margin = LEFT * abs(at.expected - target)
        lost = float(np.sum(loss))
        keep = max(KEEP * lost, margin)
        for rows in (large_parts(loss, SMALL * keep), np.flatnonzero(part.slack() > 0)):
            width, cost, spent = crowd.effort(part, rows)
            able = ~spent & (cost <= allowance)
            if able.any():
                break
        else:
            return 0
        rows, width, cost = rows[able], width[able], cost[able]
        order = np.argsort(-size_classes(loss[rows] / cost), kind="stable")
        enough = int(np.searchsorted(np.cumsum(loss[rows[order]]), lost - keep)) + 1
        allowed = int(np.searchsorted(np.cumsum(cost[order]), allowance, side="right"))
        chosen = np.sort(order[: min(enough, allowed)])
        nodes = crowd.search(part, rows[chosen], width[chosen])
        added(at)
        return nodes

    def fill(self, at: At) -> None:
        """Try dearest lots first at the burden of ``at``."""
        self.crowd.fill(at.crowd)
        added(at)

    def lift(self, at: At) -> None:
        """Take ``at`` as the lower end of the interval."""
        self.crowd.lift(at.crowd)

    def take(self, at: At) -> float:
        """Take ``at`` as the upper end of the interval; return the largest burden that its lots make."""
        self.crowd.take(at.crowd)
        made = float(np.max(self.crowd.best / self.crowd.base, initial=0.0))
        return max(self.singles.made(at.z), made)

    def settle(self, low: float, high: float) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        self.singles.settle(low, high)
        self.crowd.settle()

    def largest_step(self, low: float, high: float) -> tuple[float, float]:
        """Size (USD, about) and burden of the largest known jump inside, zeros where there is none."""
        return max(self.singles.largest_step(low, high), self.crowd.largest_step(low, high))

    def lots(self, z: float) -> FloatArray:
        """Lots of every line of the book at the upper end z of the interval."""
        return line_lots(self.book, self.singles, z, self.crowd.tables, self.crowd.best_lots)


def added(at: At) -> At:
    """Sum the pieces."""
    at.lower = at.fixed + float(np.sum(at.crowd.lower))
    at.upper = at.fixed + float(np.sum(at.crowd.upper))
    at.expected = at.fixed + float(np.sum(at.crowd.upper - at.crowd.missed()))
    return at


def large_parts(loss: FloatArray, spare: float) -> IntArray:
    """Rows without which the others sum to at most ``spare``, about as few as possible.

    Rows of about one size, a power of two, stay or go together.
    """
    size = loss.view(np.int64) >> EXPONENT
    sums = np.cumsum(np.bincount(size, weights=loss))
    edge = min(int(np.searchsorted(sums, spare, side="right")), sums.size - 1)
    return np.flatnonzero((size >= edge) & (loss > 0))


def size_classes(values: FloatArray) -> NDArray[np.int16]:
    """Classes of positive floats, ascending, four to a power of two: sorting them takes one pass."""
    return (values.view(np.int64) >> (EXPONENT - 2)).astype(np.int16)

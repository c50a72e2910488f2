"""The least loss over severity and haircuts together, as arrays: who may pay when, and what ties them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from adl_opt.losses import Loss, share
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.rounds.columns import Floats, Ints

Entries = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, eq=False, kw_only=True)
class Payers:
    """Who may pay in which round, and in what units.

    Parameters
    ----------
    time : (g,) int
        Round of each payer.
    capacity, base : (g,) USD
        A payer without base has no units where fairness counts.
    payer : (c,) int
        Payer of each column.
    worth, most : (c,)
        USD in a unit of the column, and the units that there are.
    whole : bool
        Units are whole.
    ties : (row, column, coefficient), each (k,)
        What ties columns together: the units of a row, times their coefficients, are at most its room.
    room : (r,)
        In the unit of the row: USD, contracts or lots.
    """

    time: Ints
    capacity: Floats
    base: Floats
    payer: Ints
    worth: Floats
    most: Floats
    whole: bool
    ties: Entries
    room: Floats

    def amounts(self, v: Floats) -> Floats:
        """Return the haircut of each payer, (g,) USD, at units v of the columns."""
        paid = np.bincount(self.payer, self.worth * v, minlength=self.capacity.size)
        return np.minimum(paid, self.capacity)

    def columns_of(self, payers: Ints) -> tuple[Ints, Ints]:
        """Return columns of some payers, and the place among those of the payer of each column."""
        order = np.argsort(self.payer, kind="stable")
        start = np.searchsorted(self.payer[order], np.arange(self.capacity.size + 1))
        sizes = (start[1:] - start[:-1])[payers]
        place = np.repeat(np.arange(payers.size), sizes)
        first = start[payers] - (np.cumsum(sizes) - sizes)
        return order[np.arange(place.size) + first[place]], place


@dataclass(frozen=True, eq=False)
class Rounds:
    """B, the most that may be taken (inf: all there is), USD, and m*, of each round, (T,)."""

    needed: Floats
    limit: Floats
    reference: Floats

    def fair_in(self, loss: Loss) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(T,) bool: rounds in which burdens count."""
        return (loss.fair * self.needed > 0) & np.isfinite(self.reference)


@dataclass(eq=False)
class _Rows:
    """Rows of a model, block by block."""

    entries: list[Entries] = field(default_factory=list)
    sides: list[tuple[Floats, Floats, Floats]] = field(default_factory=list)
    size: int = 0

    def add(self, low: Floats, high: Floats, unit: Floats, *entries: Entries) -> None:
        self.entries += [(self.size + row, column, value) for row, column, value in entries]
        self.sides.append((low, high, unit))
        self.size += low.size

    def at_most(self, high: Floats, unit: Floats, *entries: Entries) -> None:
        self.add(np.full(high.size, -math.inf), high, unit, *entries)


def least_loss_model(rounds: Rounds, loss: Loss, payers: Payers, carriers: Ints) -> LinearModel:
    """Return the arrays of ``min sum over [H - B]_+ + under [B - H]_+ + fair B abs(m - m*)``.

    Parameters
    ----------
    rounds : Rounds
    loss : Loss
    payers : Payers
    carriers : (h,) int
        Payers of whom one in each round makes the largest burden be what it is.

    Notes
    -----
    Columns: units v, undershoot s, overshoot o, d above m*, e below m*; for each carrier its part y of the
    largest burden, and w, whether it is the one.  Rows: ``H + s - o = B``; ``H <= R``; ``h_i - d <= m*``;
    ties.
    All this is linear: tracking and [m - m*]_+ are convex.  [m* - m]_+ is not: it is the least over the
    accounts of ``[m* - h_i]_+``, so one carrier is chosen: ``e + sum y >= m*``, ``y_i <= h_i``,
    ``y_i <= m* w_i``, ``sum w = 1``.  A round with one carrier needs no choice and is linear again.  A
    round without carriers leaves e at 0, which is a relaxation.
    """
    size, columns, chosen = rounds.needed.size, payers.payer.size, carriers.size
    s, o, d, e, y = (columns + k * size + np.arange(size) for k in range(5))
    y, w = (columns + 4 * size + k * chosen + np.arange(chosen) for k in range(2))
    there = np.bincount(payers.time, payers.capacity, minlength=size)
    unit = power_of_two(np.where(rounds.needed > 0, rounds.needed, there))
    one, fair, tall = np.ones(size), loss.fair * rounds.needed, np.zeros(size)
    ends = np.where(np.isfinite(rounds.reference), rounds.reference, 0.0)
    rows, every = _Rows(), np.arange(size)
    taken = (payers.time[payers.payer], np.arange(columns), payers.worth)
    rows.add(rounds.needed, rounds.needed, unit, taken, (every, s, one), (every, o, -one))
    _limits(rows, rounds.limit, unit, taken)
    _burdens(rows, rounds, payers, np.flatnonzero(rounds.fair_in(loss)[payers.time]), d)
    rows.at_most(payers.room, power_of_two(payers.room), payers.ties)
    _carried(rows, rounds, payers, carriers, (e, y, w))
    alone = np.bincount(payers.time[carriers], minlength=size)[payers.time[carriers]] == 1
    np.maximum.at(tall, payers.time, share(payers.capacity, payers.base))
    highs = [payers.most, rounds.needed, 2.0 * there, 2.0 * tall, ends, ends[payers.time[carriers]]]
    units, level = power_of_two(np.where(payers.whole, 1.0, payers.most)), power_of_two(ends)
    costs = [np.zeros(columns), loss.under * one, loss.over * one, fair, fair, np.zeros(2 * chosen)]
    row, col, value = (np.concatenate(part) for part in zip(*rows.entries, strict=True))
    low, high, row_unit = (np.concatenate(part) for part in zip(*rows.sides, strict=True))
    return LinearModel(
        cost=np.concatenate(costs),
        col_lower=np.concatenate([np.zeros(columns + 4 * size + chosen), alone]),
        col_upper=np.concatenate([*highs, np.ones(chosen)]),
        col_unit=np.concatenate([units, unit, unit, level, level, np.ones(2 * chosen)]),
        integer=np.concatenate([np.full(columns, payers.whole), np.zeros(4 * size + chosen, bool), ~alone]),
        row=row,
        col=col,
        value=value,
        row_lower=low,
        row_upper=high,
        row_unit=row_unit,
    )


def _limits(rows: _Rows, limit: Floats, unit: Floats, taken: Entries) -> None:
    """Add H <= R where that binds."""
    bound = np.isfinite(limit)
    (when, column, worth), place = taken, np.cumsum(bound) - 1
    mine = bound[when]
    rows.at_most(limit[bound], unit[bound], (place[when[mine]], column[mine], worth[mine]))


def _burdens(rows: _Rows, rounds: Rounds, payers: Payers, counted: Ints, d: Ints) -> None:
    """Add h_i - d <= m* for the payers that can pass m*."""
    rate = share(payers.capacity, payers.base)[counted]
    held = counted[(rate > rounds.reference[payers.time[counted]]) & (payers.base[counted] > 0)]
    column, place = payers.columns_of(held)
    when = payers.time[held]
    links = (np.arange(held.size), d[when], -np.ones(held.size))
    burdens = payers.worth[column] / payers.base[held[place]]
    rows.at_most(
        rounds.reference[when], power_of_two(rounds.reference[when]), (place, column, burdens), links
    )


def _carried(
    rows: _Rows, rounds: Rounds, payers: Payers, carriers: Ints, columns: tuple[Ints, Ints, Ints]
) -> None:
    """Add the rows of the carriers."""
    (e, y, w), own, ones = columns, np.arange(carriers.size), np.ones(carriers.size)
    seen, place = np.unique(payers.time[carriers], return_inverse=True)
    each, many, lifted = np.arange(seen.size), np.ones(seen.size), rounds.reference[seen]
    rows.add(lifted, np.full(seen.size, math.inf), many, (each, e[seen], many), (place, y, ones))
    column, which = payers.columns_of(carriers)
    burdens = payers.worth[column] / payers.base[carriers[which]]
    rows.at_most(0 * ones, ones, (own, y, ones), (which, column, -burdens))
    rows.at_most(0 * ones, ones, (own, y, ones), (own, w, -lifted[place]))
    rows.add(many, many, many, (place, w, ones))

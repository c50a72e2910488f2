"""What ties the legs of rounds in contracts together, and points that keep to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adl_opt.losses import Loss, burden_base
from adl_opt.programs.hindsight.joint_model import Entries, Payers, Rounds
from adl_opt.programs.priced import PricedRound
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.options import cohorts

EXACT = 1e-12
"""Sums that differ by this share of them are the same."""


def payers_of(rounds: Sequence[PricedRound], loss: Loss, *, cleared: bool, depletes: bool) -> Payers:
    """Return accounts as payers, legs as columns, and all that ties them.

    A column has no more units than each of its rows has room for, and a row that its columns cannot fill is
    left out.  So every column and row has a size of its own, which solvers need.
    """
    first = np.cumsum([0, *(len(r.accounts) for r in rounds)])
    base = np.concatenate([burden_base(r, str(loss.base)) for r in rounds])
    payer = np.concatenate([r.held.account + at for r, at in zip(rounds, first, strict=False)])
    worth = np.concatenate([r.held.lot_value for r in rounds])
    ties = _Ties()
    for round_ in rounds:
        ties.of_round(round_, cleared=cleared)
    if depletes:
        ties.over_time(rounds)
    (row, column, value), room = ties.finish()
    able = (worth > 0) & ((base[payer] > 0) | (loss.fair == 0))
    most = np.where(able, np.concatenate([r.held.lots for r in rounds]), 0.0)
    ends = np.divide(room[row], value, out=np.full(row.size, np.inf), where=value > 0)
    np.minimum.at(most, column, ends)
    tight = np.bincount(row, value * most[column], minlength=room.size) > room * (1 + EXACT)
    kept = tight[row] & (most[column] > 0)
    return Payers(
        time=np.repeat(np.arange(len(rounds)), np.diff(first)),
        capacity=np.concatenate([r.accounts.capacity for r in rounds]),
        base=base,
        payer=payer,
        worth=worth,
        most=np.where(most > 0, np.nextafter(most, np.inf), 0.0),
        whole=False,
        ties=((np.cumsum(tight) - 1)[row[kept]], column[kept], value[kept]),
        room=room[tight],
    )


class _Ties:
    """Rows that tie the legs of rounds: sums that are at most their room."""

    def __init__(self) -> None:
        self._entries: list[Entries] = []
        self._room: list[Floats] = []
        self._rows = self._columns = 0

    def add(self, row: Ints, column: Ints, value: Floats, room: Floats) -> None:
        """Add rows; columns count from the beginning."""
        self._entries.append((row + self._rows, column, value))
        self._room.append(room)
        self._rows += room.size

    def of_round(self, round_: PricedRound, *, cleared: bool) -> None:
        """Tie the legs of one round: by account, pot, position, and row of the flow."""
        held, legs, pots = round_.held, round_.legs, round_.pots
        own = np.arange(len(held)) + self._columns
        self._columns += own.size
        self.add(held.account, own, held.lot_value, round_.accounts.capacity)
        if pots.capacity.size > len(round_.accounts):
            self.add(pots.of_position[legs.position], own, held.lot_value, pots.capacity)
        if round_.accounts.cap is not None:
            self.add(held.account, own, held.lot_value, round_.accounts.cap)
        if round_.accounts.cohort_cap is not None:
            cohort, cap = cohorts(round_.accounts)
            self.add(cohort[held.account], own, held.lot_value, cap)
        self.add(legs.position, own, np.ones(own.size), round_.source_lots)
        if cleared:
            self.add(legs.row, own, held.lot_size, round_.rows.quantity)

    def over_time(self, rounds: Sequence[PricedRound]) -> None:
        """Close no position twice: contracts up to a round are at most the most that was held up to it."""
        parts, size, starts = [], [], np.cumsum([0, *(len(r.held) for r in rounds)])
        for round_, start in zip(rounds, starts, strict=False):
            held = round_.source.positions
            assert held is not None  # noqa: S101
            assert held.side is not None  # noqa: S101
            ids = round_.accounts.id[held.account].tolist()
            keys = list(zip(ids, held.market.tolist(), held.side.tolist(), strict=True))
            parts.append((keys, held.quantity.tolist(), round_.legs.position, start))
            size.append(round_.held.lot_size)
        of_column = np.concatenate(size)
        seen: dict[tuple[str, str, int], tuple[list[int], float]] = {}
        row: list[int] = []
        column: list[int] = []
        room: list[float] = []
        for keys, quantity, position, start in parts:
            legs: dict[int, list[int]] = {}
            for leg, at in enumerate(position.tolist()):
                legs.setdefault(at, []).append(leg + int(start))
            for at, key in enumerate(keys):
                before, most = seen.get(key, ([], 0.0))
                now = before + legs.get(at, [])
                seen[key] = now, max(most, quantity[at])
                if before and len(now) > len(before):
                    row += [len(room)] * len(now)
                    column += now
                    room.append(seen[key][1])
        at = np.array(column, dtype=np.int64)
        self.add(np.array(row, dtype=np.int64), at, of_column[at], np.array(room))

    def finish(self) -> tuple[Entries, Floats]:
        """Return all entries, and the room of all rows."""
        row, column, value = (np.concatenate(part) for part in zip(*self._entries, strict=True))
        return (row, column, value), np.concatenate(self._room)


def within(payers: Payers, asked: Rounds, v: Floats) -> Floats:
    """Return units of a point of the model that keep to every row and limit: solvers round.

    The columns of a row that is too full shrink, and no others.
    """
    units = np.clip(v[: payers.payer.size], 0.0, payers.most)
    row, column, value = payers.ties
    used = np.bincount(row, value * units[column], minlength=payers.room.size)
    part = np.divide(payers.room, used, out=np.ones(used.size), where=used > payers.room)
    least = np.ones(units.size)
    np.minimum.at(least, column, part[row])
    units = units * least
    taken = np.bincount(payers.time, payers.amounts(units), minlength=asked.limit.size)
    part = np.divide(asked.limit, taken, out=np.ones(taken.size), where=taken > asked.limit)
    return units * part[payers.time[payers.payer]]

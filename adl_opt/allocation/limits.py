"""The limits of a round in contracts, which every rule is held to: what may be closed, and how much of it.

A rule says how many lots the positions of a cell give up.  Here its answer is kept within what is left of
each pot, account and cohort, above the least quantity of a closure, and within the pairs of hedges.  A limit
is kept by asking the rule again with less to choose from, so that it says itself who pays instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.cells import Side
from adl_opt.kernels.fill.whole import SLACK, lots_within
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.flows import across, cells_of, tables_in_contracts
from adl_opt.rounds.options import cohorts

if TYPE_CHECKING:
    from adl_opt.allocation.cells import Cell, Closing
    from adl_opt.rounds.pots import Pots
    from adl_opt.rounds.round import Round
    from adl_opt.rounds.tables import Accounts, Positions

PASSES = 64
"""So often is a rule asked again about closures that are too small, before they are left out."""

TRIMS = 8
"""So often are the longer legs of hedged pairs cut, before a pair that does not fit is left alone."""


@dataclass(eq=False)
class Room:
    """What is left of every limit while the rows of the flow are closed one by one.

    Parameters
    ----------
    held : Positions
    lots : (m,) int
        Whole lots that each position can still give up.
    groups : list of (m,) int and (g,) USD
        The pots, accounts or cohorts of positions, and what is left of each.
    cohort : int
        Which of the groups has several positions in one cell; -1 for none.
    """

    held: Positions
    lots: Ints
    groups: list[tuple[Ints, Floats]] = field(default_factory=list)
    cohort: int = -1

    @classmethod
    def of(
        cls, accounts: Accounts, held: Positions, lots: Ints, pots: Pots, *, positive_pnl_only: bool
    ) -> Room:
        """Return the limits at the start of a round, in which positions may give up so many lots, (m,)."""
        made = cls(held=held, lots=lots)
        if positive_pnl_only:
            made.groups.append((pots.of_position, pots.capacity))
        if positive_pnl_only and pots.limit is not pots.capacity:
            made.groups.append((held.account, pots.limit))
        if accounts.cap is not None:
            made.groups.append((held.account, accounts.cap))
        if accounts.cohort_cap is not None:
            cohort, cap = cohorts(accounts)
            made.cohort = len(made.groups)
            made.groups.append((cohort[held.account], cap))
        return made

    def copy(self) -> Room:
        """Return limits of which as much is left, to be counted down by themselves."""
        groups = [(group, left.copy()) for group, left in self.groups]
        return Room(held=self.held, lots=self.lots.copy(), groups=groups, cohort=self.cohort)

    def usd(self, rows: Ints) -> Floats:
        """Return what positions can still give up by themselves, (c,) USD; infinite without a limit."""
        usd = np.full(rows.size, np.inf)
        for group, left in self.groups:
            usd = np.minimum(usd, left[group[rows]])
        return usd

    def most(self, side: Side, given_up: float) -> Ints:
        """Return how many lots positions can still give up by themselves, (s,), at so many USD a contract."""
        lots = self.lots[side.rows]
        if given_up <= 0.0 or not self.groups:
            return lots
        usd = np.full(lots.size, np.inf)
        for place, (_, left) in zip(side.limits, self.groups, strict=True):
            usd = np.minimum(usd, left[place])
        within = np.minimum(usd / given_up, side.quantity)
        return np.minimum(lots_within(within, side.size), lots)

    def take(self, rows: Ints, lots: Ints, usd: Floats) -> None:
        """Count that so many lots of positions were closed, (c,), and gave up so much."""
        self.lots[rows] -= lots
        for group, left in self.groups:
            np.subtract.at(left, group[rows], usd)

    def close(self, rule: Closing, plan: Any, cell: Cell, least: float) -> Ints:
        """Return the lots of a cell, (c,), by the rule within limits; ``least`` contracts each, or none."""
        if least <= 0.0:
            return self._in_cohorts(rule, plan, cell, cell.most)
        most = np.where(cell.most * cell.size >= least * (1.0 - SLACK), cell.most, 0)
        for _ in range(PASSES):
            lots = self._in_cohorts(rule, plan, cell, most)
            small = np.flatnonzero((lots > 0) & (lots * cell.size < least * (1.0 - SLACK)))
            if not small.size:
                return lots
            smallest = small[np.argsort(lots[small] * cell.size[small], kind="stable")]
            most = most.copy()
            most[smallest[: (small.size + 1) // 2]] = 0
        lots[small] = 0
        return lots

    def _in_cohorts(self, rule: Closing, plan: Any, cell: Cell, most: Ints) -> Ints:
        """Return the lots by the rule; a cohort beyond its cap is dealt with by the rule alone, then kept."""
        lots = _asked(rule, plan, cell, most)
        if self.cohort < 0 or cell.given_up <= 0.0:
            return lots
        group, left = self.groups[self.cohort]
        group, settled = group[cell.rows], np.zeros(left.size, dtype=np.bool_)
        while True:
            paid = np.bincount(group, lots * cell.size * cell.given_up, minlength=left.size)
            over = np.flatnonzero((paid > left * (1.0 + SLACK)) & ~settled)
            if not over.size:
                return lots
            settled[over], most = True, most.copy()
            for one in over.tolist():
                here, contracts = group == one, max(left[one], 0.0) / cell.given_up
                most[here] = _asked(rule, plan, cell, np.where(here, most, 0), contracts)[here]
            lots = _asked(rule, plan, cell, most)


@dataclass(frozen=True, eq=False, kw_only=True)
class Book:
    """A whole round in contracts, for rules that look at all markets at once.

    Parameters
    ----------
    round_ : Round
    quantity, given_up : (k,)
        Contracts to close of each row of the flow, and USD that a winner is reckoned to give up with each.
    pots : Pots
    positive_pnl_only : bool
        No account gives up more than its positive PNL and equity.
    room : Room
        What each position may give up, in lots and in USD.
    """

    round_: Round
    quantity: Floats
    given_up: Floats
    pots: Pots
    positive_pnl_only: bool
    room: Room

    @cached_property
    def sides(self) -> list[Side]:
        """The positions across from each row of the flow; rows of one market and side have the same."""
        flow, _ = tables_in_contracts(self.round_)
        made: dict[tuple[str, str], Side] = {}
        for cell, rows in zip(cells_of(flow), across(self.round_), strict=True):
            if cell not in made:
                limits = tuple(group[rows] for group, _ in self.room.groups)
                made[cell] = Side(round_=self.round_, pots=self.pots, rows=rows, limits=limits)
        return [made[cell] for cell in cells_of(flow)]


def _asked(rule: Closing, plan: Any, cell: Cell, most: Ints, wanted: float | None = None) -> Ints:
    """Return the lots by the rule, (c,), where positions give up so many at most."""
    if wanted is None and most is cell.most:
        return rule.close(plan, cell)
    part, kept = cell.only(most, wanted)
    lots = np.zeros(most.size, dtype=np.int64)
    if kept.size:
        lots[kept] = rule.close(plan, part)
    return lots


def trimmed(held: Positions, lots: Ints, legs: Ints, even: Ints, tried: int) -> Ints:
    """Return the lots that each position may give up, (m,), once uneven legs are cut or left alone."""
    lots = lots.copy()
    if tried < TRIMS:
        lots[legs] = np.minimum(lots[legs], even)
        return lots
    keys = held.account * (held.hedge.max() + 1) + held.hedge
    lots[(held.hedge > 0) & np.isin(keys, keys[legs])] = 0
    return lots

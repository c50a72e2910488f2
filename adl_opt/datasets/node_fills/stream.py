"""One pass over the blocks: prices, books, rounds cut by time gaps, prices at the markout horizons."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import Block, Fill, Prices
from adl_opt.datasets.node_fills.drafts import Draft
from adl_opt.datasets.node_fills.misc import Misc
from adl_opt.datasets.node_fills.reconcile import SecondSnapshot
from adl_opt.datasets.node_fills.roles import LIQUIDATOR, Roles
from adl_opt.datasets.node_fills.tally import Tally
from adl_opt.datasets.node_fills.troubles import Troubles

OUTSIDE = (("spot", "fill: spot"), ("outcome", "fill: outcome token"))
"""Counts of a block, and the kinds of the fills that they count: they are of no perpetual."""


@dataclass
class Stream:
    """What is kept along the stream; ``drafts`` are the rounds that are over.

    Parameters
    ----------
    gap_ms : int
        A new round starts when the gap to the previous ADL fill exceeds it.
    horizons : tuple of int
        Markouts in ms after the last ADL fill, none beyond the gap.
    tally : Tally
    roles : Roles
    adl_mark : bool
        Whether an ADL fill sets the price of its market to its markPx (True) or its px (False).
    books : Books, optional
        Where they carry the time of their snapshot, blocks up to it are in them already: they are counted and
        not booked, and their ADL fills are reported.
    troubles : Troubles
    misc : Misc, optional
    closing : SecondSnapshot, optional
        A second snapshot, which the books are held against at its time, or at the end.
    """

    gap_ms: int
    horizons: tuple[int, ...]
    tally: Tally
    roles: Roles
    adl_mark: bool = True
    books: Books | None = None
    troubles: Troubles = field(default_factory=Troubles)
    misc: Misc | None = None
    closing: SecondSnapshot | None = None
    drafts: list[Draft] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    last: int = 0
    before: int = 0
    before_adl: int = 0
    _marked: frozenset[str] = frozenset()
    _draft: Draft | None = None
    _prices: Prices = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.books is not None:
            self._prices = self.books.prices
            self._marked = frozenset(self._prices)
            self.tally.start_usd = self.books.total()

    def take(self, block: Block) -> None:
        """Read one block; blocks come in order of time."""
        self._count(block)
        self.last = block.time
        if self.books is not None and self.books.time is not None and block.time <= self.books.time:
            self._in_snapshot(block)
            return
        self._pass(block.time)
        if self.books is not None:
            if self.closing is not None and self.closing.time is not None and block.time > self.closing.time:
                self._close_books(self.closing.time)
            if self.misc is not None:
                self.misc.upto(block.time, self.books)
        self.first = block.time if self.first is None else self.first
        if any(fill.winner for fill in block.fills):
            self._open(block.time)
        start: Prices = {}
        for fill in block.fills:
            start.setdefault(fill.coin, self._prices.get(fill.coin, fill.price))
            self._take(fill, start)

    def _take(self, fill: Fill, start: Prices) -> None:
        """Book a fill; what it moves is reckoned at prices from the start of its block."""
        books, prices, draft = self.books, self._prices, self._draft if fill.adl else None
        if fill.winner and draft is not None:
            draft.deleverage(fill, books)
        elif draft is not None and books is not None:
            draft.lose(fill.user, fill, books)  # before it is booked: an isolated margin then goes
        if not fill.adl or fill.mark:
            prices[fill.coin] = fill.mark if fill.adl and self.adl_mark else fill.price
        if fill.liquidator:
            self.roles.note(fill.user, LIQUIDATOR)
        if books is None:
            self.tally.add(fill.kind, "applied")
            return
        if fill.isolated:
            books.flag_isolated(fill)
        books.apply(fill)
        self.tally.add(fill.kind, "applied", usd=fill.size * (start[fill.coin] - fill.price) - fill.fee)
        if fill.winner and draft is not None:
            draft.lose(fill.loser, fill, books)

    def _close_books(self, time: float) -> None:
        """Hold the books against the second snapshot, once, after all that lies before or at this time."""
        if self.closing is None or self.closing.done or self.books is None:
            return
        if self.misc is not None:
            self.misc.upto(time, self.books)
        self.closing.compare(self.books, self.tally.refusals)

    def _in_snapshot(self, block: Block) -> None:
        """Pass over a block that the snapshot has seen; only markets that it has no mark for get a price."""
        self.before += len(block.fills)
        self._prices.update((f.coin, f.price) for f in block.fills if f.coin not in self._marked)
        for fill in block.fills:
            self.tally.add(fill.kind, "in_snapshot")
        winners = sum(fill.winner for fill in block.fills)
        if winners:
            self.before_adl += winners
            why = "has ADL fills that the snapshot has in it: they are in no round"
            self.troubles.add(block.file, block.line, why, f"{winners} fills, block {block.number}")

    def finish(self) -> None:
        """Close the last round; horizons beyond the stream get its last prices."""
        if self._draft is not None:
            self._draft.cut_short = bool(self._draft.after.keys() ^ set(self.horizons)) and (
                self.last < self._draft.end + max(self.horizons)
            )
            self._close(self._draft)
        if self.books is None:
            return
        at = self.closing.time if self.closing is not None else None
        self._close_books(math.inf if at is None else at)
        if self.misc is not None:
            self.misc.upto(math.inf, self.books)
        self.tally.end_usd = self.books.total()

    def _open(self, time: int) -> None:
        if self._draft is None:
            self._draft = Draft(time, time, dict(self._prices))
        self._draft.end = time
        self._draft.after.clear()

    def _pass(self, time: int) -> None:
        draft = self._draft
        if draft is None:
            return
        for horizon in self.horizons:
            if time > draft.end + horizon and horizon not in draft.after:
                draft.after[horizon] = dict(self._prices)
        if time - draft.end > self.gap_ms:
            self._close(draft)

    def _close(self, draft: Draft) -> None:
        for horizon in self.horizons:
            prices = draft.after.get(horizon, self._prices)
            draft.after[horizon] = {coin: prices[coin] for coin, _ in draft.markets}
        draft.prices = {}
        self.drafts.append(draft)
        self._draft = None

    def _count(self, block: Block) -> None:
        for name, kind in OUTSIDE:
            if count := getattr(block, name):
                self.tally.add(kind, "without_effect", count)
        units = {unit for unit in (block.unit, *block.units) if unit not in ("iso", "ms")}
        self.counts += Counter(
            {
                "blocks": 1,
                "fills": len(block.fills),
                "spot fills": block.spot,
                "fills of outcome tokens": block.outcome,
                "fills off their block's clock": block.off_clock,
                "fees in another token than USDC": block.odd_fees,
                **{f"blocks with times in {unit}": 1 for unit in units},
            }
        )

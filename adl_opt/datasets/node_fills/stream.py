"""One pass over the blocks: prices, books, rounds cut by time gaps, prices at the markout horizons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import Block, Prices
from adl_opt.datasets.node_fills.drafts import Draft
from adl_opt.datasets.node_fills.misc import Misc
from adl_opt.datasets.node_fills.troubles import Troubles

Done = tuple[Draft, int]


@dataclass
class Stream:
    """What is kept along the stream; ``drafts`` are the rounds that are over.

    Parameters
    ----------
    gap_ms : int
        A new round starts when the gap to the previous ADL fill exceeds it.
    horizons : tuple of int
        Markouts in ms after the last ADL fill, none beyond the gap.
    adl_mark : bool
        Whether an ADL fill sets the price of its market to its markPx (True) or its px (False).
    books : Books, optional
        Where they carry the time of their snapshot, blocks up to it are in them already: they are counted and
        not booked, and their ADL fills are reported.
    troubles : Troubles
    misc : Misc, optional
    """

    gap_ms: int
    horizons: tuple[int, ...]
    adl_mark: bool = False
    books: Books | None = None
    troubles: Troubles = field(default_factory=Troubles)
    misc: Misc | None = None
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

    def take(self, block: Block) -> None:
        """Read one block; blocks come in order of time."""
        self._count(block)
        self.last = block.time
        if self.books is not None and self.books.time is not None and block.time <= self.books.time:
            self._in_snapshot(block)
            return
        self._pass(block.time)
        if self.misc is not None and self.books is not None:
            self.misc.upto(block.time, self.books)
        self.first = block.time if self.first is None else self.first
        books, prices, adl_mark = self.books, self._prices, self.adl_mark
        if any(fill.winner for fill in block.fills):
            self._open(block.time)
        for fill in block.fills:
            if not fill.adl:
                prices[fill.coin] = fill.price
            elif fill.mark:
                if fill.winner and self._draft is not None:
                    self._draft.deleverage(fill, books)
                prices[fill.coin] = fill.mark if adl_mark else fill.price
            if books is not None:
                books.apply(fill)
            if fill.winner and self._draft is not None:
                self._draft.lose(fill, books)

    def _in_snapshot(self, block: Block) -> None:
        """Pass over a block that the snapshot has seen; only markets that it has no mark for get a price."""
        self.before += len(block.fills)
        self._prices.update((f.coin, f.price) for f in block.fills if f.coin not in self._marked)
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
            draft.after[horizon] = {coin: prices[coin] for coin in draft.markets}
        draft.prices = {}
        self.drafts.append(draft)
        self._draft = None

    def _count(self, block: Block) -> None:
        units = {unit for unit in (block.unit, *block.units) if unit not in ("iso", "ms")}
        self.counts += Counter(
            {
                "blocks": 1,
                "fills": len(block.fills),
                "spot fills": block.spot,
                "fills off their block's clock": block.off_clock,
                "fees in another token than USDC": block.odd_fees,
                **{f"blocks with times in {unit}": 1 for unit in units},
            }
        )

"""What a reader of an episode from node fills should know, one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adl_opt.datasets.node_fills.times import iso

if TYPE_CHECKING:
    from adl_opt.datasets.node_fills.books import Books
    from adl_opt.datasets.node_fills.order import Order
    from adl_opt.datasets.node_fills.stream import Stream

FAR_MS = 60_000
"""A snapshot that is older than this at the first block after it gets a note."""


def notes_of(stream: Stream, order: Order, markout: int) -> list[str]:
    """Return the conventions, what was assumed, and what was mended."""
    price = "markPx" if stream.adl_mark else "px"
    notes = [
        f"rounds cut at gaps above {stream.gap_ms} ms; needed = sum of abs(markPx - px) x size",
        f"production by two passes (with and without the round's ADL fills, prices of the fills, {price} of "
        f"ADL fills), {markout} ms after the round's last ADL fill",
        "accounts are those with ADL fills, so every decision here knows ex post who was deleveraged",
    ]
    if stream.books is None:
        notes.append(
            "no clearinghouse snapshot: equity is not known and stands at PNL (capacity PNL+), the deficit "
            "is not known and stands at the needed budget"
        )
    else:
        notes.append("equity, capacity and deficits by the books of the snapshot; burdens against capacity")
        notes += _of_snapshot(stream, stream.books)
        for count, what in (
            (stream.books.unknown, "accounts of fills are not in the snapshot and start with cash 0"),
            (stream.books.mismatched, "fills whose startPosition was not the book's: the fill's was taken"),
            (
                stream.books.not_told,
                "isolated positions were liquidated whose margin the snapshot does not say",
            ),
            (stream.books.outside, "spot and outcome tokens of the snapshot were passed over"),
            (stream.books.moved_values, "account values were taken for the only dex that the account is on"),
            (0 if stream.misc is None else stream.misc.late, "misc events were late"),
        ):
            notes += [f"{count} {what}"] if count else []
        if delisted := stream.books.delisted:
            notes.append(f"without a mark, so at their entry (delisted?): {', '.join(sorted(delisted)[:20])}")
    if order.continued:
        notes.append(f"{order.continued} lines went on with the block of an earlier line")
    if order.reordered:
        notes.append(f"{order.reordered} blocks out of order were put back")
    if order.backwards:
        notes.append(f"{order.backwards} blocks whose time ran back a little were lifted to the time before")
    mended = {k: v for k, v in stream.counts.items() if k not in ("blocks", "fills")}
    return notes + [f"{count} {name}" for name, count in mended.items()]


def _of_snapshot(stream: Stream, books: Books) -> list[str]:
    """Say which fills and events the snapshot had in it already, or that its time is not known."""
    if books.time is None:
        return [
            "the time of the snapshot is not known: every fill and misc event was booked, also any that it "
            "has in it already (--clearinghouse-time says it)"
        ]
    adl, taken = stream.before_adl, iso(books.time)
    notes = [
        f"snapshot of {taken}: {stream.before} fills up to then are in it already and were not booked"
        + (f", {adl} of them winners' ADL fills, which are in no round" if adl else "")
    ]
    if stream.first is not None and stream.first - books.time > FAR_MS:
        apart = (stream.first - books.time) / 1000
        notes.append(f"the first block after the snapshot is {apart:,.0f} s later: is a file missing?")
    return notes

"""The whole import: files in sequence, one pass, an episode and a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from os import PathLike
from pathlib import Path

from adl_opt.checks import one_of
from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import Block, decode
from adl_opt.datasets.node_fills.lines import Advance, Limits, Parts, Source, in_parts, stream_lines
from adl_opt.datasets.node_fills.misc import Misc
from adl_opt.datasets.node_fills.order import Order
from adl_opt.datasets.node_fills.report import NodeFillsReport
from adl_opt.datasets.node_fills.rounds import build_round, steps
from adl_opt.datasets.node_fills.snapshot import books_at
from adl_opt.datasets.node_fills.stream import Stream
from adl_opt.datasets.node_fills.times import iso
from adl_opt.datasets.node_fills.troubles import Tell, Troubles
from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.episode import Episode

GAP_MS = 5000
FAR_MS = 60_000
"""A snapshot that is older than this at the first block after it is remarked on."""

HORIZONS_MS = (0, 500, 1000, 2000, 5000)
_HOUR = re.compile(r"(\d{8})[_-](\d{1,2})(?!\d)", re.ASCII)

AnyPath = str | PathLike[str]
Lines = Iterator[tuple[int, bytes, bool]]
_Named = tuple[str, tuple[Path, ...]]


def import_node_fills(
    files: Sequence[AnyPath],
    *,
    clearinghouse: Sequence[AnyPath] = (),
    clearinghouse_time: str | int | None = None,
    misc: Sequence[AnyPath] = (),
    gap_ms: int = GAP_MS,
    markout_ms: int = 0,
    horizons_ms: Sequence[int] = HORIZONS_MS,
    adl_prices: str = "fill",
    limits: Limits | None = None,
    advance: Advance | None = None,
    tell: Tell | None = None,
) -> tuple[Episode, NodeFillsReport]:
    """Read node fills into an episode; the package says by which conventions.

    Parameters
    ----------
    files : sequence of path
        JSON lines, plain or LZ4 frame; where all names carry YYYYMMDD_HH they are read in that order.
        NAME.part-aa, NAME.part-ab, ... are read as one file.
    clearinghouse : sequence of path, optional
        Snapshot before the first ADL fill: gives equity, capacity and deficits.
    clearinghouse_time : str or int, optional
        When it was taken (ISO 8601, or a number in s, ms, us or ns), where the file does not say it.  Fills
        and misc events up to then are in it already and are not booked; without a time all are.
    misc : sequence of path, optional
        Misc events, in order of time; they need the snapshot.
    gap_ms : int
        A new round starts when the gap to the previous ADL fill exceeds it.
    markout_ms : int
        Horizon of the recorded production haircut, ms after the round's last ADL fill.
    horizons_ms : sequence of int
        Further horizons of the report; none may exceed the gap.
    adl_prices : str
        What an ADL fill does to the price of its market: ``fill`` (its px) or ``mark`` (its markPx).
    limits : Limits, optional
        Bounds of unpacking.
    advance, tell : callable, optional
        Called with the bytes read so far in each step; with each line that could not be used.

    Returns
    -------
    Episode, NodeFillsReport

    Raises
    ------
    InputError
        A file cannot be read, unpacks beyond the limits, more than half of the lines cannot be used, no ADL
        fill is found, or a value cannot be part of a round.
    UsageError
        An option is out of range, misc events or a time are given without a snapshot, or the time is another
        than the snapshot's own.
    """
    limits, troubles = limits or Limits(), Troubles(tell)
    if misc and not clearinghouse:
        raise UsageError(
            "misc events change cash, and without a snapshot no cash is known",
            got=", ".join(map(str, misc)),
            ways_out=["give --clearinghouse FILE", "leave --misc out"],
        )
    notes: list[str] = []
    parts = _in_sequence(in_parts([Path(file) for file in files]), notes)
    books = books_at(clearinghouse, clearinghouse_time, troubles)
    stream = _stream(gap_ms, markout_ms, horizons_ms, adl_prices, books, troubles)
    if misc:
        stream.misc = Misc(tuple(map(Path, misc)), troubles, limits, advance)
    sources = ((name, stream_lines(name, Parts(paths), troubles, limits, advance)) for name, paths in parts)
    return _run([name for name, _ in parts], sources, stream, markout_ms, troubles, notes)


def import_streams(
    sources: Iterable[tuple[str, Source]],
    *,
    clearinghouse: Sequence[AnyPath] = (),
    clearinghouse_time: str | int | None = None,
    gap_ms: int = GAP_MS,
    markout_ms: int = 0,
    horizons_ms: Sequence[int] = HORIZONS_MS,
    limits: Limits | None = None,
    advance: Advance | None = None,
    tell: Tell | None = None,
) -> tuple[Episode, NodeFillsReport]:
    """Read (name, open stream) in sequence, as :func:`import_node_fills` does with files."""
    limits, troubles = limits or Limits(), Troubles(tell)
    names: list[str] = []

    def opened() -> Iterator[tuple[str, Lines]]:
        for name, source in sources:
            names.append(name)
            yield name, stream_lines(name, source, troubles, limits, advance)

    books = books_at(clearinghouse, clearinghouse_time, troubles)
    stream = _stream(gap_ms, markout_ms, horizons_ms, "fill", books, troubles)
    return _run(names, opened(), stream, markout_ms, troubles, [])


def _stream(
    gap_ms: int,
    markout_ms: int,
    horizons_ms: Sequence[int],
    adl_prices: str,
    books: Books | None,
    troubles: Troubles,
) -> Stream:
    one_of("import node-fills: adl_prices", adl_prices, ("fill", "mark"))
    horizons = tuple(sorted({markout_ms, *horizons_ms}))
    if not (horizons[0] >= 0 and horizons[-1] <= gap_ms <= 86_400_000):
        raise UsageError(
            "markouts lie between 0 ms and the gap between rounds, the gap within a day",
            got=f"markouts {', '.join(map(str, horizons))} ms, gap {gap_ms} ms",
            ways_out=["choose a shorter markout", "choose a longer gap"],
        )
    return Stream(gap_ms, horizons, adl_prices == "mark", books, troubles)


def _run(
    names: list[str],
    sources: Iterable[tuple[str, Lines]],
    stream: Stream,
    markout: int,
    troubles: Troubles,
    notes: list[str],
) -> tuple[Episode, NodeFillsReport]:
    order = Order(troubles)
    for block in order.sorted(_blocks(sources, troubles, stream)):
        stream.take(block)
    stream.finish()
    lines, dropped = stream.counts.pop("lines", 0), stream.counts.pop("lines not used", 0)
    if 2 * dropped > lines or not stream.drafts:
        raise _refused(names, lines, dropped, stream, troubles)
    step, snapshot = steps(stream.drafts), stream.books is not None
    built = [build_round(n, draft, step, markout, snapshot) for n, draft in enumerate(stream.drafts, 1)]
    notes += _notes(stream, order, markout)
    report = NodeFillsReport(
        files=tuple(names),
        counts=stream.counts,
        notes=tuple(notes),
        troubles=troubles.summary,
        unused=len(troubles),
        rounds=tuple(line for _, _, line in built),
    )
    source = f"node fills {', '.join(names)}; {'; '.join(notes)}; {troubles.summary}"
    name = re.sub(r"(\.lz4|\.jsonl?)+$", "", names[0]) or names[0]
    return Episode(name, source, tuple((round_, outcome) for round_, outcome, _ in built)), report


def _blocks(
    sources: Iterable[tuple[str, Lines]], troubles: Troubles, stream: Stream
) -> Iterator[tuple[str, int, bytes, Block]]:
    counts, ledger = stream.counts, stream.books is not None
    counts |= {"lines": 0, "lines not used": 0}
    for name, lines in sources:
        for number, text, cut in lines:
            if not text.strip():
                continue
            counts["lines"] += 1
            try:
                block = decode(text, ledger=ledger)
            except ValueError as error:
                counts["lines not used"] += 1
                troubles.add(name, number, "is a line that is cut" if cut else str(error))
                continue
            for index, why in block.bad:
                troubles.add(name, number, why, f"event {index}")
            block.file, block.line = name, number
            yield name, number, text, block


def _in_sequence(parts: list[_Named], notes: list[str]) -> list[_Named]:
    """Sort by the hour in the names where all have one, and say which hours are not there."""
    if not parts:
        raise UsageError("no file of node fills", got="0 files", ways_out=["give at least one file"])
    hours = [hour for name, _ in parts if (hour := _hour_of(name)) is not None]
    if len(hours) < len(parts):
        return parts
    rows = sorted(range(len(parts)), key=lambda row: hours[row])
    if rows != list(range(len(parts))):
        notes.append("the files were put in the order of their hours")
    for before, after in pairwise(rows):
        if hours[after] > hours[before] + 1:
            notes.append(f"hours are missing between {parts[before][0]} and {parts[after][0]}")
    return [parts[row] for row in rows]


def _hour_of(name: str) -> int | None:
    """Return the hour that a name carries, counted from year 1."""
    if (match := _HOUR.search(name)) is None or int(match[2]) > 23:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d").toordinal() * 24 + int(match[2])
    except ValueError:
        return None


def _notes(stream: Stream, order: Order, markout: int) -> list[str]:
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
        ):
            notes += [f"{count} {what}"] if count else []
    if (misc := stream.misc) is not None:
        notes.append(f"{misc.applied} misc events applied, {misc.late} of them late")
        notes += [f"{count} misc events of kind {kind!a} not applied" for kind, count in misc.skipped.items()]
    if order.reordered:
        notes.append(f"{order.reordered} blocks out of order were put back")
    if order.backwards:
        notes.append(f"{order.backwards} blocks whose time ran back a little were lifted to the time before")
    mended = {k: v for k, v in stream.counts.items() if k not in ("blocks", "fills")}
    return notes + [f"{count} {name}" for name, count in mended.items()]


def _of_snapshot(stream: Stream, books: Books) -> list[str]:
    """Say what was taken to be in the snapshot already, or that nobody can tell."""
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
    if stream.misc is not None:
        notes.append(f"{stream.misc.before} misc events up to then are in it already and were not applied")
    if stream.first is not None and stream.first - books.time > FAR_MS:
        apart = (stream.first - books.time) / 1000
        notes.append(f"the first block after the snapshot is {apart:,.0f} s later: is a file missing?")
    return notes


def _refused(names: list[str], lines: int, dropped: int, stream: Stream, troubles: Troubles) -> InputError:
    what = "no ADL fill of a winner was found"
    if stream.before_adl:
        what = "every ADL fill lies before the snapshot"
    if 2 * dropped > lines:
        what = "most lines are no blocks of fills"
    return InputError(
        f"{', '.join(names[:3])}: {what}",
        got=f"{lines} lines, {stream.counts.get('fills', 0)} fills of perpetuals; {troubles.summary}",
        ways_out=[
            "give node fills: one JSON block a line, plain or as an LZ4 frame",
            "give the hours in which the venue deleveraged, and a snapshot from before them",
        ],
    )

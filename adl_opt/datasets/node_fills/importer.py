"""The whole import: files in sequence, one pass, an episode and a report."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path

from adl_opt.checks import one_of
from adl_opt.datasets.node_fills.books import Books
from adl_opt.datasets.node_fills.decode import Block, decode
from adl_opt.datasets.node_fills.lines import (
    Advance,
    Readable,
    UnpackLimits,
    file_pieces,
    lines_of,
    pieces_of,
)
from adl_opt.datasets.node_fills.margins import user_of
from adl_opt.datasets.node_fills.misc import Misc
from adl_opt.datasets.node_fills.notes import notes_of
from adl_opt.datasets.node_fills.order import Order
from adl_opt.datasets.node_fills.reconcile import SecondSnapshot
from adl_opt.datasets.node_fills.report import NodeFillsReport
from adl_opt.datasets.node_fills.roles import Roles
from adl_opt.datasets.node_fills.rounds import build_round, steps
from adl_opt.datasets.node_fills.sequence import in_sequence
from adl_opt.datasets.node_fills.snapshot import books_at
from adl_opt.datasets.node_fills.stream import Stream
from adl_opt.datasets.node_fills.tally import Tally
from adl_opt.datasets.node_fills.troubles import Tell, Troubles
from adl_opt.datasets.store.folder import check_target, save_episode
from adl_opt.errors import InputError, UsageError
from adl_opt.files import as_paths, write_text
from adl_opt.locks import keeps_inputs
from adl_opt.rounds.episode import Episode
from adl_opt.tabular import to_csv

GAP_MS = 5000
HORIZONS_MS = (0, 500, 1000, 2000, 5000)
ENOUGH = 300_000
"""A file is given up after so many lines that are no blocks, if they are most of its lines."""


AnyPath = str | PathLike[str]
Lines = Iterator[tuple[int, bytes, bool]]


@keeps_inputs("out", "haircuts")
def import_node_fills(
    files: AnyPath | Sequence[AnyPath],
    out: AnyPath | None = None,
    clearinghouse: AnyPath | Sequence[AnyPath] | None = None,
    clearinghouse_time: str | int | None = None,
    misc: AnyPath | Sequence[AnyPath] | None = None,
    reconcile: AnyPath | Sequence[AnyPath] | None = None,
    reconcile_time: str | int | None = None,
    gap_ms: int = GAP_MS,
    markout_ms: int = 0,
    horizon_ms: Sequence[int] | None = None,
    adl_prices: str = "mark",
    haircuts: AnyPath | None = None,
    strict: bool = False,
    overwrite: bool = False,
    *,
    streams: Sequence[tuple[str, Readable]] = (),
    limits: UnpackLimits | None = None,
    advance: Advance | None = None,
    tell: Tell | None = None,
) -> tuple[Episode, NodeFillsReport]:
    """Read node fills into an episode; the package says by which conventions.

    Parameters
    ----------
    files : sequence of path
        JSON lines, plain or LZ4 frame; where all names carry date and hour (``YYYYMMDD_HH``, or with their
        folder ``YYYYMMDD/H``) they are read in that order.
        NAME.part-aa, NAME.part-ab, ... are read as one file.
    out : path, optional
        Episode folder to write.
    clearinghouse : sequence of path, optional
        Snapshot before the first ADL fill: gives equity, capacity and deficits.
    clearinghouse_time : str or int, optional
        When it was taken (ISO 8601, or a number in s, ms, us or ns), where the file does not say it.  Fills
        and misc events up to then are in it already and are not booked; without a time all are.
    misc : sequence of path, optional
        Misc events, in order of time; they need the snapshot.
    reconcile, reconcile_time : optional
        A second snapshot and its time, as above: the equity of every account at that time (without one: at
        the end of the files) is held against it, and what is off by more than a cent is listed by cause.
    gap_ms : int
        A new round starts when the gap to the previous ADL fill exceeds it.
    markout_ms : int
        Horizon of the recorded production haircut, ms after the round's last ADL fill.
    horizon_ms : sequence of int, optional
        Further horizons of the report; none may exceed the gap.  By default :data:`HORIZONS_MS` within it.
    adl_prices : str
        What an ADL fill does to the price of its market: ``mark`` (its markPx), or ``fill`` (its px, as in
        the published figures; where no trade follows, the haircut is then 0).
    haircuts : path, optional
        CSV file to write: production's haircut of every winner.
    strict : bool
        Refuse the files if any line or event cannot be used, or an account is off.
    overwrite : bool
        Replace an episode that is in ``out``.
    streams : sequence of (str, open stream)
        Named streams that are read before the files, or in place of them (then ``files`` is empty).
    limits : UnpackLimits, optional
        Bounds of unpacking.
    advance, tell : callable, optional
        Called with the bytes read so far in each step; with each line that could not be used.

    Returns
    -------
    Episode, NodeFillsReport
        Printing the report gives every count.

    Raises
    ------
    InputError
        A file cannot be read, unpacks beyond the limits, more than half of the lines cannot be used (any, if
        ``strict``), no ADL fill is found, or a value cannot be part of a round.
    UsageError
        An option is out of range, misc events or a time are given without a snapshot, the time is another
        than the snapshot's own, or an output is already there or would replace an input.
    """
    limits, troubles = limits or UnpackLimits(), Troubles(tell)
    files, clearinghouse = as_paths(files), as_paths(clearinghouse)
    misc, reconcile = as_paths(misc), as_paths(reconcile)
    if misc and not clearinghouse:
        raise UsageError(
            "misc events change cash, and without a snapshot no cash is known",
            got=", ".join(map(str, misc)),
            ways_out=["give --clearinghouse FILE", "leave --misc out"],
        )
    if reconcile and not clearinghouse:
        raise UsageError(
            "a second snapshot says nothing without the first",
            got=", ".join(map(str, reconcile)),
            ways_out=["give --clearinghouse FILE", "leave --reconcile out"],
        )
    if out is not None:
        check_target(out, overwrite=overwrite)
    notes: list[str] = []
    sources = [(name, pieces_of(stream)) for name, stream in streams]
    sources += [(name, file_pieces(*paths)) for name, paths in in_sequence(files, notes)]
    if not sources:
        raise UsageError("no file of node fills", got="0 files", ways_out=["give at least one file"])
    tally, roles = Tally(), Roles()
    stream = Stream(
        gap_ms, _horizons(gap_ms, markout_ms, horizon_ms), tally, roles,
        adl_mark=one_of("import node-fills: adl_prices", adl_prices, ("fill", "mark")) == "mark",
        books=books_at(clearinghouse, clearinghouse_time, troubles, roles), troubles=troubles,
    )  # fmt: skip
    if misc:
        stream.misc = Misc(in_sequence(misc, notes), troubles, limits, tally, roles, advance)
    if (second := books_at(reconcile, reconcile_time, troubles, roles, "reconcile")) is not None:
        stream.closing = SecondSnapshot(second)
    lines = ((name, lines_of(name, pieces, troubles, limits, advance)) for name, pieces in sources)
    episode, report = _run([name for name, _ in sources], lines, stream, markout_ms, troubles, notes)
    if strict and (report.unused or report.off):
        raise InputError(
            "lines cannot be used, or accounts are off, and --strict was given",
            got="; ".join([report.troubles, *(f"{row['id']}: {row['cause']}" for row in report.off[:20])]),
            ways_out=["correct the files", "leave --strict out: they are then counted, listed and left out"],
        )
    if out is not None:
        save_episode(episode, out, overwrite=overwrite)
    if haircuts is not None:
        write_text(Path(haircuts), to_csv(report.haircuts(episode), index=False))
    return episode, report


def _horizons(gap_ms: int, markout_ms: int, horizon_ms: Sequence[int] | None) -> tuple[int, ...]:
    further = [ms for ms in HORIZONS_MS if ms <= gap_ms] if horizon_ms is None else horizon_ms
    horizons = tuple(sorted({markout_ms, *further}))
    if not (horizons[0] >= 0 and horizons[-1] <= gap_ms <= 86_400_000):
        raise UsageError(
            "markouts lie between 0 ms and the gap between rounds, the gap within a day",
            got=f"markouts {', '.join(map(str, horizons))} ms, gap {gap_ms} ms",
            ways_out=["choose a shorter markout", "choose a longer gap"],
        )
    return horizons


def _run(
    names: list[str],
    sources: Iterable[tuple[str, Lines]],
    stream: Stream,
    markout: int,
    troubles: Troubles,
    notes: list[str],
) -> tuple[Episode, NodeFillsReport]:
    order = Order(troubles, stream.tally)
    for block in order.sorted(_blocks(sources, troubles, stream)):
        stream.take(block)
    stream.finish()
    lines, dropped = stream.counts.pop("lines", 0), stream.counts.pop("lines not used", 0)
    if 2 * dropped > lines or not stream.drafts:
        raise _refused(names, lines, dropped, stream, troubles)
    step, snapshot = steps(stream.drafts), stream.books is not None
    built = [build_round(n, draft, step, markout, snapshot) for n, draft in enumerate(stream.drafts, 1)]
    notes += notes_of(stream, order, markout)
    report = NodeFillsReport(
        files=tuple(names),
        counts=stream.counts,
        notes=tuple(notes),
        troubles=troubles.summary,
        unused=len(troubles),
        rounds=tuple(line for _, _, line in built),
        tally=stream.tally,
        closing=stream.closing,
        moved={} if stream.books is None else _moved(stream.tally, stream.books),
        roles=_roles(stream),
    )
    source = f"node fills {', '.join(names)}; {'; '.join(notes)}; {troubles.summary}"
    name = (re.sub(r"(\.lz4|\.jsonl?)+$", "", names[0]) or names[0]).replace("/", "_")
    return Episode(name, source, tuple((round_, outcome) for round_, outcome, _ in built)), report


def _moved(tally: Tally, books: Books) -> dict[str, float]:
    """Return what moved the equity of all accounts beside events: it ends where they and these lead, USD."""
    known = math.fsum([tally.start_usd, *(kind.equity_usd for kind in tally.kinds.values())])
    others = {
        "positions that no fill explains": books.assumed,
        "losses of isolated positions beyond their margin": books.written_off,
    }
    return others | {"prices": tally.end_usd - known - math.fsum(others.values())}


def _roles(stream: Stream) -> dict[str, str]:
    """Return the roles of winners and losers of all rounds, and of whoever took positions over."""
    margins = [margin for draft in stream.drafts for margin in (*draft.winners, *draft.losers)]
    users = [*map(user_of, margins), *stream.roles.noted]
    return {user: role for user in users if (role := stream.roles.of(user))}


def _blocks(
    sources: Iterable[tuple[str, Lines]], troubles: Troubles, stream: Stream
) -> Iterator[tuple[bytes, Block]]:
    counts, ledger = stream.counts, stream.books is not None
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
                if counts["lines not used"] > max(ENOUGH, counts["lines"] / 2):
                    return  # no more can make it a file of blocks
                continue
            for index, why in block.bad:
                troubles.add(name, number, why, f"event {index}")
                stream.tally.add("fill that cannot be read", "refused")
            block.file, block.line = name, number
            yield text, block


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

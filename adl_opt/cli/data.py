"""Data in: ``adl-opt show``, ``fetch``, ``import``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import (
    Commands,
    EpisodeArgument,
    Format,
    FormatOption,
    QuietOption,
    SpaceOption,
    print_answer,
    progress,
)
from adl_opt.errors import printable, terminal_of

import_app = typer.Typer(help="Turn public data into an episode folder.", no_args_is_help=True)
OutOption = Annotated[Path, typer.Option(help="Episode folder to write; it must not exist.")]
OverwriteOption = Annotated[bool, typer.Option(help="Replace an episode that is there.")]


class Event(StrEnum):
    """Events with public files."""

    OCT10 = "oct10"


class AdlPrices(StrEnum):
    """What an ADL fill does to the price of its market."""

    MARK = "mark"
    FILL = "fill"


def show_command(
    episode: EpisodeArgument, space: SpaceOption = None, fmt: FormatOption = Format.TABLE
) -> None:
    """Show an episode round by round."""
    from adl_opt.datasets.episodes import load

    print_answer(fmt, load(episode, space))


def fetch_command(
    event: Annotated[Event, typer.Argument(help="Which event.")] = Event.OCT10,
    everything: Annotated[bool, typer.Option("--all", help="The large raw files too.")] = False,
    dir: Annotated[Path, typer.Option(help="Where to lay them.")] = Path("oct10-data"),
    base: Annotated[
        str, typer.Option(envvar="ADL_OPT_FETCH_BASE", help="A mirror; the public address by default.")
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Fetch the public files of an event: pinned commits, verified; what is there already is kept."""
    from adl_opt.datasets.fetch.download import FetchError, fetch

    try:
        with _bar_of_each(quiet) as advance:
            done = fetch(event.value, everything=everything, dir=dir, base=base, progress=advance)
    except FetchError as error:
        typer.echo(str(error.report))
        raise
    typer.echo(str(done))


@contextmanager
def _bar_of_each(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function of (file, done, total) that draws one bar a file; None if quiet."""
    with ExitStack() as stack:
        bars: dict[str, Callable[[int, int], None] | None] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in bars:
                stack.pop_all().close()
                bars[name] = stack.enter_context(progress(name, quiet))
            if (bar := bars[name]) is not None:
                bar(done, total)

        yield None if quiet else advance


@import_app.command("hyperreplay")
def import_hyperreplay_command(
    csv: Annotated[Path, typer.Argument(help="adl_detailed_analysis_REALTIME.csv, or a part of it.")],
    out: OutOption,
    rounds: Annotated[
        Path | None, typer.Option(help="Rounds table; the embedded one of October 10, 2025 by default.")
    ] = None,
    gaps: Annotated[Path | None, typer.Option(help="Gap per contract by round and coin.")] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Import HyperReplay rows of ADL fills (third party: read the licence beside them)."""
    from adl_opt.datasets.hyperreplay.importer import import_hyperreplay

    _say(import_hyperreplay(csv, out, rounds, gaps, overwrite)[1], out)


@import_app.command("oct10")
def import_oct10_command(
    folder: Annotated[Path, typer.Argument(help="Folder of public files: adl-opt fetch oct10 --dir DIR.")],
    out: OutOption,
    overwrite: OverwriteOption = False,
) -> None:
    """Build the real October 10, 2025 from the public files that are in a folder; say what is missing."""
    from adl_opt.datasets.hyperreplay.real_oct10 import import_oct10

    _say(import_oct10(folder, out, overwrite)[1], out)


@import_app.command("accounts")
def import_accounts_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV of accounts, one file per round, in order.")
    ],
    out: OutOption,
    deficit: Annotated[list[float], typer.Option(help="D of each round, USD; once per file.")],
    needed: Annotated[
        list[float] | None,
        typer.Option(help="Needed budget B of each round, USD; once per file. Default: the sum of its gaps."),
    ] = None,
    overwrite: OverwriteOption = False,
    flow: Annotated[
        Path | None,
        typer.Option(help="CSV: round, market, side of the losers, quantity, mark, bankruptcy, close."),
    ] = None,
    gaps: Annotated[Path | None, typer.Option(help="CSV: round, market, side, quantity, gap (USD).")] = None,
) -> None:
    """Import your own venue's accounts: id, pnl, equity, and optional columns, one file per round.

    With --flow, and side, entry and mark of positions (one line each), the rounds are in contracts.
    """
    from adl_opt.datasets.accounts import import_accounts

    _say(import_accounts(files, out, deficit, needed or None, overwrite, flow, gaps)[1], out)


@import_app.command("book")
def import_book_command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG", help="TOML that maps a warehouse export; with --sniff the exports."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Episode folder to write; with --sniff the configuration.")
    ] = None,
    sniff: Annotated[
        bool, typer.Option("--sniff", help="Write a first configuration for these files, doubts marked.")
    ] = False,
    overwrite: OverwriteOption = False,
    first_round: Annotated[int, typer.Option(min=1, help="Number of the first round.")] = 1,
) -> None:
    """Import a whole book from raw exports: accounts, positions, marks, collateral, liquidations, fills.

    Equity, PNL, bankruptcy prices, deficits and needed budgets are computed, and reconciled to the cent.
    """
    from adl_opt.datasets.warehouse.importer import import_book

    made = import_book(files, out, sniff=sniff, overwrite=overwrite, first_round=first_round)
    if isinstance(made, str):
        typer.echo(f"wrote {out}; check it, then: adl-opt import book {out} --out EPISODE" if out else made)
    elif out is not None:
        _say(made[1], out, "recommend")
    else:
        typer.echo(str(made[1]))


@import_app.command("node-fills")
def import_node_fills_command(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, plain or LZ4 frame; hours in sequence.")],
    out: OutOption,
    clearinghouse: Annotated[
        list[Path] | None, typer.Option(help="Snapshot before the ADL fills (JSON); repeat for several.")
    ] = None,
    clearinghouse_time: Annotated[
        str | None,
        typer.Option(help="When it was taken, UTC: fills up to then are in it already and are not booked."),
    ] = None,
    misc: Annotated[list[Path] | None, typer.Option(help="Misc events (JSON lines); repeatable.")] = None,
    reconcile: Annotated[
        list[Path] | None, typer.Option(help="A second snapshot: equities are held against it; repeatable.")
    ] = None,
    reconcile_time: Annotated[str | None, typer.Option(help="When that one was taken, UTC.")] = None,
    gap_ms: Annotated[int, typer.Option(help="A longer gap between ADL fills starts a new round.")] = 5000,
    markout_ms: Annotated[int, typer.Option(help="When production is valued, after the last fill.")] = 0,
    horizon_ms: Annotated[list[int] | None, typer.Option(help="Further markouts of the report.")] = None,
    adl_prices: Annotated[
        AdlPrices, typer.Option(help="What an ADL fill does to the price of its market.")
    ] = AdlPrices.MARK,
    haircuts: Annotated[
        Path | None, typer.Option(help="File for production's haircut of every winner, as CSV.")
    ] = None,
    strict: Annotated[
        bool, typer.Option(help="Refuse the files if any event cannot be used or an account is off.")
    ] = False,
    overwrite: OverwriteOption = False,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Import raw node fills: rounds, needed budgets, gaps, losers, production by two-pass replay.

    The table at the end has every event by kind: read, applied, refused, and the equity it moved.
    """
    from adl_opt.datasets.node_fills.importer import import_node_fills

    with transfer("import", [*files, *(misc or ())], quiet) as advance:
        _, report = import_node_fills(
            files,
            out,
            clearinghouse=clearinghouse,
            clearinghouse_time=clearinghouse_time,
            misc=misc,
            reconcile=reconcile,
            reconcile_time=reconcile_time,
            gap_ms=gap_ms,
            markout_ms=markout_ms,
            horizon_ms=horizon_ms,
            adl_prices=adl_prices.value,
            haircuts=haircuts,
            strict=strict,
            overwrite=overwrite,
            advance=advance,
            tell=lambda text: typer.echo(f"not used: {printable(text)}", err=True),
        )
    print_answer(fmt, report)
    _say_next(out, "replay", err=fmt is not Format.TABLE)


def _say(report: object, out: Path, command: str = "replay") -> None:
    typer.echo(str(report))
    _say_next(out, command)


def _say_next(out: Path, command: str, *, err: bool = False) -> None:
    typer.echo(f"wrote {out}; next: adl-opt {command} {out}", err=err)


@contextmanager
def transfer(what: str, files: list[Path], quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Give a function of bytes read that draws a bar with its rate; None if quiet or not a terminal."""
    if quiet or not terminal_of(sys.stderr).isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Rate

    from adl_opt.reports.terminal.console import PlainConsole

    columns = (TextColumn(what), BarColumn(), DownloadColumn(), Rate(), TimeRemainingColumn())
    size = sum(os.path.getsize(path) for path in files if path.is_file())
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=size or None)
        yield lambda count: bar.advance(task, count)


COMMANDS: Commands = {"show": show_command, "fetch": fetch_command}
GROUPS = {"import": import_app}

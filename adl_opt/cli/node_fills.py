"""Raw fills in: ``adl-opt import node-fills``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import QuietOption


class AdlPrices(StrEnum):
    """What an ADL fill does to the price of its market."""

    FILL = "fill"
    MARK = "mark"


def import_node_fills(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, plain or LZ4 frame; hours in sequence.")],
    out: Annotated[Path, typer.Option(help="Episode folder to write; it must not exist.")],
    clearinghouse: Annotated[
        list[Path] | None, typer.Option(help="Snapshot before the ADL fills (JSON); repeat for several.")
    ] = None,
    clearinghouse_time: Annotated[
        str | None,
        typer.Option(help="When it was taken, UTC: fills up to then are in it already and are not booked."),
    ] = None,
    misc: Annotated[list[Path] | None, typer.Option(help="Misc events (JSON lines); repeatable.")] = None,
    gap_ms: Annotated[int, typer.Option(help="A longer gap between ADL fills starts a new round.")] = 5000,
    markout_ms: Annotated[int, typer.Option(help="When production is valued, after the last fill.")] = 0,
    horizon_ms: Annotated[list[int] | None, typer.Option(help="Further markouts of the report.")] = None,
    adl_prices: Annotated[AdlPrices, typer.Option(help="Price told by an ADL fill.")] = AdlPrices.FILL,
    haircuts: Annotated[
        Path | None, typer.Option(help="File for production's haircut of every winner, as CSV.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse the files if any line cannot be used.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an episode that is there.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Import raw node fills: rounds, needed budgets, gaps, losers, production by two-pass replay."""
    from adl_opt.datasets.node_fills import importer

    with transfer("import", [*files, *(misc or ())], quiet) as advance:
        _, report = importer.import_node_fills(
            files,
            out,
            clearinghouse,
            clearinghouse_time,
            misc,
            gap_ms,
            markout_ms,
            horizon_ms,
            adl_prices.value,
            haircuts,
            strict,
            overwrite,
            advance=advance,
            tell=lambda text: typer.echo(f"not used: {text}", err=True),
        )
    typer.echo(str(report))
    typer.echo(f"wrote {out}; next: adl-opt replay {out}")


@contextmanager
def transfer(what: str, files: list[Path], quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """Give a function of bytes read that draws a bar with its rate; None when quiet or nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Rate

    columns = (TextColumn(what), BarColumn(), DownloadColumn(), Rate(), TimeRemainingColumn())
    size = sum(os.path.getsize(path) for path in files if path.is_file())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=size or None)
        yield lambda count: bar.advance(task, count)

"""What the commands share: the output format, its options, printing, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for scripts.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
PIPE_WIDTH = 200
"""A file or a pipe has no width: every column stays whole."""


def tables() -> Any:
    """Return the module of terminal tables, loaded when a table is wanted."""
    from adl_opt.reports.terminal import tables

    return tables


def show(fmt: Format, *, table: Callable[[], Any], json: Callable[[], Any], csv: Callable[[], Any]) -> None:
    """Print a result in the wanted format; only that format is computed.

    ``table`` gives a table, a list of them, or a function of the console that gives one.
    """
    from adl_opt.files import to_csv, to_json

    if fmt is Format.JSON:
        typer.echo(to_json(json()))
    elif fmt is Format.CSV:
        typer.echo(to_csv(csv()), nl=False)
    else:
        from rich.console import Console
        from rich.table import Table

        width = None if sys.stdout.isatty() else PIPE_WIDTH
        console = Console(width=width, markup=False, emoji=False, highlight=False)  # data is text, no command
        made = table()
        for item in made if isinstance(made, list) else [made]:
            item = item(console) if callable(item) else item
            console.print(tables().whole(item, console) if isinstance(item, Table) else item)


@contextmanager
def progress(what: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function of (done, total) that draws a bar; None when quiet or when nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

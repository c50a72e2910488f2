"""What the commands share: formats, options, printing, the progress bar."""

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


def tables() -> Any:
    """Return the module of terminal tables, loaded when it is needed."""
    from adl_opt.report import tables

    return tables


def show(fmt: Format, *, table: Callable[[], Any], json: Callable[[], Any], csv: Callable[[], Any]) -> None:
    """Print what a command made, in the format that was asked for."""
    from adl_opt.report.files import to_csv, to_json

    if fmt is Format.JSON:
        typer.echo(to_json(json()))
    elif fmt is Format.CSV:
        typer.echo(to_csv(csv()), nl=False)
    else:
        from rich.console import Console

        made = table()
        console = Console()
        if not console.is_terminal:  # a file or a pipe has no width: keep every column whole
            console = Console(width=200)
        for item in made if isinstance(made, list) else [made]:
            console.print(item)


@contextmanager
def progress(what: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

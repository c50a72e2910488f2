"""How every command prints: a table for people, json or csv for scripts."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for scripts.")]


def show(fmt: Format, *, table: Callable[[], Any], json: Callable[[], Any], csv: Callable[[], Any]) -> None:
    """Print one of three forms; only the one that is asked for is made."""
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

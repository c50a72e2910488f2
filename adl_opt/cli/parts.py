"""What the commands share: options, and printing an answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from enum import StrEnum
from typing import Annotated, Any

import typer

from adl_opt.errors import UsageError


class Format(StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    LATEX = "latex"
    MD = "md"


class Space(StrEnum):
    """Where policies are compared."""

    WEALTH = "wealth"
    CONTRACTS = "contracts"


FormatOption = Annotated[Format, typer.Option("--format", help="table for people, json or csv for scripts.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
EpisodeArgument = Annotated[str, typer.Argument(help="oct10, synthetic(...), or an episode folder.")]
PolicyOption = Annotated[
    list[str] | None, typer.Option(help="A policy name; repeat for several. Default: the lineup.")
]
LossOption = Annotated[
    str | None,
    typer.Option(help="What is measured: under, over, fair, base, limit, such as under=5,base=capacity."),
]
LambdaOption = Annotated[float | None, typer.Option("--lambda", help="Short for fair= of the loss.")]
SpaceOption = Annotated[
    Space | None,
    typer.Option(help="A pool of dollars, or contracts by market and side. Default: the data's own."),
]
ModelOption = Annotated[
    str, typer.Option(help="A model (adl-opt models), or the path of a model folder, which is run as code.")
]
Commands = dict[str, Callable[..., None]]
"""Commands of a file, by name."""


def named_values(given: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE by name: true, false and numbers as such, everything else as text.

    Examples
    --------
    >>> named_values(["presolve=off", "simplex_strategy=4", "mip_abs_gap=1e-3"])
    {'presolve': 'off', 'simplex_strategy': 4, 'mip_abs_gap': 0.001}
    """
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            ways_out = ["write --option NAME=VALUE, such as --option presolve=off"]
            raise UsageError("an option has a name and a value", got=text, ways_out=ways_out)
        found[name] = {"true": True, "false": False}.get(value.lower(), value)
        for kind in (float, int):
            with suppress(ValueError):
                found[name] = kind(value)
    return found


def code_of(model: str) -> AbstractContextManager[None]:
    """Return what guards the code of a model by its path: its prints go to stderr, its exit is an error."""
    from adl_opt.catalogue import is_path
    from adl_opt.foreign import foreign_code

    return foreign_code(f"model {model!r}", model) if model and is_path(model) else nullcontext()


def print_rows(fmt: Format, listing: Any) -> None:
    """Print a list as :func:`print_answer` does, but its JSON as the bare array of rows."""
    from adl_opt.files import to_json

    if fmt is Format.JSON:
        typer.echo(to_json(listing.rows))
    else:
        print_answer(fmt, listing)


def print_answer(fmt: Format, answer: Any) -> None:
    """Print what a function of ``adl_opt`` gave back; only the wanted format is computed."""
    from adl_opt.files import to_json

    if fmt is Format.JSON:
        typer.echo(to_json(answer.to_json()))
    elif fmt is not Format.TABLE:
        made = {Format.CSV: answer.to_csv, Format.LATEX: answer.to_latex, Format.MD: answer.to_markdown}
        typer.echo(made[fmt](), nl=False)
        for note in getattr(answer, "notes", ()):
            typer.echo(note, err=True)
    else:
        from adl_opt.reports.terminal import show

        show.print_tables(answer)

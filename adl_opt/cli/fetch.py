"""``adl-opt fetch``: the public files of an event, pinned and verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import QuietOption, progress


class Event(StrEnum):
    """Events with public files."""

    OCT10 = "oct10"


def fetch(
    event: Annotated[Event, typer.Argument(help="Which event.")] = Event.OCT10,
    everything: Annotated[bool, typer.Option("--all", help="The large raw files too.")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="Where to lay them.")] = Path("oct10-data"),
    base: Annotated[
        str, typer.Option(envvar="ADL_OPT_FETCH_BASE", help="A mirror; the public address by default.")
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Fetch the public files of an event: pinned commits, verified; what is there already is kept."""
    from adl_opt.datasets.fetch import download

    try:
        with each_file(quiet) as advance:
            done = download.fetch(event.value, everything=everything, dir=folder, base=base, progress=advance)
    except download.FetchError as error:
        typer.echo(str(error.report))
        raise
    typer.echo(str(done))


@contextmanager
def each_file(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function of (file, done, total) that draws one bar a file; None if quiet or not a terminal."""
    with ExitStack() as stack:
        bars: dict[str, Callable[[int, int], None] | None] = {}

        def advance(name: str, done: int, total: int) -> None:
            if name not in bars:
                stack.pop_all().close()
                bars[name] = stack.enter_context(progress(name, quiet))
            if (bar := bars[name]) is not None:
                bar(done, total)

        yield None if quiet else advance

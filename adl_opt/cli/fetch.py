"""``adl-opt fetch``: the public files of an event, pinned and verified."""

from __future__ import annotations

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
    from adl_opt.datasets.fetch.download import FetchError, fetch_file
    from adl_opt.datasets.fetch.registry import ATTRIBUTION, BASE, public_files

    wanted = public_files(event.value, everything=everything)
    for repository, licence in dict.fromkeys((f.repository, f.licence) for f in wanted):
        typer.echo(f"{repository}: {licence}. {ATTRIBUTION[repository]}")
    failed: list[FetchError] = []
    for file in wanted:
        try:
            with progress(file.place.name, quiet) as advance:
                done = fetch_file(file, folder, base or BASE, advance)
            typer.echo(f"{done:8s}{folder / file.place}")
        except FetchError as error:
            failed.append(error)
            typer.echo(f"{'FAILED':8s}{folder / file.place}")
    for failure in failed:
        typer.echo(f"error: {failure}", err=True)
    if failed:
        typer.echo(f"{len(failed)} of {len(wanted)} files are missing; the others are there", err=True)
        raise typer.Exit(1)
    typer.echo(f"next: adl-opt import oct10 {folder} --out EPISODE")
    if raw := next((file for file in wanted if ".lz4.part-" in file.path), None):
        parts = (folder / raw.place).with_suffix(".part-*")
        typer.echo(f"or:   adl-opt import node-fills {parts} --out EPISODE")

"""``adl-opt study``: many policies side by side, on what each was allowed to know."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import Format, FormatOption, QuietOption, progress, show

study = typer.Typer(help="Policies side by side, by what each was allowed to know.", no_args_is_help=True)


@study.callback()
def root() -> None:
    """Policies side by side, by what each was allowed to know."""


@study.command()
def oct10(
    gaps: Annotated[
        Path | None,
        typer.Option(help="CSV of real gaps by round and coin, shown beside the embedded."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Synthetic episodes, at least 2.")] = 1000,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """October 10, 2025: severity after the fact, at the start of the round, and there with hints."""
    from adl_opt.studies.october10.online import study_oct10

    with progress("synthetic episodes", quiet) as advance:
        made = study_oct10(gaps=gaps, episodes=episodes, progress=advance)

    def tables() -> list[object]:
        from adl_opt.reports.terminal.study import study_tables

        return list(study_tables(made))

    show(fmt, table=tables, json=made.to_json, csv=made.table)

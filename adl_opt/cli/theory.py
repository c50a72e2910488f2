"""``adl-opt theory``: the paper's instances, measured against predicted."""

from __future__ import annotations

from typing import Annotated

import typer

from adl_opt.cli.parts import Format, FormatOption, QuietOption, progress, show


def theory(
    rounds: Annotated[int, typer.Option(help="Longest horizon T, 256 to 65,536.")] = 1024,
    tries: Annotated[int, typer.Option(help="Instances that the search tries for each bound.")] = 300,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure the paper's worst cases against its theorems, and try to break every bound."""
    from adl_opt.reports.terminal.theory import theory_tables
    from adl_opt.studies.theory.run import theory as run

    with progress("theory", quiet) as advance:
        found = run(rounds, tries=tries, progress=advance)
    show(fmt, table=lambda: theory_tables(found), json=found.to_json, csv=found.frame)
    if not found.holds:
        raise typer.Exit(1)

"""What people look at: ``adl-opt figures`` and ``adl-opt report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import (
    Commands,
    EpisodeArgument,
    LossOption,
    PolicyOption,
    QuietOption,
    SpaceOption,
)


def figures_command(
    episode: EpisodeArgument = "oct10",
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("figures"),
    policy: PolicyOption = None,
    loss: LossOption = None,
    space: SpaceOption = None,
    size: Annotated[str, typer.Option(help="screen, or one-column or two-columns of a paper.")] = "screen",
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="png, svg or pdf; may be repeated. By default png and svg."),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help='Instead of the title of each figure; "" for none.')
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw every figure of an episode, for print."""
    from adl_opt.reports.figures.write import figures

    names = policy or None
    drawn = figures(
        episode,
        out,
        names,
        loss=loss,
        space=space,
        size=size,
        formats=formats,
        title=title,
        progress=not quiet,
    )
    typer.echo(str(drawn))


def report_command(
    episode: EpisodeArgument = "oct10",
    out: Annotated[Path, typer.Option(help="The HTML file.")] = Path("report.html"),
    policy: PolicyOption = None,
    loss: LossOption = None,
    space: SpaceOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the HTML report of an episode: one file that opens offline."""
    from adl_opt.reports.html.page import report

    written = report(episode, out, policy or None, loss=loss, space=space, progress=not quiet)
    typer.echo(written)


COMMANDS: Commands = {"figures": figures_command, "report": report_command}

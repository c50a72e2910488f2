"""``adl-opt figures`` and ``adl-opt report``: what people look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import QuietOption, progress

EpisodeArgument = Annotated[str, typer.Argument(help="oct10, synthetic(...), or an episode folder.")]
PolicyOption = Annotated[
    list[str] | None, typer.Option(help="A policy name; repeat for several. Default: all that fit.")
]


def figures(
    episode: EpisodeArgument = "oct10",
    out: Annotated[Path, typer.Option(help="Folder for the figures, PNG and SVG.")] = Path("figures"),
    policy: PolicyOption = None,
    quiet: QuietOption = False,
) -> None:
    """Draw every figure of an episode, for print (PNG and SVG)."""
    from adl_opt.datasets import load
    from adl_opt.reports.figures.draw import write_figures
    from adl_opt.reports.figures.style import need_matplotlib
    from adl_opt.reports.series.gallery import gallery
    from adl_opt.studies.findings import Findings

    need_matplotlib()
    loaded = load(episode)
    with progress("optimum", quiet) as advance:
        findings = Findings.of(loaded, policy, advance)
    with progress("figures", quiet) as advance:
        count = len(gallery(findings))
        for done, name in enumerate(write_figures(findings, out), start=1):
            if advance is not None:
                advance(done, count)
            typer.echo(out / f"{name}.png")
            typer.echo(out / f"{name}.svg")


def report(
    episode: EpisodeArgument = "oct10",
    out: Annotated[Path, typer.Option(help="The HTML file.")] = Path("report.html"),
    policy: PolicyOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the HTML report of an episode: one file that opens offline."""
    from adl_opt.datasets import load
    from adl_opt.files import write_text
    from adl_opt.reports.html.page import need_report, page
    from adl_opt.studies.findings import Findings

    need_report()
    loaded = load(episode)
    with progress("optimum", quiet) as advance:
        findings = Findings.of(loaded, policy, advance)
    write_text(out, page(findings))
    typer.echo(out)

"""Data in: ``adl-opt show`` and ``adl-opt import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import Format, FormatOption, tables
from adl_opt.cli.parts import show as show_as

imports = typer.Typer(help="Turn public data into an episode folder.", no_args_is_help=True)


def show(
    episode: Annotated[str, typer.Argument(help="oct10, synthetic(...), or an episode folder.")],
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Show an episode round by round."""
    from adl_opt.datasets.episodes import load

    loaded = load(episode)
    made = tables()
    show_as(
        fmt,
        table=lambda: made.episode_table(loaded),
        json=lambda: {
            "episode": loaded.name,
            "source": loaded.source,
            "rounds": loaded.frame().reset_index().to_dict("records"),
        },
        csv=loaded.frame,
    )


@imports.command("hyperreplay")
def import_hyperreplay(
    csv: Annotated[Path, typer.Argument(help="adl_detailed_analysis_REALTIME.csv, or a part of it.")],
    out: Annotated[Path, typer.Option(help="Episode folder to write; it must not exist.")],
    rounds: Annotated[
        Path | None, typer.Option(help="Rounds table; the embedded one of October 10, 2025 by default.")
    ] = None,
    gaps: Annotated[Path | None, typer.Option(help="Gap per contract by round and coin.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an episode that is there.")] = False,
) -> None:
    """Import HyperReplay rows of ADL fills (third party: read the licence beside them)."""
    from adl_opt.datasets.hyperreplay import importer

    _, report = importer.import_hyperreplay(csv, out, rounds, gaps, overwrite)
    _say(report, out)


def _say(report: object, out: Path) -> None:
    typer.echo(str(report))
    typer.echo(f"wrote {out}; next: adl-opt replay {out}")


OutOption = Annotated[Path, typer.Option(help="Episode folder to write; it must not exist.")]
OverwriteOption = Annotated[bool, typer.Option(help="Replace an episode that is there.")]


@imports.command("oct10")
def import_oct10(
    folder: Annotated[Path, typer.Argument(help="Folder of public files: adl-opt fetch oct10 --dir DIR.")],
    out: OutOption,
    overwrite: OverwriteOption = False,
) -> None:
    """Build the real October 10, 2025 from the public files that are in a folder; say what is missing."""
    from adl_opt.datasets.hyperreplay import real_oct10

    _, report = real_oct10.import_oct10(folder, out, overwrite)
    _say(report, out)


@imports.command("accounts")
def import_accounts(
    tables_: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV of accounts, one file per round, in order.")
    ],
    out: OutOption,
    deficit: Annotated[list[float], typer.Option(help="D of each round, USD; once per file.")],
    needed: Annotated[list[float], typer.Option(help="Needed budget B of each round, USD; once per file.")],
    overwrite: OverwriteOption = False,
) -> None:
    """Import your own venue's accounts: id, pnl, equity, and optional columns, one file per round."""
    from adl_opt.datasets import accounts

    _, report = accounts.import_accounts(tables_, out, deficit, needed, overwrite)
    _say(report, out)

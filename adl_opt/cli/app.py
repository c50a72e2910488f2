"""The command line: ``adl-opt``.  Exit codes: 0 ok, 1 the job failed, 2 wrong usage or bad input."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import adl_opt
from adl_opt.cli.components import components
from adl_opt.cli.data import imports, show
from adl_opt.cli.fetch import fetch
from adl_opt.cli.models import ModelsOption, policies_of, register
from adl_opt.cli.node_fills import import_node_fills
from adl_opt.cli.parts import Format, FormatOption, QuietOption, progress, tables
from adl_opt.cli.parts import show as show_as
from adl_opt.cli.report import figures, report
from adl_opt.cli.solve import solve
from adl_opt.cli.study import study
from adl_opt.cli.sweep import simulate, sweep
from adl_opt.cli.theory import theory
from adl_opt.errors import AdlOptError

app = typer.Typer(
    name="adl-opt",
    help="Optimisation models for auto-deleveraging (ADL): replay policies, solve rounds, prove optima.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
imports.command("node-fills")(import_node_fills)
app.add_typer(imports, name="import")
register(app)
app.command()(solve)
app.command()(show)
app.command()(fetch)
app.command()(theory)
app.command()(components)
app.command()(figures)
app.command()(report)
app.add_typer(study, name="study")
app.add_typer(simulate, name="simulate")
app.command()(sweep)


class Burden(StrEnum):
    """What burdens are measured against."""

    CAPACITY = "capacity"
    EQUITY = "equity"


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"adl-opt {adl_opt.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Optimisation models for auto-deleveraging (ADL)."""


@app.command()
def replay(
    episode: Annotated[str, typer.Argument(help="oct10, synthetic(...), or an episode folder.")] = "oct10",
    policy: Annotated[
        list[str] | None, typer.Option(help="A policy name; repeat for several. Default: all that fit.")
    ] = None,
    model: ModelsOption = None,
    lam: Annotated[float, typer.Option("--lambda", help="Weight of fairness in eq. 23.")] = 1.0,
    burden: Annotated[Burden, typer.Option(help="What burdens are measured against.")] = Burden.CAPACITY,
    fmt: FormatOption = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option(help="Folder for result.json, policies.csv, rounds.csv, regret.csv.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Compare policies over an episode: how much each takes, from whom, against what was needed."""
    from adl_opt.datasets.episodes import load
    from adl_opt.evaluate.replay import replay as run
    from adl_opt.files import to_csv, to_json, write_folder

    chosen: list[Any] | None = [*(policy or []), *policies_of(model)] if model else policy
    with progress("replay", quiet) as advance:
        result = run(load(episode), chosen, lam=lam, burden=burden.value, progress=advance)
    if out is not None:
        texts = {
            "result.json": to_json(result.to_json()) + "\n",
            "policies.csv": to_csv(result.table()),
            "rounds.csv": to_csv(result.rounds(), index=False),
            "regret.csv": to_csv(result.regret()),
        }
        write_folder(out, texts)
    if fmt is Format.CSV:
        for note in result.notes:
            typer.echo(note, err=True)
    show_as(
        fmt,
        table=lambda: lambda console: tables().fitted(result, console),
        json=result.to_json,
        csv=result.table,
    )


@app.command()
def policies(fmt: FormatOption = Format.TABLE) -> None:
    """List the policies: rule, source, information, tie-break."""
    from adl_opt.reports.terminal.catalogue import cards, cards_frame, cards_table

    show_as(fmt, table=cards_table, json=lambda: {"policies": cards()}, csv=cards_frame)


@app.command()
def published(
    lam: Annotated[float, typer.Option("--lambda", help="Weight of fairness in eq. 23.")] = 1.0,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Recompute the published table of October 10, 2025 from its per-round figures."""
    from dataclasses import asdict

    from adl_opt.evaluate.published import headlines, markout_overshoot
    from adl_opt.evaluate.published import published as recompute
    from adl_opt.evaluate.sensitivity import lambda_sweep

    result = recompute(lam)
    sweep = lambda_sweep(result)
    extra = {
        "headlines": asdict(headlines()),
        "markout_overshoot_usd": markout_overshoot(),
        "lambda_sweep_total_usd": {
            str(name): {f"{k:g}": v for k, v in row.items() if k != "information"}
            for name, row in sweep.to_dict("index").items()
        },
    }

    def all_tables() -> list[Any]:
        made = tables()
        return [
            lambda console: made.fitted(result, console),
            made.headlines_table(headlines()),
            made.sweep_table(sweep),
        ]

    show_as(fmt, table=all_tables, json=lambda: result.to_json() | extra, csv=result.table)


@app.command()
def optimum(
    episode: Annotated[str, typer.Argument(help="oct10, synthetic(...), or an episode folder.")] = "oct10",
    path_budget: Annotated[float | None, typer.Option(help="Total variation P of the best path.")] = None,
    switches: Annotated[int | None, typer.Option(help="Most switches K of the best path.")] = None,
    accounts: Annotated[
        list[int] | None, typer.Option(help="At most so many payers; repeat for a table of what it costs.")
    ] = None,
    policy: Annotated[list[str] | None, typer.Option(help="A policy name; repeat for several.")] = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Offline-optimal benchmarks, proven, and how far each policy is from them."""
    from adl_opt.datasets.episodes import load
    from adl_opt.evaluate.optimum import optimum as compute

    with progress("optimum", quiet) as advance:
        found = compute(
            load(episode),
            policy,
            path_budget=path_budget,
            switches=switches,
            accounts=accounts or (),
            progress=advance,
        )
    made = tables()
    show_as(fmt, table=lambda: made.optimum_tables(found), json=found.to_json, csv=found.policies_frame)


@app.command()
def doctor(fmt: FormatOption = Format.TABLE) -> None:
    """Check the installation: versions, solvers, and answers that are known."""
    from adl_opt.health import examine

    checks = examine()
    made = tables()
    show_as(
        fmt,
        table=lambda: made.checks_table(checks),
        json=lambda: {"ok": all(c.ok for c in checks), "checks": [vars(c) for c in checks]},
        csv=lambda: made.checks_frame(checks),
    )
    if not all(c.ok for c in checks):
        raise typer.Exit(1)


def main() -> NoReturn:
    """Run the command line; a user's mistake ends in a message, never in a traceback."""
    try:
        app()
    except AdlOptError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        typer.echo(f"error: the output cannot be written\n  got: {error}", err=True)
        sys.exit(1)
    except MemoryError:
        typer.echo(
            "error: the machine has not enough memory for this\n  ways out:\n    - ask for less", err=True
        )
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()

"""Many runs: ``adl-opt study``, ``theory``, ``simulate``, ``sweep``, ``frontier``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import (
    Commands,
    EpisodeArgument,
    Format,
    FormatOption,
    LossOption,
    QuietOption,
    SpaceOption,
    print_answer,
    print_rows,
)
from adl_opt.errors import UsageError

simulate_app = typer.Typer(help="Closed loop: a policy changes the market it acts in.", no_args_is_help=True)
WorkersOption = Annotated[int, typer.Option(help="Processes on this machine.")]
EightOption = Annotated[
    list[str] | None, typer.Option(help="A policy name; repeat for several. Default: the standard eight.")
]


def study_command(
    episode: EpisodeArgument = "oct10",
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A policy name; repeat for several. Default: the lineup, all learners and hints."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Synthetic episodes, at least 2.")] = 1000,
    loss: LossOption = None,
    space: SpaceOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Hold severities side by side, by what each was allowed to know; their defaults are frozen."""
    from adl_opt.studies.october10.online import study

    made = study(
        episode,
        policies=policy or None,
        episodes=episodes,
        loss=loss,
        space=space,
        progress=not quiet,
    )
    print_answer(fmt, made)


def beds_command(
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A policy name; repeat for several. Default: recommended."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Episodes in each bed.")] = 20,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    loss: LossOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Play severities in test beds of many kinds, each with the same frozen defaults."""
    from adl_opt.studies.beds import beds

    made = beds(policy or None, seeds=seeds, seed=seed, loss=loss, progress=not quiet)
    print_answer(fmt, made)


def theory_command(
    rounds: Annotated[int, typer.Option(help="Longest horizon T, 256 to 65,536.")] = 1024,
    tries: Annotated[int, typer.Option(help="Instances that the search tries for each bound.")] = 300,
    loss: LossOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure the paper's worst cases against its theorems, and try to break every bound."""
    from adl_opt.studies.theory.run import theory

    found = theory(rounds, tries=tries, loss=loss, progress=not quiet)
    print_answer(fmt, found)
    if not found.holds:
        raise typer.Exit(1)


@simulate_app.command("scenarios")
def scenarios_command(fmt: FormatOption = Format.TABLE) -> None:
    """List the scenarios and what each is for."""
    from adl_opt.studies.simulation.scenarios import scenarios

    print_answer(fmt, scenarios())


@simulate_app.command("run")
def simulate_command(
    scenario: Annotated[str, typer.Argument(help="See adl-opt simulate scenarios.")] = "flash-crash",
    policy: EightOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same bits.")] = 0,
    path: Annotated[
        Path | None, typer.Option(help="CSV of prices with a header: a column a market, a row a step.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw the tracking error of several seeds as a fan: a .png or .svg file."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds in the figure, from --seed on.")] = 20,
    loss: LossOption = None,
    space: SpaceOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Run policies through one simulated episode, on the same accounts and prices."""
    from adl_opt.studies.simulation.runs import simulate

    if figure is not None:
        from adl_opt.reports.figures.write import draw_fan

        if path is not None:
            raise UsageError("a fan is of drawn prices", got=f"--path {path}", ways_out=["drop --path"])
        drawn = draw_fan(
            figure,
            scenario,
            policy or None,
            seed=seed,
            seeds=seeds,
            loss=loss,
            space=space,
            progress=not quiet,
        )
        typer.echo(str(drawn), err=True)
    made = simulate(
        scenario, policy or None, seed=seed, path=path, loss=loss, space=space, progress=not quiet
    )
    print_answer(fmt, made)


@simulate_app.command("feedback")
def feedback_command(
    scenario: Annotated[
        list[str] | None, typer.Option(help="A scenario; repeat for several. Default: oct10-reactions.")
    ] = None,
    policy: EightOption = None,
    seeds: Annotated[int, typer.Option(help="Pairs of episodes.")] = 100,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    workers: WorkersOption = 1,
    loss: LossOption = None,
    space: SpaceOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure the feedback effect: the same episodes with and without what policies do to later liquidity."""
    from adl_opt.studies.sweeps.feedback import feedback

    effect = feedback(
        policy or None,
        scenario or None,
        seeds=seeds,
        seed=seed,
        workers=workers,
        loss=loss,
        space=space,
        progress=not quiet,
    )
    print_answer(fmt, effect)


def sweep_command(
    plan: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML: policies, scenarios, seeds, parameters.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the parts and the tables (Parquet).")],
    workers: WorkersOption = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, in place of processes here.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a sweep that was stopped.")] = False,
    loss: LossOption = None,
    space: SpaceOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Run policies x scenarios x seeds x parameters; a failure is a row, and finished work is kept."""
    from adl_opt.studies.sweeps.run import sweep

    made = sweep(
        plan,
        out,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        loss=loss,
        space=space,
        progress=not quiet,
    )
    print_answer(fmt, made)
    if len(made.failures):
        typer.echo(f"{len(made.failures)} of {len(made.rows)} cells failed: see the column error", err=True)


def frontier_command(
    episode: EpisodeArgument = "oct10",
    loss: LossOption = None,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Overshoot against coverage: every online severity with its alpha swept, and what hindsight allows.

    The JSON is the bare array of rows.
    """
    from adl_opt.studies.frontier import frontier

    print_rows(fmt, frontier(episode, loss=loss))


COMMANDS: Commands = {
    "study": study_command,
    "beds": beds_command,
    "theory": theory_command,
    "sweep": sweep_command,
    "frontier": frontier_command,
}
GROUPS = {"simulate": simulate_app}

"""``adl-opt simulate`` and ``adl-opt sweep``: one episode, the feedback effect, thousands of episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from adl_opt.cli.parts import Format, FormatOption, QuietOption, progress, show
from adl_opt.errors import UsageError

simulate = typer.Typer(help="Closed loop: a policy changes the market it acts in.", no_args_is_help=True)
WorkersOption = Annotated[int, typer.Option(help="Processes on this machine.")]
PolicyOption = Annotated[
    list[str] | None, typer.Option(help="A policy name; repeat for several. Default: the standard eight.")
]


@simulate.command()
def scenarios(fmt: FormatOption = Format.TABLE) -> None:
    """List the scenarios and what each is for."""
    from dataclasses import asdict

    import pandas as pd

    from adl_opt.reports.terminal.sweep import scenario_table
    from adl_opt.studies.simulation.scenarios import SCENARIOS

    found = list(SCENARIOS.values())

    def frame() -> pd.DataFrame:
        return pd.DataFrame([{"scenario": s.name, "purpose": s.purpose} | asdict(s.settings) for s in found])

    show(
        fmt,
        table=lambda: scenario_table(found),
        json=lambda: {"scenarios": [asdict(s) for s in found]},
        csv=lambda: frame().set_index("scenario"),
    )


@simulate.command()
def run(
    scenario: Annotated[str, typer.Argument(help="See adl-opt simulate scenarios.")] = "flash-crash",
    policy: PolicyOption = None,
    seed: Annotated[int, typer.Option(help="Same seed, same bits.")] = 0,
    path: Annotated[
        Path | None, typer.Option(help="CSV of prices with a header: a column a market, a row a step.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw the tracking error of several seeds as a fan: a .png or .svg file."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds in the figure, from --seed on.")] = 20,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Run policies through one simulated episode, on the same accounts and prices."""
    import pandas as pd

    from adl_opt.reports.terminal.sweep import run_table
    from adl_opt.studies.simulation.files import given_path
    from adl_opt.studies.simulation.run import Start
    from adl_opt.studies.simulation.run import simulate as play
    from adl_opt.studies.simulation.scenarios import scenario as named
    from adl_opt.studies.sweeps.feedback import POLICIES

    settings, prices = named(scenario).settings, None
    if figure is not None:
        _fan(figure, policy or POLICIES, scenario, range(seed, seed + seeds), path, quiet)
    if path is not None:
        settings, prices = given_path(path, settings)
    start = Start.draw(settings, seed, prices)
    runs = [play(p, settings, seed=seed, start=start) for p in policy or POLICIES]

    def frame() -> pd.DataFrame:
        rows = [{"policy": r.policy, "information": r.information} | r.totals for r in runs]
        return pd.DataFrame(rows).set_index("policy")

    show(
        fmt,
        table=lambda: run_table(scenario, seed, runs),
        json=lambda: {"scenario": scenario, "seed": seed, "runs": [r.to_json() for r in runs]},
        csv=frame,
    )


def _fan(
    figure: Path, policies: Sequence[str], scenario: str, seeds: range, path: Path | None, quiet: bool
) -> None:
    from adl_opt.files import write_bytes
    from adl_opt.reports.figures.draw import draw
    from adl_opt.reports.figures.style import need_matplotlib, rendered
    from adl_opt.reports.series.fans import fan_series
    from adl_opt.studies.simulation.fan import fan_frame

    need_matplotlib()
    kind = figure.suffix.lower().lstrip(".")
    if kind not in ("png", "svg") or path is not None:
        raise UsageError(
            "a fan is a .png or .svg file, of drawn prices",
            got=f"--figure {figure}" + ("" if path is None else f" --path {path}"),
            ways_out=["--figure fan.png, without --path"],
        )
    with progress("fan", quiet) as advance:
        frame = fan_frame(policies, scenario, seeds, advance)
    write_bytes(figure, rendered(draw(fan_series(frame, scenario=scenario, seeds=len(seeds))), kind))
    typer.echo(figure, err=True)


@simulate.command()
def feedback(
    scenario: Annotated[
        list[str] | None, typer.Option(help="A scenario; repeat for several. Default: repeated-rounds.")
    ] = None,
    policy: PolicyOption = None,
    seeds: Annotated[int, typer.Option(help="Pairs of episodes.")] = 100,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    workers: WorkersOption = 1,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure the feedback effect: the same episodes with and without what policies do to later liquidity."""
    from adl_opt.reports.terminal.sweep import feedback_tables
    from adl_opt.studies.sweeps.feedback import POLICIES, feedback_effect

    chosen: dict[str, Any] = {"policies": policy or POLICIES, "scenarios": scenario or ["repeated-rounds"]}
    with progress("feedback", quiet) as advance:
        effect = feedback_effect(**chosen, seeds=seeds, seed=seed, workers=workers, progress=advance)
    show(
        fmt,
        table=lambda: feedback_tables(effect),
        json=lambda: {"feedback": effect.to_dict("records")},
        csv=lambda: effect.set_index("scenario"),
    )


def sweep(
    config: Annotated[Path, typer.Argument(help="TOML: policies, scenarios, seeds, parameters.")],
    out: Annotated[Path, typer.Option(help="Folder for the parts and the tables (Parquet).")],
    workers: WorkersOption = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, in place of processes here.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a sweep that was stopped.")] = False,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Run policies x scenarios x seeds x parameters; a failure is a row, and finished work is kept."""
    from adl_opt.reports.terminal.sweep import sweep_tables
    from adl_opt.studies.sweeps.plan import read_plan
    from adl_opt.studies.sweeps.run import sweep as run_all

    plan = read_plan(config)
    with progress("sweep", quiet) as advance:
        made = run_all(plan, out, workers=workers, scheduler=scheduler, resume=resume, progress=advance)
    show(
        fmt,
        table=lambda: sweep_tables(made, plan.baseline),
        json=made.to_json,
        csv=lambda: made.summary.set_index("scenario"),
    )
    if len(made.failures):
        typer.echo(f"{len(made.failures)} of {len(made.rows)} cells failed: see the column error", err=True)

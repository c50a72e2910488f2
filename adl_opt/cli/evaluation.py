"""Policies and optima: ``replay``, ``published``, ``optimum``, ``solve``, ``verify``, ``export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adl_opt.cli.parts import (
    Commands,
    EpisodeArgument,
    Format,
    FormatOption,
    LambdaOption,
    LossOption,
    ModelOption,
    PolicyOption,
    QuietOption,
    SpaceOption,
    code_of,
    named_values,
    print_answer,
)


class Burden(StrEnum):
    """What burdens are measured against."""

    CAPACITY = "capacity"
    EQUITY = "equity"


class Price(StrEnum):
    """What contracts are closed at."""

    CLOSE = "close"
    VENUE = "venue"


class FileFormat(StrEnum):
    """Formats that other solvers read."""

    MPS = "mps"
    LP = "lp"


def replay_command(
    episode: EpisodeArgument = "oct10",
    policy: PolicyOption = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model, or the path of a model folder; repeatable.")
    ] = None,
    loss: LossOption = None,
    lam: LambdaOption = None,
    burden: Annotated[Burden | None, typer.Option(help="Short for base= of the loss.")] = None,
    space: SpaceOption = None,
    price: Annotated[
        Price, typer.Option(help="In contracts: the flow's closing price, or that of each rule's venue.")
    ] = Price.CLOSE,
    moves: Annotated[
        str | None,
        typer.Option(help="In contracts, scenarios of prices: past, drawn(volatility=0.2), or a file."),
    ] = None,
    fmt: FormatOption = Format.TABLE,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for result.json, policies.csv, rounds.csv, regret.csv."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Compare policies over an episode: how much each takes, from whom, against what was needed."""
    from adl_opt.evaluate.replay import replay

    chosen: list[object] = list(policy or [])
    if model:
        from adl_opt.catalogue import is_path, load_model
        from adl_opt.policy.online import guest_model

        chosen += [guest_model(name) if is_path(name) else load_model(name) for name in model]
    result = replay(
        episode,
        chosen or None,
        loss=loss,
        lam=lam,
        burden=burden,
        space=space,
        price=price,
        moves=moves,
        out=out,
        progress=not quiet,
    )
    print_answer(fmt, result)


def published_command(
    lam: LambdaOption = None, loss: LossOption = None, fmt: FormatOption = Format.TABLE
) -> None:
    """Recompute the published table of October 10, 2025 from its per-round figures."""
    from adl_opt.evaluate.published import published

    print_answer(fmt, published(lam, loss=loss))


def optimum_command(
    episode: EpisodeArgument = "oct10",
    path_budget: Annotated[float | None, typer.Option(help="Total variation P of the best path.")] = None,
    switches: Annotated[int | None, typer.Option(help="Most switches K of the best path.")] = None,
    accounts: Annotated[
        list[int] | None, typer.Option(help="At most so many payers; repeat for a table of what it costs.")
    ] = None,
    policy: PolicyOption = None,
    loss: LossOption = None,
    space: SpaceOption = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Offline-optimal benchmarks, proven, and how far each policy is from them."""
    from adl_opt.evaluate.optimum import optimum

    found = optimum(
        episode,
        policy or None,
        loss=loss,
        space=space,
        path_budget=path_budget,
        switches=switches,
        accounts=accounts,
        progress=not quiet,
    )
    print_answer(fmt, found)


def solve_command(
    rounds: Annotated[
        str,
        typer.Argument(
            metavar="ROUND",
            help="CSV: id, pnl, equity, and optional columns; EPISODE:NUMBER such as oct10:28; or, with "
            "--model, an EPISODE: a model of kind round solves each of its rounds, one of kind episode all "
            "together, one of kind hindsight finds severities.",
        ),
    ],
    budget: Annotated[
        float | None,
        typer.Option(
            help="Budget to take from the winners, USD. For EPISODE:NUMBER by default what was needed."
        ),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Allocation. Default: min-max-lots where the file has lots, else min-max.")
    ] = "",
    model: ModelOption = "",
    deficit: Annotated[float | None, typer.Option(help="Deficit D, USD; the budget by default.")] = None,
    space: SpaceOption = None,
    gap: Annotated[
        float | None,
        typer.Option(
            help="Relative gap at which a mixed-integer model counts as proven. Default: 0, and 1e-4 for "
            "the rounds of an EPISODE."
        ),
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Most branch-and-bound nodes of a model.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Time limit of a model, for each round.")] = None,
    engine: Annotated[
        str, typer.Option(help="Who solves a model: auto, kernel, highs, scip, cvxpy, or cvxpy:SOLVER.")
    ] = "auto",
    option: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: an option of the engine's solver, in its own words; repeatable."),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Show the solver's log on stderr.")] = False,
    out: Annotated[Path | None, typer.Option(help="File for all rows, as CSV.")] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="File for the proof of a model's answer: JSON, or VIPR where the name ends in .vipr. Each "
            "round of an EPISODE has its own: proof-28.json."
        ),
    ] = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Solve a round, or every round of an episode: who pays a budget, with the proof."""
    from adl_opt.evaluate.solve import solve

    with code_of(model):
        solved = solve(
            rounds,
            budget,
            policy=policy,
            model=model,
            deficit=deficit,
            space=space,
            gap=gap,
            nodes=nodes,
            seconds=seconds,
            engine=engine,
            solver_options=named_values(option) if option else None,
            log=log,
            out=out,
            proof=proof,
            allow_code=True,
            progress=not quiet,
        )
    print_answer(fmt, solved)


def verify_command(
    path: Annotated[
        Path,
        typer.Argument(help="A proof (JSON), an episode, a result, a sweep (folders), or a report."),
    ],
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Check a proof in fractions, all else by its SHA-256. Exit 0: intact; 1: not; 2: nothing of ours."""
    from adl_opt.evaluate.verify import verify

    found = verify(path)
    print_answer(fmt, found)


def certify_point_command(
    round_: Annotated[
        str, typer.Argument(metavar="ROUND", help="Accounts CSV, or EPISODE:NUMBER such as oct10:7.")
    ],
    x: Annotated[
        str, typer.Argument(metavar="ANSWER", help="A solver's answer to the file that adl-opt export wrote.")
    ],
    program: Annotated[
        str, typer.Option("--model", help="A model of kind round, or the path of one, which is run as code.")
    ],
    needed: Annotated[
        float | None,
        typer.Option("--budget", help="B, USD. For EPISODE:NUMBER by default the needed budget (ex post)."),
    ] = None,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Judge an answer from anywhere: does it keep the constraints, and how far from the optimum can it be."""
    from adl_opt.evaluate.certify import certify_point

    with code_of(program):
        found = certify_point(program, round_, x, needed=needed, allow_code=True)
    print_answer(fmt, found)


def export_command(
    round_: Annotated[
        str, typer.Argument(metavar="ROUND", help="Accounts CSV, or EPISODE:NUMBER such as oct10:7.")
    ],
    model: ModelOption,
    out: Annotated[Path, typer.Option(help="File to write.")],
    budget: Annotated[
        float | None, typer.Option(help="B, USD. For EPISODE:NUMBER by default the needed budget (ex post).")
    ] = None,
    format: Annotated[FileFormat, typer.Option(help="mps or lp.")] = FileFormat.MPS,
) -> None:
    """Write the program of a round as a file that other solvers read.

    Scaled by powers of two, so that a solver with tolerances of 1e-7 finds the optimum: the comment at the
    top of the file, and the message, say what one unit of the objective is.
    """
    from adl_opt.evaluate.export import export

    with code_of(model):
        written = export(round_, model, out, budget, format.value, allow_code=True)
    print_answer(Format.TABLE, written)


COMMANDS: Commands = {
    "replay": replay_command,
    "published": published_command,
    "optimum": optimum_command,
    "solve": solve_command,
    "verify": verify_command,
    "export": export_command,
    "certify-point": certify_point_command,
}

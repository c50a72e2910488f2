"""The commands on models: ``adl-opt models``, ``adl-opt export``, and ``--model`` of solve and replay."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adl_opt.cli.parts import Format, FormatOption, show

if TYPE_CHECKING:
    from adl_opt.policy.policy import Policy
    from adl_opt.rounds.round import Round

ModelOption = Annotated[
    str, typer.Option(help="A model (adl-opt models), or the path of a model folder, which is run as code.")
]
ModelsOption = Annotated[
    list[str] | None, typer.Option("--model", help="A model, or the path of a model folder; repeatable.")
]
models = typer.Typer(help="The catalogue of optimisation models.", invoke_without_command=True)


class FileFormat(StrEnum):
    """Formats that other solvers read."""

    MPS = "mps"
    LP = "lp"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(models, name="models")
    app.command("export")(export)


@models.callback()
def list_models(context: typer.Context, fmt: FormatOption = Format.TABLE) -> None:
    """List the models: name, kind, what a solver must be capable of, summary."""
    if context.invoked_subcommand is not None:
        return
    from adl_opt.reports.terminal.models import models_frame, models_table, rows

    show(fmt, table=models_table, json=lambda: {"models": rows()}, csv=models_frame)


@models.command("show")
def show_model(name: Annotated[str, typer.Argument(help="A model, or the path of a model folder.")]) -> None:
    """Print the card of a model: sets, data, variables, constraints, source, what is proved."""
    typer.echo(loaded(name).card(), nl=False)


def export(
    round_: Annotated[
        str, typer.Argument(metavar="ROUND", help="Accounts CSV, or EPISODE:NUMBER such as oct10:7.")
    ],
    model: ModelOption,
    out: Annotated[Path, typer.Option(help="File to write.")],
    budget: Annotated[
        float | None, typer.Option(help="B, USD. For EPISODE:NUMBER by default the needed budget (ex post).")
    ] = None,
    fmt: Annotated[FileFormat, typer.Option("--format", help="mps or lp.")] = FileFormat.MPS,
) -> None:
    """Write the program of a round as a file that other solvers read.

    Scaled by powers of two, so that a solver with tolerances of 1e-7 finds the optimum: the comment at the
    top of the file, and the message, say what one unit of the objective is.
    """
    from adl_opt.errors import UsageError
    from adl_opt.files import write_text
    from adl_opt.programs.export import write_model
    from adl_opt.programs.program import RoundProgram

    built = loaded(model)
    if not isinstance(built.program, RoundProgram):
        raise UsageError(
            "only a model of kind round is one program",
            got=f"{built.name}: kind {built.kind}",
            ways_out=["choose a model of kind round (adl-opt models)"],
        )
    chosen, needed = round_of(round_, budget, "export")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        written = write_model(built.program, chosen, Path(folder) / f"model.{fmt.value}", needed=needed)
        write_text(out, written.path.read_text(encoding="utf-8"))
    typer.echo(f"wrote {out}: {built.name}, round {chosen.number}, budget {needed:,.2f} USD")
    typer.echo(f"objective = the value that a solver prints x {written.objective_unit!r}")


def solve_by_model(model: str, round_: Round, budget: float, options: Any = None) -> Any:
    """Return one round solved by a model (see :class:`adl_opt.reports.terminal.models.SolvedByModel`)."""
    from adl_opt.reports.terminal.models import SolvedByModel

    return SolvedByModel.of(loaded(model), round_, budget, options)


def policies_of(names: list[str]) -> list[Policy]:
    """Return models as policies under the oracle severity (ex post)."""
    from adl_opt.catalogue import allocation_of
    from adl_opt.policy.policy import Policy
    from adl_opt.severity.catalogue import make_severity

    return [
        Policy(severity=make_severity("oracle"), allocation=allocation_of(loaded(name))) for name in names
    ]


def loaded(name: str) -> Any:
    """Return a model by its name, or by its path."""
    from adl_opt.catalogue import load_model

    return load_model(name, allow_code=True)  # a path on the command line is the user's explicit word


def round_of(text: str, budget: float | None, command: str) -> tuple[Round, float]:
    """Return the round that ROUND names, and the budget."""
    from adl_opt.checks import checked_usd
    from adl_opt.datasets.csv.accounts import read_round
    from adl_opt.datasets.episodes import load
    from adl_opt.errors import UsageError
    from adl_opt.naming import episode_and_number, unknown_name

    episode, number = episode_and_number(text)
    if number is None:
        if budget is None:
            raise UsageError("a round from accounts needs a budget", got=text, ways_out=["give --budget USD"])
        needed = checked_usd(command, "budget", budget)
        return read_round(Path(text), deficit=needed), needed
    found = {r.number: (r, o) for r, o in load(episode)}
    if number not in found:
        raise unknown_name(f"round of {episode}", str(number), [str(n) for n in found])
    chosen, outcome = found[number]
    return chosen, outcome.needed if budget is None else checked_usd(command, "budget", budget)

"""What there is: ``adl-opt policies``, ``components``, ``models``, ``doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from adl_opt.cli.parts import Commands, Format, FormatOption, print_answer, print_rows

venues_app = typer.Typer(help="The rules of venues, with source and date.", invoke_without_command=True)
models_app = typer.Typer(help="The catalogue of optimisation models.", invoke_without_command=True)


def policies_command(fmt: FormatOption = Format.TABLE) -> None:
    """List the policies: rule, source, information, tie-break."""
    from adl_opt.policy.cards import policies

    print_answer(fmt, policies())


def components_command(fmt: FormatOption = Format.TABLE) -> None:
    """List the learners: domain, regulariser, step, theorem."""
    from adl_opt.policy.components import components

    print_answer(fmt, components())


@models_app.callback()
def models_command(context: typer.Context, fmt: FormatOption = Format.TABLE) -> None:
    """List the models: name, kind, what a solver must be capable of, summary."""
    if context.invoked_subcommand is not None:
        return
    from adl_opt.catalogue import models

    print_answer(fmt, models())


@models_app.command("show")
def show_model_command(
    name: Annotated[str, typer.Argument(help="A model, or the path of a model folder.")],
) -> None:
    """Print the card of a model: sets, data, variables, constraints, source, what is proved."""
    from adl_opt.catalogue import model_card

    typer.echo(model_card(name), nl=False)


@venues_app.callback()
def venues_command(context: typer.Context, fmt: FormatOption = Format.TABLE) -> None:
    """List the rules of venues: policies, source, date read, confidence, worked example.

    The JSON is the bare array of rows.
    """
    if context.invoked_subcommand is not None:
        return
    from adl_opt.allocation.specifications import venues

    print_rows(fmt, venues())


@venues_app.command("show")
def show_venue_command(name: Annotated[str, typer.Argument(help="A venue of adl-opt venues.")]) -> None:
    """Print the specification of a venue's rule: words, formula, trigger, price, margin, source, example."""
    from adl_opt.allocation.specifications import venue_card

    for key, value in venue_card(name).items():
        typer.echo(f"{key}: {value}")


def doctor_command(fmt: FormatOption = Format.TABLE) -> None:
    """Check the installation: versions, solvers, and answers that are known."""
    from adl_opt.health import doctor

    found = doctor()
    try:
        print_answer(fmt, found)
    except ImportError:  # without numpy there is no table
        typer.echo(found.lines(), err=True)
    if not found.ok:
        raise typer.Exit(1)


COMMANDS: Commands = {
    "policies": policies_command,
    "components": components_command,
    "doctor": doctor_command,
}
GROUPS = {"models": models_app, "venues": venues_app}

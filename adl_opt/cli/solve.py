"""``adl-opt solve``: one round from a table, one round of an episode, or a whole episode by a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from adl_opt.cli.models import ModelOption, loaded, round_of, solve_by_model
from adl_opt.cli.parts import Format, FormatOption, show
from adl_opt.errors import UsageError
from adl_opt.naming import episode_and_number


def solve(
    accounts: Annotated[
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
    gap: Annotated[
        float | None,
        typer.Option(
            help="Relative gap at which a mixed-integer model counts as proven. Default: 0, and 1e-4 for "
            "the rounds of an EPISODE."
        ),
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Most branch-and-bound nodes of a model.")] = None,
    out: Annotated[Path | None, typer.Option(help="File for all rows, as CSV.")] = None,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Solve a round, or every round of an episode: who pays a budget, with the proof."""
    from adl_opt.files import refuse_replacing, to_csv, write_text
    from adl_opt.rounds.round import Information

    if model and policy:
        raise UsageError("a round is solved by a policy or by a model", got="both", ways_out=["drop one"])
    if not model and not (gap is None and nodes is None):
        raise UsageError(
            "--gap and --nodes are limits of models", got="no --model", ways_out=["give --model", "drop them"]
        )
    if out is not None:
        refuse_replacing(out, [accounts])
    if _is_episode(accounts):
        _whole_episode(accounts, model, budget, deficit, gap, nodes, out, fmt)
        return
    solved = _one_round(accounts, budget, policy, model, deficit, gap, nodes)
    if _is_numbered(accounts) and budget is None:  # what was needed is known only after the round
        solved = replace(solved, information=Information.EX_POST)
    if out is not None:
        write_text(out, to_csv(solved.frame(), index=False))
    show(
        fmt,
        table=solved.table,
        json=lambda: solved.facts() | {"rows": solved.frame().to_dict("records")},
        csv=lambda: solved.frame().set_index("id"),
    )


def _is_episode(text: str) -> bool:
    """Whether ROUND means a whole episode: neither a file, nor a .csv, nor EPISODE:NUMBER."""
    path = Path(text)
    file = path.exists() and not path.is_dir()
    return not file and not text.endswith(".csv") and not _is_numbered(text)


def _is_numbered(text: str) -> bool:
    return episode_and_number(text)[1] is not None


def _one_round(
    text: str, budget: float | None, policy: str, model: str, deficit: float | None,
    gap: float | None, nodes: int | None,
) -> Any:  # fmt: skip
    from adl_opt.allocation.catalogue import make_allocation
    from adl_opt.checks import checked_usd
    from adl_opt.datasets.csv.accounts import read_round
    from adl_opt.evaluate.solve_round import Solved

    if _is_numbered(text):
        if deficit is not None:
            raise UsageError(
                "the round of an episode has its deficit", got="--deficit", ways_out=["drop --deficit"]
            )
        round_, amount = round_of(text, budget, "solve")
    else:
        if budget is None:
            raise UsageError("a round from a table needs a budget", got=text, ways_out=["give --budget USD"])
        amount = checked_usd("solve", "budget", budget)
        round_ = read_round(Path(text), deficit=amount if deficit is None else deficit)
    if model:
        return solve_by_model(model, round_, amount, _options(gap, nodes, 0.0))
    default = "min-max" if round_.positions is None else "min-max-lots"
    return Solved.by(make_allocation(policy or default), round_, amount)


def _whole_episode(
    text: str, model: str, budget: float | None, deficit: float | None,
    gap: float | None, nodes: int | None, out: Path | None, fmt: Format,
) -> None:  # fmt: skip
    from adl_opt.datasets.episodes import load
    from adl_opt.evaluate.solve_episode import ROUND_GAP, SolvedEpisode
    from adl_opt.files import to_csv, write_text

    episode = load(text)
    if not model:
        raise UsageError(
            "an episode is solved by a model",
            got=f"{text} without --model",
            ways_out=[
                f"name one of its rounds: {text}:{episode.rounds[0][0].number}",
                "give --model NAME (adl-opt models)",
                "adl-opt replay compares policies over an episode",
            ],
        )
    if budget is not None or deficit is not None:
        raise UsageError(
            "every round of an episode has its own needed budget and deficit",
            got="--budget or --deficit",
            ways_out=["drop it", f"name one round: {text}:{episode.rounds[0][0].number}"],
        )
    built = loaded(model)
    default = ROUND_GAP if built.kind in ("round", "procedure") else 0.0
    solved = SolvedEpisode.of(built, episode, _options(gap, nodes, default))
    if out is not None:
        write_text(out, to_csv(solved.payers(), index=False))
    show(fmt, table=solved.table, json=lambda: solved.facts | {"rounds": solved.rows}, csv=solved.frame)


def _options(gap: float | None, nodes: int | None, default: float) -> Any:
    from adl_opt.programs.options import Options

    return Options(mip_gap=default if gap is None else gap, node_limit=nodes)

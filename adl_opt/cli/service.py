"""In service: ``adl-opt recommend``, ``shadow``, ``explain``, ``next`` and ``vectors``."""

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
    print_answer,
    progress,
)

PolicyArgument = Annotated[str, typer.Argument(help="policy.toml, or the name of a policy.")]


def recommend_command(
    episode: EpisodeArgument,
    loss: LossOption = None,
    cover: Annotated[
        float, typer.Option(help="Share of the needed USD that a policy must raise, from 0 to 1.")
    ] = 0.95,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A candidate; repeat for several. Default: all that can be deployed."),
    ] = None,
    stress: Annotated[
        str, typer.Option(help="What the book is put through, such as drop=0.5,depth=0.005,seeds=8.")
    ] = "",
    seed: Annotated[int, typer.Option(help="Of bursts and stress.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File for the policy, which adl-opt shadow takes.")] = None,
    html: Annotated[Path | None, typer.Option(help="File for the page for a risk committee.")] = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Recommend a policy for a book: ranked on its rounds, on bursts of its flow and on simulated stress."""
    from adl_opt.service.recommend import recommend

    with progress("recommend", quiet) as advance:
        made = recommend(
            episode,
            loss=loss,
            cover=cover,
            policies=policy or None,
            stress=stress,
            seed=seed,
            out=out,
            html=html,
            progress=advance,
        )
    print_answer(fmt, made)
    if not made.table["qualifies"].iloc[0]:
        typer.echo(f"warning: {made.verdict}", err=True)


def shadow_command(
    policy: PolicyArgument,
    state: Annotated[
        Path | None, typer.Option(help="Folder of state, log and metrics; it is made where it is not there.")
    ] = None,
    source: Annotated[
        str, typer.Option("--in", help="JSON lines: a file, a folder of files, an episode, or - for stdin.")
    ] = "-",
    out: Annotated[str, typer.Option(help="Where decisions go: a file, or - for the standard output.")] = "-",
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, until SIGTERM or Ctrl-C.")] = False,
    verify: Annotated[
        Path | None, typer.Option(metavar="LOG", help="Play a log again and find the first difference.")
    ] = None,
    most_bytes: Annotated[
        int, typer.Option(help="Size from which a file of the log is followed by the next.")
    ] = 1 << 28,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Run a policy beside production: rounds and outcomes in, decisions out, all in a chain of hashes."""
    from adl_opt.service.replayed import LogCheck
    from adl_opt.service.serve import shadow

    answer = shadow(policy, state, source, out, follow=follow, verify=verify, most_bytes=most_bytes)
    if not isinstance(answer, LogCheck):
        typer.echo(str(answer), err=True)
        return
    print_answer(fmt, answer)
    if not answer.accepted:
        raise typer.Exit(1)


def explain_command(
    round_: Annotated[
        str,
        typer.Argument(metavar="ROUND", help="EPISODE:NUMBER such as oct10:7, or DIR:NUMBER."),
    ],
    account: Annotated[str | None, typer.Argument(metavar="[ID]", help="The id of an account.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="A policy, or policy.toml. Default: that of the log, else pro-rata.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Explain every account of the round.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="File of JSON lines for --all, one for each account.")
    ] = None,
    fmt: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Explain what was taken of an account: price, rank, score, neighbours, and what would have spared it."""
    from adl_opt.service.explain import explain

    with progress("explain", quiet) as advance:
        made = explain(round_, account, policy, everything=everything, out=out, progress=advance)
    if fmt is Format.TABLE or out is not None:
        typer.echo(str(made))
    else:
        print_answer(fmt, made)


def next_command(
    round_: Annotated[
        str,
        typer.Argument(metavar="EPISODE", help="An episode (its last round), EPISODE:N, or DIR:N."),
    ],
    policy: Annotated[
        str | None, typer.Option(help="A policy, or policy.toml. Default: that of the log, else pro-rata.")
    ] = None,
    moves: Annotated[
        str | None, typer.Option(help="Scenarios of prices: past, drawn(volatility=0.2), or a file.")
    ] = None,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Who is next in line: rank, and the probability of being deleveraged after the next move of prices."""
    from adl_opt.service.next import next_in_line

    made = next_in_line(round_, policy, moves=moves)
    print_answer(fmt, made)


def vectors_command(
    policy: Annotated[str, typer.Argument(help="A queue or a pro-rata rule: binance, pro-rata.")],
    out: Annotated[Path | None, typer.Option(help="File for them, JSON.")] = None,
    count: Annotated[int, typer.Option(help="How many.")] = 20,
    seed: Annotated[int, typer.Option(help="Same seed, same vectors.")] = 0,
    fmt: FormatOption = Format.TABLE,
) -> None:
    """Write test vectors of a rule for a matching engine: inputs, and lots to the integer."""
    from adl_opt.service.vectors import vectors

    made = vectors(policy, out, count=count, seed=seed)
    print_answer(fmt, made)


COMMANDS: Commands = {
    "recommend": recommend_command,
    "shadow": shadow_command,
    "explain": explain_command,
    "next": next_command,
    "vectors": vectors_command,
}

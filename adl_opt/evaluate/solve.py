"""Solve a round, or every round of an episode: who pays a budget, with the proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import make_allocation
from adl_opt.answer import Progress
from adl_opt.catalogue import Model, as_model
from adl_opt.checks import checked_type
from adl_opt.errors import SolverError, UsageError
from adl_opt.evaluate.asked import Asked, as_rounds
from adl_opt.evaluate.solve_episode import SolvedEpisode
from adl_opt.evaluate.solve_round import Solved
from adl_opt.files import write_text
from adl_opt.locks import keeps_inputs
from adl_opt.programs.episode.program import EpisodeProgram
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.tabular import to_csv

ROUND_GAP = 1e-4
"""Relative gap at which the mixed-integer program of a round of an episode counts as proven, by default."""


@keeps_inputs("out", "proof")
def solve(
    rounds: Round | tuple[Round, Outcome] | Episode | str | PathLike[str] | Iterable[object],
    budget: float | Sequence[float] | None = None,
    *,
    policy: str | AllocationRule = "",
    model: str | PathLike[str] | Model | RoundProgram | EpisodeProgram = "",
    deficit: float | None = None,
    space: str | None = None,
    gap: float | None = None,
    nodes: int | None = None,
    seconds: float | None = None,
    engine: str = "auto",
    solver_options: Mapping[str, Any] | None = None,
    log: bool = False,
    out: str | PathLike[str] | None = None,
    proof: str | PathLike[str] | None = None,
    allow_code: bool = False,
    progress: Progress = True,
) -> Solved | SolvedEpisode:
    """Solve a round, or every round of an episode: who pays a budget, with the proof.

    Parameters
    ----------
    rounds : Round, (Round, Outcome), str, path, Episode, or a list of rounds or pairs
        A text is the path of a table of accounts (CSV: id, pnl, equity, and optional columns),
        ``EPISODE:NUMBER`` such as ``oct10:28``, or an episode's name or folder.  An episode or a list needs a
        model: one of kind round solves each round, one of kind episode all together, one of kind hindsight
        finds severities.
    budget : float or sequence of float, optional
        USD to take from the winners.  By default what was needed, where that is known (ex post); one for
        each round of a list.
    policy : str or AllocationRule
        The allocation.  By default min-max-lots where the round has lots, else min-max.
    model : str, path, Model, RoundProgram or EpisodeProgram
        A model (:func:`adl_opt.models`) or a program of your own, in place of a policy.
    deficit : float, optional
        D of a round from a table, USD; the budget by default.
    space : {'wealth', 'contracts'}, optional
        A pool of dollars, or contracts by market and side; by default the space of the round or episode.  In
        contracts the budget is the share of the flow that every market and side closes, and prices are as
        revealed where the budget is what was needed, else as reckoned at the start of the round.
    gap : float, optional
        Relative gap at which a mixed-integer model counts as proven: by default 0, and 1e-4 for the rounds
        of an episode.
    nodes : int, optional
        Most branch-and-bound nodes of a model.
    seconds : float, optional
        Time limit of a model, for each round.
    engine : str
        Who solves a model: ``auto``, ``kernel``, ``highs``, ``scip``, ``cvxpy``, or ``cvxpy:SOLVER``.
    solver_options : mapping of name to value, optional
        Options of the solver that ``engine`` names, in its own words.
    log : bool
        Show the solver's log on stderr.
    out : path, optional
        File for all rows, as CSV.
    proof : path, optional
        File for the proof of a model's answer, as ``solution.proof.write`` writes it.  Where each round of an
        episode has its own, the round's number follows the name: ``proof-28.json``.  Where nothing is
        feasible, ``proof-conflict.json`` and ``proof-without-TERM.json`` stand beside it.
    allow_code : bool
        A model that is given by its path is Python code: it is run only if this is said.
    progress : bool or callable
        A bar where the rounds of an episode take long, or a function of (rounds done, all).

    Returns
    -------
    Solved or SolvedEpisode
        With ``frame()``, ``to_json()`` and ``facts``.

    Raises
    ------
    UsageError
        What is given does not fit together.
    InputError
        A table or an episode is refused.
    SolverError
        A model has no answer.

    Examples
    --------
    >>> import adl_opt as adl
    >>> accounts = adl.Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0])
    >>> solve(adl.Round(deficit=9.0, accounts=accounts), 8.0).frame()["haircut_usd"].tolist()
    [2.0, 6.0]
    """
    if model and policy:
        raise UsageError("a round is solved by a policy or by a model", got="both", ways_out=["drop one"])
    limits = {"--gap": gap, "--nodes": nodes, "--seconds": seconds, "--option": solver_options}
    said = [name for name, value in limits.items() if value is not None]
    said += ["--engine"] * (engine != "auto") + ["--log"] * log
    if said and not model:
        ways_out = ["give --model", f"drop {', '.join(said)}"]
        raise UsageError("engines and their limits are for models", got="no --model", ways_out=ways_out)
    if proof is not None and not model:
        ways_out = ["give --model", "drop --proof"]
        raise UsageError("--proof is for the answer of a model", got="no --model", ways_out=ways_out)
    asked = as_rounds(rounds, budget, deficit).in_space(space)
    if not model:
        solved: Solved | SolvedEpisode = _by_policy(asked, policy)
    else:
        built = as_model(model, allow_code=allow_code)
        exact = asked.alone or built.kind not in ("round", "procedure")
        options = Options(
            mip_gap=gap if gap is not None else 0.0 if exact else ROUND_GAP,
            node_limit=nodes,
            time_limit_seconds=seconds,
            solver_options=solver_options or {},
            log=log,
        )
        try:
            solved = _by_model(built, asked, options, engine, not log and progress)
        except SolverError as error:
            if proof is not None and error.proof is not None:
                error.proof.write(Path(proof), {"status": "infeasible", "why": error.got})
            raise
    if proof is not None:
        _write_proofs(Path(proof), solved)
    if out is not None:
        frame = solved.frame() if isinstance(solved, Solved) else solved.payers()
        write_text(Path(out), to_csv(frame, index=False))
    return solved


def _by_model(
    built: Model, asked: Asked, options: Options, engine: str, progress: Progress
) -> Solved | SolvedEpisode:
    asked = asked.in_legs()
    if asked.alone:
        return Solved.by_model(built, *asked.one(), asked.information, options, engine)
    return SolvedEpisode.of(built, asked.episode, asked.information, options, engine, progress)


def _write_proofs(path: Path, solved: Solved | SolvedEpisode) -> None:
    found = solved.proofs
    if not found or any(proof is None for _, proof in found):
        raise SolverError(
            "there is no proof to write",
            got=f"{solved.facts.get('status', 'no status')} by {solved.facts.get('engine', 'no engine')}",
            ways_out=["choose a model of kind round or episode", "allow more time or nodes"],
        )
    for number, proof in found:
        target = path if number is None else path.with_name(f"{path.stem}-{number}{path.suffix}")
        about = {key: value for key, value in solved.facts.items() if isinstance(value, (str, float, int))}
        assert proof is not None  # noqa: S101
        proof.write(target, about | ({} if number is None else {"round": number}))


def _by_policy(asked: Asked, policy: str | AllocationRule) -> Solved:
    round_, _ = asked.one(
        "an episode is solved by a model, and none is given",
        "give --model NAME (adl-opt models)",
        "adl-opt replay compares policies over an episode",
    )
    rule = policy or ("min-max" if round_.positions is None else "min-max-lots")
    rule = make_allocation(rule) if isinstance(rule, str) else rule
    ways_out = ["give a name of adl-opt policies, of kind allocation", "give an AllocationRule"]
    checked_type("solve: policy", rule, AllocationRule, *ways_out)
    return Solved.by(rule, round_, asked.episode.rounds[0][1], asked.information)

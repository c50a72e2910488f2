"""Every round of an episode by a model: alone, joined in one program, or as severities in hindsight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.answer import SCHEMA, Answer, Progress, indexed, showing
from adl_opt.catalogue import Model, allocation_of
from adl_opt.errors import SolverError, UsageError
from adl_opt.losses import burden
from adl_opt.programs.engines.raw import INTERRUPTED
from adl_opt.programs.episode.program import EpisodeProgram, solve_episode
from adl_opt.programs.options import Options
from adl_opt.programs.proof import Proof
from adl_opt.programs.solution import Solution
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information, Round

if TYPE_CHECKING:
    import pandas as pd

Haircuts = list[tuple[int, str, float]]
"""Round, id and USD of each haircut above zero."""

Proofs = list[tuple[int | None, Proof | None]]
"""What the answer of each round rests on; one without a round for all of them together."""

Parts = tuple[dict[str, Any], list[dict[str, Any]], Haircuts, Proofs]
"""Facts, rows, haircuts and proofs of a :class:`SolvedEpisode`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SolvedEpisode(Answer):
    """The answer of a model to an episode.

    Parameters
    ----------
    facts : dict
        Model, information, status, objective, bound, gap; money in USD.
    rows : list of dict
        One for each round.
    haircuts : list of (round, id, USD)
        Who pays; empty for severities.
    proofs : list of (round, Proof)
        What the answer of each round rests on; one without a round for all of them together.
    """

    facts: dict[str, Any]
    rows: list[dict[str, Any]]
    haircuts: Haircuts = field(default_factory=list, repr=False)
    proofs: Proofs = field(default_factory=list, repr=False)

    @classmethod
    def of(
        cls,
        model: Model,
        episode: Episode,
        information: Information,
        options: Options,
        engine: str = "auto",
        progress: Progress = True,
    ) -> SolvedEpisode:
        """Solve an episode by a model of any kind; ``information`` is what the budgets rest on."""
        ways = {"episode": _joined, "hindsight": _hindsight}
        if model.kind in ways and (engine != "auto" or options.solver_options):
            raise UsageError(
                f"a model of kind {model.kind} has one engine",
                got=f"engine {engine!r}, model {model.name!r}",
                ways_out=["leave engine and solver options out", "choose a model of kind round"],
            )
        way = ways.get(model.kind, partial(_one_by_one, engine=engine, progress=progress))
        facts, rows, haircuts, proofs = way(model, episode, options)
        head = {"model": model.name, "kind": model.kind, "episode": episode.name}
        head["information"] = information.value
        return cls(facts=head | facts, rows=rows, haircuts=haircuts, proofs=proofs)

    def frame(self) -> pd.DataFrame:
        """Return one row for each round, indexed by its number."""
        return indexed(self.rows, "round")

    def to_json(self) -> dict[str, Any]:
        """Return the facts and the rounds as plain values."""
        return {"schema": SCHEMA, **self.facts, "rounds": self.rows}

    def payers(self) -> pd.DataFrame:
        """Return one row for each haircut above zero; of severities, the rounds."""
        import pandas as pd

        if not self.haircuts:
            return self.frame().reset_index()
        return pd.DataFrame(self.haircuts, columns=["round", "id", "haircut_usd"])


def _row(round_: Round, needed: float, x: Any, fund: float = 0.0) -> dict[str, Any]:
    executed = math.fsum(x)
    return {
        "round": round_.number,
        "needed_usd": needed,
        "executed_usd": executed,
        "overshoot_usd": max(executed - needed, 0.0),
        "undershoot_usd": max(needed - executed - fund, 0.0),
        "fund_usd": fund,
        "max_burden": float(np.max(burden(x, round_.accounts.capacity), initial=0.0)),
        "accounts": int(np.count_nonzero(x)),
        "space": round_.space,
    }


def _paid(rounds: Sequence[Round], xs: Sequence[Any]) -> Haircuts:
    return [
        (r.number, str(r.accounts.id[k]), float(x[k]))
        for r, x in zip(rounds, xs, strict=True)
        for k in np.flatnonzero(x > 0)
    ]


def _one_by_one(model: Model, episode: Episode, options: Options, engine: str, progress: Progress) -> Parts:
    """Each round by itself; Ctrl-C keeps the rounds that are solved."""
    rule = allocation_of(model, options, engine)
    rounds, needed = [r for r, _ in episode], [o.needed for _, o in episode]
    found: list[Solution] = []
    with showing("solve", progress) as advance:
        for round_, amount in zip(rounds, needed, strict=True):
            try:
                found.append(rule.solution(round_, amount))
            except (SolverError, KeyboardInterrupt) as error:
                if not found or (isinstance(error, SolverError) and INTERRUPTED not in error.got):
                    raise
                break
            if INTERRUPTED in found[-1].message:
                break
            advance(len(found), len(rounds))
    stopped = f"stopped after {len(found)} of {len(rounds)} rounds"
    done = {} if len(found) == len(rounds) else {"message": stopped}
    rounds, needed = rounds[: len(found)], needed[: len(found)]
    rows = [
        _row(r, b, s.x, s.fund_usd)
        | {"objective": s.objective, "bound": s.bound, "gap": s.gap}
        | {"status": s.status.value, "engine": s.engine}
        for r, b, s in zip(rounds, needed, found, strict=True)
    ]
    statuses = sorted({s.status.value for s in found})
    facts = {
        "status": statuses[0] if len(statuses) == 1 else "mixed",
        "engine": "each round alone",
        "objective": math.fsum(s.objective for s in found),
        "bound": math.fsum(s.bound for s in found),
        "gap": max(s.gap for s in found),
        "bound_source": "sums over rounds; the gap is the largest of a round",
        "certified": all(s.certify().ok for s in found),
        **done,
    }
    proofs: Proofs = [(r.number, s.proof) for r, s in zip(rounds, found, strict=True)]
    return facts, rows, _paid(rounds, [s.x for s in found]), proofs


def _joined(model: Model, episode: Episode, options: Options) -> Parts:
    """All rounds in one program."""
    assert isinstance(model.program, EpisodeProgram)  # noqa: S101
    rounds, needed = [r for r, _ in episode], [o.needed for _, o in episode]
    found = solve_episode(model.program, rounds, needed=needed, options=options)
    if not found.points:
        changes = f"change one of: {', '.join(found.conflict)}"
        error = SolverError(
            f"model {model.name!r} has no answer to episode {episode.name}: {found.status.value}",
            got=found.message or "nothing",
            ways_out=[changes if found.conflict else "allow more time or nodes"],
        )
        error.proof = found.proof
        raise error
    report = found.certify()
    facts = {
        "status": found.status.value,
        "engine": found.engine,
        "objective": found.objective,
        "bound": found.bound,
        "gap": found.gap,
        "rederived_bound": report.rederived_bound,
        "bound_source": report.bound_source,
        "certified": report.ok,
        "message": found.message,
    }
    rows = [_row(r, p.needed, p.x, p.fund) for r, p in zip(rounds, found.points, strict=True)]
    return facts, rows, _paid(rounds, [p.x for p in found.points]), [(None, found.proof)]


def _hindsight(model: Model, episode: Episode, options: Options) -> Parts:
    """Severities by an exact algorithm, with the certificate of its result."""
    found = model.program(episode)
    lacks = [name for name in ("theta", "loss_usd", "bound_usd", "certify") if not hasattr(found, name)]
    if lacks:
        raise UsageError(
            f"the result of model {model.name!r} cannot be shown as severities",
            got=f"{type(found).__name__} without {', '.join(lacks)}",
            ways_out=["in Python: load_model(name).program(episode)", "return a SeverityOptimum"],
        )
    certificate = found.certify()
    loss, bound = float(found.loss_usd), float(found.bound_usd)
    size = max(loss, 1e-9 * math.fsum(o.needed for _, o in episode), 1e-300)
    rows = []
    for theta, (round_, outcome) in zip(found.theta.tolist(), episode, strict=True):
        budget = theta * round_.deficit
        rows.append(
            {
                "round": round_.number,
                "deficit_usd": round_.deficit,
                "needed_usd": outcome.needed,
                "severity": theta,
                "budget_usd": budget,
                "tracking_usd": abs(budget - outcome.needed),
            }
        )
    facts = {
        "status": "optimal" if certificate.ok else "error",
        "engine": "exact algorithm",
        "objective": loss,
        "bound": min(bound, loss),
        "gap": max(loss - bound, 0.0) / size,
        "certified": certificate.ok,
        "bound_source": f"re-derived: {', '.join(certificate.checks)}",
    }
    return facts, rows, [], []

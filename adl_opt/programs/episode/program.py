"""EpisodeProgram: several rounds in one model, linked by what accounts pay over time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from adl_opt.checks import checked_usd
from adl_opt.errors import LackError, UsageError
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.programs.arrays.scaling import repair
from adl_opt.programs.duals import Dual
from adl_opt.programs.engines.highs.direct import mixed_answer
from adl_opt.programs.engines.highs.solver import HighsAnswer, run_highs
from adl_opt.programs.engines.raw import INTERRUPTED
from adl_opt.programs.episode.conflict import EpisodeTerms
from adl_opt.programs.episode.links import Link, link_rows, link_violation
from adl_opt.programs.episode.prices import episode_prices
from adl_opt.programs.options import Options
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.proof import LinearProof, Proof
from adl_opt.programs.solution import PROVEN, Status, believed, infeasibility, within_cents
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.grid import paid_by_lots
from adl_opt.programs.terms.options import options_of
from adl_opt.proofs.certificate import Certificate, Check, noted, once, relative_gap
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Round
from adl_opt.tabular import Noun

SHARPENED = 2.0**10
"""Finer prices than for one round: a sum over rounds can be small beside the money of the largest."""

ROUNDING = 1e-9
"""Where the haircuts meet what is needed so nearly, relative, they are made to meet it to the last bit."""


@dataclass(frozen=True, eq=False)
class EpisodeProgram(Noun):
    """The same round program in every round, and links between the rounds; the objective is the sum.

    Parameters
    ----------
    program : RoundProgram
        Linear or mixed-integer.
    links : sequence of CumulativeBurden or Depletion
    name : str

    Examples
    --------
    >>> from adl_opt.programs import CumulativeBurden, EpisodeProgram, ExactBudget, MaxBurden
    >>> EpisodeProgram(RoundProgram(MaxBurden(), [ExactBudget()]), [CumulativeBurden(0.5)]).links[0].name
    'cumulative-burden'
    """

    program: RoundProgram
    links: Sequence[Link] = ()
    name: str = "episode-program"

    def __post_init__(self) -> None:
        for link in self.links:
            link_rows(link, [])
        rowless = [term.name for term in self.program.terms if not term.has_rows]
        if rowless:
            raise UsageError(
                "an episode program is linear or mixed-integer",
                got=f"terms without rows: {', '.join(rowless)}",
                ways_out=["leave these terms out", "solve the rounds one by one"],
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class EpisodeSolution(Noun):
    """The answer to an episode program: one point for each round.

    ``certify()`` re-checks every round and link in cents, the objective, and the bound.  ``duals`` are the
    shadow prices of an optimal linear program: ``budget`` (rounds,), ``capacity`` (an (n,) for each round),
    and each constraint and link by its name.
    """

    status: Status
    program: EpisodeProgram = field(repr=False)
    rounds: tuple[Round, ...] = field(repr=False)
    points: tuple[Point, ...] = field(default=(), repr=False)
    objective: float = math.nan
    bound: float = math.nan
    gap: float = math.nan
    engine: str = "highs"
    nodes: int = 0
    seconds: float = 0.0
    message: str = ""
    conflict: tuple[str, ...] = ()
    allowed_gap: float = PROVEN
    proof: Any = field(default=None, repr=False)

    @property
    def duals(self) -> Mapping[str, Dual]:
        """Shadow prices, from the proof; empty for whole numbers and where nothing is proven."""
        if self.status is not Status.OPTIMAL or not isinstance(self.proof, LinearProof):
            return {}
        pairs = zip(self.rounds, self.points, strict=True)
        cases = [Case(self.program.program, round_, point.needed, Options()) for round_, point in pairs]
        return episode_prices(cases, self.program.links, self.proof)

    @once
    def certify(self) -> Certificate:
        """Recompute everything from the points and the proof."""
        if not self.points:
            known = self.status in (Status.OPTIMAL, Status.STATED, Status.FEASIBLE)
            honest = not known and math.isnan(self.objective)
            return Certificate(checks={"no-numbers": Check.that(honest)} | infeasibility(self))
        value, bound, scale = (
            episode_value(self.program, self.rounds, self.points),
            self.proof.bound(),
            self.proof.scale,
        )
        own, source = self.proof.rederived()
        bound, source = believed(bound, own, source, relative_gap(value, own, scale) <= self.allowed_gap)
        gap = relative_gap(value, bound, scale)
        checks = dict(self._feasibility())
        checks["objective"] = Check(abs(value - self.objective), 1e-9 * max(abs(value), scale))
        checks |= self.proof.checks()
        checks["bound"] = Check(bound - value, 1e-7 * max(abs(value), scale))
        if self.status is Status.OPTIMAL:
            checks["status"] = Check(relative_gap(value, own, scale), self.allowed_gap)
        return Certificate(checks=checks, bound=bound, gap=gap, rederived_bound=own, bound_source=source)

    def _feasibility(self) -> Iterator[tuple[str, Check]]:
        money = max([max(p.needed, p.executed) for p in self.points])
        for round_, point in zip(self.rounds, self.points, strict=True):
            for rule in self.program.program.subject_to:
                broken = rule.violation(point, round_)
                yield f"cents:{round_.number}:{rule.name}", within_cents(broken, money)
        for link in self.program.links:
            broken = link_violation(link, self.rounds, [p.x for p in self.points])
            yield f"cents:{link.name}", within_cents(broken, money)


def episode_value(program: EpisodeProgram, rounds: Sequence[Round], points: Sequence[Point]) -> float:
    """Return the sum of the rounds' objectives."""
    goal = program.program.objective
    return math.fsum(goal.value(p, r) for p, r in zip(points, rounds, strict=True))


def solve_episode(
    program: EpisodeProgram,
    rounds: Sequence[Round],
    *,
    needed: Sequence[float],
    options: Options | Mapping[str, Any] | None = None,
) -> EpisodeSolution:
    """Solve all rounds in one HiGHS model.

    Parameters
    ----------
    program : EpisodeProgram
    rounds : sequence of Round
    needed : sequence of float
        B of each round, USD.
    options : Options or mapping, optional

    Returns
    -------
    EpisodeSolution

    Raises
    ------
    UsageError
        Another number of needed amounts than rounds, or an unknown option.
    LackError
        A round in contracts, or one with exempt accounts, caps or owners.
    """
    began = time.perf_counter()
    chosen = Options.of(options)
    rounds = tuple(rounds)
    if len(rounds) != len(needed) or not rounds:
        raise UsageError(
            "an episode wants one needed amount for each round",
            got=f"{len(rounds)} rounds, {len(needed)} amounts",
            ways_out=["give needed=[...] with one USD amount for each round"],
        )
    for amount, round_ in zip(needed, rounds, strict=True):
        checked_usd("solve_episode", "needed", amount)
        if round_.space != WEALTH:
            raise LackError(
                f"a program of an episode does not serve rounds in contracts: {program.name!r}",
                got=f"round {round_.number}: positions that are closed once are not followed over rounds",
                ways_out=['choose space="wealth" (--space wealth)', "solve each round by a RoundProgram"],
            )
        if round_.accounts.owner is not None or options_of(round_):
            raise LackError(
                f"a program of an episode does not keep the options of a round: {program.name!r}",
                got=f"round {round_.number}: exempt accounts, caps, or sub-accounts of owners",
                ways_out=["solve each round by a RoundProgram", "leave these columns out"],
            )
    try:
        model = joint_model(program, rounds, needed)
        unit = None if model.is_mip else (model.natural_cost() or 1.0) / SHARPENED
        answer = run_highs(model, chosen, cost_unit=unit)
    except KeyboardInterrupt:
        return EpisodeSolution(status=Status.NO_SOLUTION, program=program, rounds=rounds, message=INTERRUPTED)
    if answer.v is None:
        solution = _without_points(EpisodeTerms(program, rounds, needed, chosen, joint_model), answer)
    else:
        solution = _solved(program, rounds, needed, model, answer, chosen)
    return noted(solution, seconds=time.perf_counter() - began, nodes=answer.nodes)


def joint_model(program: EpisodeProgram, rounds: Sequence[Round], needed: Sequence[float]) -> LinearModel:
    """Return the models of the rounds side by side, with the rows of the links under them."""
    models = []
    for round_, amount in zip(rounds, needed, strict=True):
        program.program.check(round_)
        models.append(Case(program.program, round_, float(amount), Options()).model())
    columns = np.cumsum([0, *(m.cost.size for m in models)])
    first = np.cumsum([0, *(m.row_lower.size for m in models)])
    x = np.concatenate([m.blocks["x"] + start for m, start in zip(models, columns[:-1], strict=True)])
    parts = [(m.row + r, m.col + c, m.value) for m, r, c in zip(models, first, columns, strict=False)]
    count, bounds, owners = int(first[-1]), [], []
    for link in program.links:
        rows, places, bound = link_rows(link, rounds)
        parts.append((rows + count, x[places], np.ones(rows.size)))
        bounds.append(bound)
        owners.append((bound.size, f"{link.name}:link"))
        count += bound.size
    link_bound = np.concatenate([*bounds, np.empty(0)])
    row, col, value = (np.concatenate([p[k] for p in parts]) for k in range(3))

    def joined(name: str) -> Any:
        return np.concatenate([getattr(m, name) for m in models])

    return LinearModel(
        cost=joined("cost"), col_lower=joined("col_lower"), col_upper=joined("col_upper"),
        integer=joined("integer"), row=row, col=col, value=value,
        row_lower=np.concatenate([joined("row_lower"), np.full(link_bound.size, -np.inf)]),
        row_upper=np.concatenate([joined("row_upper"), link_bound]),
        col_unit=joined("col_unit"), row_unit=np.concatenate([joined("row_unit"), power_of_two(link_bound)]),
        col_owner=tuple(owner for m in models for owner in m.col_owner),
        row_owner=(*(owner for m in models for owner in m.row_owner), *owners),
        switches=tuple((c + columns[t], b + columns[t]) for t, m in enumerate(models) for c, b in m.switches),
        blocks={f"{t}:{k}": b + columns[t] for t, m in enumerate(models) for k, b in m.blocks.items()},
    )  # fmt: skip


def _without_points(terms: EpisodeTerms, answer: HighsAnswer) -> EpisodeSolution:
    """INFEASIBLE where that is proven here; else why there is no point."""
    nothing = EpisodeSolution(status=Status.NO_SOLUTION, program=terms.program, rounds=tuple(terms.rounds))
    found = None if answer.verdict == "stopped" else terms.explained()
    if found is not None:
        return replace(
            nothing,
            status=Status.INFEASIBLE,
            message=found.text,
            conflict=found.names,
            proof=found.proof,
        )
    if answer.verdict == "error":
        return replace(nothing, status=Status.ERROR, message=answer.message)
    return replace(nothing, message=f"HiGHS says {answer.message!r}, and no proof of it was found")


def _solved(
    program: EpisodeProgram, rounds: tuple[Round, ...], needed: Sequence[float], model: LinearModel,
    answer: HighsAnswer, options: Options,
) -> EpisodeSolution:  # fmt: skip
    assert answer.v is not None  # noqa: S101
    v = answer.v
    proof: Proof
    if model.is_mip:
        v, proof = mixed_answer(model, answer, options)
    else:
        proof = LinearProof(model, np.zeros(model.row_lower.size) if answer.y is None else answer.y, v)
    points = tuple(
        _point(model, t, r, float(b), v) for t, (r, b) in enumerate(zip(rounds, needed, strict=True))
    )
    stopped = answer.verdict == "stopped"
    solution = EpisodeSolution(
        status=Status.FEASIBLE if stopped and model.is_mip else Status.OPTIMAL,
        program=program, rounds=rounds, points=points, objective=episode_value(program, rounds, points),
        message=answer.message, proof=proof,
        allowed_gap=max(options.mip_gap, PROVEN) if model.is_mip else PROVEN,
    )  # fmt: skip
    report = solution.certify()
    solution = noted(solution, bound=min(report.bound, solution.objective), gap=report.gap)
    if report.ok:
        return solution
    if report.failed == ("status",) and report.gap <= solution.allowed_gap:
        return replace(solution, status=Status.STATED)
    if not report.feasible:
        failed = f"the certificate refuses the answer: {', '.join(report.failed)}"
        return EpisodeSolution(status=Status.ERROR, program=program, rounds=rounds, message=failed)
    return replace(solution, status=Status.FEASIBLE, message=f"not certified: {', '.join(report.failed)}")


def _point(model: LinearModel, t: int, round_: Round, needed: float, v: Floats) -> Point:
    x = np.clip(v[model.blocks[f"{t}:x"]], 0.0, round_.accounts.capacity)
    closed = v[model.blocks[f"{t}:closed"]] if f"{t}:closed" in model.blocks else None
    lots = None
    if (
        closed is not None
        and model.integer[model.blocks[f"{t}:closed"]].all()
        and round_.positions is not None
    ):
        lots, closed = np.rint(closed).astype(np.int64), None
        x = np.minimum(paid_by_lots(round_.positions, lots, x.size), round_.accounts.capacity)
    elif f"{t}:pays" in model.blocks:
        x = np.where(v[model.blocks[f"{t}:pays"]] > 0.5, x, 0.0)
    elif closed is None and abs(math.fsum([needed, *(-x)])) <= ROUNDING * needed:
        x = repair(x, round_.accounts.capacity, needed, exact=True)
    fund = float(v[model.blocks[f"{t}:fund"]][0]) if f"{t}:fund" in model.blocks else 0.0
    return Point(x=x, needed=needed, lots=lots, closed=closed, fund=max(fund, 0.0))

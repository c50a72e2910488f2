"""The study of an episode: severity after the fact, at the start of the round, and with hints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, Progress, indexed
from adl_opt.checks import number_between
from adl_opt.datasets.episodes import as_episode
from adl_opt.evaluate.decomposition import decompose
from adl_opt.evaluate.published import published
from adl_opt.evaluate.record import or_null
from adl_opt.evaluate.regret import severity_regret
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.losses import Loss, as_loss
from adl_opt.policy.lineup import BLOCKS
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.programs.hindsight.frontier import severity_frontier
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.severity.defaults import frozen_defaults
from adl_opt.severity.hints.hinted import Hinted, HintOnly
from adl_opt.severity.learners.bound import Bound
from adl_opt.studies.october10.blocks import StudyBlock, StudyRow, notes_on
from adl_opt.studies.october10.lineup import (
    bound_of,
    budgets_of,
    guaranteed_usd,
    guesses,
    variants,
    with_hints,
    within_the_round,
    without_hints,
)
from adl_opt.studies.october10.many import many
from adl_opt.studies.october10.side_by_side import side_by_side

if TYPE_CHECKING:
    import pandas as pd

NO_HINT = "none"
PUBLISHED = "oct10"
"""The episode that has a published table, and published markets."""

EMBEDDED = "published markets"
OWN = "markets of the episode"
PATH_SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Study(Answer):
    """The blocks side by side, and the same defaults on synthetic episodes."""

    blocks: Sequence[StudyBlock]
    synthetic: dict[str, Any] = field(repr=False)
    bursts: Sequence[dict[str, Any]] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        kept = [name for name in StudyRow.__dataclass_fields__ if name != "bound_kind"]
        return {
            "schema": SCHEMA,
            "blocks": [
                {
                    "information": block.information,
                    "hint": block.hint,
                    "policies": [{k: or_null(getattr(row, k)) for k in kept} for row in block.rows],
                }
                for block in self.blocks
            ],
            "synthetic": self.synthetic,
            "notes": notes_on(self.blocks),
            "bursts": list(self.bursts),
            "defaults": frozen_defaults(),
        }

    def frame(self) -> pd.DataFrame:
        """Return one row per block and policy."""
        rows = [
            {"information": b.information, "hint": b.hint} | asdict(row)
            for b in self.blocks
            for row in b.rows
        ]
        return indexed(rows, "policy")

    def cumulative(self) -> pd.DataFrame:
        """Return the objective summed up to each round, USD: one column per block and policy."""
        import pandas as pd

        columns = {}
        for block in self.blocks:
            for name, records in block.result.by_policy.items():
                loss = [block.result.total_of(r) for r in records]
                series = pd.Series(loss, index=[r.round for r in records])
                columns[(block.information, block.hint, name)] = series.cumsum()
        return pd.DataFrame(columns).rename_axis(index="round")

    def decomposition(self) -> pd.DataFrame:
        """Return eq. 22 for each policy with one hint: control and estimation error, V_T; USD."""
        rows = []
        for block in self.blocks:
            rounds = list(block.episode)
            for severity, row in zip(block.severities, block.rows, strict=False):
                if isinstance(severity, (HintOnly, Hinted)):
                    records = block.result.by_policy[row.policy]
                    parts = decompose(
                        [r.haircut for r in records],
                        guesses(severity.hint, rounds),
                        [r.needed for r in records],
                        block.result.loss,
                    )
                    rows.append({"policy": row.policy, "hint": block.hint} | asdict(parts))
        return indexed(rows, "policy")

    def against_frontier(self) -> pd.DataFrame:
        """Return the loss without fairness above that of the best severity path, USD, by path budget.

        It can be below 0 for a policy that takes more than D, or whose path is longer.  The comparators knew
        the episode (ex post); the first column is the best fixed severity.
        """
        block = self.blocks[0]
        own = block.result.path_length
        best = severity_frontier(block.episode, [share * own for share in PATH_SHARES], block.result.loss)
        rows = [
            {"policy": row.policy, "hint": b.hint}
            | {
                f"P={p:.3g}": row.tracking_usd - float(loss)
                for p, loss in zip(best.path, best.loss_usd, strict=True)
            }
            for b in self.blocks
            for row in b.rows
        ]
        return indexed(rows, "policy")

    def sensitivity(self) -> pd.DataFrame:
        """Return the tracking error, USD, with each default of learners and hints halved and doubled."""
        rows = []
        for block in self.blocks:
            rounds = list(block.episode)
            need = [o.needed for _, o in rounds]
            for name, parameter, factor, severity in variants(block.severities):
                loss = math.fsum(block.result.loss.tracking(budgets_of(severity, rounds), need))
                rows.append(
                    {"policy": name, "hint": block.hint, "parameter": parameter, "factor": factor}
                    | {"tracking_usd": loss}
                )
        return indexed(rows, "policy")


def study(
    episode: Episode | str | PathLike[str] = PUBLISHED,
    *,
    policies: str | Policy | Iterable[object] | None = None,
    episodes: int = 1000,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Study:
    """Run the study of October 10, or the same on any other episode: severities side by side.

    Every default is frozen (``severity/defaults.toml``, whose date and hash stand in the JSON), so a later
    event is a test of them.

    Parameters
    ----------
    episode : Episode, str or path
        The block of the published table, and rounds and bursts side by side, are there for ``oct10`` only, in
        wealth.
    policies : one or several, optional
        As for :func:`adl_opt.replay`; each stands in the block of its information.  By default the
        start-of-round policies of :func:`~adl_opt.policy.lineup.lineup`, then every other learner and hint.
    episodes : int
        Synthetic episodes, at least 2.
    loss : Loss or str, optional
        What every figure is measured in, and what learners learn on; see :func:`adl_opt.replay`.
    space : {'wealth', 'contracts'}, optional
        As for :func:`adl_opt.replay`; synthetic episodes are drawn in the same space.  The block of the
        published table and bounds on regret are of a pool of dollars.
    progress : bool or callable
        A bar where the call takes long, or a function of (synthetic episodes done, all).

    Returns
    -------
    Study
        Blocks: the published table (ex post severity, production as recorded); start-of-round severities
        without hints; with hints on the episode's markets; other policies that were asked for.  By default
        severities are allocated pro-rata, the optimum of the min-max program (Prop. 9).

    Raises
    ------
    UsageError
        Fewer than 2 episodes, or no space of that name.
    """
    number_between("study: episodes", episodes, 2, 1e6)
    episode = as_episode(episode).in_space(space or "")
    asked = as_loss(loss).on(episode)
    known = episode.name == PUBLISHED
    usual = [*without_hints(), *with_hints(), *within_the_round()]
    chosen = as_policies(usual if policies is None else policies)
    early = [p for p in chosen if p.information.without_outcome]
    hinted = [p for p in early if p.reads_flow]
    groups = [(NO_HINT, [p for p in early if not p.reads_flow]), (EMBEDDED if known else OWN, hinted)]
    late = [kind for kind in BLOCKS if not kind.without_outcome]
    groups += [(NO_HINT, [p for p in chosen if p.information is kind]) for kind in late]
    pool = known and episode.space == WEALTH
    blocks = [*([_ex_post(episode, asked)] if pool else []), *_blocks(episode, groups, asked)]
    severities = {p.severity.label(): p.severity for p in early}
    synthetic = many(severities.values(), episodes, loss=asked, space=episode.space, progress=progress)
    return Study(blocks=blocks, synthetic=synthetic, bursts=side_by_side(blocks) if pool else ())


def _ex_post(episode: Episode, loss: Loss) -> StudyBlock:
    result, known = published(loss=loss), Information.EX_POST.value
    rows = _rows(result, {}, {})
    return StudyBlock(information=known, hint=NO_HINT, rows=rows, result=result, episode=episode)


def _blocks(episode: Episode, groups: Sequence[tuple[str, Sequence[Policy]]], loss: Loss) -> list[StudyBlock]:
    """Return one block per (hint, policies of one information), but for none; all are replayed at once."""
    rounds = list(episode)
    policies = [(hint, [p.on(loss) for p in group]) for hint, group in groups if group]
    whole = replay(episode, [p for _, group in policies for p in group], loss=loss)
    blocks = []
    for hint, group in policies:
        early = group[0].information.without_outcome
        bounds = {p.name: bound_of(p.severity, rounds) if early else None for p in group}
        promised = {p.name: guaranteed_usd(p.severity, rounds) for p in group if early}
        result = replace(whole, records=[r for r in whole.records if r.policy in bounds])
        blocks.append(
            StudyBlock(
                information=result.policies[0].information.value,
                hint=hint,
                rows=_rows(result, bounds, promised),
                result=result,
                episode=episode,
                severities=[p.severity for p in group] if early else (),
            )
        )
    return blocks


def _rows(
    result: Result, bounds: Mapping[str, Bound | None], promised: Mapping[str, float]
) -> list[StudyRow]:
    rows = []
    for p in result.policies:
        records = result.by_policy[p.policy]
        regret = severity_regret(
            [r.haircut for r in records],
            [r.needed for r in records],
            [r.deficit for r in records],
            result.loss,
        )
        executed = [(r.haircut, r.budget, 1e-9 * max(r.budget, 1e-6)) for r in records]
        short = any(haircut < budget - near for haircut, budget, near in executed)
        apart = short or any(haircut > budget + near for haircut, budget, near in executed)
        bound = None if apart or result.space != WEALTH else bounds.get(p.policy)
        if bound is not None:
            bound = bound.within(result.trivial_usd)
        rows.append(
            StudyRow(
                policy=p.policy,
                space=p.space,
                tracking_usd=p.tracking_usd,
                fairness_usd=p.fairness_usd,
                total_usd=p.total_usd,
                envelope_share=p.envelope_share,
                dynamic_regret_usd=regret.dynamic,
                static_regret_usd=regret.static,
                overshoot_usd=p.overshoot_usd,
                undershoot_usd=p.undershoot_usd,
                covered_rounds=p.covered_rounds,
                covered_usd_share=p.covered_usd_share,
                worst_shortfall_usd=p.worst_shortfall_usd,
                coverage_proven_95=p.coverage_proven_95,
                balance_usd=p.balance_usd,
                lowest_balance_usd=p.lowest_balance_usd,
                bound_usd=math.nan if bound is None else bound.value,
                bound_kind="" if bound is None else bound.kind,
                informative=None if bound is None else bound.informative,
                guarantee_usd=math.nan if short else promised.get(p.policy, math.nan),
            )
        )
    return rows

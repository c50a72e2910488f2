"""How far is each policy from what was possible: least losses by domain, and comparators of regret."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from adl_opt.answer import SCHEMA, Answer, Progress, indexed
from adl_opt.checks import number_between
from adl_opt.datasets.episodes import as_episode
from adl_opt.errors import LackError
from adl_opt.evaluate.benchmarks import (
    Benchmark,
    Benchmarks,
    fixed_benchmark,
    haircuts_benchmark,
    optimum_benchmark,
    pool_optima,
    severity_benchmark,
)
from adl_opt.evaluate.bounds import path_length
from adl_opt.evaluate.record import PolicyRound, or_null
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.evaluate.selection_cost import accounts_versus_burden
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy
from adl_opt.programs.hindsight.severity import best_path, best_switching
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.episode import Episode

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.evaluate.structure import StructurePrice
    from adl_opt.programs.hindsight.joint import JointOptimum

PATH_SHARES = (0.05, 0.1, 0.25)
SWITCHES = (1, 3)


@dataclass(frozen=True, eq=False)
class Optimum(Answer):
    """The least loss of each domain and the comparators of regret, and every policy measured against them."""

    chosen: ClassVar[tuple[str, ...]] = (
        *("policy", "information", "domain", "total_usd", "gap_to_optimum_usd"),
        *("covered_rounds", "covered_usd_share"),
    )
    result: Result
    benchmarks: Benchmarks = field(repr=False)
    selection: Sequence[dict[str, float]] = field(default=(), repr=False)
    structure: Sequence[StructurePrice] = field(default=(), repr=False)

    def structure_frame(self) -> pd.DataFrame:
        """Return the price of the market structure, one row per round and domain; empty in wealth.

        Losses in USD of the pool and of contracts, with proven bounds, and the least largest burdens: see
        :class:`~adl_opt.evaluate.structure.StructurePrice`.
        """
        import pandas as pd

        return pd.DataFrame([asdict(price) for price in self.structure])

    def selection_frame(self) -> pd.DataFrame:
        """Return what fewer payers cost: largest burden (proven), one row per round, one column per count."""
        import pandas as pd

        return pd.DataFrame(list(self.selection)).pivot_table(
            index="round", columns="accounts", values="max_burden"
        )

    def structure_totals(self) -> list[dict[str, Any]]:
        """Return, for each domain, losses summed over the rounds (USD) and the largest burdens of a round."""
        out = []
        for domain in dict.fromkeys(p.domain for p in self.structure):
            own = [asdict(p) for p in self.structure if p.domain == domain]
            usd = {name: math.fsum(p[name] for p in own) for name in own[0] if name.endswith("_usd")}
            most = {name: max(p[name] for p in own) for name in own[0] if name.endswith("_burden")}
            out.append({"domain": domain, **usd, **most})
        return out

    def frame(self) -> pd.DataFrame:
        """Return one row per policy: its gap to the optimum of its domain, its regret to each class, USD.

        ``domain`` is what the policy kept to in every round: ``whole-lots``, where its haircuts are given in
        whole lots or are 0, else ``fractional``; ``beyond-limit``, where it took more than the loss allows.
        In contracts ``losers-too`` where it takes more than positive PNL, and ``recorded`` of the production.
        ``gap_to_optimum_usd`` is the loss less the proven bound of that domain, and at least 0; NaN where the
        loss is not known and beyond the limit.  No policy is held against ``depleting-optimum``: in a replay
        nothing depletes.  ``regret_to_..._usd`` may be negative: a policy need not be of the class.  Those of
        classes of plans are of tracking.  ``burden_over_optimum`` is the largest ratio, over rounds, of the
        policy's largest burden to m*, the min-max over whole lots at B; below 1 where less than B was taken,
        or parts of lots.
        """
        least = {b.name.removesuffix("-optimum"): b.bound_usd for b in self.benchmarks if b.kind == "optimum"}
        domain = {
            p.policy: _domain(self.result, p.policy, "whole-lots" in least) for p in self.result.policies
        }
        classes = [b for b in self.benchmarks if b.kind != "optimum"]
        rows = [
            {
                "policy": p.policy,
                "information": p.information.value,
                "total_usd": p.total_usd,
                "domain": domain[p.policy],
                "gap_to_optimum_usd": p.total_usd - least.get(domain[p.policy], math.nan),
                "tracking_usd": p.tracking_usd,
                "overshoot_usd": p.overshoot_usd,
                "undershoot_usd": p.undershoot_usd,
                "covered_rounds": p.covered_rounds,
                "covered_usd_share": p.covered_usd_share,
                "worst_shortfall_usd": p.worst_shortfall_usd,
                "coverage_proven_95": p.coverage_proven_95,
                "max_burden": p.max_burden,
                "burden_over_optimum": _worst_ratio(self.result, p.policy),
            }
            | {
                f"regret_to_{b.name}_usd": (p.total_usd if b.kind == "library" else p.tracking_usd)
                - b.objective_usd
                for b in classes
            }
            for p in self.result.policies
        ]
        return indexed(rows, "policy")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        named = [
            {"class" if k == "kind" else k: or_null(v) for k, v in asdict(b).items()}
            | {"gap_usd": or_null(b.gap_usd)}
            for b in self.benchmarks
        ]
        rows = self.frame().reset_index().to_dict("records")
        return {
            "schema": SCHEMA,
            "episode": self.result.episode,
            "source": self.result.source,
            "rounds": len({r.round for r in self.result.records}),
            "path_length": self.result.path_length,
            "loss": asdict(self.result.loss),
            "benchmarks": named,
            "policies": [{str(k): or_null(v) for k, v in row.items()} for row in rows],
            "selection": list(self.selection),
            "space": self.result.space,
            "market_structure": {
                "totals": [_plain(row) for row in self.structure_totals()],
                "rounds": [_plain(asdict(price)) for price in self.structure],
            },
        }


def optimum(
    episode: Episode | str | PathLike[str] = "oct10",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    loss: Loss | str | None = None,
    space: str | None = None,
    path_budget: float | None = None,
    switches: int | None = None,
    accounts: int | Sequence[int] | None = None,
    progress: Progress = True,
) -> Optimum:
    """Compute the offline-optimal benchmarks of an episode, and replay policies beside them.

    Parameters
    ----------
    episode : Episode, str or path
    policies : one or several, optional
        As for :func:`adl_opt.replay`.
    loss : Loss or str, optional
        As for :func:`adl_opt.replay`.
    space : {'wealth', 'contracts'}, optional
        As for :func:`adl_opt.replay`.  In contracts the optima close each market from its other side, and
        ``structure`` is what that costs against the pool.
    path_budget : float, optional
        P >= 0; by default a few shares of the episode's own path length.
    switches : int, optional
        K >= 0; by default 1 and 3.
    accounts : int or sequence of int, optional
        Numbers of accounts that may pay, for the table of what fewer payers cost in burden (whole lots).
    progress : bool or callable
        A bar where the call takes long, or a function of (rounds done, all).

    Raises
    ------
    UsageError
        A limit that is not a number of at least 0.
    SolverError
        A benchmark whose certificate does not hold.

    Notes
    -----
    An optimum chooses severity and haircuts together, and its domain says what it may choose; no information
    would have done better.  Fixed severities, paths, switches and fixed haircuts are classes: comparators of
    regret.
    """
    episode = as_episode(episode).in_space(space or "")
    pool = episode.space == WEALTH
    if accounts is not None and not pool:
        raise LackError(
            "the table of what fewer payers cost does not serve rounds in contracts",
            got=f"episode {episode.name!r}",
            ways_out=["leave accounts out", 'choose space="wealth" (--space wealth)'],
        )
    result = replay(episode, policies, loss=loss, progress=progress)
    asked = result.loss
    needed = [o.needed for _, o in episode]
    deficit = [r.deficit for r, _ in episode]
    own = path_length(needed, deficit)
    paths = (
        [number_between("path budget", path_budget, 0.0, 1e9)]
        if path_budget is not None
        else [round(share * own, 4) for share in PATH_SHARES]
    )
    counts = [int(number_between("switches", switches, 0, 1e9))] if switches is not None else list(SWITCHES)
    optima, structure = (pool_optima(episode, asked), []) if pool else _in_contracts(episode, asked)
    lots = any(best.name == "whole-lots-optimum" for best in optima)
    found = [optimum_benchmark(best, _members(result, best.name, lots), asked) for best in optima]
    found.append(fixed_benchmark(needed, deficit, asked))
    plans = {f"best-path(P={p:g})": best_path(episode, path_budget=p, loss=asked) for p in paths}
    plans |= {f"best-switching(K={k})": best_switching(episode, switches=k, loss=asked) for k in counts}
    found += [severity_benchmark(name, severities) for name, severities in plans.items()]
    found += [haircuts_benchmark(episode, asked)] if pool else []
    known = [p for p in result.policies if not math.isnan(p.total_usd)]
    if known:
        best = min(known, key=lambda p: p.total_usd)
        found.append(
            Benchmark(
                name="best-of-library",
                kind="library",
                information=best.information.value,
                objective_usd=best.total_usd,
                bound_usd=math.nan,
                tracking_usd=best.tracking_usd,
                max_burden=best.max_burden,
            )
        )
    counted = accounts if isinstance(accounts, Iterable) else [] if accounts is None else [accounts]
    cost = _selection(episode, [int(number_between("accounts", k, 0, 1e9)) for k in counted])
    return Optimum(result, Benchmarks(found), cost, structure)


def _domain(result: Result, policy: str, lots: bool) -> str:
    """Return the narrowest domain that a policy kept to (see :meth:`Optimum.frame`)."""
    if result.space == CONTRACTS:
        if policy == "production":
            return "recorded"
        if result.kept is not None and policy in result.kept.losers_too:
            return "losers-too"
    rounds = result.by_policy[policy]
    if result.loss.limit == "deficit" and any(r.haircut > r.deficit * (1 + 1e-12) for r in rounds):
        return "beyond-limit"
    return "whole-lots" if lots and all(r.whole_lots for r in rounds) else "fractional"


def _members(result: Result, name: str, lots: bool) -> list[list[PolicyRound]]:
    """Return the rounds of each policy that is held against an optimum, and against the same m* as it."""
    within = {"fractional-optimum": ("fractional", "whole-lots"), "whole-lots-optimum": ("whole-lots",)}
    return [
        rounds
        for policy, rounds in result.by_policy.items()
        if policy != "production" and _domain(result, policy, lots) in within.get(name, ())
    ]


def _in_contracts(episode: Episode, loss: Loss) -> tuple[list[JointOptimum], list[StructurePrice]]:
    from adl_opt.evaluate.structure import market_structure

    return market_structure(episode, loss)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: or_null(value) for name, value in row.items()}


def _selection(episode: Episode, counts: Sequence[int]) -> list[dict[str, float]]:
    if not counts:
        return []
    return [
        {"round": round_.number} | asdict(row)
        for round_, outcome in episode
        for row in accounts_versus_burden(round_, outcome.needed, counts)
    ]


def _worst_ratio(result: Result, policy: str) -> float:
    ratios = [
        r.max_burden / r.reference_burden
        for r in result.by_policy[policy]
        if r.reference_burden > 0 and not math.isnan(r.max_burden)
    ]
    return max(ratios, default=math.nan)

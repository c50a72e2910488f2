"""How far is each policy from what was possible: offline optima beside production and the catalogue."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, indexed
from adl_opt.checks import number_between
from adl_opt.datasets.episodes import as_episode
from adl_opt.evaluate.bounds import path_length
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.evaluate.selection_cost import accounts_versus_burden
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.programs.hindsight.checked import proven
from adl_opt.programs.hindsight.depleting import DepletingOptimum, depleting_optimum
from adl_opt.programs.hindsight.fixed_vector import FixedVector, best_fixed_haircut_vector
from adl_opt.programs.hindsight.severity import (
    SeverityOptimum,
    best_fixed,
    best_path,
    best_switching,
    per_round_optimum,
)
from adl_opt.rounds.episode import Episode

if TYPE_CHECKING:
    import pandas as pd

PATH_SHARES = (0.05, 0.1, 0.25)
SWITCHES = (1, 3)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One offline optimum, proven; it knew the whole episode (ex post).  USD unless said; NaN if not known.

    Parameters
    ----------
    name : str
        With its limit, such as ``best-path(P=0.7)``.
    information : str
    tracking_usd : float
        sum abs(H - B).
    bound_usd : float
        Proven lower bound on the objective that the benchmark minimises.
    objective_usd : float
        That objective: tracking alone, or tracking plus the weighted largest burden.
    path : float
        Path length of its severities, without unit.
    max_burden : float
        Largest (cumulative) burden, where the benchmark chooses accounts.
    certified : bool
        Its certificate was recomputed and holds.
    """

    name: str
    information: str
    tracking_usd: float
    bound_usd: float
    objective_usd: float
    path: float = math.nan
    max_burden: float = math.nan
    certified: bool = True


@dataclass(frozen=True, eq=False)
class Optimum(Answer):
    """Offline-optimal benchmarks of an episode, and every policy measured against them."""

    result: Result
    benchmarks: Sequence[Benchmark] = field(repr=False)
    selection: Sequence[dict[str, float]] = field(default=(), repr=False)

    def selection_frame(self) -> pd.DataFrame:
        """Return what fewer payers cost: largest burden (proven), one row per round, one column per count."""
        import pandas as pd

        return pd.DataFrame(list(self.selection)).pivot_table(
            index="round", columns="accounts", values="max_burden"
        )

    def benchmarks_frame(self) -> pd.DataFrame:
        """Return one row per benchmark."""
        return indexed([asdict(b) for b in self.benchmarks], "name")

    def frame(self) -> pd.DataFrame:
        """Return one row per policy: how far it is from the per-round and the best fixed optimum, USD.

        ``above_per_round_usd`` is negative for a policy that knows B and takes more than D where B > D: the
        optimum's severity is at most 1.  ``burden_over_optimum`` is the largest ratio, over rounds, of the
        policy's largest burden to the proven min-max burden of the same round at the needed budget.
        """
        known = {b.name: b.tracking_usd for b in self.benchmarks}
        rows = [
            {
                "policy": p.policy,
                "information": p.information.value,
                "tracking_usd": p.tracking_usd,
                "overshoot_usd": p.overshoot_usd,
                "above_per_round_usd": p.tracking_usd - known["per-round-optimum"],
                "above_best_fixed_usd": p.tracking_usd - known["best-fixed"],
                "total_usd": p.total_usd,
                "max_burden": p.max_burden,
                "burden_over_optimum": _worst_ratio(self.result, p.policy),
            }
            for p in self.result.policies
        ]
        return indexed(rows, "policy")

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "schema": SCHEMA,
            "episode": self.result.episode,
            "source": self.result.source,
            "rounds": len({r.round for r in self.result.records}),
            "path_length": self.result.path_length,
            "benchmarks": [asdict(b) for b in self.benchmarks],
            "policies": self.frame().reset_index().to_dict("records"),
            "selection": list(self.selection),
        }


def optimum(
    episode: Episode | str | PathLike[str] = "oct10",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    path_budget: float | None = None,
    switches: int | None = None,
    accounts: int | Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Optimum:
    """Compute the offline-optimal benchmarks of an episode, and replay policies beside them.

    Parameters
    ----------
    episode : Episode, str or path
    policies : one or several, optional
        As for :func:`adl_opt.replay`.
    path_budget : float, optional
        P >= 0; by default a few shares of the episode's own path length.
    switches : int, optional
        K >= 0; by default 1 and 3.
    accounts : int or sequence of int, optional
        Numbers of accounts that may pay, for the table of what fewer payers cost in burden (whole lots).
    progress : callable, optional

    Raises
    ------
    UsageError
        A limit that is not a number of at least 0.
    SolverError
        A benchmark whose certificate does not hold.

    Notes
    -----
    The two benchmarks that choose accounts weigh the largest burden by the sum of the needed budgets, the
    weight that eq. 23 gives to one burden held through all rounds.
    """
    episode = as_episode(episode)
    chosen = None if policies is None else as_policies(policies)
    needed = [o.needed for _, o in episode]
    deficit = [r.deficit for r, _ in episode]
    own = path_length(needed, deficit)
    paths = (
        [number_between("path budget", path_budget, 0.0, 1e9)]
        if path_budget is not None
        else [round(share * own, 4) for share in PATH_SHARES]
    )
    counts = [int(number_between("switches", switches, 0, 1e9))] if switches is not None else list(SWITCHES)
    found = [
        _severity("per-round-optimum", per_round_optimum(episode)),
        _severity("best-fixed", best_fixed(episode)),
        *(_severity(f"best-path(P={p:g})", best_path(episode, path_budget=p)) for p in paths),
        *(_severity(f"best-switching(K={k})", best_switching(episode, switches=k)) for k in counts),
    ]
    weight = math.fsum(needed)
    found += _accounts(episode, weight) if weight > 0 else []
    counted = accounts if isinstance(accounts, Iterable) else [] if accounts is None else [accounts]
    cost = _selection(episode, [int(number_between("accounts", k, 0, 1e9)) for k in counted])
    return Optimum(replay(episode, chosen, progress=progress), found, cost)


def _selection(episode: Episode, counts: Sequence[int]) -> list[dict[str, float]]:
    if not counts:
        return []
    return [
        {"round": round_.number} | asdict(row)
        for round_, outcome in episode
        for row in accounts_versus_burden(round_, outcome.needed, counts)
    ]


def _severity(name: str, best: SeverityOptimum) -> Benchmark:
    return _benchmark(name, proven(best), best.loss_usd, path=best.path)


def _accounts(episode: Episode, weight: float) -> list[Benchmark]:
    vector = best_fixed_haircut_vector(episode, weight)
    depleting = depleting_optimum(episode, burden_weight=weight)
    largest = float(vector.haircut.max(initial=0.0))
    return [
        _benchmark("best-fixed-haircuts", vector, vector.tracking_usd, max_burden=largest),
        _benchmark("depleting-optimum", depleting, depleting.tracking_usd, max_burden=depleting.max_burden),
    ]


def _benchmark(
    name: str,
    best: SeverityOptimum | FixedVector | DepletingOptimum,
    tracking: float,
    *,
    path: float = math.nan,
    max_burden: float = math.nan,
) -> Benchmark:
    return Benchmark(
        name=name,
        information=best.information.value,
        tracking_usd=tracking,
        bound_usd=best.bound_usd,
        objective_usd=best.loss_usd,
        path=path,
        max_burden=max_burden,
    )


def _worst_ratio(result: Result, policy: str) -> float:
    ratios = [
        r.max_burden / r.reference_burden
        for r in result.by_policy[policy]
        if r.reference_burden > 0 and not math.isnan(r.max_burden)
    ]
    return max(ratios, default=math.nan)

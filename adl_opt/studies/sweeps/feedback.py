"""How large the feedback of a policy into later liquidity is: what the paper leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adl_opt.errors import PolicyError
from adl_opt.studies.sweeps.backends import run_chunks
from adl_opt.studies.sweeps.plan import Plan, Value
from adl_opt.studies.sweeps.run import Progress
from adl_opt.studies.sweeps.summary import feedback_table

if TYPE_CHECKING:
    import pandas as pd

POLICIES = (
    *("hyperliquid-side-adjusted", "binance", "pro-rata", "equity-pro-rata", "min-max-lots"),
    *("full-deficit/pro-rata", "full-deficit/hyperliquid-side-adjusted", "constant(0)"),
)
"""Queues, shares of all, both with the whole deficit, and nobody."""


def feedback_effect(
    policies: Iterable[str] = POLICIES,
    scenarios: Iterable[str] = ("repeated-rounds",),
    *,
    seeds: int = 100,
    seed: int = 0,
    parameters: Mapping[str, Value] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the effect of the feedback on every figure, per policy, with 95 % intervals.

    Parameters
    ----------
    policies, scenarios : iterable of str
    seeds, seed : int
        Number of pairs, and the first seed.
    parameters : dict of str to value, optional
        Settings that replace those of the scenarios.
    workers : int
    progress : callable, optional

    Returns
    -------
    frame
        See :func:`adl_opt.studies.sweeps.summary.feedback_table`: feedback 1 minus feedback 0, where
        accounts, path and whims of a pair are the same.

    Raises
    ------
    UsageError
        Unknown names.
    PolicyError
        A policy failed; its first error is shown.

    Examples
    --------
    >>> table = feedback_effect(["pro-rata"], ["no-deficit"], seeds=2)
    >>> float(table.set_index("figure").loc["needed_usd", "effect"])
    0.0
    """
    chosen: dict[str, Any] = {"seeds": seeds, "seed": seed, "parameters": parameters, "workers": workers}
    rows = feedback_rows(policies, scenarios, **chosen, progress=progress)
    return feedback_table(rows, ["feedback", *(parameters or {})])


def feedback_rows(
    policies: Iterable[str],
    scenarios: Iterable[str],
    *,
    seeds: int,
    seed: int = 0,
    parameters: Mapping[str, Value] | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the episodes behind :func:`feedback_effect`, one row each, as a sweep writes them.

    Raises
    ------
    UsageError, PolicyError
        As there.
    """
    import pandas as pd

    plan = Plan(
        policies=tuple(policies),
        scenarios=tuple(scenarios),
        seeds=seeds,
        seed=seed,
        parameters={"feedback": (0.0, 1.0)} | {k: (v,) for k, v in (parameters or {}).items()},
    )
    made, done = {}, 0
    for chunk, rows in run_chunks(plan, range(len(plan.chunks)), workers, None):
        made[chunk] = rows
        done += len(rows)
        if progress is not None:
            progress(done, len(plan) * len(plan.policies))
    frame = pd.DataFrame([row for chunk in sorted(made) for row in made[chunk]])
    for row in frame[frame["error"] != ""].head(1).itertuples():
        raise PolicyError(
            f"policy {row.policy!r} failed in scenario {row.scenario!r}",
            got=f"seed {row.seed}: {row.error}",
            ways_out=["leave the policy out"],
        )
    return frame

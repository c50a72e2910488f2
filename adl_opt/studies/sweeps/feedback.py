"""How large the feedback of a policy into later liquidity is: what the paper leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, Progress, showing
from adl_opt.errors import PolicyError, UsageError
from adl_opt.losses import Loss, as_loss
from adl_opt.studies.simulation.runs import POLICIES
from adl_opt.studies.sweeps.backends import run_chunks
from adl_opt.studies.sweeps.plan import Plan, Value
from adl_opt.studies.sweeps.summary import feedback_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Feedback(Answer):
    """The effect of the feedback on every figure (see :meth:`frame`)."""

    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """Return the table of :func:`adl_opt.studies.sweeps.summary.feedback_table`."""
        return self.table

    def to_json(self) -> dict[str, Any]:
        """Return the rows as plain values."""
        return {"schema": SCHEMA, "feedback": self.table.to_dict("records")}


def feedback(
    policies: str | Iterable[str] | None = None,
    scenarios: str | Iterable[str] | None = None,
    *,
    seeds: int = 100,
    seed: int = 0,
    parameters: Mapping[str, Value] | None = None,
    workers: int = 1,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Feedback:
    """Measure the feedback effect: the same episodes with and without what policies do to later liquidity.

    Parameters
    ----------
    policies : str or iterable of str, optional
        By default :data:`adl_opt.studies.simulation.runs.POLICIES`.
    scenarios : str or iterable of str, optional
        By default ``oct10-reactions``.
    seeds, seed : int
        Number of pairs, and the first seed.
    parameters : dict of str to value, optional
        Settings that replace those of the scenarios.
    workers : int
        Processes of this machine.
    loss, space : optional
        As for :func:`adl_opt.simulate`.
    progress : bool or callable
        A bar where the call takes long, or a function of (episodes done, all).

    Returns
    -------
    Feedback
        Its frame is feedback 1 minus feedback 0 of every figure, per policy, with 95 % intervals; accounts,
        path and whims of a pair are the same.

    Raises
    ------
    UsageError
        Unknown names.
    PolicyError
        A policy failed; its first error is shown.

    Examples
    --------
    >>> table = feedback("pro-rata", "no-deficit", seeds=2).frame()
    >>> float(table.set_index("figure").loc["needed_usd", "effect"])
    0.0
    """
    plan = Plan(
        policies=_names("policies", policies, POLICIES),
        scenarios=_names("scenarios", scenarios, ("oct10-reactions",)),
        seeds=seeds,
        seed=seed,
        parameters={"feedback": (0.0, 1.0)} | {k: (v,) for k, v in (parameters or {}).items()},
        loss=as_loss(loss),
        space=space,
    )
    return Feedback(feedback_table(_rows(plan, workers, progress), plan.columns))


def _rows(plan: Plan, workers: int, progress: Progress) -> pd.DataFrame:
    """Return the episodes of a plan, one row each; the first that failed is an error."""
    import pandas as pd

    made, done = {}, 0
    with showing("feedback", progress) as advance:
        for chunk, rows in run_chunks(plan, range(len(plan.chunks)), workers, None):
            made[chunk] = rows
            done += len(rows)
            advance(done, len(plan) * len(plan.policies))
    frame = pd.DataFrame([row for chunk in sorted(made) for row in made[chunk]])
    for row in frame[frame["error"] != ""].head(1).itertuples():
        raise PolicyError(
            f"policy {row.policy!r} failed in scenario {row.scenario!r}",
            got=f"seed {row.seed}: {row.error}",
            ways_out=["leave the policy out"],
        )
    return frame


def _names(what: str, given: object, default: Iterable[str]) -> tuple[str, ...]:
    """Return names from one, from several, or by default."""
    if given is None:
        return tuple(default)
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise UsageError(
            f"{what} are given by their names",
            got=f"{given!r:.80}",
            ways_out=["give one name, or a list of names"],
        )
    return names

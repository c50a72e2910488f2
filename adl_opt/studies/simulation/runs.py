"""Several policies through one simulated episode, on the same accounts and prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, Progress, indexed, showing
from adl_opt.checks import checked_type
from adl_opt.locks import keeps_inputs
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.rounds.contracts import WEALTH
from adl_opt.studies.simulation.files import given_path
from adl_opt.studies.simulation.run import Run, Start, run_policy
from adl_opt.studies.simulation.scenarios import Scenario
from adl_opt.studies.simulation.scenarios import scenario as named
from adl_opt.studies.simulation.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

POLICIES = (
    *("hyperliquid-side-adjusted", "binance", "pro-rata", "equity-pro-rata", "min-max-lots"),
    *("full-deficit/pro-rata", "full-deficit/hyperliquid-side-adjusted", "constant(0)"),
)
"""Queues, shares of all, both with the whole deficit, and nobody."""


@dataclass(frozen=True, eq=False)
class Simulated(Answer):
    """Runs of several policies on one simulated episode; an iterable of :class:`Run`."""

    scenario: str
    seed: int
    runs: Sequence[Run]
    space: str = WEALTH

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def frame(self) -> pd.DataFrame:
        """Return the totals, one row per policy; money in USD."""
        rows = [{"policy": r.policy, "information": r.information} | r.totals for r in self.runs]
        return indexed(rows, "policy")

    def to_json(self) -> dict[str, Any]:
        """Return totals and rounds of every run as plain values."""
        runs = [{k: v for k, v in r.to_json().items() if k != "schema"} for r in self.runs]
        head = {"schema": SCHEMA, "scenario": self.scenario, "seed": self.seed, "space": self.space}
        return head | {"runs": runs}


@keeps_inputs("path")
def simulate(
    scenario: str | Scenario | Settings = "flash-crash",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    seed: int = 0,
    path: str | PathLike[str] | None = None,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Simulated:
    """Run policies through one simulated episode, on the same accounts and prices.

    Parameters
    ----------
    scenario : str, Scenario or Settings
        A name of :func:`adl_opt.scenarios`, or settings of your own.
    policies : one or several of str, Policy, AllocationRule, Severity, Model
        By default :data:`POLICIES`.
    seed : int
        Same seed, same bits.
    path : path, optional
        CSV of prices with a header: a column a market, a row a step; in place of drawn prices.
    loss : Loss or str, optional
        As for :func:`adl_opt.replay`; its base is capacity unless said, for nothing is on record.
    space : {'wealth', 'contracts'}, optional
        A pool of dollars, or contracts by market and side; by default that of the settings.
    progress : bool or callable
        A bar where the call takes long, or a function of (policies done, all).

    Returns
    -------
    Simulated

    Raises
    ------
    UsageError
        Unknown names, or settings that do not fit.
    InputError
        The prices are refused.

    Examples
    --------
    >>> from adl_opt.studies.simulation.settings import Settings
    >>> simulate(Settings(accounts=100, steps=10), ["pro-rata", "binance"], seed=1).frame().index.tolist()
    ['pro-rata', 'binance']
    """
    ways_out = ["a name of adl-opt simulate scenarios", "Settings(accounts=100, steps=10)"]
    checked_type("a scenario", scenario, (str, Scenario, Settings), *ways_out)
    place = named(scenario) if isinstance(scenario, str) else scenario
    if isinstance(place, Settings):
        place = Scenario("settings", "settings of the caller", place)
    settings, prices = place.settings.in_space(space), None
    if path is not None:
        settings, prices = given_path(path, settings)
    start = Start.draw(settings, seed, prices)
    chosen = as_policies(POLICIES if policies is None else policies)
    runs: list[Run] = []
    with showing("simulate", progress) as advance:
        for policy in chosen:
            runs.append(run_policy(policy, settings, seed=seed, start=start, loss=loss))
            advance(len(runs), len(chosen))
    return Simulated(place.name, seed, runs, settings.space)

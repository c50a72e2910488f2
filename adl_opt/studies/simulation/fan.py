"""Fans: what simulated episodes of several seeds do, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.answer import Progress, showing
from adl_opt.errors import UsageError
from adl_opt.losses import Loss, as_loss
from adl_opt.studies.simulation.run import Run, Start, run_policy
from adl_opt.studies.simulation.scenarios import scenario as named

if TYPE_CHECKING:
    import pandas as pd

LOW, HIGH = 0.1, 0.9


def fan_frame(
    policies: Sequence[str],
    scenario: str,
    seeds: Sequence[int],
    progress: Progress = True,
    loss: Loss | str | None = None,
    space: str | None = None,
) -> pd.DataFrame:
    """Return quantiles over seeds of the loss without its fairness term, summed up to each step, USD.

    With weights of 1 that is the tracking error abs(H - B).  Each seed gives the same accounts and prices to
    every policy.  The columns are ``policy``, ``information``, ``step``, ``low`` (10 %), ``median``, ``high``
    (90 %).

    Raises
    ------
    UsageError
        Fewer than two seeds.

    Examples
    --------
    >>> frame = fan_frame(["pro-rata"], "flash-crash", range(2))
    >>> bool((frame["low"] <= frame["median"]).all() and (frame["median"] <= frame["high"]).all())
    True
    """
    import pandas as pd

    if len(seeds) < 2:
        raise UsageError("a fan needs two seeds or more", got=f"{len(seeds)}", ways_out=["--seeds 20"])
    settings = named(scenario).settings.in_space(space)
    runs: dict[str, list[Run]] = {policy: [] for policy in policies}
    with showing("fan", progress) as advance:
        for done, seed in enumerate(seeds, start=1):
            start = Start.draw(settings, seed)
            for policy in policies:
                runs[policy].append(run_policy(policy, settings, seed=seed, start=start, loss=loss))
            advance(done, len(seeds))
    frames = []
    for made in runs.values():
        low, median, high = np.quantile(
            [_summed(run, settings.steps, as_loss(loss)) for run in made], [LOW, 0.5, HIGH], axis=0
        )
        head = {"policy": made[0].policy, "information": made[0].information}
        steps = range(settings.steps + 1)
        frames.append(pd.DataFrame({**head, "step": steps, "low": low, "median": median, "high": high}))
    return pd.concat(frames, ignore_index=True)


def _summed(run: Run, steps: int, loss: Loss) -> list[float]:
    at = np.zeros(steps + 1)
    for row in run.rounds:
        at[int(row["step"])] += float(loss.tracking(row["haircut_usd"], row["needed_usd"]))
    return [float(v) for v in np.cumsum(at)]

"""What a sweep says: means with 95 % intervals, and differences to the baseline paired by market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.studies.october10.many import interval

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    *("needed_usd", "haircut_usd", "tracking_usd", "fairness_usd", "total_usd", "overshoot_usd"),
    *("undershoot_usd", "covered_rounds", "covered_usd_share", "worst_shortfall_usd", "max_burden"),
    *("accounts_left", "accounts_liquidated", "impact_cost_usd", "slope_path", "uncovered_usd"),
    *("residual_usd", "hedges_broken"),
)
"""Figures of an episode that the summary holds."""

NOBODY = "constant(0)"
"""The policy that takes nothing: what feedback it has comes from liquidations alone."""


def summary_table(rows: pd.DataFrame, parameters: list[str], baseline: str) -> pd.DataFrame:
    """Return one row per scenario, point of the parameters, policy and figure, from the rows of a sweep.

    A difference to the baseline pairs the seeds at which both policies have a row without an error.

    Returns
    -------
    frame
        ``mean``, ``low``, ``high`` over ``episodes``; ``failed``; ``against``, ``against_low``,
        ``against_high`` over ``paired`` seeds: policy minus baseline (normal approximation, 95 %).
    """
    import pandas as pd

    keys = ["scenario", *parameters]
    made: list[dict[str, Any]] = []
    for _, market in rows.groupby(keys, sort=False):
        by_policy = {str(p): f.set_index("seed") for p, f in market.groupby("policy", sort=False)}
        base = _sound(by_policy[baseline])
        for policy, frame in by_policy.items():
            sound = _sound(frame)
            head = {k: market[k].iloc[0] for k in keys} | {"policy": policy}
            head |= {"information": str(frame["information"].iloc[0])}
            both = sound.index.intersection(base.index)
            for figure in SHOWN:
                mean = spread(sound[figure].to_numpy())
                apart = spread((sound.loc[both, figure] - base.loc[both, figure]).to_numpy())
                row = head | {"figure": figure, "episodes": len(sound), "failed": len(frame) - len(sound)}
                row |= dict(zip(("mean", "low", "high"), mean, strict=True)) | {"paired": len(both)}
                made.append(row | dict(zip(("against", "against_low", "against_high"), apart, strict=True)))
    return pd.DataFrame(made)


def _sound(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["error"] == ""]


def spread(values: Floats) -> tuple[float, float, float]:
    """Return mean and 95 % interval; the interval is NaN for fewer than two values.

    Examples
    --------
    >>> spread(np.array([2.0]))
    (2.0, nan, nan)
    """
    if values.size == 0:
        return math.nan, math.nan, math.nan
    return interval(values) if values.size > 1 else (float(values[0]), math.nan, math.nan)


def feedback_table(rows: pd.DataFrame, parameters: list[str]) -> pd.DataFrame:
    """Return the size of the feedback effect: feedback at its largest minus off, paired by seed.

    Parameters
    ----------
    rows : frame
        With a column ``feedback`` that holds 0 and something above.
    parameters : list of str
        Names of the swept parameters, ``feedback`` among them.

    Returns
    -------
    frame
        One row per scenario, other parameters, policy and figure: ``off`` and ``on`` (means over the pairs),
        ``effect``, ``low``, ``high``, ``share`` of the mean without feedback, and ``pairs``.  ``own``,
        ``own_low``, ``own_high`` are the effect beyond that of :data:`NOBODY` on the same seeds: liquidated
        accounts leave the book whatever the policy does (NaN where NOBODY was not run).
    """
    import pandas as pd

    others = [p for p in parameters if p != "feedback"]
    top = rows["feedback"].max()
    sound = rows[rows["error"] == ""]
    made: list[dict[str, Any]] = []
    for _, market in sound.groupby(["scenario", *others], sort=False):
        pairs = {str(p): _pairs(f, top) for p, f in market.groupby("policy", sort=False)}
        none = pairs[NOBODY][1] - pairs[NOBODY][0] if NOBODY in pairs else None
        for policy, (off, on) in pairs.items():
            head = {k: market[k].iloc[0] for k in ("scenario", *others)} | {"policy": policy}
            head["information"] = market.loc[market["policy"] == policy, "information"].iloc[0]
            change = on - off
            own = (change - none).dropna() if none is not None else change.iloc[:0]
            for figure in SHOWN:
                base = spread(off[figure].to_numpy())[0]
                row = head | {"figure": figure, "pairs": len(off), "off": base}
                row["on"] = spread(on[figure].to_numpy())[0]
                ends = spread(change[figure].to_numpy())
                row |= dict(zip(("effect", "low", "high"), ends, strict=True))
                row["share"] = row["effect"] / base if base else math.nan
                ends = spread(own[figure].to_numpy())
                made.append(row | dict(zip(("own", "own_low", "own_high"), ends, strict=True)))
    return pd.DataFrame(made)


def _pairs(frame: pd.DataFrame, top: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the figures without and with feedback, seeds as index: those that have both."""
    off, on = (
        frame.loc[frame["feedback"] == f].set_index("seed")[list(SHOWN)].astype(np.float64)
        for f in (0.0, top)
    )
    both = off.index.intersection(on.index)
    return off.loc[both], on.loc[both]

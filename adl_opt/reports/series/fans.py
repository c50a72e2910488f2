"""Data of fans: what simulated episodes of several seeds do, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adl_opt.losses import Loss
from adl_opt.reports.series.merge import merged
from adl_opt.reports.series.parts import Axis, Chart, Curve, FigureData
from adl_opt.reports.series.places import places
from adl_opt.reports.series.replayed import labelled

if TYPE_CHECKING:
    import pandas as pd


def fan_series(frame: pd.DataFrame, *, scenario: str, seeds: int, loss: Loss | None = None) -> FigureData:
    """Return a median and a band from 10 % to 90 % for each policy over the steps of simulated episodes.

    Parameters
    ----------
    frame : DataFrame
        As :func:`adl_opt.studies.simulation.fan.fan_frame` gives it.
    scenario : str
    seeds : int
    loss : Loss, optional
    """
    curves = []
    place = places(map(str, frame["policy"].unique()))
    for name, rows in frame.groupby("policy", sort=False):
        step, low, median, high = (rows[c].to_numpy(float) for c in ("step", "low", "median", "high"))
        label = labelled(str(name), str(rows["information"].iloc[0]))
        curves.append(Curve(label, step, median, "curve", place[str(name)], (low, high)))
    asked = loss or Loss()
    weights = "" if asked.under == asked.over == 1.0 else f" (under={asked.under:g}, over={asked.over:g})"
    what = f"tracking error |H - B| so far, USD{weights}"
    words = ", ".join(sorted(set(frame["information"])))
    source = f"Scenario {scenario}, {seeds} seeds: median, and band from 10 % to 90 % of the episodes."
    charts = [Chart(what, Axis("step"), Axis(what, unit="usd"), curves)]
    return FigureData("fan", what, words, source, merged(charts), "simulated episodes")

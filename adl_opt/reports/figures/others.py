"""Figures of what is not a replay: markout horizons, gaps to the optimum, fans of simulated episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.reports.figures.style import bars, dollars, drawing, legend, look, symlog
from adl_opt.reports.terminal.tables import shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from adl_opt.evaluate.optimum import Optimum


def markout(overshoot: Mapping[int, float], *, source: str) -> Figure:
    """Production's net overshoot, USD, by markout horizon in milliseconds."""
    with drawing("oct10: production's overshoot by markout horizon", "published", source) as (
        figure,
        (panel,),
    ):
        horizons = sorted(overshoot)
        spots = np.arange(len(horizons))
        panel.plot(spots, [overshoot[h] for h in horizons], **look(0))
        panel.set_xticks(spots, [_seconds(h) for h in horizons])
        panel.set_xlabel("markout horizon")
        panel.set_ylim(0.0, 1.08 * max(overshoot.values()))
        dollars(panel, label="net overshoot H - B, USD")
    return figure


def _seconds(milliseconds: int) -> str:
    """Return a horizon in ms, s or min.

    Examples
    --------
    >>> _seconds(0), _seconds(500), _seconds(60_000)
    ('0', '500 ms', '1 min')
    """
    if milliseconds == 0:
        return "0"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:g} s" if milliseconds < 60_000 else f"{milliseconds / 60_000:g} min"


def gaps(optimum: Optimum) -> Figure:
    """How far each policy is from the optimum: tracking error above it, and burden over the least burden."""
    frame = optimum.frame()
    title = f"{optimum.result.episode}: heuristics against the offline optimum"
    words = (
        ", ".join(sorted(set(frame["information"])))
        + "; optima ex-post, certified, severity at most 1 (below 0: told B > D)"
    )
    height = max(3.0, 0.24 * len(frame) + 1.4)
    with drawing(title, words, optimum.result.source, panels=2, height=height) as (figure, axes):
        spots = np.arange(len(frame))
        axes[0].barh(spots, frame["above_per_round_usd"], color="#0072B2")
        symlog(axes[0], 1e5, "x")
        axes[0].axvline(0.0, color="black", linewidth=0.8)
        dollars(axes[0], "x", "tracking error above\nthe per-round optimum, USD (log scale)")
        labels = [f"{shown(str(n))} ({w})" for n, w in zip(frame.index, frame["information"], strict=True)]
        axes[0].set_yticks(spots, labels)
        axes[1].barh(spots, frame["burden_over_optimum"], color="#D55E00")
        axes[1].axvline(1.0, color="black", linewidth=0.8)
        axes[1].set_xscale("log")
        axes[1].set_xlabel("largest burden over\nthe proven least burden, worst round")
        axes[1].set_yticks(spots, [])
        for panel in axes:
            bars(panel, len(frame))
            panel.tick_params(axis="x", labelsize=7)
    return figure


def fans(frame: pd.DataFrame, *, what: str, information: str, source: str) -> Figure:
    """Draw a band and a median per policy over the steps of simulated episodes.

    Parameters
    ----------
    frame : DataFrame
        Columns ``policy``, ``step``, ``low``, ``median``, ``high``.
    what : str
        The quantity with its unit, for the axis.
    """
    with drawing(f"simulated episodes: {what}", information, source) as (figure, (panel,)):
        for k, (name, rows) in enumerate(frame.groupby("policy", sort=False)):
            style = look(k) | {"marker": ""}
            band = {"color": style["color"], "alpha": 0.07, "linewidth": 0}
            panel.fill_between(rows["step"], rows["low"], rows["high"], **band)
            for edge in ("low", "high"):
                panel.plot(rows["step"], rows[edge], **style | {"linewidth": 0.6, "alpha": 0.6})
            panel.plot(rows["step"], rows["median"], label=shown(str(name)), **style)
        panel.set_xlabel("step")
        if what.endswith(", USD"):
            dollars(panel, label=what)
        else:
            panel.set_ylabel(what)
        legend(panel)
    return figure

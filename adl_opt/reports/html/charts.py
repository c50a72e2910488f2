"""Any interactive figure from its data, as plain values for plotly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.reports.series.parts import COLOURS, ROWS, Axis, Chart, Curve, FigureData, symlog_ticks
from adl_opt.reports.text import tick
from adl_opt.rounds.columns import Ints

SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
DASHES = ("solid", "dash", "dashdot", "dot")
SHARES = 100
"""A curve over accounts is drawn through a few times so many points."""

UNITS: dict[str, dict[str, Any]] = {
    "": {},
    "usd": {"tickprefix": "$", "exponentformat": "B"},
    "%": {"ticksuffix": "%", "exponentformat": "power"},
}
"""How an axis writes its ticks."""

BARS: dict[str, Any] = {"type": "bar", "marker": {"color": "#BBBBBB"}}
STYLES: dict[str, dict[str, Any]] = {
    "unnamed": {"showlegend": False},
    "points": {"mode": "markers"},
    "curve": {"mode": "lines"},
    "dashed": {"mode": "lines", "line": {"dash": "dash"}},
    "step": {"mode": "lines", "line": {"color": "#777777", "shape": "hvh", "width": 3}},
    "reference": {"mode": "lines", "line": {"color": "#777777", "width": 3}},
    "others": {"mode": "markers", "marker": {"color": "#999999", "size": 5}},
    "even": {"mode": "lines", "line": {"color": "#999999", "width": 1}},
}
"""What differs from a line with markers."""


def charts(figures: Iterable[FigureData]) -> list[dict[str, Any]]:
    """Return every chart: ``id``, ``title``, ``caption`` (units, information), ``data``, ``layout``.

    The charts of one figure that have the same axes become one, with a choice between them.
    """
    return [made for data in figures for made in _charts(data)]


def _charts(data: FigureData) -> list[dict[str, Any]]:
    first = data.charts[0]
    title = data.title[0].upper() + data.title[1:]
    if len(data.charts) > 1 and all((c.x, c.y) == (first.x, first.y) for c in data.charts):
        shown = data.charts[::-1]
        traces = [t | {"meta": c.title} for c in shown for t in _traces(c)]
        every = replace(first, curves=[curve for chart in shown for curve in chart.curves])
        return [_chart(data, every, data.name, title, traces) | {"choices": [c.title for c in shown]}]
    made = []
    for k, chart in enumerate(data.charts):
        more = "" if len(data.charts) == 1 else f": {chart.title or _words(chart.x)}"
        name = data.name if k == 0 else f"{data.name}-{k + 1}"
        made.append(_chart(data, chart, name, title + more, _traces(chart)))
    return made


def _chart(
    data: FigureData, chart: Chart, name: str, title: str, traces: list[dict[str, Any]]
) -> dict[str, Any]:
    layout: dict[str, Any] = {"xaxis": _axis(chart.x, chart, "x"), "yaxis": _axis(chart.y, chart, "y")}
    if isinstance(next(iter(chart.curves[0].x), None), str):
        layout["xaxis"]["type"] = "category"
    if chart.curves[0].drawn == "rows":
        layout["yaxis"]["autorange"] = "reversed"
        layout["annotations"] = _without_a_bar(chart.curves[0])
        layout["height"] = (14 + 8 * len(traces)) * len(chart.curves[0].y)
    caption = f"{chart.caption}{_without_a_line(chart)}; information: {data.information}"
    return {"id": f"chart-{name}", "title": title, "caption": caption, "data": traces, "layout": layout}


def _without_a_line(chart: Chart) -> str:
    """Say which curves a logarithmic axis leaves out, for they are 0: what is missing is not among them."""
    if chart.y.scale != "log" or chart.curves[0].drawn == "rows":
        return ""
    zero = [
        c.label for c in chart.curves if c.label and len(c.y) and not np.any(np.asarray(c.y, dtype=float))
    ]
    return "; 0 has no line on a log scale" + (f"; 0 throughout: {', '.join(zero)}" if zero else "")


def _without_a_bar(curve: Curve) -> list[dict[str, Any]]:
    """Return what is written at the left of each row without a bar: that it is 0, or that it is not known."""
    words = (
        (name, "not known" if math.isnan(value) else "0" if value == 0 else "")
        for value, name in zip(map(float, curve.x), curve.y, strict=True)
    )
    look = {"xref": "paper", "x": 0.02, "xanchor": "left", "showarrow": False, "font": {"size": 9}}
    return [{"y": name, "text": said, **look} for name, said in words if said]


def _traces(chart: Chart) -> list[dict[str, Any]]:
    return [_trace(curve, chart) for curve in chart.curves]


def _trace(curve: Curve, chart: Chart) -> dict[str, Any]:
    at = _thinned(curve)
    x, y = _values(curve.x, chart.x, at), _values(curve.y, chart.y, at)
    trace = {"name": curve.label or chart.y.label, "x": x, "y": y}
    if curve.drawn == "bars":
        return trace | BARS
    if curve.drawn == "rows":
        return trace | BARS | {"orientation": "h", "marker": {"color": ROWS[curve.place]}}
    turn, colour = divmod(curve.place, len(COLOURS))
    line = {"color": COLOURS[colour], "dash": DASHES[turn % len(DASHES)]}
    marker = {"symbol": SYMBOLS[(colour + 3 * turn) % len(SYMBOLS)], "size": 7}
    style = STYLES.get(curve.drawn, {})
    trace |= {"type": "scatter", "mode": "lines+markers", "marker": marker} | style
    return trace | {"line": line | style.get("line", {})}


def _thinned(curve: Curve) -> Ints:
    """Return which points to draw: all of a short curve; of a long one, most where it begins."""
    count = len(curve.y)
    if curve.drawn != "curve" or count <= 3 * SHARES:
        return np.arange(count)
    last = np.array([max(np.count_nonzero(curve.y), 1)])
    spread = (np.geomspace(1, count, SHARES), np.linspace(1, count, 3 * SHARES), last)
    return np.unique(np.concatenate(spread).astype(int)) - 1


def _values(values: Any, axis: Axis, at: Ints) -> list[Any]:
    """Return six digits of each value; None where it is not known, or too small for a ``log`` axis."""
    if len(values) and isinstance(values[0], str):
        return list(values)
    least = -np.inf if axis.scale != "log" else axis.least
    kept = np.asarray(values, dtype=float)[at]
    return [float(f"{v:.6g}") if np.isfinite(v) and float(f"{v:.6g}") >= least else None for v in kept]


def _words(axis: Axis) -> str:
    return axis.label.replace("\n", " ")


def _axis(axis: Axis, chart: Chart, which: str) -> dict[str, Any]:
    """Return an axis with its title.

    An axis that is linear up to ``linear_to`` says so as ``bend``: plotly knows no such scale, so the script
    of the page bends the values, and the ticks are given.
    """
    label = _words(axis) + (" (log scale)" if axis.scale == "log" else "")
    made: dict[str, Any] = {"automargin": True}
    if axis.scale == "log":
        made |= {"type": "log", "dtick": 1}
    made |= UNITS[axis.unit]
    if axis.scale == "symlog":
        values = [np.asarray(getattr(curve, which), dtype=float) for curve in chart.curves]
        known = np.concatenate([[0.0], *values])
        known = known[np.isfinite(known)]
        limits, ticks = symlog_ticks(float(known.min()), float(known.max()), axis.linear_to)
        made = {"automargin": True, "bend": axis.linear_to, "range": list(limits)}
        made |= {"tickvals": ticks, "ticktext": [tick(v, axis.unit) for v in ticks]}
        label += f" (log scale, linear up to {tick(axis.linear_to, axis.unit)})"
    made["title"] = {"text": label.replace(" (log", "<br>(log") if which == "y" else label}
    if axis.limits is not None:
        made["range"] = list(axis.limits)
    return made

"""Any figure from its data, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.reports.figures.style import drawing, look, name_curves, size_of, symlog
from adl_opt.reports.series.merge import EQUALS, MERGED
from adl_opt.reports.series.parts import ROWS, Axis, Chart, Curve, FigureData
from adl_opt.reports.text import tick
from adl_opt.rounds.columns import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONG = 40
"""More letters than this below an axis are turned, so that they do not overlap."""

STYLES: dict[str, dict[str, Any]] = {
    "unnamed": {"label": None},
    "points": {"linestyle": "none"},
    "curve": {"marker": ""},
    "dashed": {"linestyle": "--", "marker": "", "alpha": 0.7, "label": None},
    "step": {"color": "black", "linewidth": 2.2, "linestyle": "-", "marker": "", "drawstyle": "steps-mid"},
    "reference": {"color": "black", "linestyle": "-", "marker": ""},
    "others": {"color": "#AAAAAA", "linestyle": "none", "marker": "."},
    "even": {"color": "#999999", "linewidth": 0.8, "linestyle": "-", "marker": "", "label": None},
}
"""What differs from a line with markers, which :func:`look` gives."""


def draw(data: FigureData, *, title: str | None = None, size: str = "screen") -> Figure:
    """Return the figure of some data; needs matplotlib.

    Parameters
    ----------
    data : FigureData
    title : str, optional
        Instead of its own; empty for none.
    size : str
        One of :data:`~adl_opt.reports.figures.style.SIZES`.
    """
    sheet, count = size_of(size), len(data.charts)
    rows = [len(c.y) for chart in data.charts for c in chart.curves if c.drawn == "rows"]
    stories = count if sheet.stacked else 1
    height = max(3.0, stories * (sheet.row * max(rows) + 1.4)) if rows else sheet.heights[count - 1]
    names = [c.label.count(EQUALS) + 1 for c in data.charts[0].curves if c.label and c.drawn != "rows"]
    lines = sum(names)
    height = height + 0.12 * lines / sheet.columns if sheet.columns else max(height, 0.17 * lines + 1.2)
    if title is None:
        title = f"{data.episode}: {data.title}" if data.episode else data.title
    with drawing(sheet, title, count, height) as (figure, axes):
        for k, (panel, chart) in enumerate(zip(axes, data.charts, strict=True)):
            first = k == 0 or sheet.stacked
            _draw_chart(panel, chart, first=first, title=chart.title if count > 1 else "")
            if rows and sheet.stacked:  # the names leave little room for the axis
                panel.set_xlabel(panel.get_xlabel(), loc="right")
                panel.tick_params(axis="x", labelrotation=45)
        below = f"information: {data.information}. {data.source}"
        name_curves(figure, sheet, below, axes[0].get_legend_handles_labels())
    return figure


def draw_into(data: FigureData, axes: Axes | Sequence[Axes], title: str | None = None) -> None:
    """Draw some data into axes that are there, as many as it has charts; the last one has the legend.

    Raises
    ------
    UsageError
        Another number of axes.
    """
    panels = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    if len(panels) != len(data.charts):
        wanted = f"figure, ax = plt.subplots(1, {len(data.charts)})"
        what = f"the figure {data.name} needs axes for each of its {len(data.charts)} panels"
        raise UsageError(what, got=f"{len(panels)} axes", ways_out=[wanted, "leave ax out"])
    for k, (panel, chart) in enumerate(zip(panels, data.charts, strict=True)):
        words = [title if title is not None else "" if chart.title else data.title, chart.title]
        _draw_chart(panel, chart, first=k == 0, title=": ".join(filter(None, words)))
    if panels[-1].get_legend_handles_labels()[0]:
        panels[-1].legend(frameon=False, fontsize="small")


def _draw_chart(panel: Axes, chart: Chart, *, first: bool, title: str) -> None:
    for curve in chart.curves:
        if curve.drawn == "rows" and curve.printed:
            spots, names = np.arange(len(curve.y)), [str(name) for name in curve.y]
            start, values = chart.x.mark or 0.0, np.asarray(curve.x, dtype=float)
            seen = np.where(values > 0.0, values, np.nan) if chart.x.scale == "log" else values
            panel.barh(spots, seen - start, left=start, color=ROWS[curve.place])
            _tell_zero_from_missing(panel, curve, chart.x)
            panel.set_yticks(spots, names if first else [])
            panel.set_ylim(len(curve.y) - 0.4, -0.6)  # the rows fill the panel, the first on top
            if chart.x.scale != "linear":
                panel.tick_params(axis="x", labelsize="small")
        elif curve.printed:
            _draw_curve(panel, curve)
    if chart.x.mark is not None:
        panel.axvline(chart.x.mark, color="black", linewidth=0.8)
    panel.set_title(title, loc="left")
    _set_axis(panel, chart.x, "x")
    _set_axis(panel, chart.y, "y")
    rows = [c for c in chart.curves if c.drawn == "rows" and c.printed]
    if rows and chart.x.mark is not None:
        _start_at(panel, chart.x.mark, chart.x.scale, np.asarray(rows[0].x, dtype=float))


def _start_at(panel: Axes, mark: float, scale: str, values: Floats) -> None:
    """Let an axis of bars start where they do, unless some lie on the other side, with a tick there."""
    from matplotlib.ticker import MaxNLocator

    if not np.any(values < mark):
        panel.set_xlim(left=mark)
    if scale == "linear":
        low, high = panel.get_xlim()
        ticks = MaxNLocator(5).tick_values(low, high)
        panel.set_xticks([mark, *(t for t in ticks if mark + 0.1 * (high - mark) < t <= high)])


def _tell_zero_from_missing(panel: Axes, curve: Curve, axis: Axis) -> None:
    """Write at the left what a row without a visible bar means: bars start there, or it is not known."""
    values, start = np.asarray(curve.x, dtype=float), axis.mark or 0.0
    far = values - start
    if axis.scale == "log":
        far = np.log(values, where=values > 0.0, out=np.zeros_like(values))
    sizes = np.abs(far)
    largest = np.max(sizes, where=np.isfinite(values), initial=0.0)
    seen = 0.02 * axis.linear_to if axis.scale == "symlog" else 0.004 * largest
    for spot, value in enumerate(values):
        if not sizes[spot] > seen or np.isnan(value):
            exact = value == 0.0 or np.isclose(value, start, 1e-9, 0.0)
            words = f"{value:.4g}" if exact else f"almost {start:g}" if np.isfinite(value) else "not known"
            where = panel.get_yaxis_transform()
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
            look_of: Any = {"va": "center", "fontsize": "x-small", "color": "#777777", "bbox": box}
            panel.text(0.05, spot, words, transform=where, **look_of)


def _draw_curve(panel: Axes, curve: Curve) -> None:
    x: Any = curve.x
    if len(x) and isinstance(x[0], str):
        x = np.arange(len(curve.x))
        words = [str(v) for v in curve.x]
        turned: Any = {"rotation": 45, "ha": "right"} if len("".join(words)) > LONG else {}
        panel.set_xticks(x, words, fontsize="small" if len(x) > 8 else None, **turned)
        panel.set_xlim(
            -0.6, len(x) - 0.4
        )  # panels side by side have the same words, also where none is known
    if curve.drawn == "bars":
        panel.bar(x, curve.y, color="#CCCCCC", label=curve.label)
        return
    known = np.isfinite(np.asarray(curve.y, dtype=float)).any()  # the legend names what is drawn
    label = curve.label.replace(EQUALS, f"\n{EQUALS.lstrip()}") if curve.drawn in MERGED else curve.label
    style = look(curve.place) | {"label": label if label and known else None} | STYLES.get(curve.drawn, {})
    if curve.band is not None:
        panel.fill_between(x, *curve.band, color=style["color"], alpha=0.07, linewidth=0)
        for edge in curve.band:
            panel.plot(x, edge, **style | {"linewidth": 0.6, "alpha": 0.6, "label": None})
    panel.plot(x, curve.y, **style)


def _set_axis(panel: Axes, axis: Axis, which: str) -> None:
    from matplotlib.ticker import FuncFormatter, ScalarFormatter

    label = axis.label
    if axis.scale == "symlog":
        symlog(panel, axis.linear_to, which)
        label += f"\n(log scale, linear up to {tick(axis.linear_to, axis.unit)})"
    elif axis.scale == "log":
        panel.set(**{f"{which}scale": "log"})
        label += " (log scale)"
    if axis.limits is not None:
        panel.set(**{f"{which}lim": axis.limits})
    ticks = panel.yaxis if which == "y" else panel.xaxis
    if axis.unit or axis.scale != "linear" or isinstance(ticks.get_major_formatter(), ScalarFormatter):
        ticks.set_major_formatter(FuncFormatter(lambda value, _: tick(value, axis.unit)))
    panel.set(**{f"{which}label": label})

"""One style for every figure: colour-blind safe, readable in print, the same bits for the same data."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from adl_opt.reports.series.parts import COLOURS
from adl_opt.reports.text import need_modules

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = {1: 7.6, 2: 10.4, 3: 13.0}
"""Inches, by number of panels."""

NEEDS = ("figures need matplotlib, which is not installed", "matplotlib")

DASHES = ("-", "--", "-.", ":")
MARKERS = "os^Dv<>P"

RC: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.dpi": 150,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.5,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "svg.hashsalt": "adl_opt",
}


def look(position: int) -> dict[str, Any]:
    """Return colour, dash and marker of the series at a position: no two of the first 32 look the same.

    Examples
    --------
    >>> look(0)
    {'color': '#0072B2', 'linestyle': '-', 'marker': 'o'}
    """
    turn, colour = divmod(position, len(COLOURS))
    return {
        "color": COLOURS[colour],
        "linestyle": DASHES[turn % len(DASHES)],
        "marker": MARKERS[(colour + 3 * turn) % len(MARKERS)],
    }


@contextmanager
def drawing(
    title: str, information: str, source: str, *, panels: int = 1, height: float = 4.2
) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """Give a figure and its panels, side by side; title above, information class and source below."""
    need_modules(*NEEDS)
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(RC):
        figure = Figure(figsize=(WIDTH[panels], height), layout="constrained")
        FigureCanvasAgg(figure)
        vars(figure)["_repr_png_"] = partial(rendered, figure, "png")  # a notebook asks for it, pyplot or not
        axes = list(figure.subplots(1, panels, squeeze=False)[0])
        yield figure, axes
        width = int(17 * WIDTH[panels])
        title = textwrap.fill(title, int(10.5 * WIDTH[panels]))
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
        below = textwrap.fill(f"information: {information}. {source}", width)
        figure.supxlabel(below, x=0.01, ha="left", fontsize=7, color="#444444")


def tick(value: float, unit: str) -> str:
    """Return a tick in a unit: the same words on every axis of print and screen.

    Examples
    --------
    >>> tick(10_000.0, "usd"), tick(0.01, "%"), tick(28.0, "")
    ('$10k', '0.01%', '28')
    """
    return short_usd(value) if unit == "usd" else f"{value:g}{unit}"


def symlog(axes: Axes, least: float, which: str) -> None:
    """Make an axis linear up to a size and logarithmic beyond, ticks at zero and the decades from there.

    The linear part is shaded, with a dotted line where it ends.  To be called once the data is drawn: the
    limits leave room around all of it, so that no marker is cut.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    set_scale, set_limits, axis, data = (
        (axes.set_yscale, axes.set_ylim, axes.yaxis, axes.dataLim.intervaly)
        if which == "y"
        else (axes.set_xscale, axes.set_xlim, axes.xaxis, axes.dataLim.intervalx)
    )
    set_scale("symlog", linthresh=least)
    low, high = (float(v) if math.isfinite(v) else 0.0 for v in data)
    beyond = [_room(abs(side), least) if side else 0.15 * least for side in (min(low, 0.0), max(high, 0.0))]
    set_limits(-beyond[0], beyond[1])
    ticks = [0.0]
    for sign, size in zip((-1.0, 1.0), beyond, strict=True):
        decades = math.floor(math.log10(size / least)) + 1 if size >= least else 0
        ticks += [sign * least * 10.0**k for k in range(0, decades, 1 + decades // 9)]
    axis.set_major_locator(FixedLocator(sorted(ticks)))
    axis.set_minor_locator(NullLocator())
    span = axes.axhspan if which == "y" else axes.axvspan
    span(-least, least, facecolor="#F3F3F3", edgecolor="#888888", linestyle=":", linewidth=0.8, zorder=0)


def _room(size: float, least: float) -> float:
    return 2.5 * size if size > least else size + 0.15 * least


def short_usd(value: float) -> str:
    """Return an amount in USD in few characters.

    Examples
    --------
    >>> short_usd(45_028_665.0), short_usd(-1_500), short_usd(0.25)
    ('$45M', '-$1.5k', '$0.25')
    """
    sign, size = ("-" if value < 0 else ""), abs(value)
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{sign}${size / unit:.3g}{name}"
    return f"{sign}${size:.3g}"


def rendered(figure: Figure, kind: str) -> bytes:
    """Return a figure as ``png`` or ``svg``, without dates: same data, same bytes."""
    import matplotlib as mpl

    metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None, "Creator": "adl_opt"}
    buffer = io.BytesIO()
    with mpl.rc_context(RC):
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()

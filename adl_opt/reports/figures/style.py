"""One style for every figure: colour-blind safe, readable in print, the same bits for the same data."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.naming import unknown_name
from adl_opt.reports.series.parts import COLOURS, symlog_ticks
from adl_opt.reports.text import need_modules

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS = ("figures need matplotlib, which is not installed", "matplotlib")

DASHES = ("-", "--", "-.", ":")
MARKERS = "os^Dv<>P"

MARGIN = 0.08
"""Inches around a panel, so that long names do not touch the edge."""

SHEET = Path(__file__).with_name("print.mplstyle")
KINDS = ("png", "svg", "pdf")
"""Kinds of files that figures are written as."""

SMALL: dict[Any, Any] = {
    "axes.labelsize": 7,
    "axes.titlesize": 7,
    "figure.dpi": 300,
    "figure.titlesize": 8,
    "font.size": 6,
    "legend.fontsize": 6,
    "lines.linewidth": 1.0,
    "lines.markersize": 2.5,
}
"""What differs from the style sheet in a paper."""


@dataclass(frozen=True)
class Size:
    """How large a figure is drawn, inches.

    Parameters
    ----------
    widths : tuple of float
        By number of panels, from one to three.
    heights : tuple of float
        By number of panels, without room for a legend below.
    row : float
        Height of a row of bars.
    letters : float
        So many letters of the title fit an inch.
    stacked : bool
        Panels stand one below the other.
    columns : int
        Of the legend below the figure; 0 where it stands at the right.
    style : dict
        What differs from the style sheet.
    """

    widths: tuple[float, float, float]
    heights: tuple[float, float, float]
    row: float = 0.24
    letters: float = 10.5
    stacked: bool = False
    columns: int = 0
    style: dict[Any, Any] = field(default_factory=dict)


SIZES = {
    "screen": Size((7.6, 10.4, 13.0), (4.2, 4.4, 4.6)),
    "one-column": Size(
        (3.5, 3.5, 3.5), (2.9, 4.8, 6.7), row=0.1, letters=14.5, stacked=True, columns=1, style=SMALL
    ),
    "two-columns": Size((7.16, 7.16, 7.16), (3.1, 3.1, 3.1), row=0.12, letters=14.5, columns=2, style=SMALL),
}
"""Sizes by name: those of a page on a screen, and of one and of both columns of a paper."""


def size_of(name: str) -> Size:
    """Return a size by its name.

    Raises
    ------
    UsageError
        Another name.
    """
    if name not in SIZES:
        raise unknown_name("size of a figure", name, SIZES)
    return SIZES[name]


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
def drawing(size: Size, title: str, panels: int, height: float) -> Iterator[tuple[Figure, Sequence[Axes]]]:
    """Give a figure with a title, where there is one, and its panels."""
    need_modules(*NEEDS)
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = size.widths[panels - 1]
    with mpl.rc_context(size.style, fname=SHEET):
        figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=MARGIN))
        FigureCanvasAgg(figure)
        vars(figure)["_repr_png_"] = partial(rendered, figure, "png")  # a notebook asks for it, pyplot or not
        shape = (panels, 1) if size.stacked else (1, panels)
        yield figure, list(figure.subplots(*shape, squeeze=False).ravel())
        large = size.style.get("figure.titlesize", 11)
        words = textwrap.fill(title, int(size.letters * width))
        if title:
            figure.suptitle(words, x=0.01, ha="left", fontsize=large, fontweight="bold")


def name_curves(figure: Figure, size: Size, below: str, named: tuple[Any, Any]) -> None:
    """Write information and source below a figure; a legend goes there in a paper, else to the right."""
    width = size.widths[len(figure.axes) - 1]
    if not size.columns or not named[0]:
        words = textwrap.fill(below, int((19 if size.columns else 17) * width))
        small = 5.5 if size.columns else 7
        figure.supxlabel(words, x=0.01, ha="left", fontsize=small, color="#444444")
    if named[0] and size.columns:
        words = textwrap.fill(below, int(21 * width))
        figure.legend(
            *named,
            loc="outside lower left",
            ncols=size.columns,
            title=words,
            title_fontsize=5.5,
            alignment="left",
        )
    elif named[0] and len(figure.axes) > 1:
        figure.legend(*named, loc="outside right upper")
    elif named[0]:  # beside the panel, where it hides no data
        figure.axes[0].legend(*named, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)


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
    limits, ticks = symlog_ticks(low, high, least)
    set_limits(*limits)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    span = axes.axhspan if which == "y" else axes.axvspan
    span(-least, least, facecolor="#F3F3F3", edgecolor="#888888", linestyle=":", linewidth=0.8, zorder=0)


def rendered(figure: Figure, kind: str) -> bytes:
    """Return a figure as one of :data:`KINDS`, without dates: same data, same bytes."""
    import matplotlib as mpl

    undated: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": "adl_opt"},
        "pdf": {"CreationDate": None, "Producer": None, "Creator": "adl_opt"},
    }
    buffer = io.BytesIO()
    with mpl.rc_context(fname=SHEET):
        figure.savefig(buffer, format=kind, metadata=undated[kind], dpi=figure.dpi)
    return buffer.getvalue()

"""What every interactive chart is made of: axes, lines, labels, as plain values for plotly."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.reports.figures.gallery import Gallery
from adl_opt.reports.figures.style import OKABE_ITO

SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")


def chart(
    name: str, title: str, caption: str, data: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]
) -> dict[str, Any]:
    """Return a chart: its id, title, caption (units, information), data and axes."""
    return {"id": f"chart-{name}", "title": title, "caption": caption, "data": data} | {
        "layout": {"xaxis": x, "yaxis": y}
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its title."""
    return {"title": {"text": title}, "automargin": True, **more}


def usd_axis(title: str, log: bool = True) -> dict[str, Any]:
    """Return an axis in USD, logarithmic unless said."""
    return axis(title, tickprefix="$", exponentformat="SI", **({"type": "log", "dtick": 1} if log else {}))


def finite(values: npt.ArrayLike) -> list[float | None]:
    """Return six digits of each value; None where it is not known."""
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float)]


def positive(values: npt.ArrayLike, least: float = 0.005) -> list[float | None]:
    """Leave out what a logarithmic axis cannot show: zero, and what is below a least amount."""
    return [v if v is not None and v >= least else None for v in finite(values)]


def line(name: str, x: Any, y: Any, k: int, **more: Any) -> dict[str, Any]:
    """Return a line with the colour, dash and marker of a position."""
    turn, colour = divmod(k, len(OKABE_ITO))
    drawn = {"color": OKABE_ITO[colour], "dash": ("solid", "dash", "dot")[turn % 3]}
    marker = {"symbol": SYMBOLS[(colour + 3 * turn) % len(SYMBOLS)], "size": 7}
    made = {"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y}
    return made | {"line": drawn, "marker": marker} | more


def label(gallery: Gallery, name: str) -> str:
    """Return a policy with its information class."""
    return f"{name} ({gallery.result.by_policy[name][0].information.value})"

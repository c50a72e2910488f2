"""What the data of a figure is made of: curves on charts with labelled axes, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from adl_opt.rounds.columns import Floats

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
"""Colours that people with any common colour blindness tell apart (Okabe and Ito 2008; last one added)."""

NEAR = 30.0
"""Sizes within this factor of each other share a linear axis."""

ROWS = ("#5B6770", "#A9B4BD")
"""Greys of bars that lie: their names stand beside them, and a colour means a policy."""

Values = Sequence[float] | Sequence[str] | Floats
Drawn = Literal[
    "line", "unnamed", "points", "curve", "dashed", "step", "reference", "even", "others", "bars", "rows"
]
"""How a curve is drawn.

``line`` has markers and ``curve`` has none.  ``unnamed`` is a line that legends leave out, for one
of its colour is named.  ``dashed`` is a bound on the line of the same place.  ``step``
and ``reference`` are what the others are held against.  ``even`` is the diagonal.
``others`` are grey points without names of their own.  ``bars`` stand on x;
``rows`` lie, with their values in x and their names in y.
"""


@dataclass(frozen=True)
class Axis:
    """An axis.

    Parameters
    ----------
    label : str
        The quantity with its unit.
    unit : str
        ``usd``, ``%`` or nothing: how the ticks are written.
    scale : str
        ``symlog`` is linear up to ``linear_to`` and logarithmic beyond.
    linear_to : float
    least : float
        A ``log`` axis on a screen leaves out what is smaller.
    limits : (low, high), optional
    mark : float, optional
        Where a thin line stands across the axis.
    """

    label: str
    unit: Literal["", "usd", "%"] = ""
    scale: Literal["linear", "log", "symlog"] = "linear"
    linear_to: float = 1.0
    least: float = 0.005
    limits: tuple[float, float] | None = None
    mark: float | None = None


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve: values against values, or against words.

    Parameters
    ----------
    label : str
        For the legend; nothing where the title says it.
    x, y : sequence
        Numbers in the units of the axes, or words; NaN where there is none.
    drawn : str
        See :data:`Drawn`.
    place : int
        Its place among the curves, which gives its colour.
    band : (low, high), optional
        A band around y.
    printed : bool
        Whether it stands in print too, not on the screen alone.
    """

    label: str
    x: Values
    y: Values
    drawn: Drawn = "line"
    place: int = 0
    band: tuple[Floats, Floats] | None = None
    printed: bool = True


@dataclass(frozen=True, eq=False)
class Chart:
    """Curves on the same axes; the caption says in words what is shown, with its unit."""

    caption: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    title: str = ""


@dataclass(frozen=True, eq=False)
class FigureData:
    """The data of one figure: its charts, side by side.

    Parameters
    ----------
    name : str
        The name of its file.
    title : str
    information : str
        What the policies in it knew.
    source : str
    charts : sequence of Chart
    episode : str
    """

    name: str
    title: str
    information: str
    source: str
    charts: Sequence[Chart]
    episode: str = ""


def amounts_axis(label: str, values: Floats) -> Axis:
    """Return an axis for amounts of at least 0, USD: linear where they are of about one size."""
    largest = float(np.nanmax(values, initial=0.0))
    least = float(np.nanmin(values, where=values > 1e-6 * largest, initial=largest))
    if largest <= NEAR * least:
        return Axis(label, unit="usd", mark=0.0)
    bend = 10.0 ** max(np.floor(np.log10(least)), np.ceil(np.log10(largest)) - 4)
    return Axis(label, unit="usd", scale="symlog", linear_to=float(bend), mark=0.0)


def symlog_ticks(low: float, high: float, least: float) -> tuple[tuple[float, float], list[float]]:
    """Return limits and ticks of an axis that is linear up to ``least``: zero and the decades from there.

    The limits leave room around what is drawn from ``low`` to ``high``, so that no marker is cut.

    Examples
    --------
    >>> symlog_ticks(0.0, 3_000.0, 100.0)
    ((-15.0, 7500.0), [0.0, 100.0, 1000.0])
    """
    sizes = [_room(abs(side), least) if side else 0.15 * least for side in (min(low, 0.0), max(high, 0.0))]
    ticks = [0.0]
    for sign, size in zip((-1.0, 1.0), sizes, strict=True):
        decades = math.floor(math.log10(size / least)) + 1 if size >= least else 0
        ticks += [sign * least * 10.0**k for k in range(0, decades, 1 + decades // 9)]
    return (-sizes[0], sizes[1]), sorted(ticks)


def _room(size: float, least: float) -> float:
    return 2.5 * size if size > least else size + 0.15 * least

"""Curves that are the same become one, named after all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from adl_opt.reports.series.parts import Chart, Curve, Values

SAME = 1e-9
"""Values count as the same up to this share of them, or of the largest of their curve."""

MERGED = frozenset({"line", "points", "curve"})
"""How policies are drawn.  What they are held against stays a curve of its own."""

EQUALS = " = "
"""What stands between the names of one curve."""


def merged(charts: Sequence[Chart]) -> list[Chart]:
    """Return charts in which curves that are the same in each of them are one, with all their labels.

    Curves of one label belong together.  A value that is missing is the same as another that is missing, and
    differs from 0.

    Parameters
    ----------
    charts : sequence of Chart
        Those of one figure.

    Examples
    --------
    >>> from adl_opt.reports.series.parts import Axis
    >>> same = [Curve("a (ex-post)", [1, 2], [0.0, 7.0]), Curve("b (ex-post)", [1, 2], [0.0, 7.0])]
    >>> [curve.label for curve in merged([Chart("USD", Axis("x"), Axis("y"), same)])[0].curves]
    ['a = b (ex-post)']
    """
    of: dict[str, list[Curve]] = {}
    for curve in (c for chart in charts for c in chart.curves if c.drawn in MERGED and c.label):
        of.setdefault(curve.label, []).append(curve)
    groups: list[list[str]] = []
    for label, curves in of.items():
        for group in groups:
            if _same(of[group[0]], curves):
                group.append(label)
                break
        else:
            groups.append([label])
    renamed = {group[0]: _joined(group) for group in groups}
    gone = {label for group in groups for label in group[1:]}
    return [
        replace(
            chart,
            curves=[
                replace(c, label=renamed.get(c.label, c.label)) if c.drawn in MERGED else c
                for c in chart.curves
                if c.drawn not in MERGED or c.label not in gone
            ],
        )
        for chart in charts
    ]


def _same(some: Sequence[Curve], others: Sequence[Curve]) -> bool:
    return len(some) == len(others) and all(
        a.drawn == b.drawn
        and (a.band is None) == (b.band is None)
        and all(_near(x, y) for x, y in zip(_values(a), _values(b), strict=True))
        for a, b in zip(some, others, strict=True)
    )


def _values(curve: Curve) -> list[Values]:
    return [curve.x, curve.y, *(curve.band or ())]


def _near(some: Values, others: Values) -> bool:
    if len(some) != len(others):
        return False
    if len(some) and isinstance(some[0], str):
        return list(some) == list(others)
    a, b = np.asarray(some, dtype=float), np.asarray(others, dtype=float)
    largest = np.max(np.abs(a), where=np.isfinite(a), initial=0.0)
    return bool(np.allclose(a, b, rtol=SAME, atol=SAME * largest, equal_nan=True))


def _joined(labels: Sequence[str]) -> str:
    """Return the labels as one; an information class that all share is said once."""
    heads, tails = zip(*(label.rpartition(" (")[::2] for label in labels), strict=True)
    if len(labels) > 1 and all(heads) and len(set(tails)) == 1:
        return f"{EQUALS.join(heads)} ({tails[0]}"
    return EQUALS.join(labels)

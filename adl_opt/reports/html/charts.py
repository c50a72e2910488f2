"""The interactive figures, as plain values for plotly: the same data as the printed ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from adl_opt.reports.figures.gallery import Gallery
from adl_opt.reports.figures.policies import chosen
from adl_opt.reports.figures.style import OKABE_ITO
from adl_opt.reports.html import charts_optimum as optima
from adl_opt.reports.html import marks

SHARES = 100
"""A curve over accounts is drawn through so many points."""


def charts(gallery: Gallery) -> list[dict[str, Any]]:
    """Return every chart: ``id``, ``title``, ``caption`` (units, information), ``data``, ``layout``."""
    result = gallery.result
    names = chosen(result)
    words = ", ".join(sorted({result.by_policy[n][0].information.value for n in names}))
    made = [
        _cumulative(gallery, names, words),
        _budgets(gallery, names, words),
        _envelope(gallery, names, words),
        _order(gallery),
        _burdens(gallery),
        _per_account(gallery),
        optima.paths(gallery),
        optima.growth(),
        optima.frontier(gallery),
        optima.gaps(gallery),
        optima.burden_gaps(gallery),
    ]
    if result.episode == "oct10":
        made.append(optima.markout())
    return made


def _cumulative(gallery: Gallery, names: list[str], words: str) -> dict[str, Any]:
    result, data = gallery.result, []
    for k, name in enumerate(names):
        records = result.by_policy[name]
        for what, visible in (("total", True), ("tracking", False), ("fairness", False)):
            loss = {
                "tracking": [r.tracking for r in records],
                "fairness": [r.fairness for r in records],
                "total": [r.tracking + result.lam * r.fairness for r in records],
            }[what]
            y = marks.positive(np.cumsum(loss))
            rounds = [r.round for r in records]
            data.append(marks.line(marks.label(gallery, name), rounds, y, k, visible=visible, meta=what))
    chart = marks.chart(
        "cumulative",
        "Cumulative loss by policy (eq. 23)",
        f"USD, summed up to each round; information: {words}. Below a cent there is no line.",
        data,
        marks.axis("round"),
        marks.usd_axis("USD (log scale)"),
    )
    return chart | {"choices": ["total", "tracking", "fairness"]}


def _budgets(gallery: Gallery, names: list[str], words: str) -> dict[str, Any]:
    first = next(iter(gallery.result.by_policy.values()))
    rounds = [str(r.round) for r in first]
    need = marks.positive([r.needed for r in first])
    data: list[dict[str, Any]] = [
        {"type": "bar", "name": "needed budget B (ex-post)", "x": rounds, "y": need}
        | {"marker": {"color": "#BBBBBB"}}
    ]
    for k, name in enumerate(names):
        taken = marks.positive([r.haircut for r in gallery.result.by_policy[name]])
        data.append(marks.line(marks.label(gallery, name), rounds, taken, k, mode="markers"))
    return marks.chart(
        "budgets",
        "Haircuts of each round against the need",
        f"USD; information: {words}",
        data,
        marks.axis("round", type="category"),
        marks.usd_axis("USD (log scale)"),
    )


def _envelope(gallery: Gallery, names: list[str], words: str) -> dict[str, Any]:
    result, data = gallery.result, []
    for k, name in enumerate(names):
        records = result.by_policy[name]
        loss = np.cumsum([r.tracking + result.lam * r.fairness for r in records])
        share = 100 * loss / result.envelope_usd if result.envelope_usd > 0 else loss * np.nan
        data.append(
            marks.line(marks.label(gallery, name), [r.round for r in records], marks.positive(share, 1e-6), k)
        )
    return marks.chart(
        "envelope",
        "Share of the envelope of Prop. 1",
        f"Per cent of the envelope, summed up to each round; information: {words}",
        data,
        marks.axis("round"),
        marks.axis("% of the envelope (log scale)", type="log", exponentformat="power", ticksuffix="%"),
    )


def _order(gallery: Gallery) -> dict[str, Any]:
    rows = [p for p in gallery.result.policies if np.isfinite(p.inversions)]
    names = [marks.label(gallery, p.policy) for p in rows]
    data = [
        {"type": "bar", "orientation": "h", "name": "inverted neighbours, % of pairs", "y": names}
        | {"x": marks.finite([100 * p.inversions for p in rows]), "marker": {"color": OKABE_ITO[1]}},
        {"type": "bar", "orientation": "h", "name": "rank correlation with the round before, %", "y": names}
        | {"x": marks.finite([100 * p.rank_stability for p in rows]), "marker": {"color": OKABE_ITO[0]}},
    ]
    chart = marks.chart(
        "order",
        "Order of the winners after the haircuts",
        "Per cent; information as marked at each policy",
        data,
        marks.axis("%"),
        marks.axis("", autorange="reversed"),
    )
    chart["layout"]["height"] = 26 * len(rows)
    return chart


def _burdens(gallery: Gallery) -> dict[str, Any]:
    data = []
    for k, (name, rows) in enumerate(gallery.paid.groupby("policy", sort=False)):
        haircut = np.sort(rows["haircut_usd"].to_numpy(float))
        money = np.concatenate([[0.0], np.cumsum(haircut)]) / max(float(haircut.sum()), 1e-300)
        at = np.unique(np.linspace(0, haircut.size, SHARES + 1).astype(int))
        shares = marks.finite(100 * at / max(haircut.size, 1))
        data.append(
            marks.line(
                marks.label(gallery, str(name)), shares, marks.finite(100 * money[at]), k, mode="lines"
            )
        )
    even = {"color": "#999999", "width": 1}
    data.append(
        {"type": "scatter", "mode": "lines", "name": "even", "x": [0, 100], "y": [0, 100], "line": even}
    )
    return marks.chart(
        "burdens",
        "Who pays (Lorenz curves)",
        "Per cent of haircuts against per cent of accounts, smallest haircut first; information as marked",
        data,
        marks.axis("accounts, %"),
        marks.axis("haircuts, %"),
    )


def _per_account(gallery: Gallery) -> dict[str, Any]:
    data = []
    for k, (name, rows) in enumerate(gallery.paid.groupby("policy", sort=False)):
        burden = np.sort((rows["haircut_usd"] / rows["capacity_usd"]).to_numpy(float))[::-1]
        spread = (np.geomspace(1, burden.size, SHARES), np.linspace(1, burden.size, 3 * SHARES))
        at = np.unique(np.concatenate([*spread, [max(np.count_nonzero(burden), 1)]]).astype(int))
        shares = marks.finite(100 * at / burden.size)
        paid = marks.positive(100 * burden[at - 1], 1e-4)
        data.append(marks.line(marks.label(gallery, str(name)), shares, paid, k, mode="lines"))
    return marks.chart(
        "per-account",
        "Who pays (burden of each account)",
        "Per cent, largest first, over all rounds; no line where nothing is paid; information as marked",
        data,
        marks.axis("accounts, %"),
        marks.axis("haircut / capacity, % (log scale)", type="log", dtick=1, exponentformat="power"),
    )

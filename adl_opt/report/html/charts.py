"""The interactive figures, as plain values for plotly: the same data as the printed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.evaluate.published import markout_overshoot
from adl_opt.losses import target_severity
from adl_opt.report.figures.gallery import LEARNED, Gallery
from adl_opt.report.figures.growth import growth_data
from adl_opt.report.figures.policies import chosen
from adl_opt.report.figures.severity import points
from adl_opt.report.figures.style import OKABE_ITO

SHARES = 100
"""A curve over accounts is drawn through so many points."""

SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")


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
        _paths(gallery),
        _growth(),
        _frontier(gallery),
        _gaps(gallery),
    ]
    if result.episode == "oct10":
        made.append(_markout())
    return made


def _chart(
    name: str, title: str, caption: str, data: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]
) -> dict[str, Any]:
    return {"id": f"chart-{name}", "title": title, "caption": caption, "data": data} | {
        "layout": {"xaxis": x, "yaxis": y}
    }


def _axis(title: str, **more: Any) -> dict[str, Any]:
    return {"title": {"text": title}, "automargin": True, **more}


def _usd_axis(title: str, log: bool = True) -> dict[str, Any]:
    return _axis(title, tickprefix="$", exponentformat="SI", **({"type": "log", "dtick": 1} if log else {}))


def _values(values: npt.ArrayLike) -> list[float | None]:
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in np.asarray(values, dtype=float)]


def _positive(values: npt.ArrayLike, least: float = 0.005) -> list[float | None]:
    """Leave out what a logarithmic axis cannot show: zero, and what is below a least amount."""
    return [v if v is not None and v >= least else None for v in _values(values)]


def _line(name: str, x: Any, y: Any, k: int, **more: Any) -> dict[str, Any]:
    turn, colour = divmod(k, len(OKABE_ITO))
    line = {"color": OKABE_ITO[colour], "dash": ("solid", "dash", "dot")[turn % 3]}
    marker = {"symbol": SYMBOLS[(colour + 3 * turn) % len(SYMBOLS)], "size": 7}
    made = {"type": "scatter", "mode": "lines+markers", "name": name, "x": x, "y": y}
    return made | {"line": line, "marker": marker} | more


def _label(gallery: Gallery, name: str) -> str:
    return f"{name} ({gallery.result.by_policy[name][0].information.value})"


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
            y = _positive(np.cumsum(loss))
            rounds = [r.round for r in records]
            data.append(_line(_label(gallery, name), rounds, y, k, visible=visible, meta=what))
    chart = _chart(
        "cumulative",
        "Cumulative loss by policy (eq. 23)",
        f"USD, summed up to each round; information: {words}. Below a cent there is no line.",
        data,
        _axis("round"),
        _usd_axis("USD (log scale)"),
    )
    return chart | {"choices": ["total", "tracking", "fairness"]}


def _budgets(gallery: Gallery, names: list[str], words: str) -> dict[str, Any]:
    first = next(iter(gallery.result.by_policy.values()))
    rounds = [str(r.round) for r in first]
    need = _positive([r.needed for r in first])
    data: list[dict[str, Any]] = [
        {"type": "bar", "name": "needed budget B (ex-post)", "x": rounds, "y": need}
        | {"marker": {"color": "#BBBBBB"}}
    ]
    for k, name in enumerate(names):
        taken = _positive([r.haircut for r in gallery.result.by_policy[name]])
        data.append(_line(_label(gallery, name), rounds, taken, k, mode="markers"))
    return _chart(
        "budgets",
        "Haircuts of each round against the need",
        f"USD; information: {words}",
        data,
        _axis("round", type="category"),
        _usd_axis("USD (log scale)"),
    )


def _envelope(gallery: Gallery, names: list[str], words: str) -> dict[str, Any]:
    result, data = gallery.result, []
    for k, name in enumerate(names):
        records = result.by_policy[name]
        loss = np.cumsum([r.tracking + result.lam * r.fairness for r in records])
        share = 100 * loss / result.envelope_usd if result.envelope_usd > 0 else loss * np.nan
        data.append(_line(_label(gallery, name), [r.round for r in records], _positive(share, 1e-6), k))
    return _chart(
        "envelope",
        "Share of the envelope of Prop. 1",
        f"Per cent of the envelope, summed up to each round; information: {words}",
        data,
        _axis("round"),
        _axis("% of the envelope (log scale)", type="log", exponentformat="power", ticksuffix="%"),
    )


def _order(gallery: Gallery) -> dict[str, Any]:
    rows = [p for p in gallery.result.policies if np.isfinite(p.inversions)]
    names = [_label(gallery, p.policy) for p in rows]
    data = [
        {"type": "bar", "orientation": "h", "name": "inverted neighbours, % of pairs", "y": names}
        | {"x": _values([100 * p.inversions for p in rows]), "marker": {"color": OKABE_ITO[1]}},
        {"type": "bar", "orientation": "h", "name": "rank correlation with the round before, %", "y": names}
        | {"x": _values([100 * p.rank_stability for p in rows]), "marker": {"color": OKABE_ITO[0]}},
    ]
    chart = _chart(
        "order",
        "Order of the winners after the haircuts",
        "Per cent; information as marked at each policy",
        data,
        _axis("%"),
        _axis("", autorange="reversed"),
    )
    chart["layout"]["height"] = 26 * len(rows)
    return chart


def _burdens(gallery: Gallery) -> dict[str, Any]:
    data = []
    for k, (name, rows) in enumerate(gallery.paid.groupby("policy", sort=False)):
        haircut = np.sort(rows["haircut_usd"].to_numpy(float))
        money = np.concatenate([[0.0], np.cumsum(haircut)]) / max(float(haircut.sum()), 1e-300)
        at = np.unique(np.linspace(0, haircut.size, SHARES + 1).astype(int))
        shares = _values(100 * at / max(haircut.size, 1))
        data.append(_line(_label(gallery, str(name)), shares, _values(100 * money[at]), k, mode="lines"))
    even = {"color": "#999999", "width": 1}
    data.append(
        {"type": "scatter", "mode": "lines", "name": "even", "x": [0, 100], "y": [0, 100], "line": even}
    )
    return _chart(
        "burdens",
        "Who pays (Lorenz curves)",
        "Per cent of haircuts against per cent of accounts, smallest haircut first; information as marked",
        data,
        _axis("accounts, %"),
        _axis("haircuts, %"),
    )


def _per_account(gallery: Gallery) -> dict[str, Any]:
    data = []
    for k, (name, rows) in enumerate(gallery.paid.groupby("policy", sort=False)):
        burden = np.sort((rows["haircut_usd"] / rows["capacity_usd"]).to_numpy(float))[::-1]
        spread = (np.geomspace(1, burden.size, SHARES), np.linspace(1, burden.size, 3 * SHARES))
        at = np.unique(np.concatenate([*spread, [max(np.count_nonzero(burden), 1)]]).astype(int))
        shares = _values(100 * at / burden.size)
        paid = _positive(100 * burden[at - 1], 1e-4)
        data.append(_line(_label(gallery, str(name)), shares, paid, k, mode="lines"))
    return _chart(
        "per-account",
        "Who pays (burden of each account)",
        "Per cent, largest first, over all rounds; no line where nothing is paid; information as marked",
        data,
        _axis("accounts, %"),
        _axis("haircut / capacity, % (log scale)", type="log", dtick=1, exponentformat="power"),
    )


def _paths(gallery: Gallery) -> dict[str, Any]:
    rounds = list(gallery.episode)
    numbers = [str(r.number) for r, _ in rounds]
    need = target_severity([o.needed for _, o in rounds], [r.deficit for r, _ in rounds])
    line = {"color": "#777777", "shape": "hvh", "width": 3}
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "need B / D (ex-post)", "x": numbers}
        | {"y": _values(need), "line": line}
    ]
    played, hints = gallery.severities()
    for k, (name, values) in enumerate(played.items()):
        data.append(_line(f"{name} (start-of-round)", numbers, _values(values), k))
    for k, (name, values) in enumerate(hints.items(), start=len(LEARNED) + 1):
        data.append(_line(f"hint: {name} (start-of-round)", numbers, _values(values), k))
    return _chart(
        "paths",
        "Severity: what was needed, what learners chose, what hints said",
        "Share of the deficit; need ex-post, learners and hints start-of-round",
        data,
        _axis("round", type="category"),
        _axis("severity theta", range=[-0.03, 1.03]),
    )


def _growth() -> dict[str, Any]:
    times, regret, bound, exponent = growth_data()
    data = []
    for k, (name, values) in enumerate(regret.items()):
        data.append(_line(f"{name}: slope {exponent[name]:.2f}", list(times), _positive(values), k))
        if name in bound:
            dashed = _line(f"{name}: bound", list(times), _positive(bound[name]), k, mode="lines")
            dashed["line"] = dashed["line"] | {"dash": "dash"}
            data.append(dashed)
    return _chart(
        "growth",
        "Regret against bound over T",
        "USD, D = 1 a round, on streams made against each learner; start-of-round",
        data,
        _axis("rounds T (log scale)", type="log", dtick=1),
        _usd_axis("static regret (log scale)"),
    )


def _frontier(gallery: Gallery) -> dict[str, Any]:
    best = gallery.frontier
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "offline optimum (ex-post)", "x": _values(best.path)}
        | {"y": _positive(best.loss_usd), "line": {"color": "#777777", "width": 3}}
    ]
    for k, (names, (path, loss)) in enumerate(points(gallery.result)):
        more = f" and {len(names) - 1} like it" if len(names) > 1 else ""
        label = _label(gallery, names[0]) + more
        data.append(_line(label, _values([path]), _positive([loss]), k, mode="markers"))
    return _chart(
        "frontier",
        "Tracking error against path length",
        "USD; frontier ex-post and certified, policies as marked; a policy without error is not drawn",
        data,
        _axis("path length of severity"),
        _usd_axis("tracking error (log scale)"),
    )


def _gaps(gallery: Gallery) -> dict[str, Any]:
    frame = gallery.optimum.policies_frame()
    names = [_label(gallery, str(n)) for n in frame.index]
    data = [
        {"type": "bar", "orientation": "h", "name": "largest burden over the least", "y": names}
        | {"x": _positive(frame["burden_over_optimum"]), "marker": {"color": OKABE_ITO[1]}}
    ]
    chart = _chart(
        "gaps",
        "Heuristics against the optimum",
        "Largest burden over the proven least burden of the same round, worst round; optimum ex-post",
        data,
        _axis("times the optimum (log scale)", type="log", dtick=1),
        _axis("", autorange="reversed"),
    )
    chart["layout"]["height"] = 22 * len(names)
    return chart


def _markout() -> dict[str, Any]:
    found = markout_overshoot()
    horizons = sorted(found)
    data = [_line("production (published)", [f"{h} ms" for h in horizons], [found[h] for h in horizons], 0)]
    y = _usd_axis("net overshoot H - B", log=False) | {"rangemode": "tozero"}
    return _chart(
        "markout",
        "Production's overshoot by markout horizon",
        "USD; published totals",
        data,
        _axis("markout horizon", type="category"),
        y,
    )

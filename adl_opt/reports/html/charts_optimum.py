"""Interactive figures of optima and learners: severities, regret, frontier, gaps, markout."""

from __future__ import annotations

from typing import Any

from adl_opt.evaluate.published import markout_overshoot
from adl_opt.losses import target_severity
from adl_opt.reports.figures.gallery import LEARNED, Gallery
from adl_opt.reports.figures.growth import growth_data
from adl_opt.reports.figures.severity import points
from adl_opt.reports.figures.style import OKABE_ITO
from adl_opt.reports.html import marks


def paths(gallery: Gallery) -> dict[str, Any]:
    """Return severities of learners and hints beside the needed one."""
    rounds = list(gallery.episode)
    numbers = [str(r.number) for r, _ in rounds]
    need = target_severity([o.needed for _, o in rounds], [r.deficit for r, _ in rounds])
    line = {"color": "#777777", "shape": "hvh", "width": 3}
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "need B / D (ex-post)", "x": numbers}
        | {"y": marks.finite(need), "line": line}
    ]
    played, hints = gallery.severities()
    for k, (name, values) in enumerate(played.items()):
        data.append(marks.line(f"{name} (start-of-round)", numbers, marks.finite(values), k))
    for k, (name, values) in enumerate(hints.items(), start=len(LEARNED) + 1):
        data.append(marks.line(f"hint: {name} (start-of-round)", numbers, marks.finite(values), k))
    return marks.chart(
        "paths",
        "Severity: what was needed, what learners chose, what hints said",
        "Share of the deficit; need ex-post, learners and hints start-of-round",
        data,
        marks.axis("round", type="category"),
        marks.axis("severity theta", range=[-0.03, 1.03]),
    )


def growth() -> dict[str, Any]:
    """Return regret and bound of learners over T."""
    times, regret, bound, exponent = growth_data()
    data = []
    for k, (name, values) in enumerate(regret.items()):
        data.append(marks.line(f"{name}: slope {exponent[name]:.2f}", list(times), marks.positive(values), k))
        if name in bound:
            dashed = marks.line(f"{name}: bound", list(times), marks.positive(bound[name]), k, mode="lines")
            dashed["line"] = dashed["line"] | {"dash": "dash"}
            data.append(dashed)
    return marks.chart(
        "growth",
        "Regret against bound over T",
        "USD, D = 1 a round, on streams made against each learner; start-of-round",
        data,
        marks.axis("rounds T (log scale)", type="log", dtick=1),
        marks.usd_axis("static regret (log scale)"),
    )


def frontier(gallery: Gallery) -> dict[str, Any]:
    """Return the least tracking error for each path length, and where policies are."""
    best = gallery.frontier
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "offline optimum (ex-post)",
            "x": marks.finite(best.path),
        }
        | {"y": marks.positive(best.loss_usd), "line": {"color": "#777777", "width": 3}}
    ]
    for k, (names, (path, loss)) in enumerate(points(gallery.result)):
        more = f" and {len(names) - 1} like it" if len(names) > 1 else ""
        label = marks.label(gallery, names[0]) + more
        data.append(marks.line(label, marks.finite([path]), marks.positive([loss]), k, mode="markers"))
    return marks.chart(
        "frontier",
        "Tracking error against path length",
        "USD; frontier ex-post and certified, policies as marked; a policy without error is not drawn",
        data,
        marks.axis("path length of severity"),
        marks.usd_axis("tracking error (log scale)"),
    )


def gaps(gallery: Gallery) -> dict[str, Any]:
    """Return how far each policy's amounts are from the per-round optimum."""
    frame = gallery.optimum.frame()
    names = [marks.label(gallery, str(n)) for n in frame.index]
    data = [
        {"type": "bar", "orientation": "h", "name": name, "y": names, "x": marks.positive(frame[column])}
        | {"marker": {"color": colour}}
        for name, column, colour in (
            ("tracking error beyond the optimum's", "above_per_round_usd", OKABE_ITO[0]),
            ("overshoot (the optimum has none)", "overshoot_usd", OKABE_ITO[1]),
        )
    ]
    chart = marks.chart(
        "gaps",
        "Heuristics against the optimum: how much",
        "USD, all rounds; optimum of each round ex-post, severity at most 1. No bar: not beyond it. "
        "A policy that is told B can be below it where B > D.",
        data,
        marks.usd_axis("USD beyond the per-round optimum (log scale)"),
        marks.axis("", autorange="reversed"),
    )
    chart["layout"]["height"] = 30 * len(names)
    return chart


def burden_gaps(gallery: Gallery) -> dict[str, Any]:
    """Return how far each policy's largest burden is from the proven least."""
    frame = gallery.optimum.frame()
    names = [marks.label(gallery, str(n)) for n in frame.index]
    data = [
        {"type": "bar", "orientation": "h", "name": "largest burden over the least", "y": names}
        | {"x": marks.positive(frame["burden_over_optimum"]), "marker": {"color": OKABE_ITO[1]}}
    ]
    chart = marks.chart(
        "gaps-burden",
        "Heuristics against the optimum: from whom",
        "Largest burden over the proven least burden of the same round, worst round; optimum ex-post",
        data,
        marks.axis("times the optimum (log scale)", type="log", dtick=1),
        marks.axis("", autorange="reversed"),
    )
    chart["layout"]["height"] = 22 * len(names)
    return chart


def markout() -> dict[str, Any]:
    """Return production's published overshoot by markout horizon."""
    found = markout_overshoot()
    horizons = sorted(found)
    data = [
        marks.line("production (published)", [f"{h} ms" for h in horizons], [found[h] for h in horizons], 0)
    ]
    y = marks.usd_axis("net overshoot H - B", log=False) | {"rangemode": "tozero"}
    return marks.chart(
        "markout",
        "Production's overshoot by markout horizon",
        "USD; published totals",
        data,
        marks.axis("markout horizon", type="category"),
        y,
    )

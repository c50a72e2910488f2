"""Data of the figures of optima and learners: severities, regret, frontier, distances, markout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from adl_opt.evaluate.optimum import Optimum
from adl_opt.evaluate.result import Result
from adl_opt.programs.hindsight.frontier import PathFrontier
from adl_opt.reports.series.parts import Axis, Chart, Curve, FigureData
from adl_opt.reports.series.replayed import ROUND, information_of, labelled
from adl_opt.reports.text import printable
from adl_opt.studies.findings import Severities
from adl_opt.studies.theory.growth import STREAM, RegretGrowth


def severity_series(found: Severities, result: Result) -> FigureData:
    """Severity of each round: what was needed (ex post), what learners chose, what their hints said.

    All are shares of the deficit D in [0, 1]; NaN where there is none.
    """
    rounds = [str(number) for number in found.rounds]
    need = Curve(label="need theta* = B / D, at most 1", x=rounds, y=found.need, drawn="step")
    curves = [need]
    for k, (name, values) in enumerate(found.played.items()):
        curves.append(Curve(label=printable(name), x=rounds, y=values, place=k))
    for k, (name, values) in enumerate(found.hinted.items(), start=len(found.played)):
        label = f"hint: {printable(name)}"
        curves.append(Curve(label=label, x=rounds, y=values, drawn="dotted", place=k))
    y = Axis(label="severity theta, share of the deficit", limits=(-0.03, 1.03))
    return FigureData(
        name="severity-paths",
        title="severity paths",
        information="need ex-post; learners and hints start-of-round",
        source=result.source,
        episode=result.episode,
        charts=[Chart(caption="Share of the deficit", x=ROUND, y=y, curves=curves)],
    )


def frontier_series(best: PathFrontier, result: Result) -> FigureData:
    """Least tracking error within each path length of severity, and where the policies are."""
    label = "offline optimum (ex-post, certified)"
    curves = [Curve(label=label, x=best.path, y=best.loss_usd, drawn="reference")]
    for k, (names, (path, loss)) in enumerate(points(result)):
        more = f" and {len(names) - 1} like it" if len(names) > 1 else ""
        label = f"{printable(names[0])}{more} ({information_of(result, names[0])})"
        curves.append(Curve(label=label, x=[path], y=[loss], drawn="points", place=k))
    chart = Chart(
        caption="USD; a policy without error is not drawn",
        x=Axis(label="path length of severity, sum abs(theta_t - theta_(t-1))"),
        y=Axis(label="tracking error, USD (log scale)", unit="usd", scale="symlog", linear_to=1e5),
        curves=curves,
    )
    return FigureData(
        name="frontier",
        title="tracking error against path length",
        information="frontier ex-post; policies as marked",
        source=result.source,
        episode=result.episode,
        charts=[chart],
    )


def points(result: Result) -> list[tuple[list[str], tuple[float, float]]]:
    """Return path length and tracking error, USD, of each severity, and the policies of it.

    Policies of one information class within a tenth of path length and 5 % of error share a point.
    """
    seen: dict[tuple[str, float, float], list[str]] = {}
    where: dict[str, tuple[float, float]] = {}
    for name, records in result.by_policy.items():
        theta = np.array([min(r.haircut / r.deficit, 1.0) for r in records if r.deficit > 0])
        where[name] = (float(np.abs(np.diff(theta)).sum()), float(sum(r.tracking for r in records)))
        path, loss = where[name]
        near = (records[0].information.value, round(path, 1), round(20 * np.log(loss + 1e4)))
        seen.setdefault(near, []).append(name)
    return [(names, where[names[0]]) for names in seen.values()]


def distance_series(optimum: Optimum) -> FigureData:
    """How far each policy is from the optimum: tracking error above it, and burden over the least burden."""
    frame = optimum.policies_frame()
    names = [labelled(str(n), w) for n, w in zip(frame.index, frame["information"], strict=True)]

    def rows(label: str, column: str, place: int, printed: bool = True) -> Curve:
        values = frame[column].to_numpy(float)
        return Curve(label=label, x=values, y=names, drawn="rows", place=place, printed=printed)

    amounts = Chart(
        caption="USD, all rounds; no bar where a policy is not beyond the optimum",
        x=Axis(
            label="tracking error above\nthe per-round optimum, USD (log scale)",
            unit="usd",
            scale="symlog",
            linear_to=1e5,
            mark=0.0,
        ),
        y=Axis(label=""),
        curves=[
            rows("tracking error beyond the optimum's", "above_per_round_usd", 0),
            rows("overshoot (the optimum has none)", "overshoot_usd", 1, printed=False),
        ],
    )
    burdens = Chart(
        caption="Largest burden over the proven least burden of the same round, worst round",
        x=Axis(label="largest burden over\nthe proven least burden, worst round", scale="log", mark=1.0),
        y=Axis(label=""),
        curves=[rows("largest burden over the least", "burden_over_optimum", 1)],
    )
    classes = ", ".join(sorted(set(frame["information"])))
    return FigureData(
        name="gaps-to-optimum",
        title="heuristics against the offline optimum",
        information=f"{classes}; optima ex-post, certified, severity at most 1 (below 0: told B > D)",
        source=optimum.result.source,
        episode=optimum.result.episode,
        charts=[amounts, burdens],
    )


def growth_series(found: RegretGrowth) -> FigureData:
    """Return static regret and its bound over T, both axes logarithmic; the legend gives the fitted slopes."""
    curves = []
    for k, (name, values) in enumerate(found.regret.items()):
        label = f"{printable(name)}: slope {found.exponent[name]:.2f}"
        curves.append(Curve(label=label, x=found.rounds, y=np.maximum(values, 1e-12), place=k))
        if name in found.bound:
            label = f"{printable(name)}: bound"
            curves.append(Curve(label=label, x=found.rounds, y=found.bound[name], drawn="dashed", place=k))
    chart = Chart(
        caption="USD, D = 1 a round, on streams made against each learner",
        x=Axis(label="rounds T", scale="log"),
        y=Axis(label="static regret, USD", scale="log"),
        curves=curves,
    )
    return FigureData(
        name="regret-growth",
        title="Regret against bound over T",
        information="start-of-round",
        source=f"stream: {STREAM}; D = 1 USD a round; dashed: each learner's own bound on the same stream",
        charts=[chart],
    )


def markout_series(overshoot: Mapping[int, float], source: str) -> FigureData:
    """Production's net overshoot, USD, by markout horizon in milliseconds."""
    horizons = sorted(overshoot)
    values = [overshoot[h] for h in horizons]
    y = Axis(label="net overshoot H - B, USD", unit="usd", limits=(0.0, 1.08 * max(values)))
    curve = Curve(label="", x=[_seconds(h) for h in horizons], y=values)
    return FigureData(
        name="markout",
        title="production's overshoot by markout horizon",
        information="published",
        source=source,
        episode="oct10",
        charts=[Chart(caption="USD", x=Axis(label="markout horizon"), y=y, curves=[curve])],
    )


def _seconds(milliseconds: int) -> str:
    """Return a horizon in ms, s or min.

    Examples
    --------
    >>> _seconds(0), _seconds(500), _seconds(60_000)
    ('0', '500 ms', '1 min')
    """
    if milliseconds == 0:
        return "0"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:g} s" if milliseconds < 60_000 else f"{milliseconds / 60_000:g} min"

"""Data of the figures of optima and learners: severities, regret, frontier, distances, markout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from adl_opt.errors import printable
from adl_opt.evaluate.optimum import Optimum
from adl_opt.evaluate.result import Result
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.programs.hindsight.frontier import PathFrontier
from adl_opt.reports.series.merge import merged
from adl_opt.reports.series.parts import NEAR, Axis, Chart, Curve, FigureData, amounts_axis
from adl_opt.reports.series.places import places
from adl_opt.reports.series.replayed import ROUND, information_of, labelled
from adl_opt.rounds.episode import Episode
from adl_opt.studies.findings import Severities, path_and_loss
from adl_opt.studies.theory.growth import STREAM, RegretGrowth


def severity_series(found: Severities, result: Result) -> FigureData:
    """Severity of each round: what was needed (ex post), and what was chosen at the start of the round.

    All are shares of the deficit D in [0, 1]; NaN where there is none.
    """
    rounds = [str(number) for number in found.rounds]
    curves = [Curve("need theta* = B / D, at most 1", rounds, found.need, "step")]
    place = places([*result.by_policy, *found.played])
    for name, values in found.played.items():
        curves.append(Curve(printable(name), rounds, values, place=place[name]))
    y = Axis("severity theta, share of the deficit", limits=(-0.03, 1.03))
    charts = [Chart("Share of the deficit", ROUND, y, curves)]
    words = "need ex-post; severities start-of-round"
    return FigureData(
        "severity-paths", "severity paths", words, result.source, merged(charts), result.episode
    )


def frontier_series(best: PathFrontier, result: Result) -> FigureData:
    """Least loss within each path length of severity, and where the policies are, up to D like the paths."""
    label = "least loss of any severity path, proven (ex-post)"
    curves = [Curve(label, best.path, best.loss_usd, "reference")]
    place = places(result.by_policy)
    for names, (path, loss) in points(result):
        more = f" and {len(names) - 1} like it" if len(names) > 1 else ""
        label = f"{printable(names[0])}{more} ({information_of(result, names[0])})"
        curves.append(Curve(label, [path], [loss], "points", place[names[0]]))
    x = Axis("path length of severity, sum abs(theta_t - theta_(t-1))")
    y = Axis("loss without fairness, USD", unit="usd", scale="symlog", linear_to=1e5)
    charts = [Chart("USD; what a policy takes beyond D does not count, for no path takes it", x, y, curves)]
    words, title = "frontier ex-post; policies as marked", "loss of severities against path length"
    return FigureData("frontier", title, words, result.source, charts, result.episode)


def points(result: Result) -> list[tuple[list[str], tuple[float, float]]]:
    """Return path length and loss, USD, of each severity (:func:`path_and_loss`), and the policies of it.

    Policies of one information class within a tenth of path length and 5 % of loss share a point.
    """
    seen: dict[tuple[str, float, float], list[str]] = {}
    where = {name: path_and_loss(result, name) for name in result.by_policy}
    for name, (path, loss) in where.items():
        near = (information_of(result, name), round(path, 1), round(20 * np.log(loss + 1e4)))
        seen.setdefault(near, []).append(name)
    return [(names, where[names[0]]) for names in seen.values()]


def distance_series(optimum: Optimum) -> FigureData:
    """How far each policy is from the optimum: loss above the least, and burden over m*."""
    frame = optimum.frame()
    names = [labelled(str(n), w) for n, w in zip(frame.index, frame["information"], strict=True)]

    def rows(label: str, column: str, place: int, printed: bool = True) -> Curve:
        values = frame[column].to_numpy(float)
        return Curve(label, values, names, "rows", place, printed=printed)

    amount, ratios = frame["gap_to_optimum_usd"].to_numpy(float), frame["burden_over_optimum"].to_numpy(float)
    burdens = "largest burden over m*\n(min-max over whole lots at B)"
    near = np.nanmax(ratios, initial=0.0) <= NEAR
    charts = [
        Chart(
            "USD, all rounds; no bar where a loss is not known",
            amounts_axis("loss above the proven least loss, USD", amount),
            Axis(""),
            [
                rows("loss above the least of any policy", "gap_to_optimum_usd", 0),
                rows("overshoot", "overshoot_usd", 1, printed=False),
            ],
        ),
        Chart(
            "Largest burden over m*, worst round; below 1: less than B was taken, or parts of lots",
            Axis(burdens, scale="linear" if near else "log", mark=1.0),
            Axis(""),
            [rows("largest burden over m*", "burden_over_optimum", 0)],
        ),
    ]
    words = ", ".join(sorted(set(frame["information"])))
    words += "; optimum ex-post, proven"
    title, result = "heuristics against the offline optimum", optimum.result
    return FigureData("gaps-to-optimum", title, words, result.source, charts, result.episode)


def proof_series(found: Sequence[LotsResult | None], episode: Episode, result: Result) -> FigureData:
    """Return how large the tree of each round's proof of the least largest burden is, over its positions."""
    proven = [
        (len(round_.positions), best.nodes)
        for (round_, _), best in zip(episode, found, strict=True)
        if best is not None and round_.positions is not None
    ]
    size, nodes = np.array(sorted(proven), dtype=float).reshape(-1, 2).T
    x, y = Axis("positions of the round", scale="log"), Axis("nodes of the tree")
    caption = "Nodes, one point a round; each proof is checked again without a solver"
    charts = [Chart(caption, x, y, [Curve("least largest burden over whole lots", size, nodes, "others")])]
    title = "proof trees of the least largest burdens"
    return FigureData("proof-trees", title, "ex-post", result.source, charts, result.episode)


def growth_series(found: RegretGrowth, result: Result) -> FigureData:
    """Return static regret and its bound over T; the legend gives the fitted slopes.

    It is not of the episode of ``result``, whose policies have the same looks here.
    """
    curves, place = [], places([*result.by_policy, *found.regret])
    for name, values in found.regret.items():
        label = f"{printable(name)}: slope {found.exponent[name]:.2f}"
        curves.append(Curve(label, found.rounds, np.maximum(values, 1e-12), place=place[name]))
        if name in found.bound:
            label = f"{printable(name)}: bound"
            curves.append(Curve(label, found.rounds, found.bound[name], "dashed", place[name]))
    x, y = Axis("rounds T", scale="log"), Axis("static regret, USD", unit="usd", scale="log")
    charts = [Chart("USD, D = 1 a round, on streams made against each learner", x, y, curves)]
    source = f"stream: {STREAM}; D = 1 USD a round; dashed: each learner's own bound on the same stream"
    return FigureData("regret-growth", "Regret against bound over T", "start-of-round", source, charts)


def markout_series(overshoot: Mapping[int, float], source: str) -> FigureData:
    """Production's net overshoot, USD, by markout horizon in milliseconds."""
    horizons = sorted(overshoot)
    values = [overshoot[h] for h in horizons]
    y = Axis("net overshoot H - B, USD", unit="usd", limits=(0.0, 1.08 * max(values)))
    curve = Curve("", [_seconds(h) for h in horizons], values)
    charts = [Chart("USD", Axis("markout horizon"), y, [curve])]
    title = "production's overshoot by markout horizon"
    return FigureData("markout", title, "published", source, charts, "oct10")


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

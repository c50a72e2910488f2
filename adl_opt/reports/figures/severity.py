"""Figures of severity: paths, the frontier of regret against path length, growth over T."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.reports.figures.style import dollars, drawing, legend, look, symlog
from adl_opt.reports.terminal.tables import shown
from adl_opt.rounds.columns import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adl_opt.evaluate.result import Result
    from adl_opt.programs.hindsight.frontier import PathFrontier


def paths(
    rounds: Sequence[int],
    need: Sequence[float],
    played: Mapping[str, Sequence[float]],
    hinted: Mapping[str, Sequence[float]],
    *,
    episode: str,
    source: str,
) -> Figure:
    """Severity of each round: what was needed (ex post), what learners chose, what their hints said.

    All are shares of the deficit D in [0, 1]; NaN where there is none.
    """
    words = "need ex-post; learners and hints start-of-round"
    with drawing(f"{episode}: severity paths", words, source) as (figure, (panel,)):
        spots = np.arange(len(rounds))
        panel.step(
            spots, need, where="mid", color="black", linewidth=2.2, label="need theta* = B / D, at most 1"
        )
        for k, (name, values) in enumerate(played.items()):
            panel.plot(spots, values, label=shown(name), **look(k))
        for k, (name, values) in enumerate(hinted.items(), start=len(played)):
            style = look(k) | {"linestyle": ":"}
            panel.plot(spots, values, label=f"hint: {shown(name)}", **style)
        panel.set_xticks(spots, [str(r) for r in rounds], fontsize=7)
        panel.set_xlabel("round")
        panel.set_ylabel("severity theta, share of the deficit")
        panel.set_ylim(-0.03, 1.03)
        legend(panel)
    return figure


def frontier(best: PathFrontier, result: Result) -> Figure:
    """Least tracking error within each path length of severity, and where the policies are."""
    title = f"{result.episode}: tracking error against path length"
    with drawing(title, "frontier ex-post; policies as marked", result.source) as (figure, (panel,)):
        panel.plot(best.path, best.loss_usd, color="black", label="offline optimum (ex-post, certified)")
        for k, (names, (path, loss)) in enumerate(points(result)):
            more = f" and {len(names) - 1} like it" if len(names) > 1 else ""
            word = result.by_policy[names[0]][0].information.value
            style = look(k) | {"linestyle": "none"}
            panel.plot([path], [loss], label=f"{shown(names[0])}{more} ({word})", **style)
        panel.set_xlabel("path length of severity, sum abs(theta_t - theta_(t-1))")
        symlog(panel, 1e5)
        dollars(panel, label="tracking error, USD (log scale)")
        legend(panel)
    return figure


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


def growth(
    rounds: Sequence[int],
    regret: Mapping[str, Floats],
    bound: Mapping[str, Floats],
    exponent: Mapping[str, float],
    *,
    stream: str,
) -> Figure:
    """Draw static regret and its bound over T, both axes logarithmic; the legend gives the fitted slopes.

    Parameters
    ----------
    rounds : (k,) int
        Horizons T.
    regret, bound : mapping of learner to (k,) USD
    exponent : mapping of learner to its fitted exponent
    """
    source = f"stream: {stream}; D = 1 USD a round; dashed: each learner's own bound on the same stream"
    with drawing("Regret against bound over T", "start-of-round", source) as (figure, (panel,)):
        for k, (name, values) in enumerate(regret.items()):
            style = look(k)
            label = f"{shown(name)}: slope {exponent[name]:.2f}"
            panel.loglog(rounds, np.maximum(values, 1e-12), label=label, **(style | {"linestyle": "-"}))
            if name in bound:
                panel.loglog(rounds, bound[name], **(style | {"linestyle": "--", "marker": "", "alpha": 0.7}))
        panel.set_xlabel("rounds T")
        panel.set_ylabel("static regret, USD")
        legend(panel)
    return figure

"""Every figure of an episode, by name."""

from __future__ import annotations

from collections.abc import Callable

from adl_opt.evaluate.published import SOURCE, markout_overshoot
from adl_opt.reports.series import coverage, markets, optima, replayed
from adl_opt.reports.series.parts import FigureData
from adl_opt.studies.findings import Findings


def gallery(findings: Findings) -> dict[str, Callable[[], FigureData]]:
    """Return how to make the data of each figure; those that the episode has no data for are not in it.

    To add a figure, write a function that gives its :class:`FigureData`, and list it here.
    """
    result = findings.result
    made: dict[str, Callable[[], FigureData]] = {
        "cumulative": lambda: replayed.cumulative_series(result),
        "budgets": lambda: replayed.budget_series(result),
        "envelope": lambda: replayed.envelope_series(result),
        "order": lambda: replayed.order_series(result),
        "burdens": lambda: replayed.burden_series(findings.paid, result),
        "cohorts": lambda: replayed.cohort_series(findings.paid, result),
        "severity-paths": lambda: optima.severity_series(findings.severities, result),
        "regret-growth": lambda: optima.growth_series(findings.growth, result),
        "frontier": lambda: optima.frontier_series(findings.frontier, result),
        "coverage-frontier": lambda: coverage.coverage_series(findings.coverage, result),
    }
    if (found := findings.optimum) is not None:
        made["gaps-to-optimum"] = lambda: optima.distance_series(found)
    if findings.markets:
        made["markets"] = lambda: markets.market_series(findings.markets, result)
        made["hedges"] = lambda: markets.hedge_series(result)
        if findings.structure:
            made["structure"] = lambda: markets.structure_series(findings.structure, result)
        made["objectives"] = lambda: markets.objectives_series(result)
    if any(best is not None for best in findings.least_burdens):
        made["proof-trees"] = lambda: optima.proof_series(findings.least_burdens, findings.episode, result)
    if findings.paid.empty:  # a record has no haircuts of single accounts
        del made["burdens"], made["cohorts"]
    if result.episode == "oct10":
        made["markout"] = lambda: optima.markout_series(markout_overshoot(), SOURCE)
    return made

"""Terminal tables of ``adl-opt theory``."""

from __future__ import annotations

from rich.table import Table

from adl_opt.reports.terminal.tables import left, plain_table, right
from adl_opt.studies.theory.run import Theory


def theory_tables(found: Theory) -> list[Table]:
    """Return three tables: figures, growth over T, and the search for counterexamples."""
    return [_figures(found), _growth(found), _search(found)]


def _figures(found: Theory) -> Table:
    columns = left("source", "quantity") + right("T", "measured") + left("") + right("predicted") + left("")
    table = plain_table(
        "measured against predicted", columns, "= exact or to 1e-12; ~ mean of random streams"
    )
    for x in found.findings:
        horizon = f"{x.rounds:,}" if x.rounds else "-"
        figures = _figure(x.measured), x.relation, _figure(x.predicted)
        table.add_row(x.source, x.quantity, horizon, *figures, _mark(x.holds))
    return table


def _growth(found: Theory) -> Table:
    columns = left("source", "whose") + right("T", "fitted", "predicted") + left("")
    table = plain_table("growth: e in T^e, fitted over T", columns, "<= : at most about")
    for x in found.exponents:
        predicted = f"{'<= ' if x.at_most else ''}{x.predicted:.2f}"
        span = f"{x.rounds[0]:,}-{x.rounds[-1]:,}"
        table.add_row(x.source, x.who, span, f"{x.fitted:.3f}", predicted, _mark(x.holds))
    return table


def _search(found: Theory) -> Table:
    table = plain_table(
        "counterexample search: the largest measured / bound found",
        left("bound") + right("tried", "measured", "bound there", "ratio") + left(""),
        "random starts, then local search; fixed seeds.  A ratio above 1 would break the bound",
    )
    for x in found.attempts:
        figures = _figure(x.regret), _figure(x.bound), f"{x.ratio:.9f}"
        table.add_row(x.theorem, f"{x.tried:,}", *figures, _mark(x.holds))
    return table


def _figure(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _mark(holds: bool) -> str:
    return "ok" if holds else "[red]FAILS[/red]"

"""Terminal tables of ``adl-opt theory``."""

from __future__ import annotations

from rich.table import Table

from adl_opt.reports.terminal.tables import plain_table
from adl_opt.studies.theory.run import Theory


def theory_tables(found: Theory) -> list[Table]:
    """Return three tables: figures, growth over T, and the search for counterexamples."""
    return [_figures(found), _growth(found), _search(found)]


def _figures(found: Theory) -> Table:
    rows = (
        (
            *(x.source, x.quantity, f"{x.rounds:,}" if x.rounds else "-"),
            *(_figure(x.measured), x.relation, _figure(x.predicted), _mark(x.holds)),
        )
        for x in found.findings
    )
    headers = ["source", "quantity", ">T", ">measured", "", ">predicted", ""]
    return plain_table(
        "measured against predicted", headers, rows, "= exact or to 1e-12; ~ mean of random streams"
    )


def _growth(found: Theory) -> Table:
    rows = (
        (
            *(x.source, x.who, f"{x.rounds[0]:,}-{x.rounds[-1]:,}", f"{x.fitted:.3f}"),
            *(f"{'<= ' if x.at_most else ''}{x.predicted:.2f}", _mark(x.holds)),
        )
        for x in found.exponents
    )
    headers = ["source", "whose", ">T", ">fitted", ">predicted", ""]
    return plain_table("growth: e in T^e, fitted over T", headers, rows, "<= : at most about")


def _search(found: Theory) -> Table:
    rows = (
        (x.theorem, f"{x.tried:,}", _figure(x.regret), _figure(x.bound), f"{x.ratio:.9f}", _mark(x.holds))
        for x in found.attempts
    )
    return plain_table(
        "counterexample search: the largest measured / bound found",
        ["bound", ">tried", ">measured", ">bound there", ">ratio", ""],
        rows,
        "random starts, then local search; fixed seeds.  A ratio above 1 would break the bound",
    )


def _figure(value: float) -> str:
    return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _mark(holds: bool) -> str:
    return "ok" if holds else "[red]FAILS[/red]"

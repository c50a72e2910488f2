"""Terminal tables (rich): money aligned, information class coloured and in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adl_opt.evaluate.published import Headlines, Published, headlines
from adl_opt.evaluate.record import PolicySummary
from adl_opt.evaluate.result import Result
from adl_opt.reports.text import decimals, printable, usd
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.evaluate.optimum import Optimum

STYLE = {
    Information.OBSERVED: "yellow",
    Information.EX_POST: "magenta",
    Information.START_OF_ROUND: "green",
}


def plain_table(title: str, columns: Sequence[tuple[str, str]], caption: str = "") -> Table:
    """Return an empty table; columns are (header, ``left`` or ``right``)."""
    title, caption = ("\n".join(map(printable, text.split("\n"))) for text in (title, caption))
    table = Table(title=title, caption=caption or None, box=box.SIMPLE_HEAD, title_justify="left")
    table.caption_justify = "left"
    for header, side in columns:
        table.add_column(header, justify="right" if side == "right" else "left", no_wrap=side == "right")
    return table


OPTIONAL = ("touched", "inv. %", "max burden", "haircut $", "% env.", "fairness $", "tracking $")
"""Columns that a narrow terminal does without, in this order."""


def result_table(result: Result, left_out: int = 0) -> Table:
    """Return the policy table of a result, the first so many of :data:`OPTIONAL` left out."""
    rounds = len({r.round for r in result.records})
    title = (
        f"{result.episode}: {rounds} rounds, path length {result.path_length:.4f}, "
        f"envelope ${result.envelope_usd:,.0f}, burden per {result.burden}, lambda {result.lam:g}"
    )
    notes = [result.source, *result.notes]
    if left_out:
        missing = ", ".join(OPTIONAL[:left_out])
        notes.append(f"this terminal is too narrow for: {missing} (--format csv has all)")
    figures: dict[str, Callable[[PolicySummary], str]] = {
        "haircut $": lambda p: usd(p.haircut_usd),
        "tracking $": lambda p: usd(p.tracking_usd),
        "fairness $": lambda p: usd(p.fairness_usd),
        "total $": lambda p: usd(p.total_usd),
        "% env.": lambda p: decimals(100 * p.envelope_share, 2),
        "max burden": lambda p: decimals(p.max_burden, 6),
        "inv. %": lambda p: decimals(100 * p.inversions, 2),
        "touched": lambda p: decimals(p.accounts_touched, 0),
    }
    headers = [h for h in figures if h not in OPTIONAL[:left_out]]
    columns = [("policy", "left"), ("information", "left"), *((h, "right") for h in headers)]
    table = plain_table(title, columns, "\n".join(notes))
    for column in table.columns:
        column.no_wrap = True
    for p in result.policies:
        cells = (figures[h](p) for h in headers)
        table.add_row(printable(p.policy), _information(p.information.value), *cells)
    return table


def fitted(result: Result, console: Console) -> Table:
    """Return the policy table with as many columns as the console has room for."""
    unbounded = console.options.update(width=10_000)
    for left_out in range(len(OPTIONAL)):
        table = result_table(result, left_out)
        table.title, caption, table.caption, title = None, table.caption, None, table.title
        fits = console.measure(table, options=unbounded).maximum <= console.width
        table.title, table.caption = title, caption
        if fits:
            return table
    table = result_table(result, len(OPTIONAL))
    title, caption, table.title, table.caption = table.title, table.caption, None, None
    beyond = max(console.measure(table, options=unbounded).maximum - console.width, 0)
    table.title, table.caption = title, caption
    names = table.columns[0]  # they give way, amounts stay whole
    names.no_wrap, names.overflow = False, "fold"
    names.max_width = max(max(len(p.policy) for p in result.policies) - beyond, 12)
    return table


def whole(table: Table, console: Console) -> Table:
    r"""Return a table that shows every figure whole: one line a cell where the columns have no room.

    Examples
    --------
    >>> from rich.console import Console
    >>> table = plain_table("round", [("policy", "left"), ("total $", "right"), ("needed $", "right")])
    >>> table.add_row("pro-rata", "64,859,522.21", "15,079,669.61")
    >>> narrow = Console(width=30)
    >>> print(*(line.rstrip() for line in _printed(whole(table, narrow), narrow)), sep="\n")
    round
    policy    pro-rata
    total $   64,859,522.21
    needed $  15,079,669.61
    """
    said = table.title, table.caption
    table.title = table.caption = None
    least = console.measure(table, options=console.options.update(width=10_000)).minimum
    table.title, table.caption = said
    if least <= console.width:
        return table
    long = Table(title=table.title, caption=table.caption, box=None, title_justify="left", show_header=False)
    long.caption_justify, long.pad_edge = "left", False
    long.add_column(no_wrap=True)
    long.add_column(overflow="fold")
    rows = zip(*(column.cells for column in table.columns), strict=True)
    for k, cells in enumerate(rows):
        if k:
            long.add_row("", "")
        for column, cell in zip(table.columns, cells, strict=True):
            long.add_row(column.header, cell)
    return long


def _printed(table: Table, console: Console) -> list[str]:
    with console.capture() as seen:
        console.print(table)
    return seen.get().splitlines()


def headlines_table(h: Headlines) -> Table:
    """Return the headline figures of the published tables."""
    table = plain_table("headlines (published figures, recomputed)", [("figure", "left"), ("$", "right")])
    low, high = h.markout_band_usd
    for label, value in (
        ("sum of deficits D", h.deficit_usd),
        ("sum of deficits, a recurring loss counted once", h.deficit_counted_once_usd),
        ("sum of needed budgets B", h.needed_usd),
        ("production's net overshoot", h.net_overshoot_usd),
        ("production's overshoot, positive part", h.positive_overshoot_usd),
        ("net overshoot, lowest over markout horizons", low),
        ("net overshoot, highest over markout horizons", high),
        ("envelope (Prop. 1)", h.envelope_usd),
        ("envelope, the recurring loss counted once", h.envelope_counted_once_usd),
    ):
        table.add_row(label, usd(value))
    return table


BELOW = (
    "minus: tracking less the optimum's; below zero where a policy knew B > D and took more than severity 1"
)


def optimum_tables(optimum: Optimum) -> list[Table]:
    """Return the offline optima, and how far each policy is from them."""
    title = f"{optimum.result.episode}: offline optima (ex post, each certified)"
    headers = ("tracking $", "objective $", "proven bound $", "path", "max burden")
    caption = "severities are at most 1: where B > D the best undershoots; the policies' oracle is uncapped"
    first = plain_table(title, [("benchmark", "left"), *((h, "right") for h in headers)], caption)
    for b in optimum.benchmarks:
        figures = (usd(v) for v in (b.tracking_usd, b.objective_usd, b.bound_usd))
        first.add_row(b.name, *figures, decimals(b.path), decimals(b.max_burden, 6))
    above = (
        "tracking $",
        "overshoot $",
        "minus per-round $",
        "minus best-fixed $",
        "max burden",
        "x least burden",
    )
    second = plain_table(
        "policies against them",
        [("policy", "left"), ("information", "left"), *((h, "right") for h in above)],
        "\n".join([BELOW, optimum.result.source, *optimum.result.notes]),
    )
    columns = ("tracking_usd", "overshoot_usd", "above_per_round_usd", "above_best_fixed_usd")
    for name, row in optimum.frame().iterrows():
        amounts = (usd(row[c]) for c in columns)
        burdens = (decimals(row["max_burden"], 6), decimals(row["burden_over_optimum"], 2))
        second.add_row(str(name), _information(row["information"]), *amounts, *burdens)
    return [first, second, *([_selection_table(optimum)] if optimum.selection else [])]


def _selection_table(optimum: Optimum) -> Table:
    frame = optimum.selection_frame()
    table = plain_table(
        "least largest burden when at most so many accounts may pay (whole lots, proven)",
        [("round", "right"), *((f"{count:,} accounts", "right") for count in frame.columns)],
        "ex post: each round at its needed budget B",
    )
    for name, row in frame.iterrows():
        table.add_row(str(name), *(decimals(v, 6) for v in row))
    return table


def _information(word: str) -> Text:
    return Text(word, style=STYLE[Information(word)])


def published_tables(result: Published, console: Console) -> list[Table]:
    """Return the published table, its headlines, and the totals by lambda."""
    return [fitted(result, console), headlines_table(headlines()), sweep_table(result.by_lambda)]


def sweep_table(sweep: pd.DataFrame) -> Table:
    """Return totals by lambda, as :meth:`adl_opt.evaluate.result.Result.lambda_sweep` gives them."""
    columns = [("policy", "left"), ("information", "left")]
    lambdas = [c for c in sweep.columns if c != "information"]
    table = plain_table("total $ by lambda", columns + [(f"lambda {lam:g}", "right") for lam in lambdas])
    for name, row in sweep.iterrows():
        table.add_row(str(name), row["information"], *(usd(row[lam]) for lam in lambdas))
    return table


def episode_table(episode: Episode) -> Table:
    """Return one line per round of an episode."""
    frame = episode.frame().reset_index()
    table = plain_table(episode.name, [(str(c), "right") for c in frame.columns], episode.source)
    for row in frame.to_dict("records"):
        table.add_row(*(usd(v) if str(k).endswith("_usd") else f"{v:,}" for k, v in row.items()))
    return table

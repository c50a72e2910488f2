"""Terminal tables (rich): money aligned, information class coloured and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.measure import Measurement
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


def left(*headers: str) -> list[tuple[str, str]]:
    """Return columns of words."""
    return [(header, "left") for header in headers]


def right(*headers: str) -> list[tuple[str, str]]:
    """Return columns of figures."""
    return [(header, "right") for header in headers]


def plain_table(
    title: str,
    columns: Sequence[tuple[str, str]],
    caption: str = "",
    rows: Iterable[Iterable[str | Text]] = (),
) -> Table:
    """Return a table of rows of cells; columns are (header, ``left`` or ``right``)."""
    title, caption = ("\n".join(map(printable, text.split("\n"))) for text in (title, caption))
    table = Table(title=title, caption=caption or None, box=box.SIMPLE_HEAD, title_justify="left")
    table.caption_justify = "left"
    for header, side in columns:
        table.add_column(header, justify="right" if side == "right" else "left", no_wrap=side == "right")
    for row in rows:
        table.add_row(*row)
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
    rows: list[list[str | Text]] = [
        [printable(p.policy), _information(p.information.value), *(figures[h](p) for h in headers)]
        for p in result.policies
    ]
    table = plain_table(title, left("policy", "information") + right(*headers), "\n".join(notes), rows)
    for column in table.columns:
        column.no_wrap = True
    return table


def fitted(result: Result, console: Console) -> Table:
    """Return the policy table with as many columns as the console has room for."""
    for left_out in range(len(OPTIONAL) + 1):
        table = result_table(result, left_out)
        beyond = _widths(table, console).maximum - console.width
        if beyond <= 0:
            return table
    names = table.columns[0]  # they give way, amounts stay whole
    names.no_wrap, names.overflow = False, "fold"
    names.max_width = max(max(len(p.policy) for p in result.policies) - beyond, 12)
    return table


def _widths(table: Table, console: Console) -> Measurement:
    """Return the least and the largest width of the columns, whatever the title and the caption need."""
    said = table.title, table.caption
    table.title = table.caption = None
    widths = console.measure(table, options=console.options.update(width=10_000))
    table.title, table.caption = said
    return widths


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
    if _widths(table, console).minimum <= console.width:
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
    low, high = h.markout_band_usd
    figures = (
        ("sum of deficits D", h.deficit_usd),
        ("sum of deficits, a recurring loss counted once", h.deficit_counted_once_usd),
        ("sum of needed budgets B", h.needed_usd),
        ("production's net overshoot", h.net_overshoot_usd),
        ("production's overshoot, positive part", h.positive_overshoot_usd),
        ("net overshoot, lowest over markout horizons", low),
        ("net overshoot, highest over markout horizons", high),
        ("envelope (Prop. 1)", h.envelope_usd),
        ("envelope, the recurring loss counted once", h.envelope_counted_once_usd),
    )
    rows = ((label, usd(value)) for label, value in figures)
    return plain_table("headlines (published figures, recomputed)", left("figure") + right("$"), "", rows)


BELOW = (
    "minus: tracking less the optimum's; below zero: told B > D, a policy takes what no severity up to 1 can"
)


def optimum_tables(optimum: Optimum) -> list[Table]:
    """Return the offline optima, and how far each policy is from them."""
    title = f"{optimum.result.episode}: offline optima (ex post, each certified)"
    headers = ("tracking $", "objective $", "proven bound $", "path", "max burden")
    caption = "severities are at most 1: where B > D the best undershoots; the policies' oracle is uncapped"
    first = plain_table(title, left("benchmark") + right(*headers), caption)
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
        left("policy", "information") + right(*above),
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
    return plain_table(
        "least largest burden when at most so many accounts may pay (whole lots, proven)",
        right("round", *(f"{count:,} accounts" for count in frame.columns)),
        "ex post: each round at its needed budget B",
        ((str(name), *(decimals(v, 6) for v in row)) for name, row in frame.iterrows()),
    )


def _information(word: str) -> Text:
    return Text(word, style=STYLE[Information(word)])


def published_tables(result: Published, console: Console) -> list[Table]:
    """Return the published table, its headlines, and the totals by lambda."""
    return [fitted(result, console), headlines_table(headlines()), sweep_table(result.by_lambda)]


def sweep_table(sweep: pd.DataFrame) -> Table:
    """Return totals by lambda, as :meth:`adl_opt.evaluate.result.Result.lambda_sweep` gives them."""
    lambdas = [c for c in sweep.columns if c != "information"]
    columns = left("policy", "information") + right(*(f"lambda {lam:g}" for lam in lambdas))
    rows = ((str(n), row["information"], *(usd(row[lam]) for lam in lambdas)) for n, row in sweep.iterrows())
    return plain_table("total $ by lambda", columns, "", rows)


def episode_table(episode: Episode) -> Table:
    """Return one line per round of an episode."""
    frame = episode.frame().reset_index()
    rows = (
        [usd(v) if str(k).endswith("_usd") else f"{v:,}" for k, v in row.items()]
        for row in frame.to_dict("records")
    )
    return plain_table(episode.name, right(*map(str, frame.columns)), episode.source, rows)

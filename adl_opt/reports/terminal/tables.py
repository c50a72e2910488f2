"""Terminal tables (rich): money aligned, information class coloured and in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from adl_opt.errors import printable
from adl_opt.evaluate.published import Headlines, Published, headlines
from adl_opt.evaluate.record import PolicySummary, proven_coverage, settles_within
from adl_opt.evaluate.result import Result
from adl_opt.policy.lineup import in_blocks
from adl_opt.reports.text import decimals, usd
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.evaluate.optimum import Optimum

STYLE = {
    Information.OBSERVED: "yellow",
    Information.EX_POST: "magenta",
    Information.WITHIN_ROUND: "blue",
    Information.WHOLE_ROUND_FLOW: "cyan",
    Information.START_OF_ROUND: "green",
}


def plain_table(
    title: str, headers: Sequence[str], rows: Iterable[Iterable[Any]] = (), caption: str = ""
) -> Table:
    """Return a table; the columns whose header begins with ``>`` are aligned right."""
    title, caption = ("\n".join(map(printable, text.split("\n"))) for text in (title, caption))
    table = Table(title=title, caption=caption or None, box=box.SIMPLE_HEAD, title_justify="left")
    table.caption_justify = "left"
    for header in headers:
        right = header.startswith(">")
        name, side = header.removeprefix(">"), "right" if right else "left"
        table.add_column(name, justify=side, no_wrap=right, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    return table


def informative(said: bool | None) -> str:
    """Return yes, no, or nothing where there is no bound."""
    return {None: "", True: "yes", False: "no"}[said]


OPTIONAL = (
    *("hedges broken", "p99 burden", "touched", "inv. %", "max burden", "proven %", "haircut $", "% env."),
    *("worst shortfall $", "fairness $", "tracking $", "covered $"),
)
"""Columns that a narrow terminal does without, in this order."""


def result_table(result: Result, left_out: int = 0) -> Table:
    """Return the policy table of a result, the first so many of :data:`OPTIONAL` left out."""
    rounds = len({r.round for r in result.records})
    title = (
        f"{result.episode}: {rounds} rounds, path length {result.path_length:.4f}, "
        f"envelope ${result.envelope_usd:,.0f} (trivial bound ${result.trivial_usd:,.0f}, "
        f"informative: {informative(result.envelope_usd < result.trivial_usd)}); "
        f"loss: {result.loss}; space: {result.space}"
        f"{f'; price: {result.price}' if result.space == CONTRACTS else ''}"
    )
    best = 100 * proven_coverage(rounds, rounds)
    notes = [
        result.source,
        "covered: rounds with H >= B, of all; covered $: share of B paid; proven %: the coverage that so "
        f"many rounds prove at 95 % confidence ({rounds} of {rounds} prove {best:.1f} %)",
        *result.notes,
    ]
    if left_out:
        missing = ", ".join(OPTIONAL[:left_out])
        notes.append(f"this terminal is too narrow for: {missing} (--format csv has all)")
    figures: dict[str, Callable[[PolicySummary], str]] = {
        "haircut $": lambda p: usd(p.haircut_usd),
        "tracking $": lambda p: usd(p.tracking_usd),
        "fairness $": lambda p: usd(p.fairness_usd),
        "total $": lambda p: usd(p.total_usd),
        "% env.": lambda p: decimals(100 * p.envelope_share, 2),
        "covered": lambda p: f"{p.covered_rounds}/{rounds}",
        "covered $": lambda p: decimals(100 * p.covered_usd_share, 2) + " %",
        "worst shortfall $": lambda p: usd(p.worst_shortfall_usd),
        "proven %": lambda p: decimals(100 * p.coverage_proven_95, 1),
        "max burden": lambda p: decimals(p.max_burden, 6),
        "inv. %": lambda p: decimals(100 * p.inversions, 2),
        "touched": lambda p: decimals(p.accounts_touched, 0),
    }
    if settles_within(result.policies):
        figures |= {
            "balance $": lambda p: usd(p.balance_usd),
            "lowest balance $": lambda p: usd(p.lowest_balance_usd),
        }
    if result.space == CONTRACTS:
        figures |= {
            "p99 burden": lambda p: decimals(p.p99_burden, 4),
            "residual $": lambda p: usd(p.residual_usd),
            "future shortfall $": lambda p: usd(p.future_shortfall_usd),
            "hedges broken": lambda p: decimals(p.hedges_broken, 0),
        }
    shown = [h for h in figures if h not in OPTIONAL[:left_out]]
    table = plain_table(title, ["policy", "information", *(f">{h}" for h in shown)], caption="\n".join(notes))
    for rows in in_blocks(result.policies):
        for p in rows:
            named = (printable(p.policy), _information(p.information.value))
            table.add_row(*named, *(figures[h](p) for h in shown), end_section=p is rows[-1])
    for column in table.columns:
        column.no_wrap = True
    return table


def fitted(result: Result, console: Console) -> Table:
    """Return the policy table with as many columns as the console has room for."""
    for left_out in range(len(OPTIONAL) + 1):
        table = result_table(result, left_out)
        beyond = _room(table, console).maximum - console.width
        if beyond <= 0:
            return table
    names = table.columns[0]  # they give way, amounts stay whole
    names.no_wrap, names.overflow = False, "fold"
    names.max_width = max(max(len(p.policy) for p in result.policies) - beyond, 12)
    return table


def _room(table: Table, console: Console) -> Measurement:
    """Return how wide a table may and must be; its title and caption fold."""
    said = table.title, table.caption
    table.title = table.caption = None
    room = console.measure(table, options=console.options.update(width=10_000))
    table.title, table.caption = said
    return room


def whole(table: Table, console: Console) -> Table:
    r"""Return a table that shows every figure whole: one line a cell where the columns have no room.

    Examples
    --------
    >>> from rich.console import Console
    >>> row = "pro-rata", "64,859,522.21", "15,079,669.61"
    >>> table = plain_table("round", ["policy", ">total $", ">needed $"], [row])
    >>> narrow = Console(width=30)
    >>> print(*(line.rstrip() for line in _printed(whole(table, narrow), narrow)), sep="\n")
    round
    policy    pro-rata
    total $   64,859,522.21
    needed $  15,079,669.61
    """
    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    if _room(table, console).minimum <= console.width:
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
        ("trivial bound: no severity up to D loses more", h.trivial_usd),
        ("envelope, the recurring loss counted once", h.envelope_counted_once_usd),
        ("trivial bound, the recurring loss counted once", h.trivial_counted_once_usd),
    )
    rows = ((label, usd(value)) for label, value in figures)
    return plain_table("headlines (published figures, recomputed)", ["figure", ">$"], rows)


REGRET = (
    "gap to optimum: the loss less the proven least loss of any policy of its domain, never below 0\n"
    "regret to a class: may be negative, for a policy need not be of that class (a severity class takes a "
    "share of D); of tracking alone, but that to the library\n"
    "x m*: the largest burden over the min-max over whole lots at B, worst round; below 1 where less than B "
    "was taken, or parts of lots"
)


def optimum_tables(optimum: Optimum) -> list[Table]:
    """Return the least losses and the classes, and how far each policy is from them."""
    title = f"{optimum.result.episode}: what was possible (ex post); loss: {optimum.result.loss}"
    caption = (
        "optimum: no policy of that domain has a smaller loss than the proven bound\n"
        "severity, haircuts: the best of a class by tracking alone; library: the best policy below"
    )
    headers = ["benchmark", "class", ">objective $", ">proven bound $", ">gap $", ">path", ">max burden"]
    rows = (
        (
            *(b.name, b.kind, usd(b.objective_usd), usd(b.bound_usd), usd(b.gap_usd)),
            *(decimals(b.path), decimals(b.max_burden, 6)),
        )
        for b in optimum.benchmarks
    )
    first = plain_table(title, headers, rows, caption)
    frame = optimum.frame()
    money = ["total_usd", "gap_to_optimum_usd"]
    paths = [b.name for b in optimum.benchmarks if b.name.startswith("best-path")][-1:]
    money += [f"regret_to_{name}_usd" for name in ("best-fixed", *paths, "best-of-library")]
    money = [name for name in money if name in frame]
    headers = ["policy", "information", "domain"]
    headers += [*(f">{c.removesuffix('_usd').replace('_', ' ')} $" for c in money)]
    headers += [">covered", ">covered $", ">worst shortfall $", ">proven %", ">max burden", ">x m*"]
    against = (
        (
            str(name),
            _information(row["information"]),
            str(row["domain"]),
            *(usd(row[c]) for c in money),
            str(row["covered_rounds"]),
            decimals(100 * row["covered_usd_share"], 2) + " %",
            usd(row["worst_shortfall_usd"]),
            decimals(100 * row["coverage_proven_95"], 1),
            decimals(row["max_burden"], 6),
            decimals(row["burden_over_optimum"], 2),
        )
        for name, row in frame.iterrows()
    )
    notes = "\n".join([REGRET, optimum.result.source, *optimum.result.notes])
    second = plain_table("policies against them", headers, against, notes)
    more = [_structure_table(optimum)] if optimum.structure else []
    return [first, second, *more, *([_selection_table(optimum)] if optimum.selection else [])]


def _structure_table(optimum: Optimum) -> Table:
    headers = ["domain", ">pool $", ">contracts $", ">price $", ">pool burden", ">contracts burden", ">price"]
    rows = (
        (
            row["domain"],
            *(usd(row[name]) for name in ("pool_usd", "contracts_usd", "price_usd")),
            *(decimals(row[name], 6) for name in ("pool_burden", "contracts_burden", "price_burden")),
        )
        for row in optimum.structure_totals()
    )
    caption = (
        "least loss, summed over rounds; least largest burden where all is closed that can be, worst round\n"
        "the pool has the same capacities, bounds, lots, m* and residual, but clears no market by itself"
    )
    return plain_table("price of the market structure (ex post)", headers, rows, caption)


def _selection_table(optimum: Optimum) -> Table:
    frame = optimum.selection_frame()
    return plain_table(
        "least largest burden when at most so many accounts may pay (whole lots, proven)",
        [">round", *(f">{count:,} accounts" for count in frame.columns)],
        ((str(name), *(decimals(v, 6) for v in row)) for name, row in frame.iterrows()),
        "ex post: each round at its needed budget B",
    )


def _information(word: str) -> Text:
    return Text(word, style=STYLE[Information(word)])


def published_tables(result: Published, console: Console) -> list[Table]:
    """Return the published table, its headlines, and the totals by lambda."""
    return [fitted(result, console), headlines_table(headlines()), sweep_table(result.by_lambda)]


def sweep_table(sweep: pd.DataFrame) -> Table:
    """Return totals by lambda, as :meth:`adl_opt.evaluate.result.Result.lambda_sweep` gives them."""
    lambdas = [c for c in sweep.columns if c != "information"]
    rows = (
        (str(name), row["information"], *(usd(row[lam]) for lam in lambdas)) for name, row in sweep.iterrows()
    )
    headers = ["policy", "information", *(f">lambda {lam:g}" for lam in lambdas)]
    return plain_table("total $ by lambda", headers, rows)


def episode_table(episode: Episode) -> Table:
    """Return one line per round of an episode."""
    frame = episode.frame().reset_index()
    rows = (
        (usd(v) if str(k).endswith("_usd") else f"{v:,}" for k, v in row.items())
        for row in frame.to_dict("records")
    )
    title = f"{episode.name}; space: {episode.space}"
    return plain_table(title, [f">{c}" for c in frame.columns], rows, episode.source)

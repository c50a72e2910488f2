"""The table of every answer: which one belongs to which type."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Any

from rich.console import Console
from rich.table import Table

from adl_opt.answer import Answer
from adl_opt.errors import printable, terminal_of
from adl_opt.reports.terminal.console import PlainConsole
from adl_opt.reports.terminal.tables import plain_table, whole
from adl_opt.tabular import MOST_ROWS

TABLES = {
    "Episode": "tables.episode_table",
    "Feedback": "sweep.feedback_tables",
    "Health": "catalogue.health_table",
    "Listing": "catalogue.listing_table",
    "NextInLine": "solved.next_table",
    "Optimum": "tables.optimum_tables",
    "Published": "tables.published_tables",
    "Recommendation": "recommended.recommendation_tables",
    "Result": "markets.result_tables",
    "Simulated": "sweep.simulated_table",
    "Solved": "solved.solved_table",
    "SolvedEpisode": "solved.solved_episode_table",
    "Study": "study.study_tables",
    "Sweep": "sweep.sweep_tables",
    "Theory": "theory.theory_tables",
}
"""Module and function of this room that make the table of a type; only the one that is shown is loaded."""

FITTED = ("Published", "Result")
"""Types whose table has as many columns as the console has room for."""


PIPE_WIDTH = 240
"""A file or a pipe has no width: every column stays whole."""


def print_tables(answer: Any) -> None:
    """Print the table of an answer, in colours on a terminal; an answer without one prints its text."""
    print_on(answer, _console())


def as_text(answer: Answer) -> str:
    """Return the table of an answer as text, as wide as the terminal; its frame where it has no table."""
    console = _console(file=io.StringIO(), color_system=None, force_jupyter=False)  # text there too
    print_on(answer, console)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def _console(**more: Any) -> Console:
    width = None if terminal_of(sys.stdout).isatty() else PIPE_WIDTH
    return PlainConsole(width=width, **more)


def print_on(answer: Any, console: Console) -> None:
    """Print an answer on a console: its tables, its rows, or its text."""
    made = rich_tables_of(answer, console)
    if not made and isinstance(answer, Answer) and type(answer).__str__ is Answer.__str__:
        made = [rows_table(answer)]
    for table in made:
        console.print(whole(table, console))
    if not made:  # words fold between words on a terminal, and stay as they are in a file
        console.print(str(answer), soft_wrap=console.width >= PIPE_WIDTH)


def rows_table(answer: Answer) -> Table:
    """Return the rows of an answer without a table of its own, as every other format writes them."""
    heads, rows, texts = answer.cells(answer.frame())
    headers = [head if text else f">{head}" for head, text in zip(heads, texts, strict=True)]
    left = len(rows) - MOST_ROWS
    more = f"and {left:,} more (--format csv)" if left > 0 else ""
    shown = ([printable(cell) for cell in row] for row in rows[:MOST_ROWS])
    return plain_table("", headers, shown, more)


def rich_tables_of(answer: Answer | Any, console: Console) -> list[Table]:
    """Return the tables of an answer; none where its type has no table."""
    known = [kind.__name__ for kind in type(answer).__mro__ if kind.__name__ in TABLES]
    if not known:
        return []
    module, _, name = TABLES[known[0]].partition(".")
    make = getattr(import_module(f"adl_opt.reports.terminal.{module}"), name)
    made = make(answer, console) if known[0] in FITTED else make(answer)
    return made if isinstance(made, list) else [made]

"""The one progress bar: on a terminal and in a notebook, of a call that takes long; nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from importlib import import_module
from time import monotonic
from typing import Any

from adl_opt.errors import terminal_of

Advance = Callable[[int, int], None]
SECONDS = 2.0
"""So long a call is silent."""


@contextmanager
def bar(what: str) -> Iterator[Advance]:
    """Give a function of (done, total) that draws a bar on stderr once :data:`SECONDS` have passed.

    The bar is gone at the end.  Where stderr is no terminal and there is no notebook, nothing is drawn.
    """
    due = monotonic() + SECONDS
    drawn: list[Advance] = []
    with ExitStack() as stack:

        def advance(done: int, total: int) -> None:
            if not drawn and monotonic() >= due:
                drawn.append(stack.enter_context(_drawing(what)))
            for draw in drawn:
                draw(done, total)

        yield advance


@contextmanager
def _drawing(what: str) -> Iterator[Advance]:
    if terminal_of(sys.stderr).isatty():
        from rich.progress import Progress

        from adl_opt.reports.terminal.console import PlainConsole

        out = terminal_of(sys.stdout).isatty()  # what is piped must not end on the terminal
        with Progress(console=PlainConsole(stderr=True), transient=True, redirect_stdout=out) as lines:
            task = lines.add_task(what, total=None)
            yield lambda done, total: lines.update(task, completed=done, total=total)
    elif (display := _notebook()) is not None:  # rich draws there only with ipywidgets, and warns without
        cell = display({"text/plain": ""}, raw=True, display_id=True)
        try:
            yield lambda done, total: cell.update(_as_html(what, done, total), raw=True)
        finally:
            cell.update({"text/plain": ""}, raw=True)
    else:
        yield lambda done, total: None


def _notebook() -> Callable[..., Any] | None:
    """Return what displays in the notebook that this process is the kernel of."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if type(shell).__name__ != "ZMQInteractiveShell":
        return None
    display: Callable[..., Any] = import_module("IPython.display").display
    return display


def _as_html(what: str, done: int, total: int) -> dict[str, str]:
    text = f"{what}: {done:,} of {total:,}"
    return {
        "text/plain": text,
        "text/html": f"<progress value='{done}' max='{total}'></progress> {escape(text)}",
    }

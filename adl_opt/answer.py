"""What the functions of ``adl_opt`` give back: a pandas frame, plain values for JSON, and a text to print.

On the way there, those that take long show how far they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from adl_opt.tabular import FEW, Tabular

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""Version of the layout of every JSON that this package writes, under the key ``schema``."""

Progress = bool | Callable[[int, int], None] | None
"""How a call shows how far it is: True is a bar, a function is called with (steps done, all)."""
_SHOWN = ContextVar("shown", default=False)


@contextmanager
def showing(what: str, progress: Progress) -> Iterator[Callable[[int, int], None]]:
    """Give a function of (steps done, all) that shows how far a call is; calls within it stay silent.

    A bar is there on a terminal and in a notebook, once the call has taken two seconds.

    Examples
    --------
    >>> with showing("rounds", lambda done, total: print(done, "of", total)) as advance:
    ...     advance(1, 2)
    1 of 2
    """
    outer = _SHOWN.get()
    before = _SHOWN.set(True)
    try:
        if callable(progress):
            yield progress
        elif progress and not outer:
            terminal = import_module("adl_opt.reports.terminal.progress")  # by name: it stands above
            with terminal.bar(what) as advance:
                yield advance
        else:
            yield lambda done, total: None
    finally:
        _SHOWN.reset(before)


def indexed(rows: Iterable[Any], index: str) -> pd.DataFrame:
    """Return rows (dicts or dataclasses) as a frame whose index is one of their columns.

    Examples
    --------
    >>> indexed([{"policy": "pro-rata", "total_usd": 2.0}], "policy")["total_usd"].to_dict()
    {'pro-rata': 2.0}
    >>> len(indexed([], "policy"))
    0
    """
    import pandas as pd

    made = list(rows)
    return pd.DataFrame(made, columns=None if made else [index]).set_index(index)


class Answer(Tabular):
    """The answer of a function: :meth:`frame`, :meth:`to_json`, and ``print``.

    The command line prints the same answer as a table, as JSON, CSV, LaTeX or Markdown, and ``print`` that
    table.
    """

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON, with the version of their layout as ``schema``."""
        raise NotImplementedError

    def __str__(self) -> str:
        text: str = import_module("adl_opt.reports.terminal.show").as_text(self)  # by name: it stands above
        return text


@dataclass(frozen=True)
class OneRow(Answer):
    """An answer whose fields are plain values, so that it is one row."""

    def frame(self) -> pd.DataFrame:
        """Return one row."""
        import pandas as pd

        return pd.DataFrame([asdict(self)])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(frozen=True, eq=False, repr=False)
class Listing(Answer):
    """Rows of plain values: policies, learners, models.

    Parameters
    ----------
    what : str
        Their name, the key in the JSON.
    index : str
        The entry of a row that names it.
    rows : sequence of dict

    Examples
    --------
    >>> rows = Listing("models", "name", [{"name": "leximin", "kind": "procedure"}])
    >>> rows.to_json()
    {'schema': 1, 'models': [{'name': 'leximin', 'kind': 'procedure'}]}
    >>> [row["name"] for row in rows]
    ['leximin']
    """

    what: str
    index: str
    rows: Sequence[dict[str, Any]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        names = [str(row[self.index]) for row in self]
        more = f", and {len(names) - FEW} more" if len(names) > FEW else ""
        return f"{len(names)} {self.what}: {', '.join(names[:FEW])}{more}"

    def frame(self) -> pd.DataFrame:
        """Return the rows, indexed by name."""
        return indexed(self.rows, self.index)

    def to_json(self) -> dict[str, Any]:
        """Return the rows as plain values."""
        return {"schema": SCHEMA, self.what: list(self.rows)}

"""What the functions of ``adl_opt`` give back: a pandas frame, plain values for JSON, and a text to print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from adl_opt.tabular import FEW, Tabular

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
"""Version of the layout of every JSON that this package writes, under the key ``schema``."""


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

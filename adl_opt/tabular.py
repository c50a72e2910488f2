"""Frames as people take them along: LaTeX, Markdown, CSV, Parquet, and HTML for notebooks.

Whatever is in a text stays text.  LaTeX and HTML are escaped; a cell of a CSV never becomes a formula.
"""

from __future__ import annotations

import html
import io
import math
import numbers
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from adl_opt.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 40
"""Rows of a table in a notebook, at most; of accounts those with the largest capacity."""
LONGEST = 240
"""Letters of what an object says of itself: two lines at most."""
FEW = 8
"""Up to so many values of a list are named in it."""
CAPACITY = "capacity_usd"

_ACTIVE = ("=", "+", "-", "@", "\t", "\r")

# Brackets and stars would be options of the line break before them; quotes would join.
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': r"{\char34}",
    "`": r"{\char96}",
    "'": r"{\char39}",
    "[": "{[}",
    "*": "{*}",
} | {c: f"\\{c}" for c in "&%$#_{}"}
FIGURES = "font-variant-numeric:tabular-nums"
RULES = (r"\toprule", r"\midrule", r"\bottomrule")


class Noun:
    """What says itself in two lines at most, and shows its parts as a table in a notebook."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "__repr__" not in vars(cls):  # a dataclass would write one that shows every value
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={brief(value)}" for name, value in self._parts())
        return _cut(f"{type(self).__name__}({said})", LONGEST)

    def _parts(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each part."""
        shown = [f.name for f in fields(self) if f.repr] if is_dataclass(self) else list(vars(self))
        return ((name, getattr(self, name)) for name in shown if not name.startswith("_"))

    def _repr_html_(self) -> str:
        parts = list(self._parts())[:MOST_ROWS]
        rows = [[name.replace("_", " "), figure(v) if _is_number(v) else brief(v)] for name, v in parts]
        return _html_table([type(self).__name__, ""], rows, [[True, not _is_number(v)] for _, v in parts])


class Tabular(Noun):
    """What has a :meth:`frame`, and so a table for papers, pages, spreadsheets and notebooks."""

    chosen: ClassVar[tuple[str, ...]] = ()
    """Columns of the frame that a table for people has unless others are asked for; all where empty."""

    def frame(self) -> pd.DataFrame:
        """Return the rows."""
        raise NotImplementedError

    def to_latex(
        self, columns: Sequence[str] | None = None, caption: str = "", *, label: str = "", wide: bool = False
    ) -> str:
        r"""Return a LaTeX table with the rules of booktabs, or plain ones where that is not loaded.

        It needs no package and no editing.  It is centred on the line, also where it is wider.

        Parameters
        ----------
        columns : sequence of str, optional
            Columns of :meth:`frame`, in this order; :attr:`chosen` by default.
        caption : str
            Text; it is escaped.
        label : str
            For ``\ref`` in the text, such as ``tab:policies``.
        wide : bool
            Whether the table stands across both columns of an article, as ``table*``.

        Raises
        ------
        UsageError
            A column is not one of the frame, or a label has other than letters, digits and ``:.-_``.
        """
        if not re.fullmatch(r"[A-Za-z0-9:._-]*", label):
            raise UsageError("LaTeX does not take this label", got=label, ways_out=["such as tab:policies"])
        heads, rows, texts = self.cells(self.frame(), columns)
        place = "table*" if wide else "table"
        alike = [rf"\providecommand{{{rule}}}{{\hline}}" for rule in RULES]
        kinds = "".join("l" if text else "r" for text in texts)
        body = [" & ".join(map(escaped, row)) + r" \\" for row in (heads, *rows)]
        return "\n".join(
            [
                *(rf"\begin{{{place}}}[htbp]", r"\centering", r"\scriptsize", *alike),
                rf"\makebox[\linewidth][c]{{\begin{{tabular}}{{{kinds}}}",
                *(RULES[0], body[0], RULES[1], *body[1:], RULES[2], r"\end{tabular}}"),
                *([rf"\caption{{{escaped(caption)}}}"] if caption else []),
                *([rf"\label{{{label}}}"] if label else []),
                *(rf"\end{{{place}}}", ""),
            ]
        )

    def to_markdown(self, columns: Sequence[str] | None = None) -> str:
        """Return a table of Markdown; for the columns see :meth:`to_latex`."""
        heads, rows, texts = self.cells(self.frame(), columns)
        return markdown_table(heads, rows, texts)

    def to_csv(self, columns: Sequence[str] | None = None) -> str:
        """Return CSV: all digits, text made safe for spreadsheets; all columns by default."""
        frame = picked(self.frame(), columns)
        return to_csv(frame, index=frame.index.name is not None)

    def to_parquet(self, columns: Sequence[str] | None = None) -> bytes:
        """Return the bytes of a Parquet file; all columns by default."""
        frame, into = picked(self.frame(), columns), io.BytesIO()
        mixed = [c for c in frame.columns if frame[c].dtype == object]
        frame.astype(dict.fromkeys(mixed, "string")).to_parquet(into)
        return into.getvalue()

    def _repr_html_(self) -> str:
        frame = self.frame()
        frame = frame.sort_values(CAPACITY, ascending=False) if CAPACITY in frame else frame
        heads, rows, texts = self.cells(frame.head(MOST_ROWS))
        more = f"<p>{len(frame) - MOST_ROWS:,} more rows in frame()</p>" if len(frame) > MOST_ROWS else ""
        return _html_table(heads, rows, [texts] * len(rows)) + more

    def cells(
        self, frame: pd.DataFrame, columns: Sequence[str] | None = None
    ) -> tuple[list[str], list[list[str]], list[bool]]:
        """Return headings, rows of text, and which columns are text, as every table for people has them."""
        known = [c for c in self.chosen if c in frame.columns or c == frame.index.name]
        frame = picked(frame, known if columns is None and known else columns)
        frame = frame.reset_index() if frame.index.name is not None else frame
        rows = [
            [cell_text(str(c), v) for c, v in zip(frame.columns, row, strict=True)]
            for row in frame.itertuples(index=False, name=None)
        ]
        texts = [not all(isinstance(v, numbers.Real) or v is None for v in frame[c]) for c in frame.columns]
        return [heading(str(c)) for c in frame.columns], rows, texts


def _html_table(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[Sequence[bool]]) -> str:
    """Return a table of HTML: texts to the left, numbers to the right, every cell escaped."""

    def line(tag: str, cells: Sequence[str], texts: Sequence[bool]) -> str:
        made = (
            f"<{tag} style='{FIGURES};text-align:{'left' if text else 'right'}'>{html.escape(cell)}</{tag}>"
            for cell, text in zip(cells, texts, strict=True)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(line("td", row, kinds) for row, kinds in zip(rows, texts, strict=True))
    first = texts[0] if texts else [True] * len(heads)
    return f"<table><thead>{line('th', heads, first)}</thead><tbody>{body}</tbody></table>"


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: Iterable[bool]) -> str:
    r"""Return a table of Markdown: texts to the left, numbers to the right.

    Examples
    --------
    >>> print(markdown_table(["rule", "USD"], [["a|b", "1.00"]], [True, False]), end="")
    | rule | USD |
    | --- | ---: |
    | a\|b | 1.00 |
    """
    lines = [heads, ["---" if text else "---:" for text in texts], *rows]
    safe = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in safe)


def picked(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """Return the columns that are asked for, in their order; the index always stays.

    Raises
    ------
    UsageError
        A column is not one of the frame.
    """
    if columns is None:
        return frame
    wanted = [c for c in columns if c != frame.index.name]
    if unknown := [c for c in wanted if c not in frame.columns]:
        raise UsageError(
            "no such column",
            got=", ".join(unknown),
            ways_out=[f"known: {', '.join(map(str, frame.columns))}"],
        )
    return frame[wanted]


def heading(column: str) -> str:
    """Return the name of a column for people.

    Examples
    --------
    >>> heading("total_usd"), heading("covered_usd_share")
    ('total, USD', 'covered share')
    """
    unit = ", USD" if column.endswith("_usd") else ""
    return column.replace("_usd", "").replace("_", " ") + unit


def cell_text(column: str, value: Any) -> str:
    """Return a cell for people: money to the cent, counts whole, a dash where it is not known.

    Examples
    --------
    >>> [cell_text("total_usd", v) for v in (1234.5, None)], cell_text("rounds", 16), cell_text("share", 0.25)
    (['1,234.50', '-'], '16', '0.2500')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return f"{value:,}"
    if isinstance(value, numbers.Real):
        return f"{float(value):,.{2 if column.endswith('_usd') else 4}f}"
    return " ".join(str(value).split())


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def figure(value: float) -> str:
    """Return a number for people, of whatever size: an exponent only where it is next to nothing.

    Examples
    --------
    >>> [figure(v) for v in (45_028_665.25, 16, 0.25, 3e-12, float("nan"))]
    ['45,028,665.25', '16', '0.2500', '3.0e-12', '-']
    """
    if isinstance(value, numbers.Integral) or not math.isfinite(value):
        return "-" if value != value else f"{value:,}"
    if 0 < abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:,.4f}"


def brief(value: Any) -> str:
    """Return a value in a few words: a long list or a frame says how long it is.

    Examples
    --------
    >>> brief(0.5), brief("pro-rata"), brief(range(1000)), brief([1, 2])
    ('0.5', "'pro-rata'", 'range of 1,000', '[1, 2]')
    """
    listed = isinstance(value, Collection) and not isinstance(value, (str, Noun))
    if listed and getattr(value, "shape", True) != () and len(value) > FEW:
        return f"{type(value).__name__} of {len(value):,}"
    return _cut(repr(value), LONGEST // 3)


def _cut(text: str, most: int) -> str:
    words = " ".join(text.split())
    return words if len(words) <= most else f"{words[: most - 3]}..."


def escaped(text: str) -> str:
    r"""Return text that LaTeX prints as it stands, whatever is in it.

    What is not ASCII is spelled out, for not every document has a font for it.

    Examples
    --------
    >>> print(escaped("50% of a_b & {c}"), escaped("λ"))
    50\% of a\_b \& \{c\} \textbackslash{}u03bb
    """
    plain = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)
    return re.sub("-(?=-)", "-{}", "".join(SPECIAL.get(c, c) for c in plain))  # two would join


def safe_cell(text: str) -> str:
    """Return text that a spreadsheet takes as text (account ids may be chosen by an attacker; CWE-1236).

    Examples
    --------
    >>> safe_cell("=HYPERLINK(1)"), safe_cell("0xab")
    ("'=HYPERLINK(1)", '0xab')
    """
    return f"'{text}" if text.startswith(_ACTIVE) and text != "-" else text


def to_csv(frame: pd.DataFrame, *, index: bool = True) -> str:
    """Return a frame as CSV with every text cell made safe; numbers keep all their digits."""
    frame = frame.reset_index() if index else frame
    frame = frame.map(lambda v: safe_cell(v) if isinstance(v, str) else v)
    return str(frame.to_csv(index=False, lineterminator="\n"))

"""Show what the Python of a page prints and draws: the blocks run when the page is read, top to bottom."""

from __future__ import annotations

import ast
import base64
import contextlib
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from sphinx.application import Sphinx
from sphinx_gallery.scrapers import figure_rst

import adl_opt

BLOCK = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
LONGEST = 30
"""Lines of an output that are shown."""
KEPT = Path(__file__).parent / "_build" / "shown"
"""Outputs by the hash of a page's code and of the package, so that only what changed runs again."""


def halves(block: str, page: str) -> tuple[CodeType, CodeType | None]:
    """Return a block compiled, and apart its last line where that is an expression, as a notebook does."""
    tree = ast.parse(block)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    end = None if last is None else compile(ast.Expression(last.value), page, "eval", dont_inherit=True)
    return compile(tree, page, "exec", dont_inherit=True), end


def run(blocks: list[str], page: str) -> Iterator[dict[str, str]]:
    """Yield what each block prints and, where its last line is a figure, the figure as PNG in base64."""
    space: dict[str, Any] = {"__name__": "page"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block in blocks:
            body, end = halves(block, page)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(body, space)  # noqa: S102
                value = eval(end, space) if end else None  # noqa: S307
            png = value._repr_png_() if hasattr(value, "_repr_png_") else b""
            yield {"text": out.getvalue(), "png": base64.b64encode(png).decode()}


def cut(text: str) -> str:
    r"""Return an output without the blank lines around it and the spaces at line ends, cut where it is long.

    Examples
    --------
    >>> print(cut("one   \ntwo\n\n"))
    one
    two
    """
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    more = len(lines) - LONGEST
    return "\n".join([*lines[:LONGEST], f"... {more} more lines"] if more > 0 else lines)


def outputs(blocks: list[str], page: str) -> list[dict[str, str]]:
    """Return the outputs of a page's blocks, from the last build where code and package are the same."""
    code = hashlib.sha256("\0".join(blocks).encode())
    for file in sorted(Path(adl_opt.__file__).parent.rglob("*")):
        if file.suffix in {".py", ".toml", ".csv", ".json"}:
            code.update(file.read_bytes())
    kept = KEPT / f"{code.hexdigest()[:20]}.json"
    if not kept.exists():
        made = list(run(blocks, page))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(made), encoding="utf-8")
    found: list[dict[str, str]] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def with_outputs(text: str, page: str) -> str:
    """Return the Markdown of a page with the output below each block of Python."""
    blocks = BLOCK.findall(text)
    if not blocks:
        return text
    shown = iter(outputs(blocks, page))

    def below(block: re.Match[str]) -> str:
        out, added = next(shown), block[0]
        if out["text"].strip():
            added += f"\n```{{code-block}} text\n:class: output\n\n{cut(out['text'])}\n```\n"
        if out["png"]:
            name = hashlib.sha256(out["png"].encode()).hexdigest()[:20]
            KEPT.joinpath(f"{name}.png").write_bytes(base64.b64decode(out["png"]))
            added += f"\n![What the code above draws](/_build/shown/{name}.png)\n"
        return added

    return BLOCK.sub(below, text)


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the outputs into a page of Markdown as it is read."""
    if app.env.doc2path(page).suffix == ".md":
        source[0] = with_outputs(source[0], page)


def drawn(block: Any, variables: dict[str, Any], conf: dict[str, Any]) -> str:
    """Scrape the figure that a cell of an example ends with: it is none of pyplot's."""
    figure = variables["example_globals"].get("___")  # the last expression, by the gallery
    if not hasattr(figure, "_repr_png_"):
        return ""
    path = next(variables["image_path_iterator"])
    Path(path).write_bytes(figure._repr_png_())
    return str(figure_rst([path], conf["src_dir"]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.connect("source-read", read)
    app.add_css_file("shown.css")
    return {"parallel_read_safe": True}

"""Pages that are made from the code: components, commands, models, venues."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from adl_opt.allocation.specifications import venue_card, venues
from adl_opt.catalogue import load_model, model_names
from adl_opt.policy.components import COLUMNS, components
from adl_opt.tabular import markdown_table


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table of Markdown."""
    plain = [[cell.replace("\n", " ") for cell in row] for row in rows]
    return markdown_table(heads, plain, [True] * len(heads))


def components_page() -> str:
    """Return the learners of the registry, one table for each part."""
    names = [c for c in COLUMNS if c != "part"]
    page = "# Components\n\nThe learners of the registry, as their classes declare themselves.\n"
    for part in ("severity", "allocation"):
        rows = [
            [f"`{row[c]}`" if c == "learner" else row[c] for c in names]
            for row in components()
            if row["part"] == part
        ]
        page += f"\n## Learners of {part}\n\n{table(names, rows)}"
    return page


def commands_page() -> str:
    """Return every command with its arguments, options and defaults, as typer writes them."""
    made = [sys.executable, "-m", "typer", "adl_opt.cli.app", "utils", "docs", "--name", "adl-opt"]
    text = subprocess.run(made, capture_output=True, text=True, check=True).stdout
    return html.unescape(text).replace("# `adl-opt`", "# Commands", 1)


def models_page() -> str:
    """Return the card of every model."""
    cards = [re.sub(r"^#", "##", load_model(name).card(), flags=re.MULTILINE) for name in model_names()]
    return "# Models\n\n`adl-opt models show NAME` prints one of these cards.\n\n" + "\n\n".join(cards) + "\n"


def venues_page() -> str:
    """Return the specification of every venue's rule."""
    page = "# Rules of venues\n\n`adl-opt venues show NAME` prints one of these.\n"
    for row in venues():
        card = venue_card(str(row["venue"]))
        page += f"\n## {row['venue']}\n\n{table(['what', 'says'], [[k, str(v)] for k, v in card.items()])}"
    return page


PAGES: dict[str, Callable[[], str]] = {
    "components": components_page,
    "commands": commands_page,
    "models": models_page,
    "venues": venues_page,
}


def write(folder: Path) -> None:
    """Write every page into a folder."""
    for name, made in PAGES.items():
        folder.joinpath(f"{name}.md").write_text(made(), encoding="utf-8")

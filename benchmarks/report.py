"""Terminal, JSON and Markdown from the same sections."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.answer import clean
from benchmarks.sections import Section


def to_json(facts: dict[str, Any], sections: list[Section], path: Path) -> dict[str, Any]:
    """Write everything measured; return what was written."""
    data = facts | {"sections": [asdict(section) for section in sections]}
    for section in data["sections"]:
        section["rows"] = [{name: clean(value) for name, value in row.items()} for row in section["rows"]]
    text = json.dumps(data, indent=1, default=clean, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def to_markdown(data: dict[str, Any], path: Path) -> None:
    """Write the tables of a results file."""
    about = "; ".join(f"{key} {value}" for key, value in data["machine"].items())
    packages = ", ".join(f"{key} {value}" for key, value in data["versions"].items())
    file, runs = data.get("file", "latest.json"), data.get("runs", "one run")
    command = "make bench" if file == "latest.json" else "python -m benchmarks --only ..."
    lines = [
        "# Benchmarks" + ("" if file == "latest.json" else f": {file.removesuffix('.json')}"),
        "",
        f"Written by `{command}` from `benchmarks/results/{file}`; do not edit.",
        f"All figures are from {runs} on one machine. Kernels, floor and whatever runs in numpy: one",
        "thread, least processor time of a few calls. Peers: one call, wall or processor time, whichever",
        "is less, so that other work on the machine never counts against them (wall time ends them).",
        "",
        f"Machine: {about}.",
        f"Versions: {packages}. Mode: {data['mode']}, {data['date']}, {data['minutes']:.1f} minutes.",
        "",
    ]
    targets = [target for section in data["sections"] for target in section["targets"]]
    if targets:
        rows = [[claim, measured, "yes" if holds else "**no**"] for claim, measured, holds in targets]
        lines += ["## Targets", "", *_table(["target", "measured", "holds"], rows), ""]
    for section in data["sections"]:
        body = [[shown(row.get(name)) for name in section["columns"]] for row in section["rows"]]
        lines += [f"## {section['title']}", "", section["text"], "", *_table(section["columns"], body), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def to_terminal(section: Section) -> None:
    """Print a section."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=section.title, caption=section.text, title_justify="left")
    for name in section.columns:
        table.add_column(name, overflow="fold")
    for row in section.rows:
        table.add_row(*(escape(shown(row.get(name))) for name in section.columns))
    console = Console()
    console.print(table)
    for claim, measured, holds in section.targets:
        console.print(
            f"{'[green]holds[/]' if holds else '[red]FAILS[/]'}  {claim}: {measured}", highlight=False
        )


def shown(value: Any) -> str:
    """Text of a cell."""
    value = clean(value)
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if value == 0:
        return "0"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.6f}"


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    """Markdown lines of a table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in [columns, *rows]]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return [lines[0], f"|{' --- |' * len(columns)}", *lines[1:]]

"""``adl-opt components``: the learners and what each declares."""

from __future__ import annotations

from adl_opt.cli.parts import Format, FormatOption, show


def components(fmt: FormatOption = Format.TABLE) -> None:
    """List the learners: domain, regulariser, step, theorem."""
    from adl_opt.reports.terminal.components import components as rows
    from adl_opt.reports.terminal.components import components_frame, components_table

    show(fmt, table=components_table, json=lambda: {"learners": rows()}, csv=components_frame)

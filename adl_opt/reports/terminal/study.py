"""Terminal tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from adl_opt.reports.terminal.tables import plain_table
from adl_opt.reports.text import decimals, usd
from adl_opt.studies.october10.blocks import notes_on

if TYPE_CHECKING:
    from adl_opt.studies.october10.blocks import StudyBlock
    from adl_opt.studies.october10.online import Study


def study_tables(study: Study) -> list[Table]:
    """Return one table per block, then decomposition, sensitivity and synthetic episodes."""
    synthetic = study.synthetic
    return [
        *(_block_table(block) for block in study.blocks),
        _decomposition_table(study),
        _sensitivity_table(study),
        _synthetic_table(synthetic, synthetic, "synthetic episodes"),
        _synthetic_table(synthetic["noisy_deficit"], synthetic, "synthetic episodes, noisy deficits"),
        _notes_table(study),
    ]


def _notes_table(study: Study) -> Table:
    table = plain_table("notes", [("what the figures show, and what they do not", "left")])
    for note in notes_on(study.blocks):
        table.add_row(note)
    return table


def _block_table(block: StudyBlock) -> Table:
    headers = (
        "tracking $",
        "fairness $",
        "total $",
        "% env.",
        "dynamic regret $",
        "static regret $",
        "bound $",
    )
    columns = [("policy", "left"), *((h, "right") for h in headers), ("on", "left")]
    table = plain_table(f"severity: {block.information}; hints: {block.hint}", columns, block.result.source)
    for row in block.rows:
        table.add_row(
            row.policy,
            *(usd(v) for v in (row.tracking_usd, row.fairness_usd, row.total_usd)),
            decimals(100 * row.envelope_share, 2),
            *(usd(v) for v in (row.dynamic_regret_usd, row.static_regret_usd, row.bound_usd)),
            row.bound_kind,
        )
    return table


def _decomposition_table(study: Study) -> Table:
    headers = ("tracking $", "control $", "estimation $", "V_T $", "V_T of the hint $")
    table = plain_table(
        "eq. 22: tracking <= control + estimation error",
        [("policy", "left"), ("hints", "left"), *((h, "right") for h in headers)],
    )
    for name, row in study.decomposition().iterrows():
        table.add_row(str(name), row["hint"], *(usd(v) for v in row.tolist()[1:]))
    return table


def _sensitivity_table(study: Study) -> Table:
    columns = [("policy", "left"), ("hints", "left"), ("default", "left")]
    headers = ("tracking $, default / 2", "tracking $, default x 2")
    table = plain_table("sensitivity to every default", columns + [(h, "right") for h in headers])
    frame = study.sensitivity().reset_index()
    for key, rows in frame.groupby(["policy", "hint", "parameter"], sort=False):
        table.add_row(*(str(k) for k in key), *(usd(v) for v in rows["tracking_usd"]))
    return table


def _synthetic_table(part: Mapping[str, Any], whole: Mapping[str, Any], title: str) -> Table:
    headers = ("mean tracking $", "95 % low", "95 % high", "x needed", "against baseline $", "low", "high")
    columns = [("policy", "left"), *((h, "right") for h in headers)]
    caption = f"{part['generator']}; baseline: {whole['baseline']} without hints, paired"
    table = plain_table(f"{title}: {whole['episodes']}", columns, caption)
    for row in part["policies"]:
        values = list(row.values())[1:]
        cells = [usd(v) if k != 3 else decimals(v) for k, v in enumerate(values)]
        table.add_row(row["policy"], *cells)
    return table

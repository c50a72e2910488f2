"""Terminal tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from adl_opt.reports.terminal.tables import left, plain_table, right
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
    notes = ([note] for note in notes_on(study.blocks))
    return plain_table("notes", left("what the figures show, and what they do not"), "", notes)


def _block_table(block: StudyBlock) -> Table:
    figures = right("tracking $", "fairness $", "total $", "% env.", "dynamic regret $", "static regret $")
    columns = left("policy") + figures + right("bound $") + left("on")
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
    figures = right("tracking $", "control $", "estimation $", "V_T $", "V_T of the hint $")
    rows = (
        (str(name), row["hint"], *(usd(v) for v in row.tolist()[1:]))
        for name, row in study.decomposition().iterrows()
    )
    title = "eq. 22: tracking <= control + estimation error"
    return plain_table(title, left("policy", "hints") + figures, "", rows)


def _sensitivity_table(study: Study) -> Table:
    columns = left("policy", "hints", "default") + right("tracking $, default / 2", "tracking $, default x 2")
    groups = study.sensitivity().reset_index().groupby(["policy", "hint", "parameter"], sort=False)
    rows = ((*map(str, key), *(usd(v) for v in part["tracking_usd"])) for key, part in groups)
    return plain_table("sensitivity to every default", columns, "", rows)


def _synthetic_table(part: Mapping[str, Any], whole: Mapping[str, Any], title: str) -> Table:
    headers = ("mean tracking $", "95 % low", "95 % high", "x needed", "against baseline $", "low", "high")
    caption = f"{part['generator']}; baseline: {whole['baseline']} without hints, paired"
    table = plain_table(f"{title}: {whole['episodes']}", left("policy") + right(*headers), caption)
    for row in part["policies"]:
        values = list(row.values())[1:]
        cells = [usd(v) if k != 3 else decimals(v) for k, v in enumerate(values)]
        table.add_row(row["policy"], *cells)
    return table

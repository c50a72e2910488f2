"""Terminal tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from adl_opt.reports.terminal.tables import informative, plain_table
from adl_opt.reports.text import decimals, usd
from adl_opt.rounds.round import Information
from adl_opt.studies.october10.blocks import notes_on

if TYPE_CHECKING:
    from adl_opt.studies.october10.blocks import StudyBlock
    from adl_opt.studies.october10.online import Study


def study_tables(study: Study) -> list[Table]:
    """Return one table per block, then decomposition, sensitivity and synthetic episodes."""
    synthetic = study.synthetic
    return [
        *(_block_table(block) for block in study.blocks),
        *([_bursts_table(study)] if study.bursts else []),
        *([] if study.decomposition().empty else [_decomposition_table(study)]),
        *([] if study.sensitivity().empty else [_sensitivity_table(study)]),
        _synthetic_table(synthetic, synthetic, "synthetic episodes"),
        _synthetic_table(synthetic["noisy_deficit"], synthetic, "synthetic episodes, noisy deficits"),
        _notes_table(study),
    ]


def _notes_table(study: Study) -> Table:
    notes = ([note] for note in notes_on(study.blocks))
    return plain_table("notes", ["what the figures show, and what they do not"], notes)


def _block_table(block: StudyBlock) -> Table:
    headers = ["policy", ">tracking $", ">fairness $", ">total $", ">% env.", ">over $", ">under $"]
    headers += [">covered", ">covered $", ">worst shortfall $", ">proven %"]
    headers += [
        ">dynamic regret $",
        ">static regret $",
        ">bound $",
        "on",
        "informative",
        ">uncovered at most $",
    ]
    within = block.information == Information.WITHIN_ROUND.value
    headers += [">balance $", ">lowest balance $"] if within else []
    rows = (
        (
            row.policy,
            *(usd(v) for v in (row.tracking_usd, row.fairness_usd, row.total_usd)),
            decimals(100 * row.envelope_share, 2),
            *(usd(v) for v in (row.overshoot_usd, row.undershoot_usd)),
            str(row.covered_rounds),
            decimals(100 * row.covered_usd_share, 2) + " %",
            usd(row.worst_shortfall_usd),
            decimals(100 * row.coverage_proven_95, 1),
            *(usd(v) for v in (row.dynamic_regret_usd, row.static_regret_usd, row.bound_usd)),
            row.bound_kind,
            informative(row.informative),
            usd(row.guarantee_usd),
            *((usd(row.balance_usd), usd(row.lowest_balance_usd)) if within else ()),
        )
        for row in block.rows
    )
    title = f"severity: {block.information}; hints: {block.hint}; space: {block.result.space}"
    notes = [
        f"loss: {block.result.loss}",
        "bound: the smaller of the policy's theorem and the worst loss of any severities (informative: no)",
        "uncovered at most: the severity's own guarantee, where it has one in USD",
        "no bound in contracts, and where capacity, caps or lots made a round take more or less than was "
        "asked: the severity's theorem is not about the executed budget there (policy.bound is)",
        block.result.source,
    ]
    return plain_table(title, headers, rows, "\n".join(notes))


def _bursts_table(study: Study) -> Table:
    headers = ["policy", "by round", ">tracking $", ">over $", ">under $", ">covered", ">covered $"]
    headers += ["by burst", ">tracking $", ">over $", ">under $", ">covered", ">covered $"]
    rows = (
        (row["policy"], *(_cell(name, value) for name, value in row.items() if name != "policy"))
        for row in study.bursts
    )
    notes = [
        "the flow of a round is known once the round is over; a burst is a second, with its own flow",
        "bursts: budgets of the severity, at most the capacity left; -: published by round only",
    ]
    return plain_table("rounds and bursts of October 10 side by side", headers, rows, "\n".join(notes))


def _cell(name: str, value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    if name.endswith("share"):
        return decimals(100 * value, 2) + " %"
    return usd(value) if name.endswith("usd") else str(value)


def _decomposition_table(study: Study) -> Table:
    rows = (
        (str(name), row["hint"], *(usd(v) for v in row.tolist()[1:]))
        for name, row in study.decomposition().iterrows()
    )
    headers = [
        "policy",
        "hints",
        ">tracking $",
        ">control $",
        ">estimation $",
        ">V_T $",
        ">V_T of the hint $",
    ]
    return plain_table("eq. 22: tracking <= control + estimation error", headers, rows)


def _sensitivity_table(study: Study) -> Table:
    found = study.sensitivity().reset_index()
    groups = found.groupby(["policy", "hint", "parameter"], sort=False) if len(found) else ()
    rows = ((*map(str, key), *(usd(v) for v in rows["tracking_usd"])) for key, rows in groups)
    headers = ["policy", "hints", "default", ">tracking $, default / 2", ">tracking $, default x 2"]
    return plain_table("sensitivity to every default", headers, rows)


def _synthetic_table(part: Mapping[str, Any], whole: Mapping[str, Any], title: str) -> Table:
    headers = ["policy", ">mean tracking $", ">95 % low", ">95 % high", ">x needed"]
    headers += [">against baseline $", ">low", ">high"]
    caption = f"{part['generator']}; baseline: {whole['baseline']} without hints, paired"
    rows = (
        (name, *(usd(v) if k != 3 else decimals(v) for k, v in enumerate(values)))
        for name, *values in (row.values() for row in part["policies"])
    )
    return plain_table(f"{title}: {whole['episodes']}", headers, rows, caption)

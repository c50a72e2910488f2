"""Terminal tables of a recommendation: the candidates, who pays, and what the evidence can show."""

from __future__ import annotations

from rich.table import Table

from adl_opt.reports.candidates import COLUMNS, cell
from adl_opt.reports.terminal.tables import plain_table
from adl_opt.reports.text import decimals, usd
from adl_opt.service.recommendation import Recommendation

MOST = 15
"""So many candidates are printed; the JSON and the page have all."""


def recommendation_tables(made: Recommendation) -> list[Table]:
    """Return the candidates, the cohorts, and the statement."""
    frame = made.frame()
    there = [column for column in COLUMNS if column[0] in frame]
    rows = (
        (
            str(name),
            "yes" if row["qualifies"] else f"no: {row['reason']}",
            *(cell(row[key], digits) for key, _, digits in there),
        )
        for name, row in frame.head(MOST).iterrows()
    )
    headers = ["policy", "qualifies", *(f">{label}" for _, label, _ in there)]
    left = f"; {len(frame) - MOST} more in the JSON and on the page" if len(frame) > MOST else ""
    title = f"{made.episode}: {made.verdict} (loss {made.loss}; share to raise {100 * made.cover:g} %)"
    tables = [plain_table(title, headers, rows, f"best first{left}")]
    for by, cohort in made.cohorts.items():
        figures = ("accounts", "paid", "haircut_usd", "haircut_share", "burden")
        lines = (
            (
                str(name),
                *(f"{int(row[key]):,}" for key in figures[:2]),
                usd(row["haircut_usd"]),
                *(decimals(row[key]) for key in figures[3:]),
            )
            for name, row in cohort.iterrows()
        )
        heads = [by, ">accounts", ">paid", ">haircuts, USD", ">share", ">taken, share of what they have"]
        tables.append(plain_table(f"who pays, by {by}", heads, lines))
    sentences = ((f"- {sentence}",) for sentence in made.statement())
    tables.append(plain_table("what the evidence can and cannot show", [""], sentences))
    return tables

"""Terminal tables of simulations and sweeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

from adl_opt.reports.terminal.tables import plain_table
from adl_opt.studies.simulation.runs import Simulated
from adl_opt.studies.sweeps.feedback import Feedback
from adl_opt.studies.sweeps.run import Sweep
from adl_opt.studies.sweeps.summary import NOBODY

if TYPE_CHECKING:
    import pandas as pd

OF_A_SWEEP = ("tracking_usd", "undershoot_usd", "max_burden", "accounts_left", "impact_cost_usd")
OF_FEEDBACK = ("needed_usd", "impact_cost_usd", "accounts_liquidated", "slope_path")
MOST_ROWS = 60


def simulated_table(simulated: Simulated) -> Table:
    """Return the totals of policies on one episode."""
    figures = (
        *("rounds", "deficit_usd", "needed_usd", "haircut_usd", "tracking_usd", "max_burden"),
        *("accounts_left", "accounts_liquidated", "uncovered_usd", "residual_usd", "hedges_broken"),
    )
    headers = ["policy", "information", *(f">{f.replace('_', ' ')}" for f in figures)]
    rows = ((r.policy, r.information, *(_figure(r.totals[f]) for f in figures)) for r in simulated)
    title = f"{simulated.scenario}, seed {simulated.seed}: a simulated episode; space: {simulated.space}"
    return plain_table(title, headers, rows)


def feedback_tables(feedback: Feedback) -> list[Table]:
    """Return a table per figure: feedback on minus off, paired by seed."""
    return _feedback_tables(feedback.frame())


def _feedback_tables(effect: pd.DataFrame) -> list[Table]:
    return [_feedback(effect[effect["figure"] == figure], figure) for figure in OF_FEEDBACK]


def _feedback(effect: pd.DataFrame, figure: str) -> Table:
    headers = ["scenario", "policy", "information", ">off", ">on - off", ">low", ">high", ">% of off"]
    pairs = " to ".join(str(n) for n in sorted({effect["pairs"].min(), effect["pairs"].max()}))
    caption = f"simulated, mean of {pairs} pairs of the same seed; 95 % interval (normal approximation)"
    own = ("own", "own_low", "own_high") if effect["own"].notna().any() else ()
    if own:
        headers += [">own", ">low", ">high"]
        caption += f"; own: beyond {NOBODY}, which takes nothing"
    rows = (
        (
            *(str(row[k]) for k in ("scenario", "policy", "information")),
            *(_figure(row[k]) for k in ("off", "effect", "low", "high")),
            "-" if math.isnan(row["share"]) else f"{100 * row['share']:.2f}",
            *(_figure(row[k]) for k in own),
        )
        for row in effect.to_dict("records")[:MOST_ROWS]
    )
    return plain_table(f"feedback effect on {figure.replace('_', ' ')}", headers, rows, caption)


def sweep_tables(made: Sweep) -> list[Table]:
    """Return a table per figure, the feedback effect where it was swept, and the failures."""
    tables = [_summary(made, figure, made.plan.baseline) for figure in OF_A_SWEEP]
    if made.feedback is not None:
        tables += _feedback_tables(made.feedback)
    if len(made.failures):
        said = ("cell", "scenario", "seed", "policy", "error")
        rows = ((str(row[k]) for k in said) for row in made.failures.head(10).to_dict("records"))
        headers = [">cell", "scenario", ">seed", "policy", "error"]
        tables.append(plain_table(f"failures: {len(made.failures)}", headers, rows))
    return tables


def _summary(made: Sweep, figure: str, baseline: str) -> Table:
    rows = made.summary[made.summary["figure"] == figure]
    names = list(rows.columns[: rows.columns.get_loc("policy")])
    said = [*names, "policy", "information", "episodes"]
    figures = ("mean", "low", "high", "against", "against_low", "against_high")
    headers = [*said[:-1], ">episodes", ">mean", ">low", ">high", ">- baseline", ">low", ">high"]
    caption = f"simulated; 95 % intervals; differences to {baseline} paired by seed"
    if len(rows) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} of {len(rows)} rows (summary.parquet has all)"
    cells = (
        (*(str(row[n]) for n in said), *(_figure(row[k]) for k in figures))
        for row in rows.to_dict("records")[:MOST_ROWS]
    )
    return plain_table(figure.replace("_", " "), headers, cells, caption)


def _figure(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.4f}"

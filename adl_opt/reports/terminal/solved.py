"""Terminal tables of solved rounds and episodes: who pays, and how that is proven."""

from __future__ import annotations

import math
from typing import Any

from rich.table import Table

from adl_opt.errors import printable
from adl_opt.evaluate.solve_episode import SolvedEpisode
from adl_opt.evaluate.solve_round import Solved
from adl_opt.reports.terminal.tables import plain_table
from adl_opt.reports.text import decimals, usd

SHOWN = 20


def solved_table(solved: Solved) -> Table:
    """Return the accounts that pay most, with the totals as title and caption."""
    f = solved.facts
    title = (
        f"{f['policy']}: budget ${usd(f['budget_usd'])}, executed ${usd(f['executed_usd'])} "
        f"from {f['accounts_touched']} of {f['accounts']} accounts"
    )
    largest = f"largest burden {decimals(f['max_burden'], 6)} of {f['burden_base']}"
    notes = [f"information: {f['information']}; {largest}"]
    if not math.isnan(f["max_burden_lower_bound"]):
        notes[0] += f", proven at least {decimals(f['max_burden_lower_bound'], 6)} (gap {_gap(f['gap'])})"
    if f.get("fund_usd", 0.0) >= 0.005:
        notes.append(f"the insurance fund pays ${usd(f['fund_usd'])}")
    if f["shortfall_usd"] >= 0.005:
        why = (
            "the capacity does not cover the budget"
            if f["capacity_usd"] + f.get("fund_usd", 0.0) < f["budget_usd"]
            else "as far as it goes"
        )
        notes.append(f"shortfall ${usd(f['shortfall_usd'])}: {why}")
    if f["overshoot_usd"] >= 0.005:
        notes.append(f"overshoot ${usd(f['overshoot_usd'])} (whole lots)")
    frame = solved.frame()
    amount = "lots_value_usd" if "lots" in frame else "haircut_usd"
    frame = frame[frame[amount] > 0]
    if len(frame) > SHOWN:
        notes.append(f"the {SHOWN} largest haircuts of {len(frame)} rows; --out FILE writes them all")
    headers = [str(c) if c in ("id", "market") else f">{c}" for c in frame.columns]
    largest_first = frame.sort_values(amount, ascending=False, kind="stable").head(SHOWN)
    rows = ((_cell(str(k), v) for k, v in row.items()) for row in largest_first.to_dict("records"))
    if "status" in f:
        notes.insert(0, _proof(f))
    return plain_table(title, headers, rows, "\n".join(notes))


def _proof(f: dict[str, Any]) -> str:
    figures = f"objective {decimals(f['objective'], 6)}, bound {decimals(f['bound'], 6)}"
    figures += f", gap {_gap(f['gap'])}"
    said = f"\n{f['message']}" if f.get("message") else ""
    return f"{f['status']} by {f['engine']}: {figures}\nbound: {f['bound_source']}{said}"


def _gap(value: float) -> str:
    return f"{value:.1e}" if value else "0"


def _cell(name: str, value: Any) -> str:
    if name.endswith("_usd"):
        return usd(float(value))
    return decimals(float(value), 6) if name.endswith("burden") else printable(str(value))


def next_table(found: Any) -> Table:
    """Return who is next in line, the likeliest first."""
    frame = found.frame()
    rows = (
        (printable(str(name)), str(int(rank) or "-"), decimals(probability), usd(expected))
        for name, rank, probability, expected in frame.head(SHOWN).itertuples(name=None)
    )
    title = f"{found.source}, policy {found.policy}, {found.scenarios} scenarios: {found.moves}"
    left = len(frame) - SHOWN
    more = f"and {left:,} more (--format csv)" if left > 0 else ""
    return plain_table(title, ["id", ">rank", ">probability", ">expected, USD"], rows, more)


def solved_episode_table(solved: SolvedEpisode) -> Table:
    """Return the rounds, with the proof in the caption."""
    f = solved.facts
    headers = [name if name in ("status", "engine") else f">{name}" for name in solved.rows[0]]
    caption = f"{_proof(f)}\ninformation: {f['information']}"
    rows = ((_entry(name, value) for name, value in row.items()) for row in solved.rows)
    return plain_table(f"{f['model']}: {f['episode']}, {len(solved.rows)} rounds", headers, rows, caption)


def _entry(name: str, value: Any) -> str:
    if isinstance(value, (str, int)):
        return str(value)
    if name == "gap":
        return _gap(value)
    return usd(value) if name.endswith("_usd") else decimals(value, 6)

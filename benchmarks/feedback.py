"""The feedback effect: ``python -m benchmarks.feedback`` measures it and writes its page."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adl_opt.studies.simulation.run import run_policy
from adl_opt.studies.simulation.runs import POLICIES
from adl_opt.studies.simulation.scenarios import SCENARIOS
from adl_opt.studies.sweeps.feedback import feedback
from adl_opt.studies.sweeps.summary import NOBODY

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "feedback.json"
PAGE = ROOT / "docs" / "feedback.md"
FIGURES = ("needed_usd", "slope_path")
STAY = "repeated-rounds, nobody withdraws or buys back"
QUIET = ("no-deficit",)
"""Scenarios without a round: there is nothing that could feed back."""

HEAD = """# How large the feedback is

Written by `python -m benchmarks.feedback` from `benchmarks/results/feedback.json`; do not edit.

The paper shows that who is closed changes the liquidity that later rounds meet (Prop. 11), and leaves
open how much. Real data cannot tell: an episode happens once, with one policy. The simulator plays it
twice.

## What was simulated

- {seeds} pairs of episodes per scenario and policy, seeds {first} to {last}. The two episodes of a pair, and
  all policies of a seed, share accounts, prices and what accounts would like to do. In one the book stays
  as it was at the start (`feedback = 0`); in the other whoever was closed, left or withdrew supplies no
  liquidity any more (`feedback = 1`): impact is multiplied by the effective slope, sum of a q^2 over sum of
  q^2, against that of the start, over the share of the suppliers that are left.
- What is compared is the budget that the episode needed (USD, sum over its rounds). The *effect* is on
  minus off: its mean over the pairs with a 95 % interval (normal approximation). Pairs without a round
  count, with 0.
- Liquidated accounts leave the book too, whatever the policy does. The *own effect* is the effect beyond
  that of `{nobody}`, which takes nothing, on the same seeds: what the policy's haircuts did.
- *Beyond capacity* is the share of the need that falls in rounds which need more than all winners have
  (pro-rata, feedback off). There every policy takes everything, and whoever paid is closed and leaves,
  under pro-rata as under a queue.
- The *slope path* is the mean path length of the effective slope with feedback, the quantity of Prop. 11.
- Knobs are those of the named scenarios (`adl-opt simulate scenarios`): accounts from the October 10
  quantiles, no knob fitted to needed budgets. Only `repeated-rounds` has accounts that withdraw (30 % of
  those who pay) or buy back (30 %); it is run once more without (`withdraw = undo = 0`), where only churn is
  left. {quiet} needs no budget and is left out.

One scenario again, with more figures: `adl-opt simulate feedback --scenario repeated-rounds --seeds {seeds}`.
All of this is simulated: sizes are those of this model with these knobs, no forecast for a venue.
"""


CASES: dict[str, tuple[str, dict[str, float]]] = {
    **{name: (name, {}) for name in SCENARIOS if name not in QUIET},
    STAY: ("repeated-rounds", {"withdraw": 0.0, "undo": 0.0}),
}
"""What is measured: a scenario, and what replaces its settings."""


def case(name: str, policies: Sequence[str], seeds: int, workers: int) -> list[dict[str, Any]]:
    """Return the effect on the figures of the page in one case, per policy."""
    scenario, parameters = CASES[name]
    effect = feedback(policies, [scenario], seeds=seeds, parameters=parameters, workers=workers).frame()
    rows = effect[effect["figure"].isin(FIGURES)].drop(columns=list(parameters)).to_dict("records")
    return [{k: None if v != v else v for k, v in row.items()} | {"scenario": name} for row in rows]


def measure(seeds: int, workers: int) -> dict[str, Any]:
    """Return the effect on the figures of the page, for every scenario with rounds and every policy."""
    start = time.time()
    rows: list[dict[str, Any]] = []
    beyond: dict[str, float] = {}
    for name in CASES:
        rows += case(name, POLICIES, seeds, workers)
        beyond[name] = exhausted(name, seeds)
        print(f"{name}: {time.time() - start:.0f} s", flush=True)
    facts: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "seeds": seeds, "seed": 0}
    return facts | {"probe": probe(), "beyond_capacity": beyond, "rows": rows}


def exhausted(name: str, seeds: int) -> float:
    """Return the share of the need in rounds beyond what winners have (pro-rata, feedback off)."""
    scenario, parameters = CASES[name]
    settings = replace(SCENARIOS[scenario].settings, **parameters, feedback=0.0)  # type: ignore[arg-type]
    rounds = [r for seed in range(seeds) for r in run_policy("pro-rata", settings, seed=seed).rounds]
    need = math.fsum(r["needed_usd"] for r in rounds)
    return math.fsum(r["needed_usd"] for r in rounds if r["needed_usd"] > r["capacity_usd"]) / need


def probe() -> dict[str, float]:
    """Return the effect of pro-rata over two seeds: a test sees by it whether the results are stale."""
    made = {name: case(name, ["pro-rata"], 2, 1) for name in CASES}
    return {name: row["effect"] for name, rows in made.items() for row in rows if row["figure"] == FIGURES[0]}


def page(data: dict[str, Any]) -> str:
    """Return the page of a measurement."""
    seeds = data["seeds"]
    last, quiet = data["seed"] + seeds - 1, " and ".join(f"`{name}`" for name in QUIET)
    lines = [HEAD.format(seeds=seeds, first=data["seed"], last=last, nobody=NOBODY, quiet=quiet)]
    lines += ["## What came out", "", sentence(data), "", *_counted(data), ""]
    for name in dict.fromkeys(row["scenario"] for row in data["rows"]):
        lines += [f"### {name}, seeds {data['seed']} to {last}", "", *_table(data, name), ""]
    return "\n".join(lines)


def sentence(data: dict[str, Any]) -> str:
    """Return the result in one sentence."""
    rows = [row for row in _needed(data) if row["scenario"] == "repeated-rounds"]
    said = {row["policy"]: row for row in rows}
    parts = [
        f"{_usd(said[policy]['effect'])} ({_percent(said[policy])}; 95 % interval "
        f"{_interval(said[policy], 'low', 'high')}) under {words}"
        for policy, words in (("pro-rata", "pro-rata"), ("hyperliquid-side-adjusted", "Hyperliquid's queue"))
    ]
    return (
        f"Over {data['seeds']} pairs of simulated episodes of `repeated-rounds`, where accounts withdraw "
        f"and buy back, feedback changes the needed budget by {parts[0]}, by {parts[1]}, and by "
        f"{_percent(said[NOBODY])} where nobody pays."
    )


def _counted(data: dict[str, Any]) -> list[str]:
    rows = [row for row in _needed(data) if row["policy"] != NOBODY]
    own = [row for row in rows if row["own_low"] > 0 or row["own_high"] < 0]
    up = sum(row["own_low"] > 0 for row in rows)
    chance = 0.05 * len(rows)
    lines = [
        f"Of {len(rows)} intervals of the own effect, {len(own)} do not hold 0 ({up} above, "
        f"{len(own) - up} below); about {chance:.0f} would by chance alone.",
        "",
    ]
    for name in dict.fromkeys(row["scenario"] for row in rows):
        found = [row for row in rows if row["scenario"] == name]
        sure = [f"`{row['policy']}`" for row in own if row["scenario"] == name]
        told = ", ".join(sure) if len(sure) < len(found) else "every policy"
        low, high = min(found, key=_share), max(found, key=_share)
        lines.append(
            f"- {name}: from {_percent(low)} (`{low['policy']}`) to {_percent(high)} (`{high['policy']}`); "
            f"own effect apart from 0: {told or 'none'}; beyond capacity: "
            f"{100 * data['beyond_capacity'][name]:.0f} % of the need."
        )
    return lines


def _table(data: dict[str, Any], scenario: str) -> list[str]:
    names = ("policy", "information", "pairs", "needed, off", "effect", "95 % interval", "% of off")
    names += ("own effect", "95 % interval", "slope path")
    paths = {
        (row["scenario"], row["policy"]): row["on"] for row in data["rows"] if row["figure"] == "slope_path"
    }
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for row in _needed(data):
        if row["scenario"] == scenario:
            cells = [f"`{row['policy']}`", row["information"], str(row["pairs"]), _usd(row["off"])]
            cells += [_usd(row["effect"]), _interval(row, "low", "high"), _percent(row)]
            cells += [_usd(row["own"]), _interval(row, "own_low", "own_high")]
            cells.append(f"{paths[scenario, row['policy']]:.3f}")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _needed(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in data["rows"] if row["figure"] == "needed_usd"]


def _interval(row: dict[str, Any], low: str, high: str) -> str:
    return f"{_usd(row[low])} to {_usd(row[high])}"


def _usd(value: float) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value) / 1e6:,.3f}M"


def _share(row: dict[str, Any]) -> float:
    return math.nan if row["share"] is None else float(row["share"])


def _percent(row: dict[str, Any]) -> str:
    return f"{100 * _share(row):+.1f} %"


def main() -> None:
    """Measure, or only write the page again."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feedback", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--page-only", action="store_true", help="write the page from the results that are there"
    )
    given = parser.parse_args()
    if not given.page_only:
        text = json.dumps(measure(given.seeds, given.workers), indent=1, allow_nan=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()

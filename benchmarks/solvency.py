"""Solvency: games that try to break each guarantee, how tight each is, and what a round costs."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import numpy as np

import adl_opt as adl
from adl_opt.severity import Learner
from benchmarks import isolate
from benchmarks.sections import Section
from benchmarks.solvency_games import EXECUTED, THEOREMS, drawn, executed, lengths, played

LOOSE = 0.1
FAST_US = 20.0
BEYOND = ("out_of_reach", "beyond")
"""Constants of what no multiple of the unit, or no severity, could cover."""

TEXT = (
    "Games against severities that promise coverage (`benchmarks/solvency_games.py`): the adversary sees "
    "what is asked for before it chooses what is needed. Deficits, units and capacities are drawn over "
    "twelve orders of magnitude, parameters at random, lengths from 0 to {longest:,} rounds, one game in 20"
    " of these. `broken` counts games in which more stays uncovered than the guarantee, or the regret is "
    "above its bound. `tightness` is the largest uncovered / guarantee, both without what could not be "
    "reached, and before the guarantee is cut at the worst that could happen; `regret` the largest regret /"
    " bound; below 0.1 one is called loose. `informative` is the share of games in which the guarantee (or "
    "the bound) says more than that nothing worse than the worst can happen. `us` is what a round of "
    "`adl.play` takes, in microseconds. The last rows have no guarantee: their bound is about what is "
    "executed through capacity, in one round of two less than what is needed."
)
COLUMNS = ["severity", "kind", "games", "broken", "tightness", "regret", "informative", "loose", "us"]


def solvency_section(games: int, longest: int) -> Section:
    """Play so many games, shared out over the theorems, and hold each to its guarantee."""
    section = Section("Guarantees of coverage under attack", TEXT.format(longest=longest), COLUMNS)
    outcome = isolate.run(campaign, games, longest, limit=7200.0)
    if outcome.failure:
        section.rows.append({"severity": "all", "kind": outcome.failure})
        section.targets.append((f"{games:,} games are played", str(outcome.failure), False))
        return section
    section.rows = outcome.value
    broken = sum(row["broken"] for row in section.rows)
    section.targets.append(
        (f"{games:,} games: no guarantee and no bound is broken", f"{broken}", broken == 0)
    )
    slowest = max((row for row in section.rows if row["severity"] in THEOREMS), key=lambda row: row["us"])
    claim = f"every rule: at most {FAST_US:.0f} us a round"
    shown = f"{slowest['us']:.1f} us ({slowest['severity']})"
    section.targets.append((claim, shown, slowest["us"] <= FAST_US))
    return section


def campaign(games: int, longest: int) -> list[dict[str, Any]]:
    """Return a row for each theorem."""
    rows = []
    for k, theorem in enumerate(THEOREMS):
        rng, worst = np.random.default_rng(k), defaultdict(float)
        count = games // len(THEOREMS) + (k < games % len(THEOREMS))
        for n in range(count):
            long = longest if n % 20 == 0 else 400
            severity = drawn(theorem, rng)
            game = played(severity, lengths(rng, long), rng)
            made = game.guarantee()
            bad = not (made.within and made.holds)
            worst["informative"] += made.informative
            lost = sum(v for name, v in made.constants.items() if name.startswith(BEYOND))
            if made.limit > lost * (1.0 + 1e-9):
                worst["tightness"] = max(worst["tightness"], (made.uncovered - lost) / (made.limit - lost))
            if isinstance(severity, Learner):
                target = np.minimum(1.0, game.needed / np.where(game.deficit > 0.0, game.deficit, 1.0))
                path, _ = severity.run(severity.start(), game.deficit, target)
                bound = severity.bound(game.deficit, target, path)
                regret = severity.regret(game.deficit, target, path)
                bad |= not (regret <= bound.value and bound.holds)
                if bound.theorem_usd > 0.0:
                    worst["regret"] = max(worst["regret"], regret / bound.theorem_usd)
            worst["broken"] += bad
        row = {"severity": theorem, "kind": made.kind, "games": count, "broken": int(worst["broken"])}
        row |= {"tightness": worst["tightness"], "informative": worst["informative"] / count}
        if "regret" in worst:
            row["regret"] = worst["regret"]
        loose = [what for what in ("tightness", "regret") if what in worst and worst[what] < LOOSE]
        rows.append(row | {"loose": ", ".join(loose) or "no", "us": speed(theorem)})
    for k, name in enumerate(EXECUTED):
        rng, worst, count = np.random.default_rng(100 + k), 0.0, max(1, games // 40)
        broken = informative = 0
        for _ in range(count):
            measured, bound = executed(name, 1 + lengths(rng, 100), rng)
            broken += not (measured <= bound.value and bound.holds)
            informative += bound.informative
            lost = bound.constants.get("out_of_reach_usd", 0.0)
            if bound.theorem_usd > lost * (1.0 + 1e-9):
                worst = max(worst, (measured - lost) / (bound.theorem_usd - lost))
        row = {"severity": name, "kind": "executed", "games": count, "broken": broken, "regret": worst}
        loose = "regret" if worst < LOOSE else "no"
        rows.append(row | {"informative": informative / count, "loose": loose})
    return rows


def speed(theorem: str, rounds: int = 4000) -> float:
    """Return the microseconds of processor time that a round takes, the best of three runs."""
    name, _, rule = theorem.rstrip(")").partition("(")
    severity = adl.make_severity(name, **({"rule": rule} if rule else {}))
    rng = np.random.default_rng(0)
    deficit, target = rng.exponential(size=rounds), rng.random(rounds)
    times = []
    for _ in range(3):
        start = time.process_time()
        adl.play(severity, deficit, target)
        times.append(time.process_time() - start)
    return 1e6 * min(times) / rounds

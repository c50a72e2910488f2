"""Solvency: games that try to break each guarantee, how tight each is, and what a round costs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

import adl_opt as adl
from adl_opt.rounds.contracts import WEALTH
from adl_opt.severity import Bound, Learner
from benchmarks import isolate
from benchmarks.policy_games import WHOLE, whole
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
    "`adl.play` takes, in microseconds. The rows that are `executed` have no guarantee: their bound is about "
    "what is executed through capacity, in one round of two less than what is needed. The last rows are "
    "whole policies (`benchmarks/policy_games.py`), severity and allocation together, on eq. 10 or eq. 23: "
    "the adversary sees the haircuts, and in half of the rounds the winners have less than the deficit. Their"
    " `regret` is of games in which the severity's own bound is at least half of the whole one."
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
        rows.append(row | {"loose": ", ".join(loose) or "no", "us": speed(theorem, min(4000, 20 * longest))})
    for k, name in enumerate(EXECUTED):
        rng = np.random.default_rng(100 + k)
        held = (executed(name, 1 + lengths(rng, 100), rng) for _ in range(max(1, games // 40)))
        rows.append({"severity": name, "kind": "executed"} | tallied(held))
    for k, (name, space) in enumerate(WHOLE):
        for equation in (10, 23):
            rng, many = np.random.default_rng([200 + k, equation]), games // (50 if space == WEALTH else 200)
            held = (whole(name, space, equation, 1 + lengths(rng, 60), rng) for _ in range(max(1, many)))
            rows.append({"severity": name, "kind": f"eq. {equation}, {space}"} | tallied(held))
    return rows


def tallied(held: Iterable[tuple[float, Bound]]) -> dict[str, Any]:
    """Return what games show that were each held to a bound: measured regret, and the bound.

    Tightness is without what could not be reached, and only of games in which the severity's own bound is at
    least half of the whole: the rest of it is measured, and so always tight.
    """
    worst, games, broken, informative = 0.0, 0, 0, 0
    for measured, bound in held:
        games += 1
        broken += not (measured <= bound.value and bound.holds)
        informative += bound.informative
        lost = bound.constants.get("out_of_reach_usd", 0.0)
        own = bound.constants.get("severity_usd", bound.theorem_usd)
        if bound.theorem_usd > lost * (1.0 + 1e-9) and own >= 0.5 * bound.theorem_usd:
            worst = max(worst, (measured - lost) / (bound.theorem_usd - lost))
    loose = "regret" if worst < LOOSE else "no"
    made = {"games": games, "broken": broken, "regret": worst}
    return made | {"informative": informative / games, "loose": loose}


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

"""Learners: a million rounds of each severity learner, and an allocation learner's step in passes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import adl_opt as adl
from adl_opt.severity import LEARNERS, make_severity
from benchmarks import isolate
from benchmarks.instances import SEED, SHARE, LotsInstance, capacities, draw_lots, one_pass
from benchmarks.sections import Section, best_of

ROUNDS = 1_000_000
STEP_ACCOUNTS = 20_000
CHURN = 0.001
RULES = (
    "mirror-descent-euclid",
    "mirror-descent-kl",
    "ftrl-haircuts",
    "ftrl-haircuts(mirror=kl)",
    "cumulative-burden",
    "vector-mirror-descent-text",
)
PAPERS = "vector-mirror-descent-text"
"""The paper's own policy, for comparison: no target is set for it."""
PLAY_TEXT = (
    "`adl_opt.play` on deficits drawn from an exponential and targets drawn uniformly, one core, with "
    "defaults. `per million` is seconds for a million rounds, from the rounds that were played; "
    "`of ftrl-exact` is the ratio of it to that of `ftrl-exact`."
)
STEP_TEXT = (
    "A whole round of an allocation learner: `allocate` (match the accounts, take the step, project) and "
    "`learn`, in passes over the data: the floor is one numpy pass over as many positions. `accounts`: the "
    "ids are those of the round before (`same`: the same object; `equal`: a new one with equal ids), or "
    "0.1 % of them have left and as many have entered. Ids have 42 characters. The floor of `passes` is the "
    "least of many passes in a row, over data that lie in the cache; a step is measured once after other "
    "work, on data that do not. `cold passes` counts in passes that were measured at the same place."
)


def learners_section(rounds: int, slow_rounds: int) -> Section:
    """Measure every severity learner, each in a process of its own; the slow ones on fewer rounds."""
    columns = ["learner", "rounds", "seconds", "per million", "of ftrl-exact", "peak MiB"]
    section = Section("Learners of severity: a million rounds", PLAY_TEXT, columns)
    for name in LEARNERS:
        n = slow_rounds if name in ("hedge-grid", "ader", "strongly-adaptive") else rounds
        outcome = isolate.run(played, name, n, limit=240.0)
        row: dict[str, Any] = {"learner": name, "rounds": n, "peak MiB": outcome.peak_mib}
        if outcome.failure:
            row["seconds"] = outcome.failure
        else:
            row |= {"seconds": outcome.value, "per million": outcome.value * ROUNDS / n}
        section.rows.append(row)
    exact = next(row for row in section.rows if row["learner"] == "ftrl-exact")
    for row in section.rows:
        if "per million" in row and "per million" in exact:
            row["of ftrl-exact"] = row["per million"] / exact["per million"]
    if exact["rounds"] >= ROUNDS and "per million" in exact:
        taken = exact["seconds"]
        section.targets.append(
            ("ftrl-exact: 1,000,000 rounds in at most 10 s on one core", f"{taken:.1f} s", taken <= 10.0)
        )
    return section


def played(name: str, rounds: int) -> float:
    """Processor seconds of playing a learner."""
    rng = np.random.default_rng(SEED)
    deficit, target = rng.exponential(size=rounds), rng.uniform(size=rounds)
    learner = make_severity(name)
    start = time.process_time()
    adl.play(learner, deficit, target)
    return time.process_time() - start


def steps_section(n: int, repeats: int) -> Section:
    """Measure every allocation learner's step."""
    columns = ["rule", "n", "accounts", "allocate", "learn", "passes", "cold passes"]
    section = Section("Learners of allocation: passes of a step", STEP_TEXT, columns)
    outcome = isolate.run(steps, n, repeats)
    if outcome.failure:
        section.rows.append({"rule": outcome.failure, "n": n})
        return section
    section.rows = outcome.value
    if n >= STEP_ACCOUNTS:
        for what in ("same", "equal", "0.1 % new"):
            worst = max(
                (row for row in section.rows if row["accounts"] == what and row["rule"] != PAPERS),
                key=lambda row: row["passes"],
            )
            claim = f"allocation learners at {n}, accounts {what}: a whole step in at most 20 passes"
            passes = worst["passes"]
            section.targets.append((claim, f"{passes:.1f} passes ({worst['rule']})", passes <= 20.0))
    return section


def steps(n: int, repeats: int) -> list[dict[str, Any]]:
    """Rows of every rule."""
    lots = draw_lots(n, single=True)
    have = lots.lots.astype(float)
    u, rng = capacities(n), np.random.default_rng(SEED)
    gone = max(1, int(CHURN * n))
    kept = np.sort(rng.permutation(n)[: n - gone])
    base, equal = _round(np.arange(n), u), _round(np.arange(n), u)
    names = np.concatenate([kept, n + rng.permutation(n)[:gone]])
    changed = _round(names, np.concatenate([u[kept], u[:gone]]))
    floor, _ = best_of(lambda: one_pass(SHARE, lots.capacity, lots.lot_value, have), 20 * repeats)
    rows = []
    for name in RULES:
        for what, round_ in (("same", base), ("equal", equal), ("0.1 % new", changed)):
            taken = [_step(name, base, round_, SHARE * float(u.sum()), lots, have) for _ in range(repeats)]
            first, second, cold = (min(times[k] for times in taken) / floor for k in (0, 1, 2))
            row = {"rule": name, "n": n, "accounts": what, "allocate": first, "learn": second}
            rows.append(row | {"passes": first + second, "cold passes": (first + second) / cold})
    return rows


def _round(names: np.ndarray, capacity: np.ndarray) -> adl.Round:
    """Accounts in an order that has nothing to do with who is new."""
    order = np.argsort((names * 7919) % 1_000_003, kind="stable")
    ids = [f"0x{k:040x}" for k in names[order].tolist()]
    u = capacity[order]
    return adl.Round(deficit=float(u.sum()), accounts=adl.Accounts(id=ids, pnl=u, equity=u + 1.0))


def _step(
    name: str, base: adl.Round, round_: adl.Round, budget: float, lots: LotsInstance, have: np.ndarray
) -> tuple[float, float, float]:
    """Processor seconds of allocate, of learn and of one pass, after three rounds of the base accounts."""
    rule, nothing = adl.make_allocation(name), adl.Outcome(needed=0.0)
    state = rule.start()
    for k in range(3):
        state = rule.learn(state, base, nothing, rule.allocate(state, base, budget * (1.0 + 0.1 * k)))
    times = [time.process_time()]
    one_pass(SHARE, lots.capacity, lots.lot_value, have)
    times.append(time.process_time())
    made = rule.allocate(state, round_, budget)
    times.append(time.process_time())
    rule.learn(state, round_, nothing, made)
    times.append(time.process_time())
    return times[2] - times[1], times[3] - times[2], times[1] - times[0]

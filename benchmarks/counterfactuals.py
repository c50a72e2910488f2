"""Counterfactuals of ``explain``: each change that would have spared an account, run again from a line."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.datasets.episodes import load
from adl_opt.policy.policy import make_policy
from adl_opt.rounds.contracts import SPACES, WEALTH
from adl_opt.rounds.round import Allocation, Round
from adl_opt.service.changed import changed, changes_of
from adl_opt.service.situation import Situation, act, is_deleveraged
from adl_opt.service.wire import read_line, round_line
from benchmarks import isolate
from benchmarks.sections import Section
from tests.rounds.books import any_book, with_options

TEXT = (
    "`explain` says of each account that was deleveraged which smallest change of leverage, size or PNL "
    "would have spared it. Here every one of them is run again: the changed round is written as a line, "
    "read back (so all checks of a round hold for it) and decided by a policy that was made anew. "
    "`confirmed`: nothing is taken of the account. `still`: at the next factor that was tried (`still_at`, "
    "at most a ten thousandth larger, or one in a million) something is still taken. `smaller` counts those "
    "where one of five factors drawn between `still_at` and 1 spares the account too: what is taken need "
    "not fall with the change, and the search goes downward in sixteen steps. Rounds in wealth are "
    "synthetic, with 8 accounts; books in contracts are random (hedge mode, inverse contracts, isolated "
    "margin, several losers), and half of them have all options of a round (exempt accounts, caps, owners, "
    "cohorts, pairs, bands). Every rule takes its turn, behind `full-deficit` and `ftrl-exact`."
)
COLUMNS = ["space", "rule", "accounts", "leverage", "size", "pnl", "confirmed", "still", "smaller", "seconds"]
WITHOUT = {"risk-based"}
"""It solves a program for each run, and an account has some forty runs."""


def cases(seed: int) -> list[tuple[str, str, Situation]]:
    """Return (space, rule, case) of a seed, one in each space; rules take turns."""
    made = []
    for space in SPACES:
        rules = [r for r in ALLOCATIONS if space in ALLOCATIONS[r].spaces and r not in WITHOUT]
        turn, at = divmod(seed, len(rules))
        policy = make_policy(f"{('full-deficit', 'ftrl-exact')[turn % 2]}/{rules[at]}")
        if space == WEALTH:
            given = list(load(f"synthetic(accounts=8, rounds=2, markets=3, seed={seed})"))
            action = policy.act(policy.start(), given[0][0])
            state = policy.learn(policy.start(), *given[0], action)
            case = Situation(policy, state, *given[1], "a synthetic round")
        else:
            round_ = with_options(any_book(seed), seed) if (turn + at) % 2 else any_book(seed)
            case = Situation(policy, policy.start(), round_, None, "a random book")
        made.append((space, rules[at], case))
    return made


def judged_of_seed(seed: int) -> list[tuple[str, str, Counter[str], float]]:
    """Return what came out in each space, and the processor seconds."""
    made = []
    for space, rule, case in cases(seed):
        began = time.process_time()
        made.append((space, rule, judged(case), time.process_time() - began))
    return made


def counterfactuals_section(least: int) -> Section:
    """Confirm at least so many changes."""
    section = Section("Explain: counterfactuals that are run again", TEXT, COLUMNS)
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    total = Counter[str]()
    with isolate.spread(least) as each:
        for made in each(judged_of_seed, range(least)):  # every seed has a change or more
            for space, rule, seen, seconds in made:
                found[space, rule] += seen + Counter(seconds=seconds)
                total += seen
            if total["changes"] >= least:
                break
    for (space, rule), seen in sorted(found.items(), key=lambda item: SPACES.index(item[0][0])):
        section.rows.append({"space": space, "rule": rule} | {name: seen[name] for name in COLUMNS[2:]})
    for name, claim in (
        ("confirmed", "every change spares the account when the round is run again with it"),
        ("still", "at the next factor that was tried the account is still deleveraged"),
    ):
        measured = f"{total[name]:,} of {total['changes']:,}"
        section.targets.append((claim, measured, total[name] == total["changes"]))
    return section


def judged(case: Situation) -> Counter[str]:
    """Run every change of every account of a case again, and count what came out."""
    seen = Counter[str]()
    action = case.run()
    for row in range(len(case.round_.accounts)):
        if not is_deleveraged(action, row):
            continue
        seen["accounts"] += 1
        for change in changes_of(case, row):
            seen["changes"] += 1
            seen[change.what] += 1
            seen["confirmed"] += change.confirmed and not taken(case, row, change.what, change.factor)
            seen["still"] += taken(case, row, change.what, change.still_at)
            between = np.random.default_rng([row, seen["changes"]]).uniform(change.still_at, 1.0, 5)
            seen["smaller"] += not all(taken(case, row, change.what, f) for f in between.tolist())
    return seen


def taken(case: Situation, row: int, what: str, factor: float) -> bool:
    """Say whether anything is taken of a changed account, by a policy and a round that are made anew."""
    round_ = read_line(round_line(changed(case.round_, row, what, factor)))
    assert isinstance(round_, Round)  # noqa: S101
    action = act(make_policy(case.policy.name), case.state, round_, case.outcome)
    assert isinstance(action, Allocation)  # noqa: S101
    return is_deleveraged(action, row)

"""Hostile rounds for every policy and severity: extreme magnitudes, ties, dust, rounds without accounts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.errors import InputError, UsageError
from adl_opt.evaluate.replay import replay
from adl_opt.policy.policy import make_policy
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Positions
from adl_opt.severity.base import SEVERITIES

LARGEST = 1e15


def hostile_pair(seed: int, number: int) -> tuple[Round, Outcome]:
    """Draw a round and its outcome: 0 to 7 accounts, amounts from 1e-300 to 1e15 USD, lots to 2**53."""
    rng = np.random.default_rng([seed, number])
    n = int(rng.integers(0, 8))

    def amounts(size: int) -> Any:
        kind = rng.integers(0, 4)
        if kind == 0:
            return np.full(size, 10.0 ** rng.integers(-300, 15))
        if kind == 1:
            return 10.0 ** rng.uniform(-300, 15, size)
        if kind == 2:
            return rng.choice([0.0, 5e-324, 1e-9, 1.0, 1.0 + 2**-52, 1e15], size)
        return rng.uniform(0.0, 1e6, size)

    pnl = amounts(n) * rng.choice([1.0, 1.0, 1.0, -1.0], n)
    names = np.array([f"a{i}" for i in rng.permutation(20)[:n]], dtype=np.str_)
    positive = np.maximum(amounts(n), 1e-9)
    accounts = Accounts(
        id=names,
        pnl=pnl,
        equity=amounts(n) * rng.choice([1.0, 1.0, -1.0], n),
        side=rng.choice([-1, 1], n),
        entry=np.minimum(positive, 1e9),
        mark=np.minimum(np.maximum(amounts(n), 1e-9), 1e9),
        notional=amounts(n),
        leverage=rng.choice([0.0, 1.0, 20.0, 1e6], n),
        margin=amounts(n),
    )
    held = np.flatnonzero(accounts.capacity > 0)
    m = int(rng.integers(0, 10)) if held.size else 0
    value = np.maximum(np.minimum(amounts(m), 1e12), 1e-9)
    count = np.minimum(rng.choice([1, 2, 10**6, 10**12, 2**53], m), np.maximum(1e15 / value, 1.0))
    positions = Positions(
        account=rng.choice(held, m) if m else np.empty(0, dtype=np.int64),
        market=np.array([f"m{k % 3}" for k in range(m)], dtype=np.str_),
        lot_value=value,
        lots=np.floor(count).astype(np.int64),
        side=rng.choice([-1, 1], m),
        entry=np.maximum(np.minimum(amounts(m), 1e9), 1e-9),
        mark=np.maximum(np.minimum(amounts(m), 1e9), 1e-9),
        notional=amounts(m),
    )
    total = float(min(accounts.capacity.sum(), LARGEST))
    needed = float(min(total * rng.choice([0.0, 1e-12, 0.3, 1.0, 1.5]), LARGEST))
    deficit = float(min(needed * rng.choice([1.0, 1.0, 0.5, 2.0]), LARGEST))
    return Round(number=number, deficit=deficit, accounts=accounts, positions=positions), Outcome(needed)


def policies() -> list[str]:
    """Return every allocation under the oracle, and every severity that needs no parameter."""
    severities = [s for s in SEVERITIES if s not in ("oracle", "observed", "constant", "hedge")]
    rules = [name for name, rule in ALLOCATIONS.items() if WEALTH in getattr(rule, "spaces", (WEALTH,))]
    names = [*rules, *severities, "constant(0.5)", "hedge(ogd | ftrl-exact)"]
    return [name for name in names if _can_be_made(name)]


def _can_be_made(name: str) -> bool:
    try:
        make_policy(name)
    except UsageError:  # a part that has no default
        return False
    return True


def hostile_rounds(
    folder: Path | None = None, rounds: int | str = 10_000, first: int | str = 0, each: int = 4
) -> list[dict[str, Any]]:
    """Replay hostile episodes, from a first seed on; return a row for each policy that failed, and why."""
    failed: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], int] = {}
    refused = 0
    rounds = int(rounds)
    for seed in range(int(first), int(first) + rounds // each):
        pairs = []
        for number in range(1, each + 1):
            try:
                pairs.append(hostile_pair(seed, number))
            except InputError:
                refused += 1
        if pairs:
            for failure in replay(pairs, policies()).failures:
                key = failure.policy, re.sub("[0-9.e+-]+", "N", failure.error)[:150]
                failed[key] += 1
                where.setdefault(key, seed)
    rows = [{"policy": p, "error": e, "episodes": n, "seed": where[p, e]} for (p, e), n in failed.items()]
    last = f"{rounds} rounds, {refused} refused, {len(policies())} policies"
    return [*rows, {"policy": "all", "error": last, "episodes": rounds // each, "seed": ""}]

"""The battery: 500 random small rounds, every engine against every other and against enumeration.

Run it: ``python -m tests.programs.battery`` prints the largest disagreement of each pair of engines.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np

from adl_opt.programs import Status, solve
from adl_opt.programs.engines.kernels.kernel import find_kernel
from tests.programs.cases import (
    convex_programs,
    enumerate_lots,
    enumerate_payers,
    linear_programs,
    make_round,
    whole_programs,
)

LINEAR = tuple(linear_programs(make_round(), 1.0))
CONVEX = tuple(convex_programs(make_round(), 1.0))
WHOLE = tuple(whole_programs(make_round(positions=6), 1.0))
FAMILIES = (*LINEAR, *CONVEX, *WHOLE)
SEEDS = 25
"""Rounds of each family: 20 families, 500 instances."""

SHARES = (0.1, 0.3, 0.5, 0.7, 0.01)
TOLERANCE = 1e-9


def instance(family, seed):
    """Return program, round and budget of one instance, the same in every run."""
    if family in WHOLE:
        round_ = make_round(seed, 4, positions=4 + seed % 2)
        needed = round(SHARES[seed % 4] * round_.capacity_usd, 2)
        return whole_programs(round_, needed)[family], round_, needed
    round_ = make_round(seed, 2 + seed % 6, spread=(0.5, 1.5, 2.5)[seed % 3])
    needed = round(SHARES[seed % 5] * round_.capacity_usd, 4)
    made = linear_programs if family in LINEAR else convex_programs
    return made(round_, needed)[family], round_, needed


def answers(family, program, round_, needed):
    """Return the answer of every engine that takes the program, Clarabel and HiGHS apart."""
    runs = {"kernel": "kernel"} if find_kernel(program) else {}
    if all(term.has_rows for term in program.terms):
        runs["highs"] = "highs"
    if family in WHOLE:
        runs["cvxpy:highs"] = "cvxpy:highs"
    else:
        runs["clarabel"] = "cvxpy:clarabel"
    if family == "budget-and-accounts":
        runs["kernel"] = "auto"  # the kernel alone proves within the overshoot; auto lets HiGHS end it
    return {name: solve(program, round_, needed=needed, engine=engine) for name, engine in runs.items()}


def enumerated(family, program, round_, needed):
    """Return the optimum by enumeration: of lots, or of who pays; infinite where nothing is feasible."""
    if family == "cardinality":
        return enumerate_payers(round_, needed, program.subject_to[1].k, round_.accounts.equity)
    if family == "ticket":
        return _tickets(round_, needed, program.subject_to[1].usd, round_.capacity_usd)
    found = enumerate_lots(program, round_, needed)
    return math.inf if found is None else found


def closed_form(round_, needed):
    """Return the optimum of entropy-mixed: all pay h = min(1 - exp(-0.9), B / U) of their capacity."""
    u = round_.capacity_usd
    h = min(-math.expm1(-0.9), needed / u)
    return u * ((1 - h) * math.log1p(-h) + h) + (needed - u * h) + 0.1 * u * h


def _tickets(round_, needed, ticket, weight):
    """Least weight x largest burden + payers over every set of payers, each of at least a ticket."""
    u, best = round_.accounts.capacity, math.inf
    for count in range(1, u.size + 1):
        for who in combinations(range(u.size), count):
            own = u[list(who)]
            if own.min() < ticket or own.sum() < needed or count * ticket > needed:
                continue
            low, high = ticket / own.min(), 1.0
            for _ in range(80):
                z = (low + high) / 2
                low, high = (z, high) if np.minimum(z * own, own).clip(ticket).sum() < needed else (low, z)
            enough = np.minimum(ticket / own.min() * own, own).sum() >= needed
            best = min(best, weight * (ticket / own.min() if enough else high) + count)
    return best


def planted(answer):
    """Return what the checker accepts although it is wrong: nothing, if it is any good."""
    x, missed = answer.x, []
    more = x.copy()
    more[np.argmax(more)] += 0.01
    wrong = {"a cent": replace(answer, x=more, executed=math.fsum(more))}
    if any(rule.name == "solvency" for rule in answer.program.subject_to):
        less = x.copy()
        less[np.argmax(less)] -= 0.01 + max(math.fsum(x) - answer.needed, 0.0)
        wrong["a cent"] = replace(answer, x=less, executed=math.fsum(less))
    elif not any(rule.name in ("exact-budget", "lots") for rule in answer.program.subject_to):
        del wrong["a cent"]  # nothing asks for a budget
    if answer.lots is not None:
        lots = answer.lots.copy()
        lots[0] += 1
        wrong["a lot"] = replace(answer, lots=lots)
    proof = answer.proof
    for name in ("y", "z"):
        price = getattr(proof, name, None)
        if price is not None and np.any(price):
            wrong["a sign"] = replace(answer, proof=replace(proof, **{name: -price}))
    if getattr(proof, "price", 0.0):
        wrong["a sign"] = replace(answer, proof=replace(proof, price=-proof.price))
    missed += [name for name, forged in wrong.items() if forged.certify().ok]
    return missed, list(wrong)


def run(family, seeds=range(SEEDS)):
    """Return the largest disagreement of each pair, and how often each planted error was tried."""
    apart, tried = {}, Counter()
    for seed in seeds:
        program, round_, needed = instance(family, seed)
        found = answers(family, program, round_, needed)
        values = {name: answer.objective for name, answer in found.items()}
        if family in WHOLE:
            values["enumeration"] = enumerated(family, program, round_, needed)
        if family == "entropy-mixed":
            values["closed form"] = closed_form(round_, needed)
        if math.isinf(values.get("enumeration", 0.0)):
            assert {a.status for a in found.values()} == {Status.INFEASIBLE}, (family, seed, found)
            tried["infeasible"] += 1
            continue
        for name, answer in found.items():
            assert answer.status is Status.OPTIMAL, (family, seed, name, answer.status, answer.message)
            report = answer.certify(enumerate_up_to=10_000 if family in WHOLE else 0)
            assert report.ok, (family, seed, name, report.failed)
            missed, wrong = planted(answer)
            assert not missed, (family, seed, name, missed)
            tried.update(wrong)
        tried["instances"] += 1
        for a, b in combinations(sorted(values), 2):
            off = abs(values[a] - values[b]) / max(abs(values[a]), abs(values[b]), 1e-300)
            apart[a, b] = max(apart.get((a, b), 0.0), off)
    return apart, tried


def main():
    """Print the largest relative disagreement of each pair of engines over all families."""
    worst, tried = {}, Counter()
    for family in FAMILIES:
        apart, count = run(family)
        tried += count
        for pair, off in apart.items():
            worst[pair] = max(worst.get(pair, (0.0, "")), (off, family))
    print(f"{len(FAMILIES)} families, {len(FAMILIES) * SEEDS} instances; {dict(tried)}")
    for (a, b), (off, family) in sorted(worst.items()):
        print(f"{a:12s} {b:12s} {off:.1e} ({family or 'all equal'})")


if __name__ == "__main__":
    main()

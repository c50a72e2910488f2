"""October 10: status, time and size of the proofs of every model of rounds and of episodes."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from adl_opt.catalogue import load_model, model_names
from adl_opt.datasets.episodes import load
from adl_opt.evaluate.solve import solve
from adl_opt.proofs.check import check
from adl_opt.proofs.document import proof_text
from benchmarks import isolate
from benchmarks.sections import Section

TEXT = (
    "The rounds of October 10, gap 1e-4. Solve, write and check are processor seconds for all rounds together, on one "
    "process: the answers with their certificates; the documents; reading them and checking them in fractions. "
    "A model of kind episode has one proof for all rounds."
)
COLUMNS = [
    "model", "proofs", "optimal", "stated", "other", "accepted", "solve s", "write s", "check s", "MB",
]  # fmt: skip
KINDS = ("round", "episode")


def proofs_october_section(rounds: int) -> Section:
    """Solve the first rounds of October 10 by every model, each in a process of its own."""
    section = Section("Proofs of October 10", TEXT, COLUMNS)
    for name in model_names():
        if load_model(name).kind in KINDS:
            made = isolate.run(measure, name, rounds, limit=3600.0)
            section.rows.append(made.value or {"model": name, "failure": made.failure, "proofs": 0})
    done = [row for row in section.rows if row["proofs"]]
    proofs, accepted = (sum(row[name] for row in done) for name in ("proofs", "accepted"))
    solving, checking = (sum(row[name] for row in done) for name in ("solve s", "check s"))
    short = sum(row["proofs"] - row["optimal"] for row in done) + len(section.rows) - len(done)
    section.targets = [
        ("October 10: every answer optimal, none stated", f"{short} of {proofs} are not", not short),
        ("October 10: the checker accepts every proof", f"{accepted} of {proofs}", accepted == proofs),
        ("checking costs no more than solving", f"{checking:.0f} s, {solving:.0f} s", checking <= solving),
    ]
    return section


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Solve, write and check."""
    episode = load("oct10")[:rounds]
    start = time.process_time()
    solved = solve(episode, model=name, gap=1e-4)
    solve_s = time.process_time() - start
    statuses = Counter(row.get("status", solved.facts["status"]) for row in solved.rows)
    if len(solved.proofs) == 1:  # one for all rounds
        statuses = Counter([solved.facts["status"]])
    start = time.process_time()
    texts = [proof_text(proof.document()) for _, proof in solved.proofs if proof is not None]
    write_s, start = time.process_time() - start, time.process_time()
    accepted = sum(bool(check(json.loads(text))) for text in texts)
    return {
        "model": name,
        "proofs": len(solved.proofs),
        **{status: statuses[status] for status in ("optimal", "stated")},
        "other": statuses.total() - statuses["optimal"] - statuses["stated"],
        "accepted": accepted,
        "solve s": solve_s,
        "write s": write_s,
        "check s": time.process_time() - start,
        "MB": sum(map(len, texts)) / 1e6,
    }

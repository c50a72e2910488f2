"""October 10: status, time and size of the proofs of every model of rounds and of episodes."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from adl_opt.catalogue import load_model, model_names
from adl_opt.datasets.episodes import load
from adl_opt.evaluate.solve import solve
from adl_opt.proofs.check import check, proof_text
from benchmarks.sections import Section

TEXT = (
    "The rounds of October 10, gap 1e-4. Solve, write and check are processor seconds of all rounds "
    "together: the answers with their certificates; the documents; reading them and checking them in "
    "fractions. A model of kind episode has one proof for all rounds."
)
COLUMNS = [
    "model", "proofs", "optimal", "stated", "other", "accepted", "solve s", "write s", "check s", "MB",
]  # fmt: skip
KINDS = ("round", "episode")


def proofs_october_section(rounds: int, only: tuple[str, ...]) -> Section:
    """Solve the first rounds of October 10 by every model, or by some."""
    section = Section("Proofs of October 10", TEXT, COLUMNS)
    for name in only or model_names():
        if load_model(name).kind in KINDS:
            section.rows.append(measure(name, rounds))
    names = ("proofs", "optimal", "accepted", "solve s", "check s")
    proofs, optimal, accepted, solving, checking = (sum(row[name] for row in section.rows) for name in names)
    section.targets = [
        ("October 10: every answer optimal, none stated", f"{optimal} of {proofs}", optimal == proofs),
        ("October 10: the checker accepts every proof", f"{accepted} of {proofs}", accepted == proofs),
        ("checking costs no more than solving", f"{checking:.0f} s, {solving:.0f} s", checking <= solving),
    ]
    return section


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Solve, write and check."""
    episode = load("oct10")[:rounds]
    solve(episode[:1], model=name, gap=1e-4)  # imports and compiles
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

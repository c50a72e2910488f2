"""What the report says, as plain values: cards, tables, rounds, proofs, provenance."""

from __future__ import annotations

import hashlib
import math
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from adl_opt.evaluate.optimum import Optimum
from adl_opt.evaluate.record import PolicyRound, PolicySummary
from adl_opt.evaluate.result import Result
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.reports.text import decimals, usd
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.studies.findings import Findings
from adl_opt.version import __version__

PACKAGES = ("numpy", "pandas", "highspy", "plotly", "jinja2")
PAYERS = 15
"""So many payers of a policy in a round are listed; the rest are counted and summed."""


def headline_cards(result: Result) -> list[dict[str, str]]:
    """Return the headline figures: label, value, and the information they rest on."""
    rounds = next(iter(result.by_policy.values()))
    made = [
        _card("needed budget B, all rounds", _usd(math.fsum(r.needed for r in rounds)), "ex-post"),
        _card("deficit D, all rounds", _usd(math.fsum(r.deficit for r in rounds)), "as the episode says"),
        _card("envelope of Prop. 1", _usd(result.envelope_usd), "ex-post"),
        _card("path length P", f"{result.path_length:.4f}", "ex-post"),
    ]
    for p in result.policies:
        if p.policy == "production":
            made.insert(0, _card("production took", _usd(p.haircut_usd), "observed"))
            made.insert(1, _card("production's tracking error", _usd(p.tracking_usd), "observed"))
    for information, label in (
        (Information.EX_POST, "least total loss, ex-post severity"),
        (Information.START_OF_ROUND, "least total loss, start-of-round"),
    ):
        rows = [p for p in result.policies if p.information is information and not math.isnan(p.total_usd)]
        if rows:
            best = min(rows, key=lambda p: p.total_usd)
            made.append(_card(label, _usd(best.total_usd), f"{information.value}: {best.policy}"))
    return made


def _card(label: str, value: str, information: str) -> dict[str, str]:
    return {"label": label, "value": value, "information": information}


def _usd(value: float) -> str:
    return "-" if math.isnan(value) else f"${usd(value)}"


COLUMNS = (
    ("haircut_usd", "haircut, USD", 2),
    ("tracking_usd", "tracking, USD", 2),
    ("fairness_usd", "fairness, USD", 2),
    ("total_usd", "total, USD", 2),
    ("envelope_share", "share of envelope", 6),
    ("max_burden", "largest burden", 6),
    ("inversions", "inversions", 4),
    ("accounts_touched", "accounts touched", 0),
)

OF_A_ROUND = (("haircut", 2), ("tracking", 2), ("max_burden", 6), ("accounts_touched", 0))


def policy_rows(result: Result) -> list[dict[str, Any]]:
    """Return one row per policy: name, information, and cells of (value to sort by, text)."""
    shown = [(name, digits) for name, _, digits in COLUMNS]
    return [_row(p, shown) for p in result.policies]


def _row(of: PolicySummary | PolicyRound, shown: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Return some figures of a policy, each with so many digits."""
    cells = [_cell(float(getattr(of, name)), digits) for name, digits in shown]
    return {"policy": of.policy, "information": of.information.value, "cells": cells}


def _cell(value: float, digits: int) -> dict[str, Any]:
    known = math.isfinite(value)
    return {"sort": repr(value) if known else "", "text": decimals(value if known else math.nan, digits)}


def benchmark_rows(optimum: Optimum) -> list[dict[str, Any]]:
    """Return one row per offline optimum, with its bound and the gap between them."""
    return [
        {
            "name": b.name,
            "information": b.information,
            "tracking": _usd(b.tracking_usd),
            "objective": _usd(b.objective_usd),
            "bound": _usd(b.bound_usd),
            "gap": f"{abs(b.objective_usd - b.bound_usd) / max(b.objective_usd, 1.0):.1e}",
            "certified": "yes" if b.certified else "NO",
        }
        for b in optimum.benchmarks
    ]


def round_rows(findings: Findings) -> list[dict[str, Any]]:
    """Return one entry per round: its amounts, what each policy took, who paid, and the proof."""
    result, made = findings.result, []
    by_round: dict[int, list[Any]] = {}
    for record in result.records:
        by_round.setdefault(record.round, []).append(record)
    for (round_, outcome), best in zip(findings.episode, findings.least_burdens, strict=True):
        made.append(
            {
                "number": round_.number,
                "deficit": _usd(round_.deficit),
                "needed": _usd(outcome.needed),
                "capacity": _usd(round_.capacity_usd),
                "accounts": f"{len(round_.accounts):,}",
                "policies": [_row(record, OF_A_ROUND) for record in by_round[round_.number]],
                "payers": _payers(findings, round_.number),
                "proof": proof(best),
            }
        )
    return made


def _payers(findings: Findings, number: int) -> list[dict[str, Any]]:
    paid = findings.paid
    rows = paid[(paid["round"] == number) & (paid["haircut_usd"] > 0)]
    made = []
    for name, part in rows.groupby("policy", sort=False):
        top = part.sort_values("haircut_usd", ascending=False, kind="stable").head(PAYERS)
        made.append(
            {
                "policy": str(name),
                "information": str(part["information"].iloc[0]),
                "listed": len(top),
                "count": f"{len(part):,}",
                "total": _usd(math.fsum(part["haircut_usd"])),
                "rows": [
                    {"id": str(i), "capacity": _usd(c), "haircut": _usd(h), "burden": f"{h / c:.6f}"}
                    for i, c, h in zip(top["id"], top["capacity_usd"], top["haircut_usd"], strict=True)
                ],
            }
        )
    return made


def proof(best: LotsResult | None) -> dict[str, Any] | None:
    """Return the certificate of a round's least largest burden over whole lots; None without positions."""
    if best is None:
        return None
    checks = best.certify()
    return {
        "z": f"{best.z:.9f}",
        "bound": f"{best.lower_bound:.9f}",
        "gap": f"{best.gap:.1e}",
        "checks": [
            {"name": name.replace("_", " "), "passed": bool(getattr(checks, name))}
            for name in checks.__dataclass_fields__
        ],
    }


def provenance(episode: Episode, result: Result) -> list[tuple[str, str]]:
    """Return where the figures come from: episode, its hash, versions, how to make the report again."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return [
        ("episode", episode.name),
        ("source", episode.source),
        ("SHA-256 of the episode's amounts", fingerprint(episode)),
        ("burden", f"haircut / {result.burden}"),
        ("lambda", f"{result.lam:g}"),
        ("seeds", seeds(result)),
        ("adl_opt", __version__),
        ("python", platform.python_version()),
        ("packages", versions),
        *(("note", note) for note in result.notes),
    ]


def seeds(result: Result) -> str:
    """Return the seeds that the figures rest on.

    Examples
    --------
    >>> import adl_opt as adl
    >>> seeds(adl.replay("synthetic(accounts=5, rounds=1)", ["dydx-random(seed=7)"]))
    'episode: as its source says; dydx-random(seed=7): 7, with the number of the round'
    """
    drawn = []
    for name in dict.fromkeys(p.allocation for p in result.policies):
        if name.startswith("dydx-random"):
            given = re.search(r"seed=(\d+)", name)
            drawn.append(f"{name}: {given[1] if given else 0}, with the number of the round")
    return "; ".join(["episode: as its source says", *(drawn or ["policies: none draws"])])


def fingerprint(episode: Episode) -> str:
    """Return SHA-256 over rounds, ids and amounts: the same for the same episode, whatever file it is in.

    Examples
    --------
    >>> import adl_opt as adl
    >>> a, b = (fingerprint(adl.load(f"synthetic(accounts=3, rounds=2, seed={s})")) for s in (1, 1))
    >>> a == b
    True
    """
    digest = hashlib.sha256()
    for round_, outcome in episode:
        digest.update(np.array([round_.number, round_.deficit, outcome.needed]).tobytes())
        digest.update("\x00".join(map(str, round_.accounts.id)).encode())
        for column in (round_.accounts.pnl, round_.accounts.equity, round_.accounts.capacity):
            digest.update(np.ascontiguousarray(column, dtype=float).tobytes())
        if round_.positions is not None:
            digest.update(np.ascontiguousarray(round_.positions.lot_value, dtype=float).tobytes())
            digest.update(np.ascontiguousarray(round_.positions.lots, dtype=float).tobytes())
    return digest.hexdigest()

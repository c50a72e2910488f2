"""What the report says, as plain values: cards, tables, rounds, proofs, provenance."""

from __future__ import annotations

import hashlib
import math
import platform
import re
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.evaluate.record import PolicyRound
from adl_opt.evaluate.result import Result
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.reports.text import decimals, usd
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.studies.findings import Findings
from adl_opt.version import __version__

if TYPE_CHECKING:
    import pandas as pd

PACKAGES = ("numpy", "pandas", "highspy", "plotly", "jinja2")
PAYERS = 15
"""So many payers of a policy in a round are listed; the rest are counted and summed."""


def headline_cards(result: Result) -> list[dict[str, str]]:
    """Return the headline figures: label, value, and the information they rest on."""
    rounds = next(iter(result.by_policy.values()))
    made = [
        _card("needed budget B, all rounds", in_usd(math.fsum(r.needed for r in rounds)), "ex-post"),
        _card("deficit D, all rounds", in_usd(math.fsum(r.deficit for r in rounds)), "as the episode says"),
        _card("envelope of Prop. 1", in_usd(result.envelope_usd), "ex-post"),
        _card("worst loss of any severities up to D", in_usd(result.trivial_usd), "ex-post"),
        _card("path length P", f"{result.path_length:.4f}", "ex-post"),
    ]
    for p in result.policies:
        if p.policy == "production":
            made.insert(0, _card("production took", in_usd(p.haircut_usd), "observed"))
            made.insert(1, _card("production's tracking error", in_usd(p.tracking_usd), "observed"))
    for information, label in (
        (Information.START_OF_ROUND, "least total loss, start-of-round"),
        (Information.WHOLE_ROUND_FLOW, "least total loss, whole-round-flow"),
        (Information.EX_POST, "least total loss, ex-post severity"),
    ):
        rows = [p for p in result.policies if p.information is information and not math.isnan(p.total_usd)]
        if rows:
            best = min(rows, key=lambda p: p.total_usd)
            made.append(_card(label, in_usd(best.total_usd), f"{information.value}: {best.policy}"))
    return made


def _card(label: str, value: str, information: str) -> dict[str, str]:
    return {"label": label, "value": value, "information": information}


def in_usd(value: float) -> str:
    """Return USD to the cent with its sign, or a dash where it is not known."""
    return "-" if math.isnan(value) else f"${usd(value)}"


COLUMNS = (
    ("haircut_usd", "haircut, USD", 2),
    ("tracking_usd", "tracking, USD", 2),
    ("fairness_usd", "fairness, USD", 2),
    ("total_usd", "total, USD", 2),
    ("envelope_share", "share of envelope", 6),
    ("covered_rounds", "rounds covered", 0),
    ("covered_usd_share", "share of B paid", 6),
    ("worst_shortfall_usd", "worst shortfall, USD", 2),
    ("coverage_proven_95", "coverage proven (95 %)", 4),
    ("max_burden", "largest burden", 6),
    ("inversions", "inversions", 4),
    ("accounts_touched", "accounts touched", 0),
)

IN_CONTRACTS = (
    ("p99_burden", "99th percentile of burdens", 6),
    ("residual_usd", "residual, USD", 2),
    ("future_shortfall_usd", "future shortfall, USD", 2),
    ("hedges_broken", "hedges broken", 0),
)
"""What a policy has in contracts besides."""

MARKETS = (
    ("flow", "to close, contracts"),
    ("wanted", "asked for"),
    ("closed", "closed"),
    ("residual", "left"),
    ("accounts", "accounts closed"),
    ("haircut_usd", "haircut, USD"),
    ("residual_usd", "residual, USD"),
    ("hedges_broken", "hedges broken"),
)
"""Columns of the table of a policy by market and side."""


def amount(name: str, value: float) -> str:
    """Return a cell of such a table: USD to the cent, contracts to six digits.

    Examples
    --------
    >>> amount("haircut_usd", 1234.5), amount("flow", 1234567.0)
    ('$1,234.50', '1,234,570')
    """
    return in_usd(value) if name.endswith("_usd") else f"{float(f'{value:.6g}'):,.12g}"


def known(value: float, digits: int) -> str:
    """Return a number with so many digits behind the point; a dash where it is not known or not finite."""
    return decimals(value if math.isfinite(value) else math.nan, digits)


def sortable(value: float) -> str:
    """Return what a cell is sorted by: nothing where it is not known or not finite."""
    return repr(float(value)) if math.isfinite(value) else ""


def records_by_round(result: Result) -> dict[int, list[PolicyRound]]:
    """Return what the policies did in each round."""
    made: dict[int, list[PolicyRound]] = {}
    for record in result.records:
        made.setdefault(record.round, []).append(record)
    return made


def payers(findings: Findings, number: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield each policy of a round with all that pay, and with the :data:`PAYERS` that pay most."""
    paid = findings.paid
    rows = paid[(paid["round"] == number) & (paid["haircut_usd"] > 0)]
    for name, part in rows.groupby("policy", sort=False):
        yield str(name), part, part.sort_values("haircut_usd", ascending=False, kind="stable").head(PAYERS)


def checks(best: LotsResult) -> list[tuple[str, bool]]:
    """Return the checks of the certificate of a round's least largest burden, and which hold."""
    found = best.certify()
    return [(name.replace("_", " "), bool(getattr(found, name))) for name in found.__dataclass_fields__]


def provenance(episode: Episode, result: Result) -> list[tuple[str, str]]:
    """Return where the figures come from: episode, its hash, versions, how to make the report again."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return [
        ("episode", episode.name),
        ("source", episode.source),
        ("SHA-256 of the episode's amounts", fingerprint(episode)),
        ("space", result.space),
        ("burden", f"haircut / {result.loss.base}"),
        ("loss", str(result.loss)),
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

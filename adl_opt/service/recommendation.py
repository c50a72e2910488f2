"""The answer of ``recommend``: the ranking, what it rests on, and what the evidence can and cannot show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.answer import SCHEMA, Answer
from adl_opt.errors import InputError
from adl_opt.evaluate.differences import fewest_rounds
from adl_opt.evaluate.record import or_null, proven_coverage
from adl_opt.losses import Loss
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Pair
from adl_opt.service.document import PolicyDocument
from adl_opt.service.evidence import Evidence
from adl_opt.service.ranking import TOLERANCE, verdict_on
from adl_opt.severity.base import Severity
from adl_opt.studies.october10.lineup import bound_of, budgets_of, guaranteed_usd

if TYPE_CHECKING:
    import pandas as pd

COHORTS = ("size", "leverage", "side")
NEAREST = 5
"""So many of the next are asked whether they break fewer hedges."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recommendation(Answer):
    """A policy for a book, with the evidence for it.

    Parameters
    ----------
    episode, source : str
    rounds : int
    loss : Loss
    cover : float
    evidence : sequence of Evidence
        ``own``, ``bursts``, and in contracts ``stress``.
    table : pandas.DataFrame
        The candidates, best first (:func:`adl_opt.service.ranking.candidates_in_order`).
    document : PolicyDocument
        The policy file of the first.
    guarantee_usd : float
        What its severity guarantees to leave uncovered at most on the book's own rounds; NaN without such a
        theorem.
    regret_bound_usd : float
        Of its severity on these rounds; NaN without one.
    cohorts : dict of pandas.DataFrame
        Who pays under it on the book's own rounds, by size, leverage and side.
    curve : sequence of dict
        The frontier of the book: overshoot against coverage, in the pool of dollars.
    point : dict
        Where the severity of the first stands in that figure.
    notes : sequence of str
    """

    episode: str
    source: str
    rounds: int
    loss: Loss
    cover: float
    evidence: Sequence[Evidence]
    table: pd.DataFrame
    document: PolicyDocument
    guarantee_usd: float
    regret_bound_usd: float
    cohorts: dict[str, pd.DataFrame]
    curve: Sequence[dict[str, Any]]
    point: dict[str, Any]
    notes: Sequence[str]

    @classmethod
    def of(
        cls, book: Episode, loss: Loss, cover: float, evidence: Sequence[Evidence], **more: Any
    ) -> Recommendation:
        """Return the recommendation of the first of a ranking, with its guarantees and who pays."""
        first = str(more["table"].index[0])
        severity, pairs = more["document"].make().severity, list(book)
        bound = bound_of(severity, pairs)
        return cls(
            episode=book.name,
            source=book.source,
            rounds=len(book),
            loss=loss,
            cover=cover,
            evidence=evidence,
            guarantee_usd=guaranteed_usd(severity, pairs),
            regret_bound_usd=math.nan if bound is None else float(bound.value),
            cohorts=_cohorts(evidence[0], first),
            point=_point(severity, list(book.in_space(WEALTH))),
            **more,
        )

    @property
    def policy(self) -> str:
        """The name of the first candidate: the recommended one where any qualifies."""
        return str(self.table.index[0])

    @property
    def verdict(self) -> str:
        """In a few words: which policy is recommended, or that none qualifies and which is nearest."""
        return verdict_on(self.table)

    def frame(self) -> pd.DataFrame:
        """Return one row for each candidate, best first: ranking, both objectives, hedges, coverage."""
        made = self.table
        for one in self.evidence:
            own = one.frame().drop(columns=["loss_share", "covered_share"])
            made = made.join(own.add_prefix(f"{one.name}_"))
        return made

    def differences(self) -> dict[str, pd.DataFrame]:
        """Return, for each evidence, how much more each candidate costs, with a 95 % interval."""
        return {one.name: one.differences(self.policy) for one in self.evidence}

    def statement(self) -> list[str]:
        """Return in plain sentences what the evidence shows, and what it cannot show."""
        return [*self._shows(), *self._cannot()]

    def _shows(self) -> list[str]:
        first = self.table.iloc[0]
        covers = ", ".join(
            f"{100 * first[f'covered_share_{one.name}']:.2f} % in {IN_WORDS[one.name]}"
            for one in self.evidence
        )
        made = [
            f"{self.verdict[0].upper()}{self.verdict[1:]}.",
            self._guarantee(),
            f"{self.policy} raises {covers} of the needed USD; {100 * self.cover:g} % were asked for.",
        ]
        rivals = [str(name) for name in self.table.index[self.table["qualifies"]] if name != self.policy]
        if first["qualifies"] and rivals:
            made.append(self._next(rivals[0]))
        elif not first["qualifies"]:
            made.append(
                f"It does not qualify, for it {first['reason']}. Where none does, shares within "
                f"{100 * TOLERANCE:g} percentage points of the best count as equal, "
                "and the least loss is first."
            )
        sums = self.evidence[0].rounds.groupby("policy")["hedges_broken"].sum()
        hedges = {str(name): float(count) for name, count in sums.items()}
        least = min([self.policy, *rivals[:NEAREST]], key=hedges.__getitem__)
        if least != self.policy:
            made.append(
                f"{least}, one of the next {len(rivals[:NEAREST])}, breaks fewer hedges: "
                f"{hedges[least]:,.0f} against {hedges[self.policy]:,.0f}."
            )
        return made

    def _guarantee(self) -> str:
        if math.isnan(self.guarantee_usd):
            return f"What {self.policy} guarantees: nothing; no theorem bounds what it leaves uncovered."
        return (
            f"What {self.policy} guarantees: at most {self.guarantee_usd:,.2f} USD stay uncovered on rounds "
            "with these deficits, whatever is needed (its theorem, or the worst that could happen)."
        )

    def _next(self, rival: str) -> str:
        """Compare with the next that qualifies, and say whether the rounds tell them apart."""
        row = self.evidence[0].differences(self.policy).to_dict("index")[rival]
        low, high, apart = (row[f"{key}_usd"] for key in ("bootstrap_low", "bootstrap_high", "difference"))
        more = f"{abs(apart):,.2f} USD {'less' if apart < 0 else 'more'}"
        made = f"The next that qualifies, {rival}, costs {more} in the book's own rounds"
        if math.isnan(low):
            few = f"{_rounds(row['rounds'])} cannot tell them apart: {fewest_rounds()} are the fewest"
            return f"{made}; {few} that could."
        told = "tell them apart" if low > 0 or high < 0 else "do not tell them apart"
        return (
            f"{made} (95 % interval of what it costs more: {low:,.2f} to {high:,.2f}): these rounds {told}."
        )

    def _cannot(self) -> list[str]:
        proven = proven_coverage(self.rounds, self.rounds)
        made = [
            f"The book has {_rounds(self.rounds)}. Even if all were covered, that would prove a rate of no "
            f"more than {100 * proven:.1f} % (95 % confidence).",
            f"{len(self.table)} candidates were compared on the rounds that they are reported on, so the "
            "figures of the best flatter it. Run it in shadow before you deploy it.",
            "Bursts repeat what was seen, in other amounts. They hold no new account, market or price.",
        ]
        for one in self.evidence:
            if one.name == "stress":
                made.append(
                    f"Stress rests on assumptions, not on data: {one.what}. Another may rank otherwise."
                )
        if "production" not in set(self.evidence[0].rounds["policy"]):
            made.append(
                "What the venue did itself is not in the comparison: candidates do not know the outcome."
            )
        return [*made, *(f"{note[0].upper()}{note[1:]}." for note in self.notes)]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; figures that are not known are null."""
        table = self.frame().reset_index().to_dict("records")
        return {
            "schema": SCHEMA,
            "episode": self.episode,
            "source": self.source,
            "rounds": self.rounds,
            "loss": str(self.loss),
            "cover": self.cover,
            "policy": self.policy,
            "qualifies": bool(self.table["qualifies"].iloc[0]),
            "verdict": self.verdict,
            "document": self.document.values() | {"hash": self.document.hash},
            "guarantee_usd": or_null(self.guarantee_usd),
            "regret_bound_usd": or_null(self.regret_bound_usd),
            "evidence": {one.name: one.what for one in self.evidence},
            "candidates": [{key: _plain(value) for key, value in row.items()} for row in table],
            "differences": {name: _rows(frame) for name, frame in self.differences().items()},
            "cohorts": {by: _rows(frame) for by, frame in self.cohorts.items()},
            "frontier": list(self.curve),
            "frontier_point": self.point,
            "statement": self.statement(),
        }

    def write_html(self, path: str | PathLike[str]) -> Path:
        """Write the page for a risk committee: one file that opens offline (needs jinja2)."""
        made: Path = import_module("adl_opt.reports.html.committee").write_committee(
            self, path
        )  # it stands above
        return made


IN_WORDS = {"own": "the book's own rounds", "bursts": "bursts of its flow", "stress": "stress"}


def _cohorts(own: Evidence, policy: str) -> dict[str, pd.DataFrame]:
    made = {}
    result = next(one for one in own.results if policy in one.by_policy)
    for by in COHORTS:
        try:
            made[by] = result.per_cohort(policy, by)
        except InputError:
            continue  # the accounts of the book do not say it
    return made


def _point(severity: Severity, rounds: list[Pair]) -> dict[str, Any]:
    """Return a severity as a point of the frontier: its budgets against what was needed."""
    needed = np.array([outcome.needed for _, outcome in rounds])
    taken = np.array(budgets_of(severity, rounds))
    short, total = float(np.maximum(needed - taken, 0.0).sum()), float(needed.sum())
    return {
        "policy": severity.label(),
        "overshoot_usd": float(np.maximum(taken - needed, 0.0).sum()),
        "covered_usd_share": 1.0 - short / total if total > 0.0 else 1.0,
        "information": severity.information.value,
    }


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count:,} rounds"


def _plain(value: Any) -> Any:
    return or_null(value.item() if isinstance(value, np.generic) else value)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.reset_index().to_dict("records")]

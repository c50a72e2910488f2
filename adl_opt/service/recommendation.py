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
from adl_opt.evaluate.record import or_null, proven_coverage
from adl_opt.losses import Loss
from adl_opt.rounds.episode import Episode
from adl_opt.service.document import PolicyDocument
from adl_opt.service.evidence import Evidence
from adl_opt.studies.october10.lineup import bound_of, guaranteed_usd

if TYPE_CHECKING:
    import pandas as pd

COHORTS = ("size", "leverage", "side")
NEAREST = 5
"""So many of the next are asked whether they break fewer hedges."""


def candidates_in_order(evidence: Sequence[Evidence], cover: float) -> pd.DataFrame:
    """Return the candidates, best first: those that qualify by their mean loss, then the others by coverage.

    Columns are ``qualifies``, ``score`` (mean loss for each USD needed), ``covered`` (the least share of the
    needed USD in any evidence), and ``loss_share`` and ``covered_share`` of each evidence by its name.
    """
    import pandas as pd

    frames = {one.name: one.frame() for one in evidence}
    made = pd.DataFrame(index=frames["own"].index)
    for name, frame in frames.items():
        for figure in ("loss_share", "covered_share"):
            made[f"{figure}_{name}"] = frame[figure].reindex(made.index)
    losses = made[[f"loss_share_{name}" for name in frames]]
    shares = made[[f"covered_share_{name}" for name in frames]]
    made.insert(0, "covered", shares.min(axis=1, skipna=False))
    made.insert(0, "score", losses.mean(axis=1, skipna=False))
    made.insert(0, "qualifies", made["covered"] >= cover - 1e-12)
    made["_unlike"] = np.where(made["qualifies"], 0.0, -made["covered"].fillna(-1.0))
    order = made.sort_values(["qualifies", "_unlike", "score"], ascending=[False, True, True], kind="stable")
    return order.drop(columns="_unlike")


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
        The candidates, best first (:func:`candidates_in_order`).
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
        The frontier of the book: overshoot against coverage.
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
            **more,
        )

    @property
    def policy(self) -> str:
        """The name of the recommended policy."""
        return str(self.table.index[0])

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
            f"{100 * first[f'covered_share_{one.name}']:.2f} % in {_IN_WORDS[one.name]}"
            for one in self.evidence
        )
        made = [f"{self.policy} raises {covers} of the needed USD; {100 * self.cover:g} % were asked for."]
        if not first["qualifies"]:
            made.append("No candidate raises the share that was asked for; this one is nearest to it.")
        rivals = [str(name) for name in self.table.index[self.table["qualifies"]] if name != self.policy]
        if rivals:
            row = self.evidence[0].differences(self.policy).loc[rivals[0]]
            low, high = row["bootstrap_low_usd"], row["bootstrap_high_usd"]
            apart = "tell them apart" if low > 0 or high < 0 else "do not tell them apart"
            more = f"{abs(row['difference_usd']):,.2f} USD {'less' if row['difference_usd'] < 0 else 'more'}"
            made.append(
                f"The next that qualifies, {rivals[0]}, costs {more} in the book's own rounds "
                f"(95 % interval of what it costs more: {low:,.2f} to {high:,.2f}): these rounds {apart}."
            )
        sums = self.evidence[0].rounds.groupby("policy")["hedges_broken"].sum()
        hedges = {str(name): float(count) for name, count in sums.items()}
        least = min([self.policy, *rivals[:NEAREST]], key=hedges.__getitem__)
        if least != self.policy:
            made.append(
                f"{least}, one of the next {len(rivals[:NEAREST])}, breaks fewer hedges: "
                f"{hedges[least]:,.0f} against {hedges[self.policy]:,.0f}."
            )
        if math.isnan(self.guarantee_usd):
            made.append("Its severity has no guarantee in dollars for any sequence of rounds.")
        else:
            made.append(
                f"Its severity leaves at most {self.guarantee_usd:,.2f} USD uncovered on rounds with these "
                "deficits, whatever is needed (its theorem, or the worst that could happen)."
            )
        return made

    def _cannot(self) -> list[str]:
        proven = proven_coverage(self.rounds, self.rounds)
        made = [
            f"The book has {self.rounds} rounds. Even if all were covered, that would prove a rate of no "
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
            "document": self.document.values() | {"hash": self.document.hash},
            "guarantee_usd": or_null(self.guarantee_usd),
            "regret_bound_usd": or_null(self.regret_bound_usd),
            "evidence": {one.name: one.what for one in self.evidence},
            "candidates": [{key: _plain(value) for key, value in row.items()} for row in table],
            "differences": {name: _rows(frame) for name, frame in self.differences().items()},
            "cohorts": {by: _rows(frame) for by, frame in self.cohorts.items()},
            "frontier": list(self.curve),
            "statement": self.statement(),
        }

    def write_html(self, path: str | PathLike[str]) -> Path:
        """Write the page for a risk committee: one file that opens offline (needs jinja2)."""
        made: Path = import_module("adl_opt.reports.html.committee").write_committee(
            self, path
        )  # it stands above
        return made


_IN_WORDS = {"own": "the book's own rounds", "bursts": "bursts of its flow", "stress": "stress"}


def _cohorts(own: Evidence, policy: str) -> dict[str, pd.DataFrame]:
    made = {}
    result = next(one for one in own.results if policy in one.by_policy)
    for by in COHORTS:
        try:
            made[by] = result.per_cohort(policy, by)
        except InputError:
            continue  # the accounts of the book do not say it
    return made


def _plain(value: Any) -> Any:
    return or_null(value.item() if isinstance(value, np.generic) else value)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.reset_index().to_dict("records")]

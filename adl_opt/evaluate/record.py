"""What is kept of one policy in one round, and the sums over rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from adl_opt.losses import fairness, overshoot, tracking, undershoot
from adl_opt.rounds.round import Information


@dataclass(frozen=True, kw_only=True)
class PolicyRound:
    """One policy in one round.  USD unless said; NaN where a figure is not known.

    Parameters
    ----------
    policy, severity, allocation, information
        Who decided, and on what.
    round : int
    deficit, needed, capacity : float
        D, B, U.
    budget, haircut, shortfall : float
        What the severity asked for, H, and what the haircuts could not cover of the budget.
    max_burden, reference_burden : float
        Largest burden, and the min-max reference of the same round (no unit).
    lower_bound : float
        Proven lower bound on the largest burden at this budget, where the rule gives one.
    accounts, accounts_touched : float
        Accounts in the round, and those with a haircut above 0.
    inversions, pairs : float
        Adjacent inversions after the round, out of so many pairs.
    gini : float
        Of the burdens.
    rank_stability : float
        Rank correlation of burdens with the round before.
    seconds : float
    """

    policy: str
    severity: str
    allocation: str
    information: Information
    round: int
    deficit: float
    needed: float
    capacity: float = math.nan
    budget: float = math.nan
    haircut: float
    shortfall: float = math.nan
    max_burden: float = math.nan
    reference_burden: float = math.nan
    lower_bound: float = math.nan
    accounts: float = math.nan
    accounts_touched: float = math.nan
    inversions: float = math.nan
    pairs: float = math.nan
    gini: float = math.nan
    rank_stability: float = math.nan
    seconds: float = math.nan

    @property
    def tracking(self) -> float:
        """abs(H - B), USD."""
        return float(tracking(self.haircut, self.needed))

    @property
    def fairness(self) -> float:
        """B abs(m - m_ILP), USD (eq. 23)."""
        return float(fairness(self.needed, self.max_burden, self.reference_burden))


@dataclass(frozen=True, kw_only=True)
class PolicySummary:
    """One policy over an episode: a row of every policy table.  USD unless said; NaN where not known."""

    policy: str
    severity: str
    allocation: str
    information: Information
    haircut_usd: float
    tracking_usd: float
    fairness_usd: float
    total_usd: float
    envelope_share: float
    overshoot_usd: float
    undershoot_usd: float
    max_burden: float
    inversions: float
    rank_stability: float
    accounts_touched: float
    seconds: float


def summarise(records: Sequence[PolicyRound], *, lam: float, envelope: float) -> PolicySummary:
    """Sum one policy's rounds up.

    ``inversions`` is the share of all adjacent pairs; ``rank_stability`` the mean over the rounds in which it
    exists; ``max_burden`` the largest of all rounds; ``accounts_touched`` counts an account once a round.
    """
    first = records[0]
    haircut = [r.haircut for r in records]
    needed = [r.needed for r in records]
    track = math.fsum(r.tracking for r in records)
    fair = math.fsum(r.fairness for r in records)
    pairs = math.fsum(r.pairs for r in records)
    stable = [r.rank_stability for r in records if not math.isnan(r.rank_stability)]
    total = track + lam * fair
    return PolicySummary(
        policy=first.policy,
        severity=first.severity,
        allocation=first.allocation,
        information=first.information,
        haircut_usd=math.fsum(haircut),
        tracking_usd=track,
        fairness_usd=fair,
        total_usd=total,
        envelope_share=total / envelope if envelope > 0 else math.nan,
        overshoot_usd=math.fsum(overshoot(haircut, needed)),
        undershoot_usd=math.fsum(undershoot(haircut, needed)),
        max_burden=_largest([r.max_burden for r in records]),
        inversions=math.fsum(r.inversions for r in records) / pairs if pairs > 0 else math.nan,
        rank_stability=math.fsum(stable) / len(stable) if stable else math.nan,
        accounts_touched=math.fsum(r.accounts_touched for r in records),
        seconds=math.fsum(r.seconds for r in records),
    )


def _largest(values: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, values)) else max(values)

"""What is kept of one policy in one round, and the sums over rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.losses import Loss, fairness, overshoot, undershoot
from adl_opt.rounds.columns import Floats, Text
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Information
from adl_opt.tabular import Noun

if TYPE_CHECKING:
    import pandas as pd


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
    budget, haircut, shortfall, residual : float
        What the severity asked for, H, what the haircuts could not cover of the budget, and what was to be
        taken (in contracts: closed) and could not be.
    future_shortfall : float
        Expected equity shortfall after the round and its haircuts, in contracts
        (:func:`adl_opt.evaluate.future.future_shortfall`); NaN in wealth.
    hedges_broken : float
        In contracts: accounts that hold both sides, in any markets, and of which one side only was closed.
    p99_burden : float
        99th percentile of the burdens of accounts with capacity (no unit).
    max_burden, reference_burden : float
        Largest burden of accounts with capacity, and the min-max reference of the same round (no unit).
    uncounted : float
        Haircuts of accounts whose burden base is 0, USD: part of H and of no burden, for they have none.
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
    whole_lots : bool
        The haircuts are given in whole lots, or are all 0.
    seconds : float
    space : str
        ``wealth`` or ``contracts``.
    price : str
        The price that contracts were closed at; empty in wealth.
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
    residual: float = math.nan
    uncounted: float = math.nan
    future_shortfall: float = math.nan
    hedges_broken: float = math.nan
    p99_burden: float = math.nan
    max_burden: float = math.nan
    reference_burden: float = math.nan
    lower_bound: float = math.nan
    accounts: float = math.nan
    accounts_touched: float = math.nan
    inversions: float = math.nan
    pairs: float = math.nan
    gini: float = math.nan
    rank_stability: float = math.nan
    whole_lots: bool = False
    seconds: float = math.nan
    space: str = WEALTH
    price: str = ""

    @property
    def fairness(self) -> float:
        """B abs(m - m_ILP), USD (eq. 23)."""
        return float(fairness(self.needed, self.max_burden, self.reference_burden))


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept:
    """What policies go on from after their last round, in arrays, and a way to play them again.

    Parameters
    ----------
    accounts : (n,) text
        Ids of the last round.
    policies : dict of (state, burdens)
        By name; the (n,) burdens of the last round are None for a policy that only reads a record.
    marks : sequence of dict
        Mark of each market in each round in contracts so far.
    paid : callable
        Of names of policies: who paid under them.
    markets : callable
        Of the name of a policy: who was closed under it, by market and side.
    losers_too : set of str
        Names of the policies that take more than positive PNL, in contracts.
    made_of : callable
        What the result is made of, as plain values: SHA-256 of the episode, parts of each policy.
    """

    accounts: Text
    policies: Mapping[str, tuple[Any, Floats | None]]
    marks: Sequence[Mapping[str, float]]
    paid: Callable[[Iterable[str]], pd.DataFrame]
    markets: Callable[[str], pd.DataFrame]
    losers_too: frozenset[str] = frozenset()
    made_of: Callable[[], dict[str, Any]] = dict


@dataclass(frozen=True, kw_only=True)
class PolicySummary(Noun):
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
    covered_rounds: int
    covered_usd_share: float
    worst_shortfall_usd: float
    cvar_shortfall_usd: float
    coverage_proven_95: float
    max_burden: float
    inversions: float
    rank_stability: float
    accounts_touched: float
    seconds: float
    space: str
    price: str
    residual_usd: float
    future_shortfall_usd: float
    p99_burden: float
    hedges_broken: float
    balance_usd: float
    lowest_balance_usd: float


def settles_within(rows: Iterable[PolicySummary]) -> bool:
    """Return whether a policy settles within the round: then the balances are shown."""
    return any(row.information is Information.WITHIN_ROUND for row in rows)


def summarise(records: Sequence[PolicyRound], *, loss: Loss, envelope: float) -> PolicySummary:
    """Sum one policy's rounds up.

    ``tracking_usd`` is the loss without its fairness term.  ``inversions`` is the share of all adjacent
    pairs; ``rank_stability`` the mean over the rounds in which it exists; ``max_burden`` the largest of all
    rounds; ``accounts_touched`` counts an account once a round.

    A round is covered where H >= B - 1e-9 max(1, B).  ``covered_usd_share`` is the share of sum B that was
    paid, 1 where nothing was needed; ``worst_shortfall_usd`` the largest [B - H]_+; ``cvar_shortfall_usd``
    its mean over the worst twentieth of the rounds; ``coverage_proven_95`` see :func:`proven_coverage`.
    ``balance_usd`` is what was taken less what was needed, over all rounds; ``lowest_balance_usd`` its lowest
    after any round, 0 at most: what a fund that floats the difference must hold.
    """
    first = records[0]
    amounts = [
        np.array([getattr(r, name) for r in records])
        for name in ("haircut", "needed", "max_burden", "reference_burden")
    ]
    made = scored(loss, *amounts)
    pairs = math.fsum(r.pairs for r in records)
    stable = [r.rank_stability for r in records if not math.isnan(r.rank_stability)]
    return PolicySummary(
        policy=first.policy,
        severity=first.severity,
        allocation=first.allocation,
        information=Information.weakest(*(r.information for r in records)),
        **made,  # type: ignore[arg-type]
        envelope_share=made["total_usd"] / envelope if envelope > 0 else math.nan,
        inversions=math.fsum(r.inversions for r in records) / pairs if pairs > 0 else math.nan,
        rank_stability=math.fsum(stable) / len(stable) if stable else math.nan,
        accounts_touched=math.fsum(r.accounts_touched for r in records),
        seconds=math.fsum(r.seconds for r in records),
        space=first.space,
        price=first.price,
        residual_usd=math.fsum(r.residual for r in records),
        future_shortfall_usd=math.fsum(r.future_shortfall for r in records),
        p99_burden=max((r.p99_burden for r in records), default=math.nan),
        hedges_broken=math.fsum(r.hedges_broken for r in records),
    )


def scored(
    loss: Loss, haircut: Floats, needed: Floats, worst: Floats, reference: Floats
) -> dict[str, float | int]:
    """Return the figures of :class:`PolicySummary` that rest on H, B, m and m* of each round, (T,) each."""
    short = undershoot(haircut, needed)
    covered = int(np.count_nonzero(short <= COVERED * np.maximum(needed, 1.0)))
    asked = math.fsum(needed)
    return {
        "haircut_usd": math.fsum(haircut),
        "balance_usd": math.fsum([*haircut, *-needed]),
        "lowest_balance_usd": float(np.min(np.cumsum(haircut - needed), initial=0.0)),
        "tracking_usd": math.fsum(loss.tracking(haircut, needed)),
        "fairness_usd": math.fsum(fairness(needed, worst, reference)),
        "total_usd": math.fsum(loss.total(haircut, needed, worst, reference)),
        "overshoot_usd": math.fsum(overshoot(haircut, needed)),
        "undershoot_usd": math.fsum(short),
        "covered_rounds": covered,
        "covered_usd_share": 1.0 - math.fsum(short) / asked if asked > 0 else 1.0,
        "worst_shortfall_usd": float(np.max(short, initial=0.0)),
        "cvar_shortfall_usd": cvar(short),
        "coverage_proven_95": proven_coverage(covered, needed.size),
        "max_burden": float(np.max(worst, initial=0.0)),
    }


COVERED = 1e-9
"""A shortfall below this share of B (of one USD, where B is less) is rounding."""


def cvar(shortfall: Floats, level: float = 0.95) -> float:
    """Return the mean shortfall over the worst share 1 - level of the rounds (CVaR), USD.

    Where that share is not a whole number of rounds, the last one counts in part; without rounds it is 0.

    Examples
    --------
    >>> cvar(np.array([0.0, 0.0, 4.0, 8.0]), level=0.625)
    6.666666666666667
    """
    rounds = (1.0 - level) * shortfall.size
    if rounds == 0.0:
        return 0.0
    weight = np.clip(rounds - np.arange(shortfall.size), 0.0, 1.0)
    return float(np.sort(shortfall)[::-1] @ weight) / rounds


@lru_cache(maxsize=4096)
def proven_coverage(covered: int, rounds: int) -> float:
    """Return the coverage that so many covered rounds prove at 95 % confidence (Clopper-Pearson, one-sided).

    It is the p at which at least ``covered`` of ``rounds`` independent rounds are covered with probability
    5 %: a smaller coverage would have shown so many more rarely still.  Found by bisection.

    Examples
    --------
    >>> round(proven_coverage(16, 16), 3), proven_coverage(0, 16)
    (0.829, 0.0)
    """
    if covered == 0:
        return 0.0
    k = np.arange(covered, rounds + 1)
    ways = np.array([math.lgamma(rounds + 1) - math.lgamma(j + 1) - math.lgamma(rounds - j + 1) for j in k])
    low, high = 0.0, 1.0
    for _ in range(60):
        p = 0.5 * (low + high)
        tail = math.fsum(np.exp(ways + k * math.log(p) + (rounds - k) * math.log1p(-p)))
        low, high = (p, high) if tail < 0.05 else (low, p)
    return low


def or_null(value: Any) -> Any:
    """Return a figure as JSON has it: None where it is not known."""
    if isinstance(value, Information):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value

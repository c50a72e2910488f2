"""The blocks of the study, and notes on them: what it shows and what it does not, in its own figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from adl_opt.evaluate.result import Result
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.severity.base import Severity
from adl_opt.severity.defaults import frozen_defaults
from adl_opt.severity.hints.models import FixedGap
from adl_opt.severity.learners.betting import CoinBetting

OCTOBER_10 = ("oct10", "oct10-bursts")
"""Episodes of the day that was looked at before the defaults were frozen."""

TARGET_USD = 6_000_000.0
"""The total objective, USD, that severities with hints were to stay within: set before the first run."""

MOONSHOT_USD = 3_400_000.0
"""The total, USD, that the paper's best deployable policy reaches with the ex post budget."""


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """One policy of a block.  USD; NaN where there is no figure.

    Parameters
    ----------
    policy : str
    tracking_usd, fairness_usd, total_usd, envelope_share : float
        As in every policy table.
    dynamic_regret_usd, static_regret_usd : float
        Of the executed severities (eq. 13, 12).
    covered_rounds, covered_usd_share, worst_shortfall_usd, coverage_proven_95
    overshoot_usd, undershoot_usd
        As in every policy table.
    bound_usd : float
        The policy's own bound on its static regret; on its dynamic regret where its theorem is about that.
        At most the worst loss that severities can have; NaN where capacity cut a budget, for no theorem is
        about that.
    bound_kind : str
        ``static``, ``dynamic``, or nothing.
    informative : bool, optional
        Whether the theorem says more than the worst loss; None without a bound.
    guarantee_usd : float
        What the policy's severity leaves uncovered at most by its own guarantee; NaN without one in USD, and
        where capacity cut a budget.
    """

    policy: str
    tracking_usd: float
    fairness_usd: float
    total_usd: float
    envelope_share: float
    dynamic_regret_usd: float
    static_regret_usd: float
    overshoot_usd: float
    undershoot_usd: float
    covered_rounds: int
    covered_usd_share: float
    worst_shortfall_usd: float
    coverage_proven_95: float
    bound_usd: float = math.nan
    bound_kind: str = ""
    informative: bool | None = None
    guarantee_usd: float = math.nan

    @property
    def bound_holds(self) -> bool | None:
        """Whether the measured regret is within the bound; None without a bound."""
        if math.isnan(self.bound_usd):
            return None
        measured = self.static_regret_usd if self.bound_kind == "static" else self.dynamic_regret_usd
        return measured <= self.bound_usd


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyBlock:
    """Policies on the same information.

    Parameters
    ----------
    information, hint : str
        What they were given; ``hint`` names the markets that hints were made of.
    rows : sequence of StudyRow
    result : Result
        The replay they come from.
    episode : Episode
    severities : sequence of Severity
        In the order of the rows; none in the ex post block.
    """

    information: str
    hint: str
    rows: Sequence[StudyRow] = field(repr=False)
    result: Result = field(repr=False)
    episode: Episode = field(repr=False)
    severities: Sequence[Severity] = field(default=(), repr=False)


def notes_on(blocks: Sequence[StudyBlock]) -> list[str]:
    """Return the notes on blocks: when defaults were frozen; on October 10 how far the evidence goes.

    Examples
    --------
    >>> notes_on([])[0][:30]
    'All defaults were frozen on 20'
    """
    frozen = frozen_defaults()
    made = [
        f"All defaults were frozen on {frozen['date']} (SHA-256 {frozen['sha256'][:12]}...): an event after "
        "that is a test of them, an event before it is not.",
    ]
    if not any(block.episode.name in OCTOBER_10 for block in blocks):
        return made
    made += [
        f"{FixedGap.name} was added after a first look at October 10, on which the learnt hints fell behind "
        "it: its rows there are weak evidence. One episode proves nothing alone: see the synthetic episodes.",
        f"{CoinBetting.name} under hints was added after a look at the others, for its theorem (a constant "
        "regret against the hint at its word), not for a figure, and on every hint.",
    ]
    for block in blocks:
        if Information(block.information).without_outcome and block.rows:
            made += _on(block)
    return made


def _on(block: StudyBlock) -> list[str]:
    rows = sorted(block.rows, key=lambda row: row.total_usd)
    where = f"{block.information}, hints: {block.hint}"
    reached = [row for row in rows if row.total_usd <= TARGET_USD]
    late = [row for row in reached if FixedGap.name in row.policy]
    said = f"{where}: at most {_usd(TARGET_USD)} in total: {', '.join(map(_named, reached)) or 'no policy'}."
    if reached and len(late) == len(reached):
        said += f" Every one of them uses {FixedGap.name}."
    moon = [row for row in rows if row.total_usd <= MOONSHOT_USD]
    verdict = (
        f"reached by {', '.join(map(_named, moon))}" if moon else f"not reached; best: {_named(rows[0])}"
    )
    return [said, f"{where}: moonshot of {_usd(MOONSHOT_USD)} in total: {verdict}."]


def _named(row: StudyRow) -> str:
    return f"{row.policy} ({_usd(row.total_usd)})"


def _usd(value: float) -> str:
    return f"${value / 1e6:.2f}M"

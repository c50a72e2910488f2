"""What a study shows and what it does not, said in its own figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adl_opt.rounds.round import Information
from adl_opt.severity.hints.models import FixedGap
from adl_opt.severity.learners.betting import CoinBetting

TARGET_USD = 6_000_000.0
"""The total objective, USD, that severities with hints were to stay within: set before the first run."""

MOONSHOT_USD = 3_400_000.0
"""The total, USD, that the paper's best deployable policy reaches with the ex post budget."""


def notes_on(blocks: Sequence[Any]) -> list[str]:
    """Return the notes on blocks of October 10: how far the evidence goes, target and moonshot.

    Examples
    --------
    >>> notes_on([])[0][:43]
    'fixed-gap was added after a first look at O'
    """
    made = [
        f"{FixedGap.name} was added after a first look at October 10, on which the learnt hints fell behind "
        "it: its rows there are weak evidence. One episode proves nothing alone: see the synthetic episodes.",
        f"{CoinBetting.name} under hints was added after a look at the others, for its theorem (a constant "
        "regret against the hint at its word), not for a figure, and on every hint.",
    ]
    for block in blocks:
        if block.information == Information.START_OF_ROUND.value and block.rows:
            made += _on(block)
    return made


def _on(block: Any) -> list[str]:
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


def _named(row: Any) -> str:
    return f"{row.policy} ({_usd(row.total_usd)})"


def _usd(value: float) -> str:
    return f"${value / 1e6:.2f}M"

"""``result.plot``: the figures of a replay, one method each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adl_opt.evaluate.result import Result
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.series import replayed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Plots:
    """The figures of one replay; each method gives a matplotlib figure, to show or to save.

    Parameters
    ----------
    result : Result

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay("synthetic(accounts=10, rounds=3)", ["pro-rata", "min-max"])
    >>> result.plot.cumulative().get_suptitle()
    'synthetic-0: cumulative loss by policy (under=1, over=1, fair=1, base=capacity, limit=capacity)'
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def cumulative(self, policies: Sequence[str] | None = None) -> Figure:
        """Tracking, fairness and total by policy, summed up to each round, USD."""
        return draw(replayed.cumulative_series(self._result, policies))

    def budgets(self, policies: Sequence[str] | None = None) -> Figure:
        """Draw what each round needed beside what was taken, USD."""
        return draw(replayed.budget_series(self._result, policies))

    def envelope(self, policies: Sequence[str] | None = None) -> Figure:
        """Cumulative total loss as a share of the envelope of Prop. 1."""
        return draw(replayed.envelope_series(self._result, policies))

    def order(self, policies: Sequence[str] | None = None) -> Figure:
        """Inversions and rank stability by policy."""
        return draw(replayed.order_series(self._result, policies))

"""``result.plot``: the figures of a replay, one method each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adl_opt.evaluate.result import Result
from adl_opt.reports.figures.draw import draw, draw_into
from adl_opt.reports.series import replayed
from adl_opt.reports.series.parts import FigureData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Into = Axes | Sequence[Axes]


class Plots:
    """The figures of one replay.

    Each method takes the same three things, and gives a matplotlib figure.  A notebook shows it where it is
    the last value of a cell; nothing has to be switched on first.

    Parameters
    ----------
    result : Result

    Notes
    -----
    ``policies`` names those to draw, as the result names them: one name, or several in the order of the
    legend.  By default the figure has those of :func:`adl_opt.policy.lineup.shown`.  ``title`` is written
    instead of the usual one; an empty one leaves it out.  ``ax`` are axes of yours to draw into, as many as
    the figure has panels; they are given back then, and not a figure.  An unknown name, or another number of
    axes, is a UsageError.

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay("synthetic(accounts=10, rounds=3)", ["pro-rata", "min-max"])
    >>> result.plot.cumulative("pro-rata", title="What pro-rata loses").get_suptitle()
    'What pro-rata loses'
    """

    def __init__(self, result: Result) -> None:
        self._result = result

    def cumulative(
        self, policies: str | Sequence[str] | None = None, *, ax: Into | None = None, title: str | None = None
    ) -> Any:
        """Tracking, fairness and total by policy, summed up to each round, USD (eq. 23); three panels.

        Examples
        --------
        >>> import adl_opt as adl
        >>> result = adl.replay("synthetic(accounts=10, rounds=3)", ["pro-rata", "min-max"])
        >>> [panel.get_title("left") for panel in result.plot.cumulative().axes]
        ['tracking', 'fairness', 'total']
        """
        return _shown(replayed.cumulative_series(self._result, policies), ax, title)

    def budgets(
        self, policies: str | Sequence[str] | None = None, *, ax: Into | None = None, title: str | None = None
    ) -> Any:
        """Draw what each round needed beside what was taken, USD; one panel.

        Examples
        --------
        >>> import adl_opt as adl, matplotlib.figure
        >>> result = adl.replay("synthetic(accounts=10, rounds=3)", "full-deficit")
        >>> mine = matplotlib.figure.Figure().subplots()
        >>> result.plot.budgets(ax=mine) is mine
        True
        """
        return _shown(replayed.budget_series(self._result, policies), ax, title)

    def envelope(
        self, policies: str | Sequence[str] | None = None, *, ax: Into | None = None, title: str | None = None
    ) -> Any:
        """Cumulative total loss as a share of the envelope of Prop. 1; one panel.

        Examples
        --------
        >>> import adl_opt as adl
        >>> adl.replay("synthetic(accounts=10, rounds=3)").plot.envelope("pro-rata").axes[0].get_xlabel()
        'round'
        """
        return _shown(replayed.envelope_series(self._result, policies), ax, title)

    def order(
        self, policies: str | Sequence[str] | None = None, *, ax: Into | None = None, title: str | None = None
    ) -> Any:
        """Inversions and rank stability by policy; two panels.  By default every policy that has them.

        Examples
        --------
        >>> import adl_opt as adl
        >>> figure = adl.replay("synthetic(accounts=10, rounds=3)", "pro-rata").plot.order()
        >>> figure.axes[0].get_xlabel()
        'inverted neighbours, % of pairs'
        """
        return _shown(replayed.order_series(self._result, policies), ax, title)


def _shown(data: FigureData, ax: Into | None, title: str | None) -> Any:
    if ax is None:
        return draw(data, title=title)
    draw_into(data, ax, title)
    return ax

"""The loss of a round, and its parts, on numbers or on arrays of rounds.

Budgets, haircuts and losses in USD; severities and burdens without unit.

The paper's eps (x / (u + eps), B / (D + eps)) keeps divisions by zero away.  Here its limit is taken, so that
no figure depends on the choice of eps: 0 over 0 is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from adl_opt.checks import checked_type, number_between, one_of
from adl_opt.naming import make_by_name
from adl_opt.rounds.columns import Floats
from adl_opt.tabular import Noun

if TYPE_CHECKING:
    from adl_opt.rounds.episode import Episode
    from adl_opt.rounds.round import Outcome, Round

ArrayLike = npt.ArrayLike

BASES = ("capacity", "equity")
"""What burdens may be measured against."""

LIMITS = ("capacity", "deficit")
"""What haircuts of a round may add up to: the capacity U, or at most the deficit D."""


@dataclass(frozen=True, kw_only=True)
class Loss(Noun):
    """The loss of a round: over [H - B]_+ + under [B - H]_+ + fair B abs(m - m*), USD.

    H is executed, B needed, m the largest burden, m* the min-max reference of the same round.

    Parameters
    ----------
    under, over : float
        USD of loss per USD of undershoot and of overshoot, from 1e-6 to 1e6.
    fair : float
        Weight lambda of the fairness term, from 0 to 1e9, without unit.
    base : str, optional
        What burdens are measured against: ``equity`` or ``capacity``.  By default the base that the record of
        the episode is in: equity where it has a burden of production, else capacity.
    limit : str
        The domain of H.  ``capacity``: all that winners have, R = U.  ``deficit``: at most D, as in the
        paper, R = min(D, U).  Prop. 1, its envelope and the trivial bound are stated for ``deficit``.
        Budgets that rest on a hint may be up to R.  Learners without a hint ask for shares of D in both: on
        October 10, 2025 U is 20 to 48,000 times D, and a share of it says nothing about the need.

    Notes
    -----
    Eq. 23 is ``under = over = 1``, with ``fair`` in the place of lambda.  Eq. 9 is this loss with
    B abs(m - m*) as its concentration Gamma.  Eq. 10 is ``under = over`` with the largest burden in the
    place of B abs(m - m*).  Eq. 16 (and Prop. 1) is ``under = over = 1``, ``fair = 0``,
    ``limit = "deficit"``, up to sum [B - D]_+, which no severity can cover.

    Examples
    --------
    >>> float(Loss(under=3.0).total(8.0, 10.0, 0.5, 0.25))
    8.5
    >>> print(Loss.parse("under=5, base=capacity"))
    under=5, over=1, fair=1, base=capacity, limit=capacity
    """

    under: float = 1.0
    over: float = 1.0
    fair: float = 1.0
    base: str | None = None
    limit: str = "capacity"

    def __post_init__(self) -> None:
        number_between("loss: under", self.under, 1e-6, 1e6)
        number_between("loss: over", self.over, 1e-6, 1e6)
        number_between("loss: fair", self.fair, 0.0, 1e9)
        if self.base is not None:
            one_of("loss: base", self.base, BASES)
        one_of("loss: limit", self.limit, LIMITS)

    @classmethod
    def parse(cls, text: str) -> Loss:
        """Return the loss of a text such as ``under=5,base=capacity``.

        Raises
        ------
        UsageError
            A name that is no parameter, or a value out of range.
        """
        return make_by_name("loss", {"loss": cls}, f"loss({text})", {})

    def __str__(self) -> str:
        weights = f"under={self.under:g}, over={self.over:g}, fair={self.fair:g}"
        return f"{weights}, base={self.base or 'of the record'}, limit={self.limit}"

    def on(self, episode: Episode) -> Loss:
        """Return the loss with the base that is meant for an episode."""
        if self.base is not None:
            return self
        recorded = episode.rounds[0][1].recorded
        known = recorded is not None and not np.isnan(recorded.max_burden)
        return replace(self, base="equity" if known else "capacity")

    def most(self, round_: Round) -> float:
        """Return R, the most that a round may take, USD."""
        return most_of(round_, self.limit)

    def tracking(self, executed: ArrayLike, needed: ArrayLike) -> Floats:
        """Return over [H - B]_+ + under [B - H]_+, USD; abs(H - B) where both weights are 1."""
        return np.asarray(self.over * overshoot(executed, needed) + self.under * undershoot(executed, needed))

    def worst(self, needed: ArrayLike, deficit: ArrayLike) -> float:
        """Return the trivial bound, USD: no severities in [0, 1] lose more, beyond what none can cover.

        It is sum max(under B, over (D - B)), with B at most D.

        Examples
        --------
        >>> Loss().worst([1.0, 6.0], [4.0, 5.0])
        8.0
        """
        deficit = np.asarray(deficit, dtype=np.float64)
        goal = np.minimum(needed, deficit)
        return math.fsum(np.maximum(self.under * goal, self.over * (deficit - goal)))

    def total(
        self, executed: ArrayLike, needed: ArrayLike, max_burden: ArrayLike, reference_burden: ArrayLike
    ) -> Floats:
        """Return the loss, USD; NaN where a burden is not known and ``fair`` is above 0."""
        track = self.tracking(executed, needed)
        if self.fair == 0.0:
            return track
        return np.asarray(track + self.fair * fairness(needed, max_burden, reference_burden))


def as_loss(given: Loss | str | None = None, lam: float | None = None, burden: str | None = None) -> Loss:
    """Return the loss that is meant: a loss, its text, or nothing; then the short forms of it.

    Parameters
    ----------
    given : Loss or str, optional
    lam, burden : optional
        Short forms of ``fair`` and ``base``.
    """
    checked_type("a loss", given, (Loss, str, type(None)), "Loss(under=5)", "under=5,base=capacity")
    loss = Loss() if given is None else Loss.parse(given) if isinstance(given, str) else given
    short = {"fair": lam, "base": burden}
    return replace(loss, **{name: value for name, value in short.items() if value is not None})  # type: ignore[arg-type]


def most_of(round_: Round, limit: str) -> float:
    """Return the most that a round may take, USD: U, or min(D, U) where the limit is the deficit."""
    capacity = round_.capacity_usd
    return capacity if limit == "capacity" else min(round_.deficit, capacity)


def goal_of(round_: Round, outcome: Outcome, limit: str) -> float:
    """Return what budgets are held against, USD: B, or min(B, D) where the limit is the deficit."""
    return outcome.needed if limit == "capacity" else min(outcome.needed, round_.deficit)


def overshoot(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return [H - B]_+, USD: profit taken that was not needed.

    Examples
    --------
    >>> overshoot([3.0, 1.0], [2.0, 2.0])
    array([1., 0.])
    """
    return np.maximum(np.subtract(executed, needed), 0.0)


def undershoot(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return [B - H]_+, USD: what stays uncovered."""
    return np.maximum(np.subtract(needed, executed), 0.0)


def tracking(executed: ArrayLike, needed: ArrayLike) -> Floats:
    """Return the tracking error abs(H - B), USD."""
    return np.abs(np.subtract(executed, needed))


def burden_base(round_: Round, base: str) -> Floats:
    """Return what burdens are measured against: capacity, or positive equity, (n,) USD."""
    return round_.accounts.capacity if base == "capacity" else np.maximum(round_.accounts.equity, 0.0)


def burden(x: ArrayLike, base: ArrayLike) -> Floats:
    """Return h = x / base, without unit; base is capacity or equity, USD.

    Over a base that is not positive, nothing taken is a burden of 0 and anything taken an infinite one.

    Examples
    --------
    >>> burden([1.0, 0.0, 2.0], [4.0, 0.0, 0.0])
    array([0.25, 0.  ,  inf])
    """
    return np.where((np.asarray(base) <= 0) & (np.asarray(x) > 0), np.inf, share(x, base))


def share(amount: ArrayLike, base: ArrayLike) -> Floats:
    """Return amount / base, and 0 over a base that is not positive.

    Examples
    --------
    >>> share([1.0, 2.0], [4.0, 0.0])
    array([0.25, 0.  ])
    """
    amount, base = np.asarray(amount, dtype=np.float64), np.asarray(base, dtype=np.float64)
    out: Floats = np.zeros(np.broadcast(amount, base).shape)
    np.divide(amount, base, out=out, where=base > 0)
    return out


def surrogate(
    executed: ArrayLike, needed: ArrayLike, max_burden: ArrayLike, *, track: float = 1.0, fair: float = 1.0
) -> Floats:
    """Return eq. 10, the deployed surrogate: track abs(H - B) + fair max_i x_i / (u_i + eps).

    Examples
    --------
    >>> float(surrogate(8.0, 10.0, 0.25, fair=4.0))
    3.0
    """
    return np.asarray(track * tracking(executed, needed) + np.multiply(fair, max_burden))


def target_severity(needed: ArrayLike, deficit: ArrayLike) -> Floats:
    """Return theta* = min(1, B / D), the severity that a round calls for (Prop. 1); 0 where D is 0.

    Examples
    --------
    >>> target_severity([1.0, 3.0], [4.0, 2.0])
    array([0.25, 1.  ])
    """
    return np.minimum(1.0, share(needed, deficit))


def severity_loss(
    theta: ArrayLike, target: ArrayLike, deficit: ArrayLike, under: float = 1.0, over: float = 1.0
) -> Floats:
    """Return D (under [theta* - theta]_+ + over [theta - theta*]_+), USD: the scalar loss of severity.

    Without prices it is D abs(theta - theta*) (eq. 16, Prop. 1).

    Examples
    --------
    >>> severity_loss([0.5, 0.5], [0.0, 1.0], [8.0, 8.0], under=2.0)
    array([4., 8.])
    """
    above = np.subtract(theta, target)
    return np.asarray(np.multiply(deficit, np.where(above > 0, over, under) * np.abs(above)))


def fairness(needed: ArrayLike, max_burden: ArrayLike, reference_burden: ArrayLike) -> Floats:
    """Return B abs(m - m_ILP), USD: the fairness term of eq. 23."""
    return np.asarray(np.multiply(needed, np.abs(np.subtract(max_burden, reference_burden))))


def entropy(h: Floats) -> Floats:
    """Return the disutility phi(h) = (1 - h) ln(1 - h) + h of haircut fractions in [0, 1], without unit.

    Its series is taken where that is more exact.

    Examples
    --------
    >>> entropy(np.array([0.0, 1.0]))
    array([0., 1.])
    """
    rest = 1.0 - h
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.where(rest > 0, rest * np.log1p(-h), 0.0) + h
    series = h * h * (0.5 + h * (1 / 6 + h * (1 / 12 + h * (1 / 20 + h / 30))))
    return np.asarray(np.where(h < 1e-3, series, direct))

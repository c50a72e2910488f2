"""Learners of who pays: haircut fractions that carry information from round to round.

All work on {h: u'h = B, 0 <= h <= cap} in the geometry of capacity: distances weigh each account by u, so
that neither the unit of money nor the split of an account matters, and the first round is pro-rata (the
optimum of Prop. 9).  What they carry on is each account's *burden to date*, the sum of its haircut fractions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adl_opt.allocation import memory
from adl_opt.allocation.base import AllocationRule, Claims
from adl_opt.allocation.memory import Memory, State
from adl_opt.checks import number_between, one_of
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.losses import burden
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Allocation, Outcome, Round

MIRRORS = ("euclid", "kl")
_LEAST = 1e-300
"""Weights of the relative entropy are kept above 0: an account that underflows pays after all others."""


@dataclass(frozen=True)
class HaircutLearner(AllocationRule):
    """The common part: who takes part, the cap, the memory.

    Parameters
    ----------
    cap : float
        hbar, the largest fraction of capacity that a round may take, in (0, 1].  A budget above cap U leaves
        a named shortfall.
    """

    cap: float = 1.0
    claims: ClassVar[Claims] = Claims(split_proof=True)
    domain: ClassVar[str] = "h with u'h = B, 0 <= h <= cap"
    regulariser: ClassVar[str]
    step: ClassVar[str]
    theorem: ClassVar[str]

    def __post_init__(self) -> None:
        number_between(f"allocation {self.name!r}: cap", self.cap, 1e-9, 1.0)

    def start(self) -> State:
        """Return no rounds and no accounts."""
        return memory.blank()

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the haircut fractions h, (n,), of accounts with capacity, for 0 < B < cap U."""
        raise NotImplementedError

    def allocate(self, state: Mapping[str, Any], round_: Round, asked: float) -> Allocation:
        """Return the haircuts u h."""
        u = capacity = round_.accounts.capacity
        rows = None if capacity.size and capacity.min() > 0.0 else np.flatnonzero(capacity > 0)
        if rows is not None:
            u = capacity[rows]
        if asked >= self.cap * float(np.sum(u)):
            paid = self.cap * u
        elif asked > 0:
            past = memory.recall(state, round_.accounts.index)
            past = past if rows is None else past.take(rows)
            paid = u * self.fractions(state["rounds"], past, u, asked)  # h <= cap, so u h <= cap u
        else:
            paid = np.zeros(u.size)
        if rows is None:
            return Allocation(x=paid, asked=asked)
        x = np.zeros(capacity.size)
        x[rows] = paid
        return Allocation(x=x, asked=asked)

    def learn(
        self, state: Mapping[str, Any], round_: Round, outcome: Outcome, allocation: Allocation
    ) -> Mapping[str, Any]:
        """Remember what each account with capacity paid; a round in which nobody pays teaches nothing."""
        if not allocation.x.any():
            return state
        ids, x, capacity = round_.accounts.index, allocation.x, round_.accounts.capacity
        share = self.share(x, capacity)
        if capacity.min() > 0.0:
            return memory.remember(state, ids, x / capacity, share=share)
        rows = np.flatnonzero(capacity > 0)
        return memory.remember(state, ids, burden(x[rows], capacity[rows]), rows, share)

    def share(self, x: Floats, capacity: Floats) -> float | None:
        """Return the unit in which the last fractions are kept; None for the capacity itself."""
        return None


@dataclass(frozen=True)
class MirrorDescent(HaircutLearner):
    """The common part of mirror descent: a step from the last fractions, against the burden to date.

    The state is in multiples of pro-rata, h / (B / U), and so is the step: a round that takes little moves
    no more than one that takes much.  An account that was away in the last round pays pro-rata at most, so
    that nobody who returns pays for all others.

    Parameters
    ----------
    eta : float
        eta_t = eta / sqrt(t) after t rounds with a payment.  The default 1 is diameter / slope of Prop. 2,
        both 1 for multiples; it is no fitted value.
    """

    eta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between(f"allocation {self.name!r}: eta", self.eta, 0.0, 1e6)

    def share(self, x: Floats, capacity: Floats) -> float:
        """Return what pro-rata takes of each capacity."""
        return float(np.sum(x)) / float(np.sum(capacity))

    def projected(
        self, multiple: Floats, step: Floats, share: float, capacity: Floats, asked: float
    ) -> Floats:
        """Return the projection of the step from multiples of pro-rata, (n,) fractions."""
        raise NotImplementedError

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the projected step; accounts that were away are held at pro-rata at most."""
        share = asked / float(np.sum(capacity))
        multiple, step = self._start_and_step(rounds, past, capacity)
        h = self.projected(multiple, step, share, capacity, asked)
        away, held = np.signbit(past.last) & past.known, np.zeros(h.size, dtype=np.bool_)
        while np.any(over := away & ~held & (h > share)):
            held |= over
            free = ~held
            h[held] = share
            if free.any():
                u = capacity[free]
                left = min(asked - share * float(np.sum(capacity[held])), self.cap * float(np.sum(u)))
                h[free] = self.projected(multiple[free], step[free], share, u, left)
        return h

    def _start_and_step(self, rounds: int, past: Memory, capacity: Floats) -> tuple[Floats, Floats]:
        """Return the last multiples (a newcomer enters at pro-rata) and eta_t g_t, (n,)."""
        multiple = np.where(past.known, np.abs(past.last), 1.0)
        there = np.where(past.known, capacity, 0.0)
        paid, mass = float(np.sum(there * past.paid)), float(np.sum(there))
        if paid <= 0.0:
            return multiple, np.zeros(multiple.size)
        return multiple, self.eta / math.sqrt(max(rounds, 1)) * (past.paid / (paid / mass))


@dataclass(frozen=True)
class MirrorDescentEuclid(MirrorDescent):
    """Projected gradient descent on multiples of pro-rata: last round's, moved against the burden to date.

    Rule: h = clip(B / U (y + level), 0, cap), y_i = m_i(last) - eta_t g_i, m the multiple h / (B / U) of its
    last round, g_i = burden to date over the mean burden to date, level such that u'h = B: the projection of
    y in the norm sum u_i h_i^2 on the round's polytope.  g is the slope of the loss sum u_i g_i h_i, what is
    taken counted by what was taken before.  The first round is pro-rata; an account that enters starts at
    pro-rata and has paid nothing; one that leaves keeps its memory under its id, and pays pro-rata at most in
    the round in which it is back.
    Source: Zinkevich (2003); the paper, Props. 2-3.  Information: start of round.  Tie-break: none, accounts
    with equal pasts give up equal fractions.
    """

    name: ClassVar[str] = "mirror-descent-euclid"
    regulariser: ClassVar[str] = "sum u_i h_i^2/2"
    step: ClassVar[str] = "eta/sqrt(t), in multiples of pro-rata"
    theorem: ClassVar[str] = (
        "none: the unit moves with B / U (Prop. 3 holds where B, U and the accounts stay as they are)"
    )

    def projected(
        self, multiple: Floats, step: Floats, share: float, capacity: Floats, asked: float
    ) -> Floats:
        """Return the projection in the norm of u."""
        return fill_to_level(share * (multiple - step), None, self.cap, capacity, asked)


@dataclass(frozen=True)
class MirrorDescentKL(MirrorDescent):
    """Exponentiated gradient on multiples of pro-rata: last round's, scaled down by the burden to date.

    Rule: h = min(cap, c y), y_i = m_i(last) exp(-eta_t g_i), g_i = burden to date over the mean burden to
    date, c such that u'h = B: the projection of y in the capacity-weighted relative entropy.  First round,
    loss, entering and leaving as in mirror-descent-euclid; nobody is let off altogether, relief is a factor.
    Source: Beck, Teboulle (2003); Kivinen, Warmuth (1997); the paper, Prop. 2.  Information: start of round.
    Tie-break: none, accounts with equal pasts give up equal fractions.
    """

    name: ClassVar[str] = "mirror-descent-kl"
    regulariser: ClassVar[str] = "sum u_i h_i log h_i (relative entropy)"
    step: ClassVar[str] = "eta/sqrt(t), in multiples of pro-rata"
    theorem: ClassVar[str] = (
        "none: the unit moves with B / U (Prop. 2 holds where B, U and the accounts stay as they are)"
    )

    def projected(
        self, multiple: Floats, step: Floats, share: float, capacity: Floats, asked: float
    ) -> Floats:
        """Return the projection in the relative entropy."""
        return _scaled(multiple * np.exp(step.min() - step), self.cap, capacity, asked)


@dataclass(frozen=True)
class FtrlHaircuts(HaircutLearner):
    """Follow the regularised leader over haircut fractions: the whole past, not the last round.

    Rule: h minimises sum u_i paid_i h_i + R(h) / eta_t over the polytope, paid_i the burden to date, the
    summed slopes of the losses sum u_i h_i^2 / 2 of the rounds before; R is the capacity-weighted
    square (`euclid`: h = clip(level - eta_t paid, 0, cap)) or relative entropy (`kl`: h = min(cap, c
    exp(-eta_t paid))).
    eta_t = eta / sqrt(t): the more rounds, the less one of them moves.  An account that enters has paid
    nothing, one that leaves keeps its memory under its id.
    Source: McMahan (2017); Xiao (2010), dual averaging.  Information: start of round.  Tie-break: none,
    accounts with equal pasts give up equal fractions.

    Parameters
    ----------
    cap : float
        hbar, in (0, 1].
    eta : float
        1 by default: diameter / slope of Prop. 2, both 1 for fractions.
    mirror : str
        ``euclid`` or ``kl``.
    """

    eta: float = 1.0
    mirror: str = "euclid"
    name: ClassVar[str] = "ftrl-haircuts"
    regulariser: ClassVar[str] = "sum u_i h_i^2/2, or relative entropy (mirror=kl)"
    step: ClassVar[str] = "eta/sqrt(t)"
    theorem: ClassVar[str] = (
        "Reg <= Rmax/eta_T + sum eta_t |g_t|^2/2 for a fixed polytope (McMahan 2017, Thm 1; Xiao 2010)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between(f"allocation {self.name!r}: eta", self.eta, 0.0, 1e6)
        one_of(f"allocation {self.name!r}: mirror", self.mirror, MIRRORS)

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the regularised leader."""
        dual = (self.eta / math.sqrt(max(rounds, 1))) * (past.paid.min() - past.paid)
        if self.mirror == "euclid":
            return fill_to_level(dual, None, self.cap, capacity, asked)
        return _scaled(np.exp(dual), self.cap, capacity, asked)


@dataclass(frozen=True)
class CumulativeBurdenRule(HaircutLearner):
    """Relief for those who paid before: the largest burden to date is kept as low as it can be.

    Rule: h = clip(level - paid, 0, cap), paid the burden to date, level such that u'h = B: water is filled
    from those who have paid least.  It minimises max_i (paid_i + h_i) over those who pay, and
    sum u_i (paid_i + h_i)^2; it is ftrl-haircuts with eta_t = 1.  An account that enters has paid nothing, so
    it pays first: a venue must know who is behind a new id.  One that leaves keeps its memory under its id.
    Source: water-filling (ADL-1, capped pro-rata) on eq. 10's burden summed over rounds.  Information: start
    of round.  Tie-break: none, accounts with equal pasts give up equal fractions.
    """

    name: ClassVar[str] = "cumulative-burden"
    regulariser: ClassVar[str] = "sum u_i h_i^2/2"
    step: ClassVar[str] = "1"
    theorem: ClassVar[str] = (
        "max_i (paid_i + h_i) is least in each round, exactly (water-filling); no regret bound"
    )

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the water-filling from below."""
        relief = past.paid.min() - past.paid
        return fill_to_level(relief, None, self.cap, capacity, asked)


def _scaled(y: Floats, cap: float, capacity: Floats, asked: float) -> Floats:
    """Return h = min(cap, c y) with u'h = B; where no y is above 0, all count the same."""
    top = float(y.max())
    weights = np.maximum(y / top, _LEAST) if top > 0.0 else None
    return fill_to_level(None, weights, cap, capacity, asked)

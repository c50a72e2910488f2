"""Learners of who pays: haircut fractions that carry information from round to round.

All work on {h: u'h = B, 0 <= h <= cap} in the geometry of capacity: distances weigh each account by u, so
that neither the unit of money nor the split of an account matters, and the first round is pro-rata (the
optimum of Prop. 9).  What they carry on is each account's *burden to date*, the sum of its haircut fractions.

In contracts they do the same in each cell, over what its positions can give up; the bounds are those of one
pool, and do not hold there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from adl_opt.allocation import memory
from adl_opt.allocation.base import AllocationRule, Claims
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.memory import Memory, State
from adl_opt.allocation.shares import close_by_share, lots_near
from adl_opt.checks import number_between, one_of
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.losses import burden, share
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Outcome, Round

MIRRORS = ("euclid", "kl")
TO_DATE = "largest burden to date <= sum min(cap, B_t/U_t), that of pro-rata in every round"
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
    spaces: ClassVar[tuple[str, ...]] = SPACES
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

    def close(self, state: Mapping[str, Any], cell: Cell) -> Ints:
        """Return whole lots near u h, with h over the pots of the cell, up to what each position can give.

        What pots gave up in rows before counts as paid.  Where nothing is given up, lots are by capacity.
        """
        lots = np.zeros(cell.rows.size, dtype=np.int64)
        part, kept = cell.capped(self.cap)
        if kept.size:
            fair = part.given_up <= 0.0 or not part.capacity.any()
            lots[kept] = close_by_share(part.capacity, part) if fair else self._close(state, part)
        return lots

    def _close(self, state: Mapping[str, Any], cell: Cell) -> Ints:
        """Return the lots of a cell in which every pot has capacity left below the cap."""
        account, u = cell.account, cell.capacity
        seen = memory.recall(state, cell.round_.accounts.index)
        past = Memory(seen.paid[account] + share(cell.paid, u), seen.last[account], seen.known[account])
        most = cell.most * cell.size * cell.given_up
        x, left, free = np.zeros(u.size), min(cell.wanted * cell.given_up, float(most.sum())), u > 0.0
        while left > 0.0 and free.any():
            rows = np.flatnonzero(free)
            within = left < self.cap * float(u[rows].sum())
            h = self.fractions(state["rounds"], past.take(rows), u[rows], left) if within else self.cap
            x[rows] = u[rows] * h
            full = rows[x[rows] > most[rows]]
            if not full.size:
                break
            x[full], free[full] = most[full], False
            left -= float(most[full].sum())
        return lots_near(x / cell.given_up, cell)

    def learn(
        self, state: Mapping[str, Any], round_: Round, outcome: Outcome, allocation: Allocation
    ) -> Mapping[str, Any]:
        """Remember what each account with capacity paid; a round in which nobody pays teaches nothing."""
        ids, x, capacity = round_.accounts.index, allocation.x, capacity_of(round_)
        if not x.any() or not capacity.any():
            return state
        unit = self.unit(x, capacity)
        if capacity.min() > 0.0:
            return memory.remember(state, ids, x / capacity, share=unit)
        rows = np.flatnonzero(capacity > 0)
        return memory.remember(state, ids, burden(x[rows], capacity[rows]), rows, unit)

    def bound(self, asked: npt.ArrayLike, capacity: npt.ArrayLike) -> float:
        """Return what no account's burden to date exceeds; NaN for a rule without a theorem.

        It holds while capacities and budgets move, and accounts enter, leave and come back: nobody ever pays
        more in all than pro-rata would have let an account pay that was there in every round.

        Parameters
        ----------
        asked, capacity : (T,) USD
            Budgets B_t, and U_t of those who were there; a round in which nobody can pay counts nothing.

        Notes
        -----
        Proof, for h = clip(level - eta_t paid, 0, cap) with eta_t in [0, 1].  L is the largest burden to date
        before the round, and B_t / U_t at most cap, for else all pay the cap.  At level eta_t L + B_t / U_t
        every h is at least B_t / U_t, so that B_t is raised: the level is no higher.  Who pays has then
        paid + h <= (1 - eta_t) paid + level <= L + B_t / U_t.

        Examples
        --------
        >>> from adl_opt.allocation.catalogue import make_allocation
        >>> make_allocation("cumulative-burden").bound([2.0, 30.0], [8.0, 20.0])
        1.25
        """
        if not self.within_pro_rata:
            return math.nan
        b, u = np.asarray(asked, dtype=np.float64), np.asarray(capacity, dtype=np.float64)
        return math.fsum(np.where(u > 0.0, np.minimum(share(b, u), self.cap), 0.0))

    @property
    def within_pro_rata(self) -> bool:
        """Whether the rule has the theorem of :meth:`bound`."""
        return False

    def unit(self, x: Floats, capacity: Floats) -> float | None:
        """Return the unit in which the last fractions are kept; None for the capacity itself."""
        return None


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
    theorem: ClassVar[str] = f"{TO_DATE} (mirror=euclid, eta <= 1)"

    def __post_init__(self) -> None:
        super().__post_init__()
        number_between(f"allocation {self.name!r}: eta", self.eta, 0.0, 1e6)
        one_of(f"allocation {self.name!r}: mirror", self.mirror, MIRRORS)

    @property
    def within_pro_rata(self) -> bool:
        """Where the mirror is euclid and eta at most 1."""
        return self.mirror == "euclid" and self.eta <= 1.0

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the regularised leader."""
        dual = (self.eta / math.sqrt(max(rounds, 1))) * (past.paid.min() - past.paid)
        if self.mirror == "euclid":
            return fill_to_level(dual, None, self.cap, capacity, asked)
        return scaled(np.exp(dual), self.cap, capacity, asked)


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
    theorem: ClassVar[str] = f"{TO_DATE}, and least in each round"
    within_pro_rata: ClassVar[bool] = True

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the water-filling from below."""
        relief = past.paid.min() - past.paid
        return fill_to_level(relief, None, self.cap, capacity, asked)


def scaled(y: Floats, cap: float, capacity: Floats, asked: float) -> Floats:
    """Return h = min(cap, c y) with u'h = B; where no y is above 0, all count the same."""
    top = float(y.max())
    weights = y / top if top > 0.0 else None
    if weights is not None:
        np.maximum(weights, _LEAST, out=weights)
    return fill_to_level(None, weights, cap, capacity, asked)

"""Mirror descent on haircut fractions: over accounts that come and go, and the two of the paper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from adl_opt.allocation import memory
from adl_opt.allocation.base import AllocationRule, Claims, State, clipped
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.learners import HaircutLearner, scaled
from adl_opt.allocation.memory import Memory
from adl_opt.allocation.shares import lots_near
from adl_opt.checks import number_between
from adl_opt.errors import InputError
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.losses import burden
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Outcome, Round


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

    def unit(self, x: Floats, capacity: Floats) -> float:
        """Return what pro-rata takes of each capacity."""
        return float(np.sum(x)) / float(np.sum(capacity))

    def projected(
        self, multiple: Floats, step: Floats, share: float, capacity: Floats, asked: float
    ) -> Floats:
        """Return the projection of the step from multiples of pro-rata, (n,) fractions."""
        raise NotImplementedError

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the projected step; accounts that were away are held at pro-rata at most."""
        mass = float(np.sum(capacity))
        share = asked / mass
        multiple, step = self._start_and_step(rounds, past, capacity, mass)
        h = self.projected(multiple, step, share, capacity, asked)
        away = np.flatnonzero(np.signbit(past.last))
        over = away[h[away] > share]
        free = np.ones(h.size, dtype=np.bool_) if over.size else None
        while free is not None and over.size:
            free[over], h[over] = False, share
            if free.any():
                u = capacity[free]
                left = min(asked - share * float(np.sum(capacity[~free])), self.cap * float(np.sum(u)))
                h[free] = self.projected(multiple[free], step[free], share, u, left)
            over = away[free[away] & (h[away] > share)]
        return h

    def _start_and_step(
        self, rounds: int, past: Memory, capacity: Floats, mass: float
    ) -> tuple[Floats, Floats]:
        """Return the last multiples (a newcomer enters at pro-rata) and eta_t g_t, (n,)."""
        multiple, new = np.abs(past.last), np.flatnonzero(~past.known)
        multiple[new] = 1.0
        there = np.where(past.known, capacity, 0.0) if new.size else capacity
        paid = float(np.sum(there * past.paid))
        if paid <= 0.0:
            return multiple, np.zeros(multiple.size)
        step = past.paid / (paid / (float(np.sum(there)) if new.size else mass))
        step *= self.eta / math.sqrt(max(rounds, 1))
        return multiple, step


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
        moved = multiple - step
        moved *= share
        return fill_to_level(moved, None, self.cap, capacity, asked)


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
        weight = step.min() - step
        np.exp(weight, out=weight)
        weight *= multiple
        return scaled(weight, self.cap, capacity, asked)


@dataclass(frozen=True)
class VectorMirrorDescent(AllocationRule):
    """The published `vector` policy: in each round one step from zero with a zero gradient, market by market.

    Rule: split B over the markets, then project 0 on {h in [0, 1]: w'h = B_m} with w the positions' PNL in
    market m (so h is proportional to w, up to 1), add up, and cut at the account's capacity; what is cut is
    not passed on.  Nothing is learnt from one round to the next (paper.md section 8, point 4).  The paper's
    code splits B by the ex post gaps of the markets; here it is split by the notional to close, which a venue
    knows at the start, or as one market where the round has no positions and flow.  In contracts each row of
    the flow is a market of its own: the shares of positions are in proportion to their PNL, up to 1.
    Source: the paper's code, `vector_mirror_descent`.  Information: start of round.  Tie-break: none.
    """

    name: ClassVar[str] = "vector-mirror-descent"
    reads_flow: ClassVar[bool] = True
    claims: ClassVar[Claims] = Claims(covers=False)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the projections of zero, added up and cut at capacity."""
        capacity = round_.accounts.capacity
        positions, flow = round_.positions, round_.flow
        if not positions or not flow or math.fsum(flow.notional) <= 0:
            return Allocation(x=_project_zero(capacity, asked), asked=asked)
        x = np.zeros(len(capacity))
        names, market = positions.markets
        notional = dict.fromkeys(flow.market.tolist(), 0.0)
        for name, usd in zip(flow.market.tolist(), flow.notional.tolist(), strict=True):
            notional[name] += usd
        shares = np.array([notional.get(str(name), 0.0) for name in names])
        if shares.sum() <= 0:
            raise InputError(
                "policy 'vector-mirror-descent': no position lies in a market of the flow",
                got=f"round {round_.number}: positions in {names[0]}, ..., flow in {flow.market[0]}, ...",
                ways_out=["give positions and flow the same market names", "leave the flow out"],
            )
        order = np.argsort(market.astype(np.min_scalar_type(len(names))), kind="stable")  # few: by digits
        bounds = np.searchsorted(market[order], np.arange(len(names) + 1))
        for m, part in enumerate(asked * shares / shares.sum()):
            rows = order[bounds[m] : bounds[m + 1]]
            x[positions.account[rows]] += _project_zero(positions.pnl[rows], part)
        return Allocation(x=clipped(x, round_), asked=asked)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return whole lots near the projection of zero over the gaining positions of the cell."""
        gain = cell.positions.pnl[cell.rows]
        held, gains = cell.held * cell.size, gain > 0.0
        ideal = np.where(gains, held, 0.0)
        if cell.wanted < float(ideal.sum()):
            ideal[gains] *= fill_to_level(None, gain[gains], 1.0, held[gains], cell.wanted)
        ideal = np.minimum(ideal, cell.most * cell.size)
        return lots_near(ideal, replace(cell, wanted=min(cell.wanted, float(ideal.sum()))))


def _project_zero(weights: Floats, asked: float) -> Floats:
    """Return w h for h the projection of 0 on {0 <= h <= 1, w'h = min(B, sum w)}, (n,) USD."""
    out = np.zeros(weights.size)
    if asked <= 0:
        return out
    rows = np.flatnonzero(weights > 0)
    w = weights[rows]
    if w.size == 0:
        return out
    total = exact_sum(w)
    h = np.ones(w.size) if asked >= total else fill_to_level(None, w, 1.0, w, asked)
    out[rows] = w * h
    return out


@dataclass(frozen=True)
class VectorMirrorDescentText(MirrorDescent):
    """Mirror descent as the text describes it: haircut fractions carried on, one subgradient step a round.

    Rule: y = h - eta_t g, with h each account's last fraction (0 at first), g the subgradient of the fairness
    term max_i h_i of eq. 10 (1 at the account that paid most last, lowest row first), eta_t = eta / sqrt(t);
    then project y on {h in [0, cap]^n: u'h = B}.  Source: the paper, section 2 and Prop. 2.
    Information: start of round.  Tie-break: the lowest row among the largest fractions.

    Parameters
    ----------
    cap : float
        hbar, in (0, 1].
    eta : float
        Step; the default 1 is diameter / gradient norm of one coordinate (Prop. 2), not a fitted value.
    """

    name: ClassVar[str] = "vector-mirror-descent-text"
    regulariser: ClassVar[str] = "sum h_i^2/2"
    step: ClassVar[str] = "eta/sqrt(t)"
    theorem: ClassVar[str] = "Reg <= R^2/(2 eta_T) + sum eta_t |g_t|^2/2 (Prop. 2), for a fixed polytope"
    claims: ClassVar[Claims] = Claims(permutation=False)

    def fractions(self, rounds: int, past: Memory, capacity: Floats, asked: float) -> Floats:
        """Return the projected step."""
        h = past.last.copy()
        top = int(np.argmax(h))
        if h[top] > 0.0:
            h[top] -= self.eta / math.sqrt(rounds)
        return fill_to_level(h, capacity, self.cap, capacity, asked)

    def learn(self, state: State, round_: Round, outcome: Outcome, allocation: Allocation) -> State:
        """Remember each account's fraction; accounts that were away keep theirs."""
        return memory.remember(state, round_.accounts.index, burden(allocation.x, capacity_of(round_)))

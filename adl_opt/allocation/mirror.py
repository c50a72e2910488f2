"""Vector mirror descent: as the paper's code runs it, and as its text describes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from adl_opt.allocation import memory
from adl_opt.allocation.base import AllocationRule, Claims, State, clipped
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.learners import MirrorDescent
from adl_opt.allocation.memory import Memory
from adl_opt.allocation.shares import lots_near
from adl_opt.errors import InputError
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.kernels.sums import exact_sum
from adl_opt.losses import burden
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Outcome, Round


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
    theorem: ClassVar[str] = "Reg <= R^2/(2 eta_T) + sum eta_t |g_t|^2/2, R the diameter (Prop. 2)"
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

"""The least loss of a round over whole lots: good lots, and a proven bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from adl_opt.losses import Loss, burden, burden_base, share
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.hindsight.joint_model import Payers, Rounds, least_loss_model
from adl_opt.programs.options import Options
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.round import Round

SMALL, NODES = 100, 200
"""A tree search is worth its time up to 2 to this power of combinations of lots below m*, and so many
nodes."""

CLOSED = 1e-8
"""A gap of this share of the needed budget, times the weights, is small enough."""

CARRIERS = 10
"""Accounts that are tried as the one with the largest burden."""

LISTED = 16
"""Up to 2 to this power of combinations of lots are all tried."""

LINES, STEPS = 6, 15
"""Positions that are moved together to hit a total, and lots that each moves at most."""

SUMMED = 2.0**-44
"""What rounding shifts a loss by, relative to its parts: more than sums of so few positions can."""

WHOLE = 1e-12
"""Lots that lack this share of a whole one are whole."""


def best_in_lots(
    round_: Round, needed: float, reference: float, loss: Loss, free: tuple[Floats, float], start: Ints
) -> tuple[Floats, float]:
    """Return haircuts in whole lots with a small loss, (n,) USD, and a lower bound on the loss of all such.

    Parameters
    ----------
    round_ : Round
        With positions.
    needed : float
        B, USD.
    reference : float
        m*, without unit.
    loss : Loss
        Its base is known.
    free : (n,) USD, and USD
        The fractional plan, and its bound.
    start : (m,) int
        Lots of the least largest burden that cover B.

    Notes
    -----
    Few combinations of lots are all tried.  Else the fractional bound holds, for whole lots are a fractional
    plan too, and lots are chosen to reach it.  One account leads with the largest burden: that of ``start``,
    that of the fractional plan, or one with fine lots.  The others get lots, or give them back, the dearest
    first, up to what the fractional plan takes in all.  What is left is hit by moving a few positions
    together (two halves that meet).  Where a gap stays and combinations below m* are not too many, a tree
    over lots and carriers of the burden closes it, or proves a part.
    """
    lots, nothing = _Lots.of(round_, needed, reference, loss, free[0]), np.zeros(start.size, dtype=np.int64)
    if float(np.log2(1.0 + lots.have).sum()) <= LISTED:
        return lots.listed(free[1])
    worst, total = int(np.argmax(burden(lots.paid(start), lots.base))), math.fsum(free[0])
    bound, goal = free[1], free[1] + CLOSED * (loss.under + loss.over + loss.fair) * needed
    spared = lots.moved(start, lots.account != worst, total)
    best = min(nothing, start, spared, key=lots.loss_of)
    for lead in [start * (lots.account == worst), *map(lots.lead, lots.carriers())]:
        best = min(best, lots.filled(lead, total), key=lots.loss_of)
        if lots.loss_of(best) <= goal:
            return lots.paid(best), bound
    small = float(np.log2(1.0 + np.minimum(lots.have, lots.room[lots.account] / lots.value)).sum()) <= SMALL
    return lots.searched(best, bound) if small else (lots.paid(best), bound)


@dataclass(frozen=True, eq=False)
class _Lots:
    """The lots of one round, and what is asked of them."""

    account: Ints
    value: Floats
    have: Ints
    capacity: Floats
    base: Floats
    room: Floats
    wanted: Floats
    needed: float
    reference: float
    most: float
    limited: bool
    loss: Loss

    @classmethod
    def of(cls, round_: Round, needed: float, reference: float, loss: Loss, wanted: Floats) -> _Lots:
        """``room``: what each account may pay at the largest burden that is worth having, USD."""
        positions, base = round_.positions, burden_base(round_, str(loss.base))
        assert positions is not None  # noqa: S101
        highest = max(reference, float(np.max(burden(wanted, base), initial=0.0)))
        room, have = round_.accounts.capacity, positions.lots
        if loss.fair > 0:  # over no base, any haircut is an infinite burden
            room = np.minimum(room, np.where(base > 0, highest * base, 0.0))
            have = np.where(base[positions.account] > 0, have, 0)
        most = loss.most(round_) * (1 + WHOLE)  # sums of lots are rounded
        return cls(
            positions.account, positions.lot_value, have, round_.accounts.capacity, base, room,
            wanted, needed, reference, most, loss.most(round_) < round_.capacity_usd, loss,
        )  # fmt: skip

    def paid(self, lots: Ints) -> Floats:
        paid = np.bincount(self.account, lots * self.value, minlength=self.capacity.size)
        return np.minimum(paid, self.capacity)

    def loss_of(self, lots: Ints) -> float:
        """Return the loss, USD; inf beyond R."""
        x = self.paid(lots)
        taken, worst = math.fsum(x), np.max(burden(x, self.base), initial=0.0)
        if taken > self.most:
            return math.inf
        return float(self.loss.total(taken, self.needed, worst, self.reference))

    def listed(self, bound: float) -> tuple[Floats, float]:
        """Try every combination; return the best haircuts, and the least loss, without rounding upward."""
        lots = np.array(np.unravel_index(np.arange(math.prod((self.have + 1).tolist())), self.have + 1))
        x = np.zeros((self.capacity.size, lots.shape[1]))
        np.add.at(x, self.account, lots * self.value[:, None])
        x = np.minimum(x, self.capacity[:, None])
        taken, worst = x.sum(axis=0), np.max(burden(x, self.base[:, None]), axis=0, initial=0.0)
        loss = self.loss.total(taken, self.needed, worst, self.reference)
        size = loss + (self.loss.under + self.loss.over) * self.needed
        size += 2.0 * self.loss.fair * self.needed * self.reference
        loss[taken > self.most] = np.inf
        return x[:, int(np.argmin(loss))], max(bound, float(np.min(loss - SUMMED * size)))

    def carriers(self) -> list[int]:
        """Return accounts that may come near m*: that of the fractional plan, then those of fine lots."""
        finest = np.full(self.capacity.size, np.inf)
        np.minimum.at(finest, self.account, self.value)
        reach = self.reference * self.base
        able = (self.base > 0) & (reach <= np.minimum(self.capacity, self.most)) & np.isfinite(finest)
        step = np.where(able, share(finest, self.base), np.inf)
        some = np.argsort(step, kind="stable")[:CARRIERS]
        return [int(np.argmax(burden(self.wanted, self.base))), *some[able[some]].tolist()]

    def lead(self, who: int) -> Ints:
        """Return lots of one account alone that bring it near m*, or to all of R."""
        total = min(self.reference * float(self.base[who]), float(self.capacity[who]), self.most)
        return self.moved(np.zeros(self.have.size, dtype=np.int64), self.account == who, total)

    def filled(self, lead: Ints, total: float) -> Ints:
        """Return the lots of one account, and more of the others, so that the total nears an amount."""
        others = ~np.isin(self.account, self.account[lead > 0])
        return self.moved(lead, others, total)

    def moved(self, lots: Ints, mine: np.ndarray[tuple[int], np.dtype[np.bool_]], total: float) -> Ints:
        """Return lots with more or fewer of some positions, the dearest first: the total nears an amount."""
        lots, rows = lots.copy(), np.flatnonzero(mine)
        room, left = self.room - self.paid(lots), total - math.fsum(self.value * lots)
        for row in rows[np.argsort(-self.value[rows], kind="stable")].tolist():
            worth, who = float(self.value[row]), int(self.account[row])
            if left > 0:
                more = math.floor(min(float(room[who]), left) / worth + WHOLE)
                more = max(min(int(self.have[row] - lots[row]), more), 0)
            else:
                more = -min(int(lots[row]), math.floor(-left / worth + WHOLE))
            lots[row] += more
            room[who] -= more * worth
            left -= more * worth
        return self._met(lots, rows, room, total)

    def _met(self, lots: Ints, rows: Ints, room: Floats, total: float) -> Ints:
        """Move a few positions together, so that the total is as near as they can bring it."""
        rows = rows[np.unique(self.account[rows], return_index=True)[1]]  # one each: their rooms are apart
        down = np.minimum(lots[rows], STEPS)
        up = np.minimum(
            np.minimum(self.have[rows] - lots[rows], STEPS),
            np.floor(room[self.account[rows]] / self.value[rows] + WHOLE),
        )
        rank = np.argsort(-(down + up), kind="stable")[:LINES]
        rows, down, up = rows[rank], down[rank].astype(np.int64), np.maximum(up[rank], 0).astype(np.int64)
        left = total - math.fsum(self.value * lots)
        halves = []
        for half in (slice(0, None, 2), slice(1, None, 2)):
            moves = [np.arange(-a, b + 1) for a, b in zip(down[half], up[half], strict=True)]
            grid = (
                np.array(np.meshgrid(*moves, indexing="ij")).reshape(len(moves), -1).T
                if moves
                else np.zeros((1, 0))
            )
            halves.append((grid, grid @ self.value[rows[half]]))
        (first, one), (second, two) = halves
        order = np.argsort(two, kind="stable")
        place = np.searchsorted(two[order], left - one)
        best, found = math.inf, (0, 0)
        for near in (place - 1, place):
            near = np.clip(near, 0, two.size - 1)
            off = left - one - two[order[near]]
            cost = np.where(
                off > 0, self.loss.under * off, math.inf if self.limited else -self.loss.over * off
            )
            at = int(np.argmin(np.where(off == 0, 0.0, cost)))
            if abs(float(off[at])) < best:
                best, found = abs(float(off[at])), (at, int(order[near[at]]))
        lots[rows[0::2]] += first[found[0]].astype(np.int64)
        lots[rows[1::2]] += second[found[1]].astype(np.int64)
        return lots

    def searched(self, best: Ints, bound: float) -> tuple[Floats, float]:
        """Search lots and carriers by branch and bound; return the best haircuts, and the proven bound."""
        payers = Payers(
            time=np.zeros(self.capacity.size, dtype=np.int64),
            capacity=self.capacity,
            base=self.base,
            payer=self.account,
            worth=self.value,
            most=self.have.astype(float),
            whole=True,
            ties=(self.account, np.arange(self.account.size), self.value),
            room=self.capacity * (1 + WHOLE),
        )
        limit = self.most if self.limited else math.inf
        asked = Rounds(*(np.array([v]) for v in (self.needed, limit, self.reference)))
        able = np.flatnonzero((self.base > 0) & bool(asked.fair_in(self.loss)[0]))
        found = [best]

        def offer(v: Floats) -> float:
            lots = np.rint(v[: best.size]).astype(np.int64)
            loss = self.loss_of(lots)
            if loss < self.loss_of(found[0]):
                found[0] = lots
            return loss

        model = least_loss_model(asked, self.loss, payers, able)
        tree = TreeSearch(model, Options(node_limit=NODES), self.loss_of(best), offer).run()
        rates = 2.0**-50 * (self.loss_of(best) + self.loss.fair * self.needed * self.reference)
        return self.paid(found[0]), max(bound, tree.bound - rates)

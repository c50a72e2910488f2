"""The search for the least burden z at which whole lots cover the budget.

The search keeps an interval of burdens.  At its lower end the budget is out of reach.  At its upper end
known lots cover the budget.  So the answer lies in between, and the search makes the interval shorter.

At a burden z, every account pays the largest sum of whole lots that fits under its cap.  That sum is hard
to find, but two bounds are cheap.  No account pays more than its cap, and it can pay the sum that dearest
lots first give.  From both, and from how dense the sums of an account are, the search estimates what all
accounts pay together.

Each step finds the burden at which this estimate crosses the budget.  It tries one burden just above and
one just below.  At each of the two it searches larger sums, of the accounts that matter most, until the
bounds say on which side of the budget the true total lies.  `Leaf.plan` says who is searched, and how far.
Then the interval ends there.  The next step uses two burdens sixteen times closer.  Where one large lot
makes the total jump over the budget, the two burdens are those right before and at the jump, and the step
is the last one.
"""

from __future__ import annotations

import math

from adl_opt.kernels.lots.base import AT_ONCE, BESIDE, SLACK
from adl_opt.kernels.lots.field import Field

GAP_GOAL = 1e-9
"""Above `FREE_NODES` the search stops at this proven relative gap; below, it goes on to zero."""

FREE_NODES = 16_000

CLOSER = 16
"""The two burdens of a step are so many times closer than those of the step before."""

MARGIN = 0.4
"""Share of the distance between estimate and budget that the bounds may lose."""

WIDE = 8
"""The upper burden lies so many standard deviations of the estimate above the crossing, where that is far."""

ASIDE = 0.3
"""Where the estimate is sure, the lower burden lies below the crossing by such a share of their distance."""

SURE = 3
"""Two burdens right at a jump are tried if its two sides are so many standard deviations from the budget."""

ROUNDS = 6
"""Rounds of subset sums at one burden, each with a smaller loss."""

PATIENCE = 1 << 18
"""Pair problems at one burden at first; four times as many whenever the interval hardly shrinks."""

CLIMBS, CLIMBED = 8, 1e-4
"""Steps by which the lower end is raised before any search, at most, and the relative step that ends it."""

GUESSES, NEWTON, JUMPS = 40, 2, 3
"""Burdens looked at to find the crossing, steps of Newton's method among them, and jumps looked at."""

MEASURED = 1.05
"""What searching an account costs is measured again at burdens so many times larger."""

DESCENTS, RUNGS = 40, 12
"""Burdens at which dearest lots first are tried where the search was ended, and steps of `Field.ladder`."""


class LotsSearch:
    """Interval ``(low, high]`` that holds z*: the budget is out of reach at ``low``, covered at ``high``.

    ``covered`` says that the lots known for ``high`` reach the target.  Without a cover, ``most_proven`` says
    that they are the most that can be paid.
    """

    def __init__(self, field: Field, target: float, node_limit: int) -> None:
        self.field, self.target, self.node_limit = field, target, node_limit
        self.nodes, self.patience, self.spread = 0, float(PATIENCE), 0.0
        self.covered = self.most_proven = self.refused = False
        self.low, self.high, self.slope = field.ends(target)

    def run(self) -> None:
        """Shrink the interval until it is closed, good enough, or the node limit is reached."""
        self.climb()
        if self.field.book.sure < self.target:
            self.cover()
            if not self.covered:
                return
        self.field.settle(self.low, self.high)
        while not (self.closed() or self.good_enough()):
            width = self.high - self.low
            self.refused = False
            for z, known in self.burdens():
                self.probe(z, known)
            if self.high - self.low > 0.6 * width and not self.refused:
                self.probe((self.low + self.high) / 2)
            if self.refused or self.high - self.low > 0.9 * width:
                if self.patience >= min(self.node_limit, 2 * AT_ONCE) or self.gap() <= GAP_GOAL:
                    break
                self.patience *= 4
        if not self.closed() and self.gap() > GAP_GOAL:
            self.descend()
        if not self.covered:
            self.cover()

    def gap(self) -> float:
        """Relative distance of the ends."""
        return (self.high - self.low) / self.high

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * BESIDE <= self.low

    def good_enough(self) -> bool:
        """Say whether the gap is at its goal and more nodes would no longer be free."""
        return self.covered and self.nodes > FREE_NODES and self.gap() <= GAP_GOAL

    def climb(self) -> None:
        """Raise the lower end as far as caps alone allow, and try dearest lots first there."""
        z, slope, last, paid = self.low, self.slope, 0.0, 0.0
        for _ in range(CLIMBS):
            z = min(z, self.high)
            upper = self.field.sums(z)[1]
            if upper < self.target:
                self.low = z
            if upper >= self.target or not z > last:
                break
            slope = min(slope, (upper - paid) / (z - last))  # what caps allow is concave
            step = 0.98 * (self.target - upper) / slope if slope > 0 else 0.0
            if not step > CLIMBED * z:
                break
            last, paid, z = z, upper, z + step
        self.measured, field = self.low, self.field
        field.at(self.low)
        field.greedy()
        field.lift()
        self.spread = (field.upper - field.lower) / CLOSER

    def cover(self) -> None:
        """Look for a cover at the upper end, else for the most that can be paid."""
        field = self.field
        field.at(self.high)
        field.greedy()
        self.measured = self.high
        for rung in range(RUNGS):
            if not field.lower < self.target or not field.lower < field.upper:
                break
            field.ladder(rung, min(self.node_limit - self.nodes, AT_ONCE))
            self.nodes += field.search()
        if field.lower >= self.target:
            self.accept()
        else:
            field.take()
            self.most_proven = field.lower >= field.upper

    def burdens(self) -> list[tuple[float, float]]:
        """Burdens to probe, above and below the crossing of the estimate, with the ``known`` of `probe`."""
        (z, short), (beyond, over), doubt = self.crossing()
        if beyond > MEASURED * self.measured:
            self.field.at(beyond)
            self.field.greedy()
            self.measured = beyond
        if z >= beyond * BESIDE and min(short, over) > SURE * doubt:
            return [(beyond, math.inf), (z, math.inf)]
        goal = 0.95 * GAP_GOAL * self.high * self.slope
        spread = max(self.spread, goal if self.gap() > GAP_GOAL else 0.0)
        self.spread, sure = spread / CLOSER, spread > 4 * doubt
        aside = spread * ASIDE if sure else max(spread / 16, doubt)
        z -= max(aside - short, 0.0) / self.slope
        beyond = max(beyond, z + (spread if sure else WIDE * doubt) / self.slope)
        known = math.inf if sure else MARGIN * aside
        return [(beyond, known), (z, known)]

    def crossing(self) -> tuple[tuple[float, float], tuple[float, float], float]:
        """Burdens below and above the crossing, each with the distance of the estimate to the target (USD).

        Also the doubt of the estimate there, USD: a standard deviation.
        """
        low, high, field, target = self.low, self.high, self.field, self.target
        _, _, paid, variance = field.sums(high * BESIDE)
        if paid < target:
            return (high * BESIDE, target - paid), (high, math.inf), math.sqrt(variance)
        over = paid - target
        _, _, paid, variance = field.sums(low)
        under, side, doubt = min(paid - target, 0.0), 0, math.sqrt(variance)
        first, last, newton = -under, over, low - under / self.slope
        for tried in range(GUESSES):
            if (high - low) * self.slope <= max(self.spread / 4, doubt / 4) or high * BESIDE <= low:
                break
            z = (
                newton
                if tried < NEWTON
                else low + (high - low) * under / (under - over)
                if under < over
                else low
            )
            z = z if low < z < high else (low + high) / 2
            _, _, paid, variance = field.sums(z)
            error, doubt = paid - target, math.sqrt(variance)
            if error >= 0:
                high, over, last, under = z, error, error, under / 2 if side > 0 else under
            else:
                low, under, first, over = z, error, -error, over / 2 if side < 0 else over
            side, newton = 1 if error >= 0 else -1, z - error / self.slope
        for _ in range(JUMPS):
            size, z = field.leaf.jump(low, high, field.singles, field.crowd)
            z *= 1 + SLACK
            if not (size > doubt and low < z <= high):
                break
            paid = field.sums(z)[2] - target
            before = field.sums(z * BESIDE)[2] - target
            if paid < 0:
                low, first = z, -paid
            elif before >= 0:
                high, last = z * BESIDE, before
            else:
                return (z * BESIDE, -before), (z, paid), doubt
        return (low, first), (high, last), doubt

    def probe(self, z: float, known: float = math.inf) -> None:
        """Sharpen the bounds at z until the target is outside, and shrink the interval.

        First settle accounts until those that are not may lose so much, the ``known``, together (USD).
        """
        if not self.low < z < self.high:
            return
        field, target = self.field, self.target
        field.at(z)
        if known < math.inf:
            cost, _ = field.leaf.plan(field.crowd, known, False)
            if cost <= min(self.allowance(), self.node_limit - self.nodes):
                self.nodes += field.search()
        for tried in range(ROUNDS):
            if not field.lower < target <= field.upper:
                break
            margin, cover = abs(field.expected - target), field.expected >= target
            allowed = min(margin, (field.upper - field.lower) / 2) if cover else MARGIN * margin
            cost, rows = field.leaf.plan(field.crowd, allowed / 2**tried, cover)
            if rows == 0:  # the estimate is wrong: look a little further everywhere
                cost = field.ladder(2 * tried, self.allowance())
            self.refused |= cost > min(self.allowance(), self.node_limit - self.nodes)
            if cost == 0 or self.refused:
                break
            self.nodes += field.search()
        self.accept()

    def allowance(self) -> float:
        """Pair problems that a burden is worth: at the goal, only those that are free."""
        return FREE_NODES - self.nodes if self.covered and self.gap() <= GAP_GOAL else self.patience

    def accept(self) -> bool:
        """Shrink the interval where the bounds allow it: a new upper end is what its lots really make.

        Return whether the present burden became the upper end.
        """
        field = self.field
        covers = field.lower >= self.target
        if covers:
            self.covered = True
            self.high = min(field.z, max(field.take(), self.low))
        elif field.upper < self.target:
            self.low = field.z
            field.lift()
        else:
            return False
        field.settle(self.low, self.high)
        return covers

    def descend(self) -> None:
        """Lower the upper end as far as dearest lots first allow; that costs no nodes."""
        low = self.low
        for _ in range(DESCENTS):
            self.field.at((min(low, self.high) + self.high) / 2)
            self.field.greedy()
            low = low if self.accept() else self.field.z

"""The search of the min-max burden over lots: a proven interval around z*, shrunk until it is closed."""

from __future__ import annotations

from adl_opt.kernels.lots_book import SLACK, Book
from adl_opt.kernels.lots_payers import At, Payers
from adl_opt.kernels.subset_sums import FloatArray

GAP_GOAL = 1e-9
"""Above `FREE_NODES` the search stops at this proven relative gap; below, it goes on to zero."""

FREE_NODES = 50_000

GUESSES = 12
"""Burdens looked at to find where the expected pay crosses the target."""

BESIDE = 0.5
"""Doubts by which the place that is tried next lies above the crossing: a cover tells more than its lack."""

CLIMBS, CLIMBED = 8, 1e-4
"""Steps by which the lower end is raised before any search, at most, and the relative step that ends it."""

PATIENCE = 8192
"""Nodes spent at one burden before another is tried; more, each time that the interval hardly shrinks."""

AT_ONCE = 2**25
"""Nodes of one search at most: its memory, and how late Ctrl-C is heard, stay bounded."""

TRUST = 8
"""Rounds of subset sums at one burden that trust in what the accounts are expected to pay."""

DESCENTS = 40
"""Burdens at which dearest lots first are tried where the search was ended."""

NEWTON = 2
"""Steps of Newton's method before false position."""


class Search:
    """Interval ``(low, high]`` that holds z*: the budget is out of reach at ``low``, covered at ``high``.

    ``covered`` says that the lots known for ``high`` reach the target.  Without a cover, ``most_proven`` says
    that they are the most that can be paid.
    """

    def __init__(self, book: Book, payers: Payers, target: float, node_limit: int) -> None:
        self.book, self.payers, self.target, self.node_limit = book, payers, target, node_limit
        self.nodes, self.patience = 0, PATIENCE
        self.covered = self.most_proven = False
        low, self.high, slope, self.roof = payers.start(target)
        self.low, self.slope, self.floor = low * (1 - 4 * SLACK), slope or 1.0, 0.0
        payers.measure(min(self.low, self.high))
        self.climb()

    def lots(self) -> FloatArray:
        """Lots of every line of the book at the upper end."""
        return self.payers.lots(self.high)

    def climb(self) -> None:
        """Raise the lower end as far as caps alone allow, and try dearest lots first there."""
        z = self.low
        for _ in range(CLIMBS):
            at = self.at(min(z, self.high))
            if at.upper < self.target:
                self.low, self.floor = at.z, at.expected
            elif z > self.low:
                break
            step = 0.98 * (self.target - at.upper) / self.slope
            if not abs(step) > CLIMBED * z:
                break
            z += step
        self.payers.begin(self.low)

    def at(self, z: float) -> At:
        """Bounds on the total at burden z, from what is known."""
        return self.payers.at(z)

    def sharpen(self, at: At, allowance: int, *, trust: bool = False) -> bool:
        """Search subset sums where the bounds lose most by node; False where the allowance forbids it."""
        spent = self.payers.sharpen(at, self.target, min(allowance, AT_ONCE), trust)
        self.nodes += spent
        return spent > 0

    def open(self, at: At) -> bool:
        """Say whether the bounds leave open if the target is reached."""
        return at.lower < self.target <= at.upper

    def decide(self, at: At) -> bool:
        """Sharpen until the target is outside the bounds, and shrink the interval.

        False where `patience`, or the node limit, ends that: then dearest lots first may still do.
        """
        last, tried = min(self.nodes + self.patience, self.node_limit), 0
        while self.open(at) and self.sharpen(at, last - self.nodes, trust=tried < TRUST):
            tried += 1
        if self.open(at):
            self.payers.fill(at)
        return self.accept(at)

    def probe(self, z: float) -> None:
        """Shrink the interval at z or, where that takes too long, where the bounds at z say no longer."""
        if not self.low < z < self.high:
            return
        at = self.at(z)
        if self.decide(at):
            return
        above = z + 1.2 * (self.target - at.lower) / self.slope
        below = z - 1.2 * (at.upper - self.target) / self.slope
        for beside in (above, below):
            if self.low < beside < self.high:
                self.decide(self.at(beside))

    def accept(self, at: At) -> bool:
        """Shrink the interval where the bounds allow it."""
        if at.lower >= self.target:
            self.lower_high(at)
        elif at.upper < self.target:
            self.raise_low(at)
        else:
            return False
        self.settle()
        return True

    def raise_low(self, at: At) -> None:
        """Accept that the budget is out of reach at ``at.z``."""
        self.low, self.floor = at.z, at.expected
        self.payers.lift(at)

    def lower_high(self, at: At) -> None:
        """Accept a cover at ``at.z``: the new upper end is the largest burden that its lots really make."""
        self.roof, self.covered = at.expected, True
        self.high = min(at.z, max(self.payers.take(at), self.low))

    def settle(self) -> None:
        """Drop every account that pays the same at both ends of the interval."""
        self.payers.settle(self.low, self.high)

    def closed(self) -> bool:
        """Say whether no burden is left strictly inside the interval."""
        return self.high * (1 - 4 * SLACK) <= self.low

    def good_enough(self) -> bool:
        """Say whether the gap is at its goal and more nodes would no longer be free."""
        return self.nodes > FREE_NODES and self.high - self.low <= GAP_GOAL * self.high

    def cover(self) -> None:
        """Look for a cover at the upper end, else for the most that can be paid."""
        at = self.at(self.high)
        self.payers.fill(at)
        while at.lower < self.target and self.sharpen(at, self.node_limit - self.nodes):
            pass
        if at.lower >= self.target:
            self.lower_high(at)
            self.settle()
        else:
            self.payers.take(at)
            self.most_proven = at.lower >= at.upper

    def run(self) -> None:
        """Shrink the interval until it is closed, good enough, or the node limit is reached."""
        if self.book.sure < self.target:
            self.cover()
            if not self.covered:
                return
        self.settle()
        while not (self.closed() or self.good_enough()):
            width = self.high - self.low
            for z in self.guess():
                self.probe(z)
            self.accept_below()
            if self.high - self.low > 0.6 * width:
                self.probe((self.low + self.high) / 2)
            if self.high - self.low > 0.9 * width:
                if self.nodes + self.patience >= self.node_limit:
                    break
                self.patience *= 4
        if not (self.closed() or self.good_enough()):
            self.descend()
        if not self.covered:
            self.cover()

    def descend(self) -> None:
        """Lower the upper end as far as dearest lots first allow; that costs no nodes."""
        low = self.low
        for _ in range(DESCENTS):
            at = self.at((min(low, self.high) + self.high) / 2)
            self.payers.fill(at)
            self.accept(at)
            low = low if at.lower >= self.target else at.z

    def accept_below(self) -> None:
        """Close the interval where the budget is out of reach just below its upper end."""
        z = self.high * (1 - 4 * SLACK)
        if self.low < z:
            at = self.at(z)
            if at.expected + 2 * self.payers.doubt(z) < self.target:
                self.decide(at)

    def guess(self) -> tuple[float, ...]:
        """Where the expected pay crosses the target: a burden, or two around a jump.

        Newton's steps first; then false position, where an end that stays has its error halved.
        """
        low, high = self.low, self.high
        under, over, side = min(self.floor - self.target, 0.0), max(self.roof - self.target, 0.0), 0
        z = high - over / self.slope if self.covered else low - under / self.slope
        doubt = self.payers.doubt(z)
        for tried in range(GUESSES):
            if tried >= NEWTON or not low < z < high:
                z = low + (high - low) * (under / (under - over) if over > under else 0.5)
                z = z if low < z < high else (low + high) / 2
            error = self.payers.expected(z) - BESIDE * doubt - self.target
            if abs(error) < 0.5 * doubt:
                return (z,)
            if error >= 0:
                high, over, under = z, error, under / 2 if side > 0 else under
            else:
                low, under, over = z, error, over / 2 if side < 0 else over
            side = 1 if error >= 0 else -1
            if (high - low) * self.slope < 0.5 * doubt:
                _, z = self.payers.largest_step(low, high)
                return (z, z * (1 - 4 * SLACK)) if low < z <= high else (high, low)
            z -= error / self.slope
        return high, low

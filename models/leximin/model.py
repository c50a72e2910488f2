"""leximin: lower the largest burden, then the largest of the others, and so on (lexicographic fairness)."""

from dataclasses import dataclass, field, replace

import numpy as np

import adl_opt.programs as op

KIND = "procedure"


@dataclass(frozen=True, eq=False)
class OpenBurden(op.ObjectiveTerm):
    """max x_i / u_i over the accounts whose level is not settled yet; settled maps id to USD."""

    settled: dict
    name: str = field(default="open-burden", kw_only=True)

    def open(self, round_):
        """Return rows and capacities (USD) of the open accounts."""
        u = round_.accounts.capacity
        at = np.flatnonzero((u > 0) & ~np.isin(round_.accounts.id, list(self.settled)))
        return at, u[at]

    def value(self, point, round_):
        """Return the largest burden of an open account."""
        at, u = self.open(round_)
        return float(np.max(point.x[at] / u, initial=0.0))

    def rows(self, builder):
        """Write x_i <= z u_i for the open accounts."""
        (at, u), z = self.open(builder.round), builder.columns(f"{self.name}:z", 1)
        entries = [(np.arange(at.size), builder.x[at], 1.0), (np.arange(at.size), z, -u)]
        builder.rows("level", at.size, -np.inf, 0.0, entries)
        return z, 1.0


def build(market: bool = False):
    """Share an exact budget; with ``market`` each market also closes what its flow asks for."""
    rules = [op.ExactBudget(), op.MarketBalance()] if market else [op.ExactBudget()]

    def stage(settled, goal=None):
        caps = op.CumulativeBurden(1.0, base=settled, name="settled")
        return op.RoundProgram(goal or OpenBurden(settled), [*rules, caps], name="leximin")

    def leximin(round_, *, engine="auto", **given):
        """Settle, stage by stage, the accounts whose level has a price; certify the last stage."""
        settled, tight = {}, np.array([True])
        while tight.any():
            found = op.solve(stage(settled), round_, engine="highs", **given)
            if found.status is not op.Status.OPTIMAL or found.objective <= 1e-12:
                break
            price = found.proof.y[found.proof.model.rows_of("open-burden:level")]
            at, u = OpenBurden(settled).open(round_)
            tight = np.abs(price) * u > 1e-7
            settled |= dict(zip(round_.accounts.id[at[tight]], found.objective * u[tight], strict=True))
        return replace(op.solve(stage(settled, op.MaxBurden()), round_, engine=engine, **given), duals={})

    leximin.stage = stage
    return leximin

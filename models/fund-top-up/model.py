"""fund-top-up: winners pay before the needed budget is known, then a fund with a fixed fee tops up."""

from dataclasses import dataclass, field

import numpy as np

from adl_opt.programs import MaxBurden, ObjectiveTerm, RoundProgram
from adl_opt.programs.terms.scenarios import OverScenarios

KIND = "round"


@dataclass(frozen=True, eq=False)
class TopUp(OverScenarios, ObjectiveTerm):
    """Expected cost of the second stage, USD: fee and price of the fund, what lacks, what is too much."""

    costs: dict = field(default_factory=dict, kw_only=True)
    name: str = field(default="top-up", kw_only=True)
    needs = frozenset({"mip"})
    curvature = "convex"

    def value(self, point, round_):
        """Return the mean cost over the scenarios: in each the fund pays all that it can, or nothing."""
        c, lacks = self.costs, self.amounts(point.needed) - point.executed
        gap, over = np.maximum(lacks, 0.0), np.maximum(-lacks, 0.0)
        drawn = np.minimum(gap, c["fund"])
        opened = c["fee"] + c["price"] * drawn + c["lack"] * (gap - drawn)
        return float(self.chances @ (np.minimum(c["lack"] * gap, opened) + c["over"] * over))

    def expression(self, symbols):
        """Return the mean of over [H - B_s]_+ + price f_s + fee y_s + lack l_s."""
        cp, needed, c, size = symbols.cp, self.amounts(symbols.needed), self.costs, self.chances.size
        f, lacks = (symbols.variable(self, label, size, nonneg=True) for label in ("draw", "lack"))
        symbols.extra += [symbols.total + f + lacks >= needed, symbols.fund == self.chances @ f]
        fees = c["fee"] * symbols.indicator(f"{self.name}:opened", f, c["fund"])
        over = c["over"] * cp.pos(symbols.total - needed)
        return self.chances @ (over + c["price"] * f + fees + c["lack"] * lacks)

    def rows(self, builder):
        """Write H + f_s + l_s - o_s = B_s, f_s <= fund y_s, and the expected draw."""
        needed, c, p, unit = self.amounts(builder.needed), self.costs, self.chances, builder.unit
        most = {"over": float(builder.upper.sum()), "draw": c["fund"], "lack": needed}
        o, f, lacks = (builder.columns(f"{self.name}:{k}", p.size, 0.0, most[k], unit=unit) for k in most)
        y, each = builder.indicator(f"{self.name}:opened", f, c["fund"]), np.arange(p.size)
        entries = [(each, builder.total(), 1.0), (each, f, 1.0), (each, lacks, 1.0), (each, o, -1.0)]
        builder.rows("scenarios", p.size, needed, needed, entries)
        builder.rows("draw", 1, 0.0, 0.0, [(0, builder.fund(c["fund"]), 1.0), (0, f, -p)])
        costs = np.outer([c["over"], c["price"], c["fee"], c["lack"]], p)
        return np.concatenate([o, f, y, lacks]), costs.ravel()


def build(
    multiples=(0.8, 1.0, 1.25), probabilities=None, fund: float = 1e6, fee: float = 1e3, price: float = 1.0,
    lack: float = 10.0, over: float = 1.0, weight: float = 1.0, base: str = "capacity",
) -> RoundProgram:  # fmt: skip
    """Minimise E[over [H - m B]_+ + price f + fee [f > 0] + lack l] + weight max burden (USD)."""
    costs = {"fund": fund, "fee": fee, "price": price, "lack": lack, "over": over}
    goal = TopUp(multiples, probabilities, costs=costs, relative=True) + weight * MaxBurden(base)
    return RoundProgram(goal, name="fund-top-up")

"""risk-aware-pro-rata (RAP): haircut fractions in proportion to risk, h = min(cap, tau w) (ADL-1)."""

from dataclasses import dataclass, field

import numpy as np

from adl_opt.losses import burden
from adl_opt.programs import ExactBudget, HaircutCap, ObjectiveTerm, Point, RoundProgram
from adl_opt.programs.terms.burden import RiskWeighted
from adl_opt.rounds.round import Round

KIND = "round"


@dataclass(frozen=True, eq=False)
class RiskBurden(ObjectiveTerm):
    """max_i x_i / (w_i u_i), w the leverage relative to its largest: the largest burden per unit of risk."""

    name: str = field(default="risk-burden", kw_only=True)
    unit = "1"
    curvature = "convex"

    def check(self, round_: Round) -> None:
        """Refuse a round without leverage."""
        RiskWeighted(name=self.name).check(round_)

    def risk(self, round_: Round) -> np.ndarray:
        """Return w, (n,) without unit."""
        leverage = RiskWeighted(name=self.name).resolved(round_)
        return leverage / max(float(np.max(leverage, initial=0.0)), 1e-300)

    def base(self, round_: Round) -> np.ndarray:
        """Return w u, (n,) USD."""
        return round_.accounts.capacity * self.risk(round_)

    def value(self, point: Point, round_: Round) -> float:
        """Return the largest x / (w u)."""
        return float(np.max(burden(point.x, self.base(round_)), initial=0.0))

    def expression(self, symbols):
        """Return the least tau with x <= tau w u; an account without risk pays nothing."""
        tau = symbols.variable(self, "tau")
        symbols.extra += [symbols.x <= symbols.cp.multiply(self.base(symbols.round), tau), tau >= 0]
        return tau

    def rows(self, builder):
        """Write x_i <= tau w_i u_i."""
        tau, base = builder.columns(f"{self.name}:tau", 1), self.base(builder.round)
        each = np.arange(builder.n)
        entries = [(each, builder.x, 1.0), (each, tau, -base)]
        rows = builder.rows("risk", builder.n, -np.inf, 0.0, entries, unit=builder.money_units())
        builder.moves(rows, -self.risk(builder.round), column=int(tau[0]))
        return tau, 1.0


def build(cap: float = 0.9) -> RoundProgram:
    """Minimise tau, x_i <= tau w_i u_i, x <= cap u, sum x = B."""
    return RoundProgram(RiskBurden(), [ExactBudget(), HaircutCap(cap)], name="risk-aware-pro-rata")

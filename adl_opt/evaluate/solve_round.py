"""One round solved by one allocation: who pays, and how that is proven."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.contracts import act_in_contracts, settled
from adl_opt.answer import SCHEMA, Answer
from adl_opt.catalogue import Model, allocation_of
from adl_opt.evaluate.check import check_allocation
from adl_opt.losses import burden, burden_base
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.proof import Proof
from adl_opt.programs.solution import Solution
from adl_opt.proofs.certificate import Certificate
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Information, Outcome, Round

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Solved(Answer):
    """The answer to one round, checked."""

    rule: AllocationRule
    round: Round
    allocation: Allocation
    information: Information
    """What the budget rests on."""
    solution: Solution | None = None
    """The answer of a model; None of a policy."""

    @classmethod
    def by(cls, rule: AllocationRule, round_: Round, outcome: Outcome, information: Information) -> Solved:
        """Allocate what the outcome needs, and check the money invariants."""
        if round_.space == WEALTH or information is not Information.EX_POST:
            allocation = rule.allocate(rule.start(), round_, outcome.needed)
        else:
            allocation = act_in_contracts(rule, rule.start(), round_, outcome.needed, outcome)
        check_allocation(rule.label(), round_, allocation, positive_pnl_only=rule.positive_pnl_only)
        if information is Information.EX_POST:
            allocation = settled(allocation, round_, outcome)
        return cls(rule, round_, allocation, information)

    @classmethod
    def by_model(
        cls,
        model: Model,
        round_: Round,
        budget: float,
        information: Information,
        options: Options,
        engine: str = "auto",
    ) -> Solved:
        """Solve a model and check the money invariants."""
        rule = allocation_of(model, options, engine)
        found = rule.solution(round_, budget)
        allocation = rule.of(found, round_, budget)
        round_ = round_.whole if isinstance(round_, PricedRound) else round_
        if allocation.lots is not None or allocation.closures is None:  # parts of lots are the program's
            check_allocation(rule.label(), round_, allocation, positive_pnl_only=rule.positive_pnl_only)
        return cls(rule, round_, allocation, information, found)

    @cached_property
    def proof(self) -> Certificate | None:
        """Certificate of the solution; None where no model was asked."""
        return self.solution.certify() if self.solution else None

    @property
    def proofs(self) -> list[tuple[int | None, Proof | None]]:
        """Return what the answer of a model rests on."""
        return [] if self.solution is None else [(None, self.solution.proof)]

    @property
    def burdens(self) -> Floats:
        """(n,) without unit: haircut / capacity, or / equity for a rule that optimises that.

        Sub-accounts have the burden of their owner.
        """
        owners, round_, action = Owners.of(self.round), self.round, self.allocation
        if owners is not None:
            round_, action = owners.round, owners.join(action)
        own = action.base == "capacity" and action.closures is not None
        found = burden(action.x, capacity_of(round_) if own else burden_base(round_, action.base))
        return found if owners is None else found[owners.account]

    @property
    def facts(self) -> dict[str, Any]:
        """The totals, and of a model what is proven of its objective; money in USD."""
        a = self.allocation
        largest = float(np.max(self.burdens, initial=0.0))
        fund = 0.0 if self.solution is None else self.solution.fund_usd
        gap = (largest - a.lower_bound) / largest if largest > 0 else 0.0
        return {
            "policy": self.rule.label(),
            "space": self.round.space,
            "information": self._known.value,
            "deficit_usd": self.round.deficit,
            "budget_usd": a.asked,
            "capacity_usd": self.round.capacity_usd,
            "executed_usd": a.executed,
            "overshoot_usd": max(a.executed - a.asked, 0.0),
            "shortfall_usd": max(a.shortfall - fund, 0.0),
            "residual_usd": a.residual_usd,
            "burden_base": a.base,
            "max_burden": largest,
            "max_burden_lower_bound": a.lower_bound,
            "gap": max(gap, 0.0),
            "accounts": len(self.round.accounts),
            "accounts_touched": int(np.count_nonzero(a.x)),
            **self._proven(),
        }

    @property
    def _known(self) -> Information:
        """What the answer rests on; in contracts also on the flow."""
        flow = (self.round.flow_known,) if self.round.space == CONTRACTS else ()
        return Information.weakest(self.rule.information, self.information, *flow)

    def _proven(self) -> dict[str, Any]:
        """Return status, objective, bound and gap of a model's program."""
        s, proof = self.solution, self.proof
        if s is None or proof is None:
            return {}
        price = s.duals.get("budget")
        return {
            "status": s.status.value,
            "engine": s.engine,
            "objective": s.objective,
            "bound": s.bound,
            "gap": s.gap,
            "rederived_bound": proof.rederived_bound,
            "bound_source": proof.bound_source,
            "fund_usd": s.fund_usd,
            "budget_price": float("nan") if price is None else float(price.value),
            "message": s.message,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the totals and the rows as plain values."""
        return {"schema": SCHEMA, **self.facts, "rows": self.frame().to_dict("records")}

    def frame(self) -> pd.DataFrame:
        """Return one row per account, or per position where lots were chosen; money in USD."""
        import pandas as pd

        accounts, a = self.round.accounts, self.allocation
        by_account = pd.DataFrame(
            {
                "id": accounts.id.astype(object),
                "capacity_usd": accounts.capacity,
                "haircut_usd": a.x,
                "burden": self.burdens,
            }
        )
        held = self.round.positions
        if held is None or (a.lots is None and a.closures is None):
            return by_account
        by_account.columns = pd.Index(["id", "account_capacity_usd", "account_haircut_usd", "account_burden"])
        rows = by_account.iloc[held.account].reset_index(drop=True)
        rows.insert(1, "market", held.market.astype(object))
        lots: Any = a.lots
        value: Any = None if a.lots is None else a.lots * held.lot_value
        if (c := a.closures) is not None and held.side is not None:
            lots = np.bincount(c.position, c.lots, len(held)) if a.lots is None else a.lots
            value = np.bincount(c.position, c.contracts * np.maximum(c.given_up, 0.0)[c.row], len(held))
            rows.insert(2, "side", np.where(held.side > 0, "long", "short"))
        at = list(rows).index("account_capacity_usd")
        for name, values in (("lots_value_usd", value), ("lots_held", held.lots), ("lots", lots)):
            rows.insert(at, name, values)
        return rows

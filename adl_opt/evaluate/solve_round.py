"""One round solved by one allocation: who pays, and how that is proven."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.minmax import burden_base
from adl_opt.evaluate.check import check_allocation
from adl_opt.losses import burden
from adl_opt.reports.terminal.tables import plain_table
from adl_opt.reports.text import decimals, printable, usd
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Allocation, Information, Round

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20


@dataclass(frozen=True, eq=False)
class Solved:
    """The answer to one round, checked."""

    rule: AllocationRule
    round: Round
    allocation: Allocation
    information: Information | None = field(default=None, kw_only=True)
    """What the budget rests on, where that is more than the rule is given."""

    @classmethod
    def by(cls, rule: AllocationRule, round_: Round, budget: float) -> Solved:
        """Allocate the budget and check the money invariants."""
        allocation = rule.allocate(rule.start(), round_, budget)
        check_allocation(rule.label(), round_, allocation)
        return cls(rule, round_, allocation)

    @property
    def burdens(self) -> Floats:
        """(n,) without unit: haircut / capacity, or / equity for a rule that optimises that."""
        return burden(self.allocation.x, burden_base(self.round, self.allocation.base))

    def facts(self) -> dict[str, Any]:
        """Return the totals; money in USD."""
        a = self.allocation
        largest = float(np.max(self.burdens, initial=0.0))
        gap = (largest - a.lower_bound) / largest if largest > 0 else 0.0
        return {
            "policy": self.rule.label(),
            "information": (self.information or self.rule.information).value,
            "deficit_usd": self.round.deficit,
            "budget_usd": a.budget,
            "capacity_usd": self.round.capacity_usd,
            "executed_usd": a.executed,
            "overshoot_usd": max(a.executed - a.budget, 0.0),
            "shortfall_usd": a.shortfall,
            "burden_base": a.base,
            "max_burden": largest,
            "max_burden_lower_bound": a.lower_bound,
            "gap": max(gap, 0.0),
            "accounts": len(self.round.accounts),
            "accounts_touched": int(np.count_nonzero(a.x)),
        }

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
        if a.lots is None or self.round.positions is None:
            return by_account
        held = self.round.positions
        by_account.columns = pd.Index(["id", "account_capacity_usd", "account_haircut_usd", "account_burden"])
        rows = by_account.iloc[held.account].reset_index(drop=True)
        rows.insert(1, "market", held.market.astype(object))
        rows.insert(2, "lots", a.lots)
        rows.insert(3, "lots_held", held.lots)
        rows.insert(4, "lots_value_usd", a.lots * held.lot_value)
        return rows

    def table(self) -> Table:
        """Return the accounts that pay most, with the totals as title and caption."""
        f = self.facts()
        title = (
            f"{f['policy']}: budget ${usd(f['budget_usd'])}, executed ${usd(f['executed_usd'])} "
            f"from {f['accounts_touched']} of {f['accounts']} accounts"
        )
        largest = f"largest burden {decimals(f['max_burden'], 6)} of {f['burden_base']}"
        notes = [f"information: {f['information']}; {largest}"]
        if not math.isnan(f["max_burden_lower_bound"]):
            notes[0] += f", proven at least {decimals(f['max_burden_lower_bound'], 6)} (gap {f['gap']:.1e})"
        if f["shortfall_usd"] >= 0.005:
            why = (
                "the capacity does not cover the budget"
                if f["capacity_usd"] < f["budget_usd"]
                else "as far as it goes"
            )
            notes.append(f"shortfall ${usd(f['shortfall_usd'])}: {why}")
        if f["overshoot_usd"] >= 0.005:
            notes.append(f"overshoot ${usd(f['overshoot_usd'])} (whole lots)")
        frame = self.frame()
        amount = "lots_value_usd" if "lots" in frame else "haircut_usd"
        frame = frame[frame[amount] > 0]
        if len(frame) > SHOWN:
            notes.append(f"the {SHOWN} largest haircuts of {len(frame)} rows; --out FILE writes them all")
        left = {"id", "market"}
        table = plain_table(
            title, [(str(c), "left" if c in left else "right") for c in frame.columns], "\n".join(notes)
        )
        for row in frame.sort_values(amount, ascending=False, kind="stable").head(SHOWN).to_dict("records"):
            table.add_row(*(_cell(str(k), v) for k, v in row.items()))
        return table


def _cell(name: str, value: Any) -> str:
    if name.endswith("_usd"):
        return usd(float(value))
    return decimals(float(value), 6) if name.endswith("burden") else printable(str(value))

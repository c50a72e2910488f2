"""Models in the report: the catalogue as a table, and one round solved by a model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.table import Table

from adl_opt.catalogue import Model, allocation_of, load_model, model_names
from adl_opt.evaluate.check import check_allocation
from adl_opt.evaluate.solve_round import Solved
from adl_opt.programs.solution import Certificate, Solution
from adl_opt.reports.terminal.tables import plain_table
from adl_opt.reports.text import decimals
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("name", "kind", "needs", "summary")


def rows() -> list[dict[str, str]]:
    """Return one row for each model of the catalogue."""
    models = [load_model(name) for name in model_names()]
    return [{c: str(getattr(m, c)) for c in COLUMNS} for m in models]


def models_frame() -> pd.DataFrame:
    """Return the rows as a frame indexed by name."""
    import pandas as pd

    return pd.DataFrame(rows()).set_index("name")


def models_table() -> Table:
    """Return the rows as a terminal table."""
    caption = "adl-opt models show NAME prints the card; parameters in the name: account-selection(k=5)"
    table = plain_table("models", [(c, "left") for c in COLUMNS], caption)
    for row in rows():
        table.add_row(*(row[c] for c in COLUMNS))
    return table


@dataclass(frozen=True, eq=False)
class SolvedByModel(Solved):
    """The answer of a model to one round, with what is proven of its objective."""

    solution: Solution

    @classmethod
    def of(cls, model: Model, round_: Round, budget: float, options: Any = None) -> SolvedByModel:
        """Solve and check the money invariants."""
        rule = allocation_of(model, options)
        found = rule.solution(round_, budget)
        allocation = rule.of(found, round_, budget)
        check_allocation(rule.label(), round_, allocation)
        return cls(rule, round_, allocation, found)

    @cached_property
    def proof(self) -> Certificate:
        """Certificate of the solution."""
        return self.solution.certify()

    def facts(self) -> dict[str, Any]:
        """Return the totals, and status, objective, bound and gap of the program; money in USD."""
        s = self.solution
        price = s.duals.get("budget")
        return super().facts() | {
            "status": s.status.value,
            "engine": s.engine,
            "objective": s.objective,
            "bound": s.bound,
            "gap": s.gap,
            "rederived_bound": self.proof.rederived_bound,
            "bound_source": self.proof.bound_source,
            "fund_usd": s.fund_usd,
            "budget_price": float("nan") if price is None else float(price.value),
            "message": s.message,
        }

    def table(self) -> Table:
        """Return the table of the round, with the proof in the caption."""
        made, s = super().table(), self.solution
        figures = f"objective {decimals(s.objective, 6)}, bound {decimals(s.bound, 6)}, gap {s.gap:.1e}"
        bound = f"bound: {self.proof.bound_source}"
        made.caption = f"{s.status.value} by {s.engine}: {figures}\n{bound}\n{made.caption}"
        return made

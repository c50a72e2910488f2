"""What a round can raise at most by caps, held lots, a number of accounts and a ticket: one sort."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.programs.proof import Proof, Statement
from adl_opt.programs.terms.base import ConstraintTerm
from adl_opt.programs.terms.choice import MaxAccounts, MinTicket
from adl_opt.programs.terms.grid import Lots, paid_by_lots
from adl_opt.proofs.certificate import Check
from adl_opt.proofs.document import exact
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round

ROUNDING = 2.0**-52
"""By how much a product of two data can be wrong, relative to its size."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reach(Proof):
    """The accounts that may pay most, each at its most, and what they raise together.

    As a proof it says that they raise less than the budget.  An account pays nothing, or at least a ticket.

    Parameters
    ----------
    upper : (n,) USD
    budget : float
        USD.
    exact : bool
        Whether just the budget must be raised: then no more accounts pay than the budget holds tickets.
    ticket : float
        USD.
    most : int
        Of accounts that pay.
    """

    upper: Floats
    budget: float
    exact: bool
    ticket: float
    most: int
    source: ClassVar[str] = "the largest amounts do not reach the budget"

    is_sum: bool = True
    """Whether what is raised is the sum of all upper bounds: neither number nor ticket nor lots count."""

    @classmethod
    def of(cls, rules: Sequence[ConstraintTerm], round_: Round, budget: float, *, exact: bool) -> Reach:
        """Return what some constraints allow; other kinds of constraints are left out."""
        n = len(round_.accounts)
        upper = np.full(n, math.inf)
        for rule in rules:
            most = rule.upper(round_)
            if isinstance(rule, Lots) and round_.positions is not None:
                most = paid_by_lots(round_.positions, round_.positions.lots, n)
            upper = upper if most is None else np.minimum(upper, most)
        ticket = max([rule.usd for rule in rules if isinstance(rule, MinTicket)], default=0.0)
        payers = min([n, *(rule.k for rule in rules if isinstance(rule, MaxAccounts))])
        is_sum = not any(isinstance(rule, (MaxAccounts, MinTicket, Lots)) for rule in rules)
        return cls(upper=upper, budget=budget, exact=exact, ticket=ticket, most=payers, is_sum=is_sum)

    @property
    def raised(self) -> float:
        """USD raised at most; the last digits of the data are taken in favour of those who pay."""
        able, most = self.upper[self.upper * (1 + 2 * ROUNDING) >= self.ticket], self.most
        if self.exact and self.ticket > 0:
            most = min(most, math.floor(self.budget / self.ticket * (1 + 4 * ROUNDING)))
        paying = np.sort(able)[::-1][:most] if most < able.size else able
        return exact_sum(paying) * (1 + 2 * ROUNDING)

    @property
    def scale(self) -> float:
        """There is no objective."""
        return 1.0

    def bound(self) -> float:
        """Return inf where the budget is out of reach, else -inf."""
        return math.inf if self.raised < self.budget else -math.inf

    def checks(self) -> dict[str, Check]:
        """Return ``out-of-reach``."""
        return {"out-of-reach": Check.that(self.raised < self.budget)}

    def statement(self) -> Statement:
        """Return the accounts; at no burden do they raise the budget."""
        accounts = [{"base": exact(u), "capacity": exact(u)} for u in self.upper.tolist()]
        problem = {
            "kind": "min-max", "budget": exact(self.budget), "needed": exact(self.budget),
            "exact": self.exact, "ticket": exact(self.ticket), "weight": "0", "over": "0",
            "accounts_at_most": self.most, "accounts": accounts,
        }  # fmt: skip
        return Statement(problem, {"z": "inf", "listed": []}, None)

"""The exact kernel of account selection: an exact budget from few accounts, none for less than a ticket."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.kernels.fill.selection import select_payers
from adl_opt.losses import burden_base
from adl_opt.programs.engines.kernels.shape import Shape
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.proof import Proof, Statement
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.programs.terms.choice import MaxAccounts, MinTicket
from adl_opt.proofs.certificate import Check, once
from adl_opt.proofs.document import exact
from adl_opt.proofs.outward import two_product
from adl_opt.rounds.columns import Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class SelectionProof(Proof):
    """At burden ``z`` the accounts that may pay most, each at its most, raise less than the budget.

    At most ``most`` accounts pay: as many as may, and as many tickets as the budget holds.

    Parameters
    ----------
    upper, base : (n,) USD
    budget, ticket : float
        USD.
    most : int
    z : float
    weight : float
        Of the largest burden in the objective.
    x : (n,) USD
        Haircuts.
    """

    upper: Floats
    base: Floats
    budget: float
    ticket: float
    most: int
    z: float
    weight: float
    x: Floats
    source: ClassVar[str] = "the largest amounts below that burden do not reach the budget"

    @property
    def scale(self) -> float:
        """The burden is unitless."""
        return self.weight

    @once
    def bound(self) -> float:
        """Return the weighted burden that does not do."""
        z = self.short_z()
        return z if z == 0.0 or self.weight == 1.0 else math.nextafter(self.weight * z, 0.0)

    @once
    def short_z(self) -> float:
        """Return the burden, or one some last digits below, that does not raise the budget; else 0."""
        near = (self.z * (1.0 - ulps * 2.0**-52) for ulps in (0, 1, 2, 4, 8, 16))
        return next((z for z in near if self.raised(z) < self.budget), 0.0)

    def raised(self, z: float) -> float:
        """Return the most that can be raised at a burden, USD, rounded once: a product is two floats."""
        p, e = two_product(self.base, np.full_like(self.base, z))
        capped = (p > self.upper) | ((p == self.upper) & (e >= 0))
        p, e = np.where(capped, self.upper, p), np.where(capped, 0.0, e)
        able = np.flatnonzero(((p > self.ticket) | ((p == self.ticket) & (e >= 0))) & (self.base > 0))
        first = able[np.lexsort((e[able], p[able]))[::-1]][: max(self.most, 0)]
        return math.fsum([*p[first], *e[first]])

    def checks(self) -> dict[str, Check]:
        """Return ``least-burden``: the proof says more than that a burden is at least 0."""
        return {"least-burden": Check.that(self.bound() > 0.0 or self.z == 0.0)}

    def statement(self) -> Statement:
        """Return the accounts, and the burden that does not do."""
        accounts = [
            {"base": exact(base), "capacity": exact(u)}
            for base, u in zip(self.base.tolist(), self.upper.tolist(), strict=True)
        ]
        problem = {
            "kind": "min-max", "budget": exact(self.budget), "needed": exact(self.budget), "exact": True,
            "ticket": exact(self.ticket), "weight": exact(self.weight), "over": "0",
            "accounts_at_most": min(self.most, len(accounts)), "accounts": accounts,
        }  # fmt: skip
        return Statement(problem, {"z": exact(self.short_z()), "listed": []}, self.x.tolist())


def account_selection(shape: Shape) -> Raw | None:
    """Least z with sum x = B, at most k payers, each of at least the ticket."""
    weight, term = shape.part(MaxBurden)
    rules = shape.program.subject_to
    most = min([rule.k for rule in rules if type(rule) is MaxAccounts], default=shape.upper.size)
    ticket = max([rule.usd for rule in rules if type(rule) is MinTicket], default=0.0)
    base, budget = burden_base(shape.round, term.base), shape.required
    found = select_payers(shape.upper, base, budget, accounts=most, ticket=ticket)
    if found is None:
        return None
    by_ticket = int(budget // ticket) if ticket > 0 else most
    proof = SelectionProof(
        upper=shape.upper, base=base, budget=budget, ticket=ticket, most=min(most, by_ticket),
        z=found.lower_bound, weight=weight, x=found.x,
    )  # fmt: skip
    return Raw(verdict="optimal", engine="kernel:account-selection", x=found.x, proof=proof)

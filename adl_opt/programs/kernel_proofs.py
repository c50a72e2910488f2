"""Proofs of the kernels: of whole lots, and of the disutility that pro-rata minimises."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adl_opt.kernels.lots.base import REL_TOL
from adl_opt.kernels.lots.choice_result import sharpened
from adl_opt.kernels.lots.problem import LotsProblem
from adl_opt.losses import entropy, share
from adl_opt.programs.proof import Proof, Statement
from adl_opt.proofs.certificate import Certificate, Check, once
from adl_opt.proofs.document import entropy_curve, exact, leaf, linear_problem
from adl_opt.rounds.columns import Floats, Ints

ROUNDINGS = 16 * 2.0**-53
"""By how much a term of a few operations and one logarithm may be off, relative."""


@dataclass(frozen=True, eq=False)
class LotsProof(Proof):
    """The certificate of a lots kernel: below its lower bound what is required is out of reach.

    Parameters
    ----------
    result : LotsResult
    weight, over : float
        Of the largest burden, and of a USD above what is needed, in the objective.
    needed : float
        B, USD.
    most : int
        So many accounts may pay.
    """

    result: Any
    weight: float
    over: float = 0.0
    needed: float = 0.0
    most: int | None = None
    source: ClassVar[str] = "the lots kernel's certificate"

    @property
    def chosen(self) -> tuple[LotsProblem, Ints]:
        """The problem that the bound is of, and the lots of each of its positions."""
        return self.result.problem, np.asarray(self.result.lots)

    @property
    def scale(self) -> float:
        """The burden is unitless."""
        return self.weight

    def bound(self) -> float:
        """Return the weighted lower bound on the largest burden, and the least of the rest."""
        least = self.over * max(self.chosen[0].budget - self.needed, 0.0)
        z = self.proven_z
        total = z if self.weight == 1.0 and least == 0.0 else math.fsum([self.weight * z, least])
        return total if total in (0.0, z) else total * (1.0 - ROUNDINGS)

    @property
    def proven_z(self) -> float:
        """The burden at which the certificate shows that what is required is out of reach."""
        return float(self.result.lower_bound) * (1.0 - REL_TOL)

    def checks(self) -> dict[str, Check]:
        """Return the kernel's own checks."""
        report = self.result.certify()
        if isinstance(report, Certificate):
            found = dict(report.checks)
        else:
            found = {name: Check.that(getattr(report, name)) for name in report.__dataclass_fields__}
        return {f"kernel-{name.replace('_', '-')}": check for name, check in found.items()}

    def statement(self) -> Statement:
        """Return the accounts and their lots, and the burden that does not do."""
        p, taken = self.chosen
        order = np.argsort(p.account, kind="stable")
        lots: list[list[Any]] = [[] for _ in range(p.capacity.size)]
        columns = (part[order].tolist() for part in (p.account, p.lot_value, p.lots))
        for i, value, held in zip(*columns, strict=True):
            lots[i].append([exact(value), int(held)])
        accounts = [
            {"base": exact(base), "capacity": exact(u), "positions": own}
            for base, u, own in zip(p.base.tolist(), p.capacity.tolist(), lots, strict=True)
        ]
        most = len(accounts) if self.most is None else min(self.most, len(accounts))
        problem = {
            "kind": "min-max", "budget": exact(p.budget), "needed": exact(self.needed), "ticket": "0",
            "weight": exact(self.weight), "over": exact(self.over), "exact": False,
            "accounts_at_most": most, "accounts": accounts,
        }  # fmt: skip
        _, listed = sharpened(p, self.proven_z, p.budget, most)
        proof = {"z": exact(self.proven_z), "listed": listed}
        return Statement(problem, proof, taken[order].tolist())


@dataclass(frozen=True, eq=False)
class ContractLotsProof(LotsProof):
    """The certificate of whole lots in contracts: a bound of the markets and sides that decide.

    Whoever covers all cells covers these, from their own legs.  So no answer of the round has a lower burden
    than the pool of these legs, and the document states that pool.
    """

    @property
    def chosen(self) -> tuple[LotsProblem, Ints]:
        """The pool of the deciding cells, and the lots of each of their legs."""
        problem, cells = self.result.problem, self.result.deciding
        pool = problem.pool(cells, problem.payable())
        return pool, self.result.lots[cells[problem.cell] & (problem.capacity[problem.account] > 0)]


@dataclass(frozen=True, eq=False)
class EntropyProof(Proof):
    """The dual of ``min w sum u phi(x/u), sum x = B, 0 <= x <= upper`` at one price of B."""

    capacity: Floats
    upper: Floats
    needed: float
    weight: float
    price: float
    exact: bool
    x: Floats
    needed_rate: float = 1.0
    """Change of the demand per USD of the needed budget: 0 where solvency demands more."""

    @property
    def scale(self) -> float:
        """Objective of one USD at full disutility."""
        return self.weight * max(self.needed, 0.0)

    @once
    def bound(self) -> float:
        """Return price B + min over x of w u phi(x/u) - price x, less what rounding may add."""
        u, most = self.capacity, self.upper
        slope = self.price / self.weight
        h = np.clip(-np.expm1(-max(slope, 0.0)), 0.0, share(most, u))
        terms = [self.price * self.needed, *(self.weight * u * entropy(h)), *(-self.price * u * h)]
        return math.fsum([*terms, -ROUNDINGS * math.fsum(map(abs, terms))])

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs``: a demand of at least B has a price of at least 0."""
        return {"dual-signs": Check.that(self.exact or self.price >= 0)}

    def statement(self) -> Statement:
        """Return the disutility as curves, and one price, of what is required."""
        able = np.flatnonzero(self.capacity > 0)
        u, upper, x = (part[able] for part in (self.capacity, self.upper, self.x))
        one, zero = np.ones(1), np.zeros_like(u)
        problem = linear_problem(
            cost=zero,
            column_box=(zero, upper),
            whole=np.zeros(u.size, dtype=bool),
            row_box=(self.needed * one, (self.needed if self.exact else math.inf) * one),
            entries=(zero.astype(np.int64), np.arange(u.size), np.ones(u.size)),
            curves={j: entropy_curve(self.weight, unit) for j, unit in enumerate(u.tolist())},
            names=[f"{u.size} columns: haircuts, USD"],
        )
        touch = np.minimum(x, u * (1 - 2.0**-40)).tolist()
        tangents = [(j, at, self.price) for j, at in enumerate(touch)]
        return Statement(problem, {"tree": [leaf(self.price * one, tangents=tangents)]}, x.tolist())

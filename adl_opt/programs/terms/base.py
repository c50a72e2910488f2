"""The algebra of terms: an objective is a weighted sum of uniquely named terms, a program adds constraints.

A term has up to three faces: a cvxpy expression (readable, extensible), a numpy value (the judge), and rows
for a solver that takes arrays.  One generic test holds the faces against each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from adl_opt.errors import LackError, UsageError
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder

Need = Literal["lp", "mip", "cone"]

TRIFLE = 1e-6
"""Share of the mark that a contract which takes nothing counts for, where more is closed than there is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Point:
    """A candidate answer, as the numpy faces judge it.

    Parameters
    ----------
    x : (n,) USD
        Haircut of each account.
    needed : float
        B, USD.
    lots : (m,) int, optional
        Whole lots closed of each position.
    fund : float
        USD drawn from the insurance fund.
    closed : (m,), optional
        Lots closed of each position where they may be split; None means ``lots``.
    """

    x: Floats
    needed: float
    lots: Ints | None = None
    fund: float = 0.0
    closed: Floats | None = None

    @cached_property
    def executed(self) -> float:
        """H, USD: the sum of the haircuts, rounded once."""
        return exact_sum(np.asarray(self.x, dtype=np.float64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Term:
    """A named part of a program.

    A term of your own subclasses :class:`ObjectiveTerm` or :class:`ConstraintTerm` and gives ``expression``
    and ``value`` (or ``violation``): the cvxpy engine takes it.  With ``rows`` too, HiGHS takes it as arrays.

    Parameters
    ----------
    name : str
        Unique in a program; two terms of one kind need names of their own.
    """

    name: str
    unit: ClassVar[str] = "USD"
    needs: ClassVar[frozenset[Need]] = frozenset({"lp"})
    money_rows: ClassVar[bool] = True
    """Whether the constraints of ``expression`` are in USD; they are then scaled for the solver."""

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the data of the cvxpy face, by name; read them back with ``symbols.of(self)[name]``.

        They become cvxpy Parameters, so that a program compiled once is solved again with new values.
        """
        return {}

    def check(self, round_: Round) -> None:
        """Raise InputError when the round lacks what the term reads."""

    def expression(self, symbols: Any) -> Any:
        """Return the cvxpy face: an expression (objective), or a list of constraints."""
        raise NotImplementedError(f"{type(self).__name__} has no cvxpy face")

    def rows(self, builder: Builder) -> Any:
        """Write the array face; an objective term returns ``(columns, costs)``."""
        raise NotImplementedError(f"{type(self).__name__} has no array face")

    @property
    def has_rows(self) -> bool:
        """Whether the term can be handed to HiGHS as arrays."""
        return type(self).rows is not Term.rows


@dataclass(frozen=True, eq=False, kw_only=True)
class ObjectiveTerm(Term):
    """A term that is minimised; terms add and scale.

    Examples
    --------
    >>> from adl_opt.programs import MaxBurden, Overshoot
    >>> 2 * Overshoot() + 0.5 * MaxBurden()
    2 overshoot + 0.5 max-burden
    """

    curvature: ClassVar[str] = "unknown"

    def value(self, point: Point, round_: Round) -> float:
        """Return the numpy face, in the unit of the term."""
        raise NotImplementedError(f"{type(self).__name__} has no numpy face")

    def slopes(self, x: Floats, round_: Round) -> tuple[Floats, Floats] | None:
        """Return first and second derivatives (n,) by each haircut, of a smooth sum over accounts.

        Optional: a term without ``rows`` that gives them is solved to 1e-8 instead of 1e-6.
        """
        return None

    def curves(self, round_: Round) -> Sequence[Mapping[str, str] | None] | None:
        """Return the term as one curve for each haircut (None: no cost), where the checker knows such curves.

        Optional: with it an answer can be written as a proof that others check.  The kinds of curves stand in
        :func:`adl_opt.proofs.check.curve_at`.
        """
        return None

    def __mul__(self, weight: float) -> Objective:
        return Objective(((1.0, self),)) * weight

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return self * -1.0

    def __add__(self, other: Any) -> Objective:
        return Objective(((1.0, self),)).__add__(other)

    __radd__ = __add__


@dataclass(frozen=True, eq=False, kw_only=True)
class ConstraintTerm(Term):
    """A term that must hold."""

    upper_rate: ClassVar[float] = 0.0
    """Derivative of :meth:`upper` by the capacity of the account."""

    def violation(self, point: Point, round_: Round) -> float:
        """Return by how much the term is broken, USD >= 0."""
        raise NotImplementedError(f"{type(self).__name__} has no numpy face")

    def upper(self, round_: Round) -> Floats | None:
        """Return the (n,) upper bounds in USD that the term puts on the haircuts, if that is all it does."""
        return None

    def upper_rates(self, round_: Round) -> Floats | float:
        """Return the derivative of each upper bound by the capacity of its account."""
        return self.upper_rate


class Cap(ConstraintTerm):
    """A constraint that is an upper bound on every haircut."""

    money_rows: ClassVar[bool] = False

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the bound as a fraction of the capacity."""
        u, most = round_.accounts.capacity, self.upper(round_)
        assert most is not None  # noqa: S101
        return {"fraction": np.clip(np.divide(most, u, out=np.ones_like(u), where=u > 0), 0.0, 1.0)}

    def expression(self, symbols: Any) -> Any:
        """Return h <= fraction."""
        return [symbols.h <= symbols.of(self)["fraction"]]

    def rows(self, builder: Any) -> None:
        """Nothing: the builder takes the bound from ``upper``."""

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess of an account, USD."""
        most = self.upper(round_)
        assert most is not None  # noqa: S101
        return float(np.max(point.x - most, initial=0.0))


class InContracts(ConstraintTerm):
    """A term that reads the legs of a round in contracts."""

    def check(self, round_: Round) -> None:
        """Refuse a round in wealth."""
        if round_.space != CONTRACTS:
            raise LackError(
                f"term {self.name!r} does not serve rounds in wealth",
                got=f"round {round_.number}: its space is wealth",
                ways_out=["give a round in contracts", "leave the term out"],
            )


@dataclass(frozen=True, eq=False)
class Objective:
    """A weighted sum of terms, to be minimised.

    Parameters
    ----------
    parts : tuple of (weight, ObjectiveTerm)

    Raises
    ------
    UsageError
        Two terms of one name, or a weight that is not finite.
    """

    parts: tuple[tuple[float, ObjectiveTerm], ...] = field(default=())

    def __post_init__(self) -> None:
        check_names([term for _, term in self.parts])
        for weight, term in self.parts:
            if not math.isfinite(weight):
                raise UsageError(
                    f"the weight of term {term.name!r} is not finite",
                    got=repr(weight),
                    ways_out=["give a finite weight"],
                )

    @property
    def terms(self) -> tuple[ObjectiveTerm, ...]:
        """The terms without their weights."""
        return tuple(term for _, term in self.parts)

    def value(self, point: Point, round_: Round) -> float:
        """Return the weighted sum of the numpy faces."""
        return math.fsum(weight * term.value(point, round_) for weight, term in self.parts if weight != 0)

    def __add__(self, other: Any) -> Objective:
        if isinstance(other, (int, float)) and other == 0:  # so that sum([...]) works
            return self
        if isinstance(other, ObjectiveTerm):
            other = Objective(((1.0, other),))
        return Objective(self.parts + other.parts) if isinstance(other, Objective) else NotImplemented

    __radd__ = __add__

    def __mul__(self, weight: float) -> Objective:
        if isinstance(weight, bool) or not isinstance(weight, (int, float, np.number)):
            return NotImplemented
        return Objective(tuple((float(weight) * own, term) for own, term in self.parts))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return " + ".join(f"{weight:g} {term.name}" for weight, term in self.parts) or "0"


def check_names(terms: Iterable[Term]) -> None:
    """Refuse two terms of one name, naming both."""
    seen: dict[str, Term] = {}
    for term in terms:
        if not isinstance(term, Term):
            raise UsageError(
                "a part of a program is not a term",
                got=f"{term!r} ({type(term).__name__})",
                ways_out=[
                    "give instances of terms, such as Overshoot()",
                    "subclass ObjectiveTerm or ConstraintTerm",
                ],
            )
        if term.name in seen:
            raise UsageError(
                f"two terms have the name {term.name!r}",
                got=f"{seen[term.name]!r} and {term!r}",
                ways_out=[f"give one of them a name: {type(term).__name__}(..., name='{term.name}-2')"],
            )
        seen[term.name] = term

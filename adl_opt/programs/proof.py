"""Proofs: what a bound on the optimum rests on, recomputed here and never taken from a solver's word.

Every proof gives ``bound()``, a number that no feasible point beats, and ``checks()``, named conditions.
``statement()`` says the same in the words of :mod:`adl_opt.proofs.check`, which stands alone.
They stand in this room and not in ``adl_opt.proofs``, because they read the arrays of programs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.files import write_text
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.proofs.certificate import Check, once
from adl_opt.proofs.check import check, proof_text
from adl_opt.proofs.document import document, leaf, linear_problem
from adl_opt.proofs.outward import safe_dual_bound
from adl_opt.proofs.vipr import vipr_text
from adl_opt.rounds.columns import Floats

NOISE = 1e-9
"""How nearly a value and its bound must meet, relative to the objective's own scale."""

SHRINKS = (0.0, 2.0**-48, 2.0**-42, 2.0**-36)
"""By how much prices may shrink."""


class Statement(NamedTuple):
    """A problem, what proves a bound of it, and a point of it; see :mod:`adl_opt.proofs.check`."""

    problem: dict[str, Any]
    proof: dict[str, Any]
    point: Iterable[float | int] | None


class Proof(ABC):
    """What a certificate asks of a proof."""

    source: ClassVar[str] = "weak duality"
    """What the bound rests on."""

    @abstractmethod
    def bound(self) -> float:
        """Return a lower bound on the optimum."""

    @abstractmethod
    def checks(self) -> dict[str, Check]:
        """Return named conditions; all must hold."""

    @property
    @abstractmethod
    def scale(self) -> float:
        """Size of the objective below which differences do not count."""

    @property
    def rounding(self) -> float:
        """Size of the objective that the bound is rounded in."""
        return self.scale

    def rederived(self) -> tuple[float, str]:
        """Return the bound that follows without a solver's word, and what the bound of the proof rests on."""
        return self.bound(), f"re-derived: {self.source}"

    def statement(self) -> Statement:
        """Return the proof in the words of the checker.

        Raises
        ------
        UsageError
            The proof cannot be written.
        """
        raise UsageError(
            "this bound cannot be checked by others",
            got=self.rederived()[1],
            ways_out=["solve with the engine auto", "use terms with rows, or with curves"],
        )

    def document(self, about: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the proof as plain values: a problem, a claim, what proves it, and a SHA-256 of all.

        Parameters
        ----------
        about : mapping, optional
            Facts for readers.  The checker does not read them.

        Raises
        ------
        UsageError
            The proof cannot be written.
        """
        problem, proof, point = self.statement()
        return document(problem, proof, bound=self.rederived()[0], point=point, about=about)

    def check(self) -> str:
        """Check the document in fractions, and return what it proves in words.

        Raises
        ------
        Refused
            The proof does not prove its claim.
        UsageError
            The proof cannot be written.

        Examples
        --------
        >>> from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram, solve
        >>> from adl_opt.rounds.round import Round
        >>> from adl_opt.rounds.tables import Accounts
        >>> accounts = Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0])
        >>> program = RoundProgram(MaxBurden(), [ExactBudget()])
        >>> solve(program, Round(deficit=9.0, accounts=accounts), needed=8.0).proof.check()
        'the least cost lies between 0.19999999999999987 and 0.2'
        """
        return check(self.document())

    def write(self, path: str | PathLike[str], about: Mapping[str, Any] | None = None) -> None:
        """Write the proof as a file: JSON, or VIPR 1.1 where the name ends in ``.vipr``.

        ``python -m adl_opt.proofs.check FILE`` checks the JSON; it needs the standard library alone.  VIPR
        holds linear and mixed-integer programs; it has checkers of its own.

        Parameters
        ----------
        path : path
        about : mapping, optional
            Facts for readers.

        Raises
        ------
        UsageError
            The proof cannot be written, or not as VIPR.
        AdlOptError
            The file cannot be written.
        """
        made, target = self.document(about), Path(path)
        if target.suffix != ".vipr":
            write_text(target, proof_text(made))
            return
        try:
            write_text(target, vipr_text(made))
        except ValueError as error:
            ways_out = ["give the file a name that ends in .json"]
            raise UsageError(str(error), got=str(path), ways_out=ways_out) from error


@dataclass(frozen=True, eq=False)
class LinearProof(Proof):
    """Row duals of a linear program: weak duality gives the bound, whatever the duals are.

    Parameters
    ----------
    model : LinearModel
    y : (rows,)
        Change of the optimum per unit of each right-hand side.
    v : (columns,), optional
        The primal point, for complementarity.
    """

    model: LinearModel
    y: Floats
    v: Floats | None = None

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column."""
        return self.model.natural_cost()

    @once
    def priced(self) -> tuple[Floats, float]:
        """Return the prices that prove most, and the dual objective."""
        return sound_prices(self.model, self.y, self.model.col_lower, self.model.col_upper)

    @once
    def reduced(self) -> Floats:
        """Return the reduced costs of the columns at these prices."""
        return self.model.reduced_costs(self.y)

    def bound(self) -> float:
        """Return the dual objective, every rounding downward."""
        return self.priced()[1]

    def checks(self) -> dict[str, Check]:
        """Return ``dual-signs`` and ``complementarity``; stationarity holds by construction."""
        bound = self.bound()
        found = {"dual-signs": Check.that(math.isfinite(bound))}
        if self.v is not None and math.isfinite(bound):
            value = float(self.model.cost @ self.v)
            found["complementarity"] = meets(value, bound, self.scale)
        return found

    def statement(self) -> Statement:
        """Return the arrays, the prices and the point."""
        problem = model_problem(self.model)
        return Statement(problem, {"tree": [leaf(self.priced()[0])]}, self.v)


def meets(value: float, bound: float, scale: float) -> Check:
    """Return the check that a value and its bound meet: complementary slackness in one number."""
    return Check(abs(value - bound), 1e-7 * max(abs(value), abs(bound)) + NOISE * scale)


def right_signed(model: LinearModel, y: Floats) -> Floats:
    """Return prices of rows, 0 in place of those whose sign is wrong against a bound at infinity."""
    wrong = (y > 0) & ~np.isfinite(model.row_lower) | (y < 0) & ~np.isfinite(model.row_upper)
    return np.where(wrong, 0.0, y)


def sound_prices(model: LinearModel, y: Floats, low: Floats, high: Floats) -> tuple[Floats, float]:
    """Return prices of the rows near y, and what no point within a box of the columns costs less than.

    Every rounding is downward.  A column without an upper bound must not cost less than nothing.  Where
    rounding makes it so, all prices shrink by a little.
    """
    y, rows = right_signed(model, y), (model.row_lower, model.row_upper)
    entries, bound = (model.row, model.col, model.value), -math.inf
    for shrink in SHRINKS:
        prices = y * (1.0 - shrink)
        bound = safe_dual_bound(model.cost, (low, high), rows, entries, prices)
        if bound > -math.inf:
            return prices, bound
    return y, bound


def model_problem(
    model: LinearModel, offset: float = 0.0, curves: Mapping[int, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """Return a model in the words of the checker; ``curves`` are more costs, by column."""
    return linear_problem(
        cost=model.cost,
        column_box=(model.col_lower, model.col_upper),
        whole=model.integer,
        row_box=(model.row_lower, model.row_upper),
        entries=(model.row, model.col, model.value),
        offset=offset,
        curves=curves,
        names=[f"{size} columns: {owner}" for size, owner in model.col_owner]
        + [f"{size} rows: {owner}" for size, owner in model.row_owner],
    )

"""Symbols: what the cvxpy face of a term is written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from adl_opt.errors import AdlOptError, UsageError
from adl_opt.programs.terms.base import Term
from adl_opt.programs.terms.grid import positions_of
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.round import Round


class Symbols:
    """What ``Term.expression`` builds on; money is in USD.

    ``h`` (n,) haircut fractions, ``x`` (n,) haircuts, ``total`` = H, ``needed`` = B, ``capacity`` (n,),
    ``fund`` the draw, ``pays`` (n,) binaries, ``lots`` (m,) lots closed, after ``closed()``; ``cp`` is cvxpy.
    Reading ``round`` makes its data constants: the program is then compiled anew for every round.
    """

    def __init__(self, round_: Round) -> None:
        import cvxpy

        cp: Any = cvxpy
        self.cp, self._round, self.n = cp, round_, len(round_.accounts)
        self.h = cp.Variable(self.n, name="h")
        self.capacity = cp.Parameter(self.n, nonneg=True, name="capacity")
        self.needed = cp.Parameter(nonneg=True, name="needed")
        self.x = cp.multiply(self.capacity, self.h)
        self.total = cp.sum(self.x)
        self.reads_round, self.in_contracts = False, round_.space == CONTRACTS
        self.extra: list[Any] = []
        self._own: dict[str, dict[str, Any]] = {}
        self._variables: dict[str, Any] = {}
        self._single: dict[str, Any] = {}

    @property
    def round(self) -> Round:
        """The round itself; its data become constants of the compiled program."""
        self.reads_round = True
        return self._round

    def of(self, term: Term) -> Mapping[str, Any]:
        """Return the Parameters of a term, as ``Term.parameters`` names them."""
        return self._own[term.name]

    def declare(self, term: Term, values: Mapping[str, Any]) -> None:
        """Make the Parameters of a term; their sign is part of the compiled shape."""
        self._own[term.name] = {
            key: self.cp.Parameter(np.shape(value), nonneg=bool(np.all(np.asarray(value) >= 0)))
            for key, value in values.items()
        }

    def variable(self, term: Term, label: str, shape: Any = (), **kind: bool) -> Any:
        """Return a variable of a term's own, made once; ``kind`` is cvxpy's, such as ``integer=True``."""
        return self.shared(f"{term.name}:{label}", shape, **kind)

    def shared(self, label: str, shape: Any = (), **kind: bool) -> Any:
        """Return a variable that several terms share, such as one for each scenario, made once."""
        if label not in self._variables:
            self._variables[label] = self.cp.Variable(shape, name=label, **kind)
        return self._variables[label]

    def indicator(self, label: str, amount: Any, upper: Any) -> Any:
        """Return binaries y of the shape of an expression, with ``amount <= upper * y``, made once a label.

        ``amount`` is at least 0 and in USD.  A cost on y is a fixed charge.
        """
        fresh = label not in self._variables
        binaries = self.shared(label, amount.shape, boolean=True)
        if fresh:
            self.extra.append(amount <= self.cp.multiply(upper, binaries))
        return binaries

    @property
    def fund(self) -> Any:
        """USD drawn from the insurance fund."""
        if "fund" not in self._single:
            self._single["fund"] = self.cp.Variable(name="fund")
            self.extra.append(self._single["fund"] >= 0)
        return self._single["fund"]

    @property
    def pays(self) -> Any:
        """(n,) binaries: h <= pays."""
        if "pays" not in self._single:
            self._single["pays"] = self.cp.Variable(self.n, boolean=True, name="pays")
            self.extra.append(self.h <= self._single["pays"])
        return self._single["pays"]

    @property
    def lots(self) -> Any:
        """(m,) lots closed of each position."""
        return self._single["lots"]

    def closed(self, *, whole: bool = False) -> list[Any]:
        """Tie x to the lots of the positions; one call with ``whole`` makes all of them whole."""
        positions = positions_of("lots", self.round)
        rules = []
        if "lots" not in self._single:
            self._single["lots"] = lots = self.cp.Variable(len(positions), name="lots")
            worth = self.matrix(
                positions.account, np.arange(len(positions)), positions.lot_value, (self.n, len(positions))
            )
            self.extra += [self.x == worth @ lots, lots >= 0, lots <= positions.lots.astype(float)]
        if whole and "whole" not in self._single:
            self._single["whole"] = self.cp.Variable(len(positions), integer=True, name="whole")
            rules.append(self._single["lots"] == self._single["whole"])
        return rules

    @staticmethod
    def matrix(row: Ints, column: Ints, value: Floats, shape: tuple[int, int]) -> Any:
        """Return a constant matrix with few entries: 20,000 accounts with 32,000 legs are 5 GB otherwise."""
        from scipy.sparse import csr_array  # type: ignore[import-untyped]

        return csr_array((value, (row, column)), shape=shape)

    def values(self, name: str) -> Floats | None:
        """Return the solved value of a variable that may not be there."""
        variable = self._single.get(name)
        value = None if variable is None else variable.value
        return None if value is None else np.asarray(value, dtype=np.float64)

    def update(self, terms: Iterable[Term], round_: Round, needed: float) -> None:
        """Put a round's data into every Parameter, and forget the last answer."""
        self.capacity.value, self.needed.value = round_.accounts.capacity, needed
        for term in terms:
            for key, value in term.parameters(round_, needed).items():
                self._own[term.name][key].value = np.asarray(value, dtype=np.float64)


def face_of(term: Term, symbols: Symbols) -> Any:
    """Return the cvxpy face of a term, or say which term fails."""
    try:
        return term.expression(symbols)
    except AdlOptError:
        raise
    except Exception as error:
        raise UsageError(
            f"the cvxpy face of term {term.name!r} fails",
            got=f"{type(error).__name__}: {error}",
            ways_out=["correct expression(symbols) of the term"],
        ) from error

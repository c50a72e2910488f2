"""Proofs that are made of others: a solver's bound beside a re-derived one, and the better of two."""

from __future__ import annotations

import math
from dataclasses import dataclass

from adl_opt.programs.proof import Proof, Statement
from adl_opt.proofs.certificate import Check


@dataclass(frozen=True, eq=False)
class EngineBound(Proof):
    """A dual bound that HiGHS states, beside one that is re-derived.

    Parameters
    ----------
    stated : float
        HiGHS's bound on the program's objective; -inf where it was refuted.
    size : float
        Of the objective: cost of one unit of the dearest column.
    own : Proof, optional
        What is re-derived: a branch-and-bound tree.
    """

    stated: float
    size: float
    own: Proof | None = None

    @property
    def scale(self) -> float:
        """The size that was given."""
        return self.size

    def bound(self) -> float:
        """Return the stated bound, or the re-derived one where that is larger."""
        return max(self.stated, self.derived())

    def derived(self) -> float:
        """Return the re-derived bound; -inf without."""
        return -math.inf if self.own is None else self.own.bound()

    def checks(self) -> dict[str, Check]:
        """Return ``mip-bound``: the bound is a number."""
        return {"mip-bound": Check.that(math.isfinite(self.bound()))}

    def rederived(self) -> tuple[float, str]:
        """Return the re-derived bound, and what it rests on.

        Examples
        --------
        >>> EngineBound(2.0, 1.0).rederived()
        (-inf, 're-derived: nothing')
        """
        return self.derived(), f"re-derived: {'nothing' if self.own is None else self.own.source}"

    def statement(self) -> Statement:
        """Return what is re-derived."""
        return super().statement() if self.own is None else self.own.statement()


@dataclass(frozen=True, eq=False)
class BestProof(Proof):
    """Two proofs of one program: the larger bound holds, and both must hold up."""

    first: Proof
    second: Proof

    @property
    def scale(self) -> float:
        """The scale of the first."""
        return self.first.scale

    def bound(self) -> float:
        """Return the larger bound."""
        return max(self.first.bound(), self.second.bound())

    def checks(self) -> dict[str, Check]:
        """Return the checks of both."""
        return {**self.first.checks(), **self.second.checks()}

    @property
    def rounding(self) -> float:
        """The larger scale: HiGHS rounds in its own."""
        return max(self.first.scale, self.second.scale)

    def rederived(self) -> tuple[float, str]:
        """Return the larger re-derived bound, and what it rests on."""
        return max(self.first.rederived(), self.second.rederived())

    def statement(self) -> Statement:
        """Return the proof of the larger re-derived bound."""
        return max(self.first, self.second, key=lambda proof: proof.rederived()[0]).statement()

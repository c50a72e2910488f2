"""Proofs that nothing is feasible, and the smallest set of terms that cannot hold together.

Nothing is infeasible on a solver's word.  A linear program needs prices of its rows that no point can meet
(Farkas).  One with whole numbers needs a tree whose leaves all have such prices.  Prices must hold even if
every number of the data is wrong in its last digit, because amounts such as 0.1 have no exact float.

A conflict is a set of terms whose arrays are proven empty, and are not empty without any one of them: a point
shows that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.engines.highs.direct import completed
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.engines.highs.tree import TreeSearch
from adl_opt.programs.options import Options
from adl_opt.programs.proof import Proof, Statement
from adl_opt.programs.reach import ROUNDING
from adl_opt.programs.tree import PricedLeaf, TreeProof, leaf_bound
from adl_opt.proofs.certificate import Check, once
from adl_opt.rounds.columns import Floats, Ints

MOST_NODES, MOST_SECONDS = 5_000, 10.0
"""Limits of each search for a proof or a point."""

HALF_A_CENT = 0.0049
"""By how much a point may break a row or a bound."""


Start = tuple[Ints, Floats] | None
"""Columns and their values."""


class Terms(Protocol):
    """What can be in conflict: named terms, and the arrays of any choice of them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms; the last ones are kept in a conflict where there is a choice."""

    @property
    def floor(self) -> str:
        """Name of what every choice holds."""

    def model(self, names: Sequence[str], floor: bool = True) -> LinearModel:
        """Return the arrays of a choice, with nothing to minimise; also without the floor."""

    def start(self, names: Sequence[str], model: LinearModel, floor: bool = True) -> Start:
        """Return values of whole columns from which the search for a point starts, if any are at hand."""

    def holds(self, names: Sequence[str], model: LinearModel, v: Floats, floor: bool = True) -> bool:
        """Say whether a point of these arrays breaks no term of the choice."""


@dataclass(frozen=True, eq=False)
class InfeasibleProof(Proof):
    """Nothing is feasible.

    Parameters
    ----------
    whole : Proof
        That all terms cannot hold together; mostly a tree over their arrays.
    conflict : Proof
        That the terms in conflict cannot hold together.
    without : mapping of name to TreeProof
        A feasible point of the conflict's arrays without that term.
    """

    whole: Proof
    conflict: Proof
    without: Mapping[str, TreeProof]
    source: ClassVar[str] = "prices that no point can meet (Farkas)"

    @property
    def scale(self) -> float:
        """Cost of one unit of the dearest column."""
        return self.whole.scale

    @once
    def bound(self) -> float:
        """Return inf where all terms, and those in conflict, are shown to be impossible; else -inf."""
        return math.inf if min(self.whole.bound(), self.conflict.bound()) == math.inf else -math.inf

    def checks(self) -> dict[str, Check]:
        """Return ``nothing-feasible``, ``conflict``, and ``without:TERM`` in USD."""
        found = {"nothing-feasible": Check.that(self.whole.bound() == math.inf)}
        found["conflict"] = Check.that(self.conflict.bound() == math.inf)
        for name, proof in self.without.items():
            assert proof.v is not None  # noqa: S101
            found[f"without:{name}"] = Check(breach_of(proof.model, proof.v), HALF_A_CENT)
        return found

    def statement(self) -> Statement:
        """Return the arrays of all terms, and the tree whose leaves are all empty."""
        return self.whole.statement()

    def write(self, path: str | PathLike[str], about: Mapping[str, Any] | None = None) -> None:
        """Write the proof as a file, and beside it files of the conflict, and of a point without each term.

        Their names end in ``-conflict`` and ``-without-TERM``.
        """
        super().write(path, about)
        file = Path(path)
        parts = {"conflict": self.conflict} | {f"without-{name}": p for name, p in self.without.items()}
        for name, proof in parts.items():
            plain = "".join(c if c.isalnum() else "-" for c in name)
            proof.write(
                file.with_name(f"{file.stem}-{plain}{file.suffix}"), dict(about or {}) | {"part": name}
            )


def widened(model: LinearModel) -> LinearModel:
    """Return the model with all sides moved outward by the last digits of the data, but for whole columns."""
    size = np.maximum(_finite(model.col_lower), _finite(model.col_upper))
    parts = np.abs(model.value) * size[model.col]
    sums = np.bincount(model.row, weights=parts, minlength=model.row_lower.size)
    rows = ROUNDING * np.maximum(sums, np.maximum(_finite(model.row_lower), _finite(model.row_upper)))
    columns = np.where(model.integer, 0.0, ROUNDING)
    return replace(
        model,
        col_lower=model.col_lower - columns * _finite(model.col_lower),
        col_upper=model.col_upper + columns * _finite(model.col_upper),
        row_lower=model.row_lower - rows,
        row_upper=model.row_upper + rows,
    )


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), np.abs(values), 0.0)


def breach_of(model: LinearModel, v: Floats) -> float:
    """Return by how much a point breaks a row or a bound at most, as it stands; inf where none is whole."""
    if np.any(v[model.integer] != np.rint(v[model.integer])):
        return math.inf
    return replace(
        model, row_unit=np.ones_like(model.row_unit), col_unit=np.ones_like(model.col_unit)
    ).breach(v)


def search(
    model: LinearModel,
    options: Options,
    holds: Callable[[Floats], bool],
    start: Start = None,
    prove: bool = True,
) -> tuple[TreeProof | None, TreeProof | None]:
    """Return a proof that nothing is feasible, or a feasible point; neither at a limit.

    Parameters
    ----------
    model : LinearModel
    options : Options
    holds : callable
        Says of a point of the arrays whether it breaks no term.
    start : (columns, values), optional
        Of whole columns.
    prove : bool
        Whether a proof is of use; a point alone is quicker to find.
    """
    options, points = _limited(options), list[Floats]()

    def offer(v: Floats) -> float:
        v = completed(still, v, options) if model.is_mip else v
        if breach_of(model, v) > HALF_A_CENT or not holds(v):
            return math.inf
        points.append(v)
        tree.most = 0
        return 0.0

    still = replace(model, cost=np.zeros_like(model.cost))
    tree = TreeSearch(widened(still), options, math.inf, offer)
    if start is not None:
        v = np.zeros_like(model.cost)
        v[start[0]] = start[1]
        offer(v)
    if not points and (answer := run_highs(still, options)).v is not None:
        offer(answer.v)
    if not points and prove:
        found = tree.run()
        if found.bound == math.inf:
            return TreeProof(model, tuple(found.nodes)), None
    return None, TreeProof(still, (nothing_asked(),), points[0]) if points else None


def _limited(options: Options) -> Options:
    own = options.time_limit_seconds
    seconds = MOST_SECONDS if own is None else min(own, MOST_SECONDS)
    nodes = MOST_NODES if options.node_limit is None else min(options.node_limit, MOST_NODES)
    return replace(options, node_limit=nodes, time_limit_seconds=seconds, mip_gap=0.0)


def nothing_asked() -> PricedLeaf:
    """Return the leaf without prices: nothing costs less than nothing."""
    return PricedLeaf(np.empty(0, dtype=np.int64), np.empty(0), False, 0.0)


def by_prices(model: LinearModel, prices: Mapping[str, float]) -> TreeProof | None:
    """Return the proof that prices of blocks of rows give, without a solver; None where they give none.

    Parameters
    ----------
    model : LinearModel
    prices : mapping of block to price
        A block as in ``model.row_owner``.
    """
    y = np.zeros(model.row_lower.size)
    for owner, price in prices.items():
        y[model.rows_of(owner)] = price
    rows = np.flatnonzero(y)
    proven = leaf_bound(model, model.col_lower, model.col_upper, y, empty=True) > 0
    return TreeProof(model, (PricedLeaf(rows, y[rows], True, -math.inf),)) if proven else None


def conflict_of(
    terms: Terms, model: LinearModel, options: Options
) -> tuple[tuple[str, ...], InfeasibleProof] | None:
    """Return the terms in conflict and the proof; None where no proof is found that nothing is feasible.

    Terms are left out one by one while the rest stays impossible.

    Parameters
    ----------
    terms : Terms
    model : LinearModel
        The arrays of all terms, with their costs.
    options : Options
    """
    whole, _ = search(model, options, lambda v: terms.holds(terms.names, model, v))
    if whole is None:
        return None
    kept, proof = terms.names, whole
    for name in terms.names:
        rest = tuple(other for other in kept if other != name)
        shorter, _ = _search_terms(terms, rest, options)
        if shorter is not None:
            kept, proof = rest, shorter
    without = points_without(terms, kept, options, floor=True)
    names = (*kept, *([terms.floor] if terms.floor in without else []))
    return names, InfeasibleProof(whole, proof, without)


def points_without(
    terms: Terms, names: Sequence[str], options: Options, *, floor: bool
) -> dict[str, TreeProof]:
    """Return feasible points of terms without each one of them, and without the floor, where found."""
    points = {name: _search_terms(terms, [n for n in names if n != name], options)[1] for name in names}
    if floor:
        points[terms.floor] = _search_terms(terms, names, options, floor=False)[1]
    return {name: point for name, point in points.items() if point is not None}


def _search_terms(
    terms: Terms, names: Sequence[str], options: Options, floor: bool = True
) -> tuple[TreeProof | None, TreeProof | None]:
    try:
        model = terms.model(names, floor)
    except Exception:  # a term of one's own may not stand without another one
        return None, None
    start = terms.start(names, model, floor)
    return search(model, options, lambda v: terms.holds(names, model, v, floor), start, prove=floor)

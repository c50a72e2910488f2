"""What terms say of how their rows move with the data of a round, held against how the arrays move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.rounds.columns import Floats, Ints

STEP = 2.0**-12
"""Share by which the budget and the capacities are lowered, twice, to see how the arrays move."""

AGREE = 1e-6
"""Relative difference of a rate that is said and one that is seen."""


@dataclass(frozen=True, eq=False)
class Moved:
    """The arrays of a program, and how they move with the budget or along a direction of capacities."""

    model: LinearModel
    lower: tuple[LinearModel, LinearModel]
    step: float
    direction: Floats

    @classmethod
    def by_budget(cls, case: Case) -> Moved:
        """Lower the budget by one and by two steps; raise one of 0."""
        step = STEP * case.needed if case.needed > 0 else -STEP * case.unit
        one, two = (replace(case, needed=case.needed - k * step).model() for k in (1, 2))
        return cls(case.model(), (one, two), step, np.empty(0))

    @classmethod
    def by_capacity(cls, case: Case) -> Moved:
        """Lower all capacities, by another share each, by one and by two steps."""
        accounts = case.round.accounts
        spread = 0.5 + 0.5 * np.modf(0.6180339887 * np.arange(1, 1 + len(accounts)))[0]
        direction = spread * accounts.capacity
        one, two = (
            replace(case, round=replace(case.round, accounts=replace(accounts, capacity=lower))).model()
            for lower in (accounts.capacity - STEP * direction, accounts.capacity - 2 * STEP * direction)
        )
        return cls(case.model(), (one, two), STEP, direction)

    def rate(self, read: Callable[[LinearModel], Floats]) -> Floats:
        """Return the derivative of arrays, to the second order; infinite entries count as still.

        NaN where the amounts change how many entries there are.
        """
        now, one, two = (read(model) for model in (self.model, *self.lower))
        if not now.shape == one.shape == two.shape:
            return np.full(now.shape, np.nan)
        still = ~np.isfinite(now)
        one, two = (np.where(still, 0.0, np.where(still, 0.0, now) - lower) for lower in (one, two))
        return (4.0 * one - two) / (2.0 * self.step)


def price_explained(proof: LinearProof, moved: Moved, said: float) -> bool:
    """Say whether a price is the derivative of the Lagrangian at the prices and the point of the proof.

    Without a point the matrix and the costs must stand still.
    """
    model, y = proof.model, proof.y
    v = np.full(model.cost.size, np.nan) if proof.v is None else proof.v
    reduced = proof.reduced()
    cost, value = moved.rate(lambda m: m.cost), moved.rate(lambda m: m.value)
    parts = np.concatenate(
        [
            y * moved.rate(lambda m: np.where(y > 0, m.row_lower, m.row_upper)),
            reduced * moved.rate(lambda m: np.where(reduced > 0, m.col_lower, m.col_upper)),
            np.where(cost == 0, 0.0, cost * v),
            np.where(value == 0, 0.0, -y[model.row] * value * v[model.col]),
        ]
    )
    size = max(abs(said), float(np.max(np.abs(parts), initial=0.0)))
    return bool(abs(float(np.sum(parts)) - said) <= AGREE * size)


def false_rates(case: Case) -> list[str]:
    """Return what terms say of their rows and bounds that the arrays do not do, in words.

    Silence is no falsehood: a term that reads B or capacities and does not say so only costs the price.

    Examples
    --------
    >>> from adl_opt.programs import ExactBudget, MaxBurden, Options, RoundProgram
    >>> from adl_opt.rounds.round import Round
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=9.0, accounts=Accounts(id=["a"], pnl=[10.0], equity=[50.0]))
    >>> false_rates(Case(RoundProgram(MaxBurden(), [ExactBudget()]), round_, 4.0, Options()))
    []
    """
    moved = Moved.by_budget(case)
    found, shadow = [], moved.model.shadow
    owner = [name for size, name in moved.model.row_owner for _ in range(size)]
    for rows, rate in shadow.needed:
        found += _differ(f"rows {owner[rows[0]]!r} per USD of B", moved, rows, rate)
    moved = Moved.by_capacity(case)
    along = np.where(moved.direction > 0, moved.direction, np.nan)  # the others do not move
    for rows, accounts, column, rate in shadow.capacity:
        if column is None:
            found += _differ(
                f"rows {owner[rows[0]]!r} per USD of capacity", moved, rows, rate, along[accounts]
            )
            continue
        at = moved.model.col == column
        seen = np.bincount(moved.model.row[at], moved.rate(lambda m: m.value)[at], len(owner))[rows]
        found += _told(
            f"coefficients of {owner[rows[0]]!r} per USD of capacity", rate, seen / along[accounts]
        )
    bound = moved.rate(lambda m: m.col_upper)[moved.model.blocks["x"]] / along
    said = np.broadcast_to(np.asarray(shadow.upper, dtype=np.float64), bound.shape)
    return found + _told("upper bounds per USD of capacity", said, np.where(said == 0, 0.0, bound))


def _differ(what: str, moved: Moved, rows: Ints, said: Floats, along: Floats | float = 1.0) -> list[str]:
    """Compare what is said of right-hand sides with what the finite ones do."""
    lower, upper = moved.rate(lambda m: m.row_lower), moved.rate(lambda m: m.row_upper)
    finite = np.isfinite(moved.model.row_lower[rows]), np.isfinite(moved.model.row_upper[rows])
    seen = [
        np.where(here, side[rows] / along, said) for here, side in zip(finite, (lower, upper), strict=True)
    ]
    return _told(what, said, seen[0]) or _told(what, said, seen[1])


def _told(what: str, said: Floats, seen: Floats) -> list[str]:
    seen = np.where(np.isnan(seen), said, seen)
    wrong = np.flatnonzero(~(np.abs(said - seen) <= AGREE * np.maximum(np.abs(said), np.abs(seen))))
    return [f"{what}: said {said[wrong[0]]:g}, seen {seen[wrong[0]]:g}"] if wrong.size else []

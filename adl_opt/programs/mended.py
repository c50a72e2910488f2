"""Haircuts of an engine, made exact: on the grid of lots, or inside their bounds and at what is required."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adl_opt.programs.arrays.scaling import repair
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.clearing import Clearing
from adl_opt.programs.terms.grid import Lots, haircuts_of_lots
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats


def filled(case: Case, raw: Raw) -> Raw:
    """In contracts, close also the rows that take nothing from winners: an engine has no reason to.

    Positions give what they have left, in their order.  Where that would break a constraint, nothing is done.
    """
    round_, lots = case.round, raw.lots if raw.closed is None else raw.closed
    if not isinstance(round_, PricedRound) or lots is None:
        return raw
    rule = next(rule for rule in case.program.subject_to if isinstance(rule, Clearing))
    if raw.closed is not None and not rule.most(round_, case.needed).any():
        return replace(raw, closed=np.zeros(len(round_.held)))  # an interior point is not quite there
    if np.all(round_.cost > 0):
        return raw
    whole, legs, size = raw.closed is None, round_.legs, round_.held.lot_size
    taken = np.array(lots, dtype=np.float64)
    free = round_.source_lots - np.bincount(legs.position, taken, round_.source_lots.size)
    open_ = rule.most(round_, case.needed) - round_.closed(taken)
    for leg in np.flatnonzero(round_.cost[legs.row] == 0).tolist():
        row, position = legs.row[leg], legs.position[leg]
        more = max(min(free[position], open_[row] / size[leg]), 0.0)
        more = float(np.floor(more + 1e-9)) if whole else more
        taken[leg] += more
        free[position] -= more
        open_[row] -= more * size[leg]
    tried = replace(raw, lots=np.rint(taken).astype(np.int64)) if whole else replace(raw, closed=taken)
    before, after = mended_point(case, raw), mended_point(case, tried)
    kept = all(
        r.violation(after, round_) <= max(r.violation(before, round_), 0.001) for r in case.program.subject_to
    )
    return tried if kept else raw


def mended(case: Case, raw: Raw) -> Floats:
    """Return haircuts (n,) USD without the tolerances of the engine."""
    assert raw.x is not None  # noqa: S101
    rules, upper, positions = case.program.subject_to, case.upper, case.round.positions
    if raw.engine.startswith("kernel"):
        return raw.x
    if positions is not None and (raw.lots is not None or raw.closed is not None):
        return haircuts_of_lots(positions, raw.lots if raw.lots is not None else raw.closed, upper)
    x = np.where((raw.x < 1e-9 * upper) & (raw.x < 0.005), 0.0, raw.x)
    demand = next((r for r in rules if isinstance(r, (ExactBudget, Solvency))), None)
    if any(isinstance(rule, Lots) for rule in rules):
        return x
    if isinstance(demand, ExactBudget):
        x = x if case.needed > 0 else np.zeros_like(x)
        return repair(x, upper, case.needed, exact=True)
    required = 0.0 if demand is None else demand.required(case.round, case.needed) - raw.fund
    return repair(x, upper, max(required, 0.0), exact=False)


def drawn(case: Case, raw: Raw, x: Floats) -> float:
    """Return what the fund pays, USD: no more than it has, and no more than the haircuts leave open."""
    rule = next((r for r in case.program.subject_to if isinstance(r, Solvency)), None)
    if rule is None:
        return raw.fund
    lack = exact_sum(np.append(-x, rule.required(case.round, case.needed)))
    return max(min(raw.fund, rule.fund, lack), 0.0)


def mended_point(case: Case, raw: Raw) -> Point:
    """Return the answer of an engine as the numpy faces judge it."""
    x = mended(case, raw)
    return Point(x=x, needed=case.needed, lots=raw.lots, fund=drawn(case, raw, x), closed=raw.closed)

"""Why a program is infeasible: a lack of capacity in USD, or the terms that cannot hold together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from adl_opt.programs.program import Case
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import TotalHaircut

Conflict = tuple[tuple[str, ...], str]
"""Names of terms, and what is wrong with them."""


def capacity_conflict(case: Case) -> Conflict | None:
    """Return names and the lack in USD where all caps together do not reach what is required, else None."""
    upper, _, source = case.bounds
    rules, reach = case.program.subject_to, math.fsum(upper)
    for rule in rules:
        if not isinstance(rule, (Solvency, ExactBudget)):
            continue
        required = rule.required(case.round, case.needed)
        lack = required - (reach + rule.fund)
        if lack >= 0.005 or lack > 1e-9 * required:
            caps = sorted({rules[int(k)].name for k in np.unique(source)}) or ["positive-pnl"]
            fund = f", fund {rule.fund:,.2f} USD" if rule.fund > 0 else ""
            text = (
                f"capacity shortfall of {_usd(lack)} USD: term {rule.name!r} asks for {required:,.2f} USD, "
                f"and {', '.join(caps)} leave {reach:,.2f} USD{fund}; "
                "Solvency(shortfall='named') takes the most there is"
            )
            return (rule.name, *caps), text
    return None


def confirmed(case: Case, engine: str) -> bool:
    """Say whether HiGHS agrees with an interior-point method that a program is infeasible.

    Clarabel can take amounts from 1e-9 to 1e12 USD for a contradiction.
    """
    from adl_opt.programs.engines.highs.direct import solve_direct

    if engine != "cvxpy:clarabel" or not all(rule.has_rows for rule in case.program.subject_to):
        return True
    return solve_direct(_bare(case)).verdict == "infeasible"


def find_conflict(case: Case) -> Conflict:
    """Return names of terms that cannot hold together: by HiGHS's IIS, else by leaving terms out."""
    rules = case.program.subject_to
    names: tuple[str, ...] = ()
    if all(rule.has_rows for rule in rules):
        names = _by_iis(_bare(case)) or _by_leaving_out(_bare(case))
    if names:
        return names, f"these terms cannot hold together: {', '.join(names)}"
    names = tuple(rule.name for rule in rules)
    return names, f"the constraints cannot hold together: {', '.join(names)}"


def _by_iis(bare: Case) -> tuple[str, ...]:
    """Names from HiGHS's IIS of the linear relaxation; empty where that is feasible or none is given."""
    from adl_opt.programs.engines.highs.solver import find_iis

    source, rules, model = bare.bounds[2], bare.program.subject_to, bare.model()
    found = find_iis(model)
    if found is None:
        return ()
    owners, columns = found
    names, x = {name.split(":")[0] for name in owners}, model.blocks["x"]
    capped = columns[np.isin(columns, x)] - x[0] if source.size else columns[:0]
    names |= {rules[int(k)].name for k in np.unique(source[capped])}
    return tuple(rule.name for rule in rules if rule.name in names)


def _by_leaving_out(bare: Case) -> tuple[str, ...]:
    """Drop one term at a time, and keep the names of those without which the rest is feasible."""
    from adl_opt.programs.engines.highs.direct import solve_direct

    kept, bare = [], replace(bare, options=replace(bare.options, node_limit=1000, time_limit_seconds=10.0))
    for rule in bare.program.subject_to:
        if rule.name == "positive-pnl":
            continue
        rest = replace(bare, program=bare.program.without(rule.name))
        if solve_direct(rest).verdict == "infeasible":
            bare = rest
        else:
            kept.append(rule.name)
    return tuple(kept)


def _bare(case: Case) -> Case:
    """Return the case with nothing to minimise."""
    return replace(case, program=case.program.minimizing(0.0 * TotalHaircut(name="nothing")))


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 else f"{amount:.3g}"

"""Why a program is infeasible: a lack of capacity in USD, or the terms that cannot hold together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from adl_opt.programs.arrays.scaling import money_unit
from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram, assemble, upper_bounds
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import TotalHaircut
from adl_opt.rounds.round import Round


def capacity_conflict(
    program: RoundProgram, round_: Round, needed: float
) -> tuple[tuple[str, ...], str] | None:
    """Return names and the lack in USD when all caps together cannot raise the budget; None otherwise."""
    upper, _, source = upper_bounds(program, round_)
    reach = math.fsum(upper)
    for rule in program.subject_to:
        if isinstance(rule, Solvency):
            required, available = rule.required(round_, needed), reach + rule.fund
        elif isinstance(rule, ExactBudget):
            required, available = needed, reach
        else:
            continue
        lack = required - available
        if lack >= 0.005 or lack > 1e-9 * required:
            caps = sorted({program.subject_to[int(k)].name for k in np.unique(source)}) or ["positive-pnl"]
            fund = f", fund {rule.fund:,.2f} USD" if isinstance(rule, Solvency) and rule.fund > 0 else ""
            text = (
                f"capacity shortfall of {_usd(lack)} USD: term {rule.name!r} asks for {required:,.2f} USD, "
                f"and {', '.join(caps)} leave {reach:,.2f} USD{fund}; "
                "Solvency(shortfall='named') takes the most there is"
            )
            return (rule.name, *caps), text
    return None


def confirmed(program: RoundProgram, round_: Round, needed: float, engine: str, options: Options) -> bool:
    """Say whether HiGHS agrees with an interior-point method that a program is infeasible.

    Clarabel can take amounts from 1e-9 to 1e12 USD for a contradiction.
    """
    from adl_opt.programs.engines.highs.direct import solve_direct

    if engine != "cvxpy:clarabel" or not all(rule.has_rows for rule in program.subject_to):
        return True
    return solve_direct(_bare(program), round_, needed, options).verdict == "infeasible"


def find_conflict(
    program: RoundProgram, round_: Round, needed: float, options: Options
) -> tuple[tuple[str, ...], str]:
    """Return names of terms that cannot hold together: by HiGHS's IIS, else by leaving terms out.

    The second way drops one term at a time and keeps those without which the rest is feasible.
    """
    if all(rule.has_rows for rule in program.subject_to):
        names = _by_iis(program, round_, needed) or _by_leaving_out(program, round_, needed, options)
        if names:
            return names, f"these terms cannot hold together: {', '.join(names)}"
    names = tuple(rule.name for rule in program.subject_to)
    return names, f"the constraints cannot hold together: {', '.join(names)}"


def _by_iis(program: RoundProgram, round_: Round, needed: float) -> tuple[str, ...]:
    """Names from HiGHS's IIS of the linear relaxation; empty where that is feasible or none is given."""
    from adl_opt.programs.engines.highs.solver import find_iis

    upper, _, source = upper_bounds(program, round_)
    model = assemble(_bare(program), round_, needed, money_unit(needed, upper))
    found = find_iis(model)
    if found is None:
        return ()
    names = {name.split(":")[0] for name in found[0]}
    capped = (
        found[1][np.isin(found[1], model.blocks["x"])] - model.blocks["x"][0] if source.size else found[1][:0]
    )
    names |= {program.subject_to[int(k)].name for k in np.unique(source[capped])}
    return tuple(rule.name for rule in program.subject_to if rule.name in names)


def _by_leaving_out(program: RoundProgram, round_: Round, needed: float, options: Options) -> tuple[str, ...]:
    from adl_opt.programs.engines.highs.direct import solve_direct

    quick = replace(options, node_limit=1000, time_limit_seconds=10.0)
    bare, kept = _bare(program), []
    for rule in program.subject_to:
        if rule.name == "positive-pnl":
            continue
        rest = bare.without(rule.name)
        if solve_direct(rest, round_, needed, quick).verdict == "infeasible":
            bare = rest
        else:
            kept.append(rule.name)
    return tuple(kept)


def _bare(program: RoundProgram) -> RoundProgram:
    return RoundProgram(0.0 * TotalHaircut(name="nothing"), program.subject_to, program.name)


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 0.01 else f"{amount:.3g}"

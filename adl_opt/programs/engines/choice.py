"""Which engine solves a program: by its name, or the first that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.combined import EngineBound
from adl_opt.programs.conic import ConicProof
from adl_opt.programs.engines.raw import Raw
from adl_opt.programs.program import Case, RoundProgram
from adl_opt.programs.proof import LinearProof
from adl_opt.programs.solution import PROVEN_CONE
from adl_opt.programs.tangent import TangentProof
from adl_opt.programs.terms.base import Point
from adl_opt.programs.tree import TreeProof
from adl_opt.proofs.certificate import relative_gap

Engine = Callable[[Case], Raw]

ENGINES = ("auto", "kernel", "highs", "scip", "cvxpy")
"""Names of engines; ``cvxpy:SOLVER`` names one of cvxpy's solvers too."""


def engines_of(program: RoundProgram, engine: str, solver_options: Mapping[str, Any]) -> list[Engine]:
    """Return the functions that solve, in order, after checking that they can take every term and option.

    Raises
    ------
    UsageError
        An engine that is unknown or not installed, or that cannot take a term or an option.
    """
    from adl_opt.programs.engines.kernels.kernel import find_kernel, solve_kernel

    name, _, solver = engine.partition(":")
    solver = solver.lower()
    if name not in ENGINES or (name != "cvxpy" and ":" in engine):
        raise unknown_name("engine", engine, [*ENGINES, "cvxpy:SOLVER"])
    _check_terms(program, name, solver)
    _check_options(name, solver, solver_options)
    if name == "kernel":
        beyond = Raw(verdict="infeasible", engine="kernel", message="out of reach of the kernel")
        return [lambda case: solve_kernel(case) or beyond]
    if name in ("highs", "scip") or solver:
        named: dict[str, Engine] = {"highs": _highs, "scip": _scip, "cvxpy": partial(_cvxpy, solver=solver)}
        return [named[name]]
    chain: list[Engine] = [_cvxpy]
    if program.needs <= {"lp"}:
        chain.append(_cvxpy_by_highs)
    if name == "auto" and all(term.has_rows for term in program.terms):
        chain = [_highs]
    if name == "auto" and find_kernel(program) is not None:
        from adl_opt.programs.engines.together import kernel_first

        chain = [partial(kernel_first, fallback=chain[0]), *chain]
    return chain


def _check_terms(program: RoundProgram, name: str, solver: str) -> None:
    from adl_opt.programs.engines.kernels.kernel import find_kernel

    rowless = [term.name for term in program.terms if not term.has_rows]
    if {"mip", "cone"} <= program.needs and solver in ("", "highs", "clarabel"):
        whole = [t.name for t in program.terms if "mip" in t.needs]
        cones = [t.name for t in program.terms if "cone" in t.needs]
        raise UsageError(
            "no engine here takes whole numbers and cones together",
            got=f"whole: {', '.join(whole)}; cones: {', '.join(cones)}",
            ways_out=[
                "leave one of the two out, or replace the convex term by a linear one",
                "name a solver that takes both, such as engine='cvxpy:MOSEK'",
            ],
        )
    if name == "kernel" and find_kernel(program) is None:
        raise UsageError(
            "no kernel is registered for the shape of this program",
            got=repr(program),
            ways_out=["use engine='auto' or 'highs'"],
        )
    if name in ("highs", "scip") and rowless:
        raise UsageError(
            f"engine {name!r} takes linear and mixed-integer arrays only",
            got=f"terms without rows: {', '.join(rowless)}",
            ways_out=["use engine='cvxpy' or 'auto'", "give the terms a rows(builder) face"],
        )
    if name == "scip" and not find_spec("pyscipopt"):
        raise UsageError(
            "engine 'scip' is not installed",
            got="no package pyscipopt",
            ways_out=['pip install "adl-opt[scip]"', "use engine='highs'"],
        )


def _check_options(name: str, solver: str, options: Mapping[str, Any]) -> None:
    if options and (name in ("auto", "kernel") or (name == "cvxpy" and not solver)):
        raise UsageError(
            "solver options are for the solver that the engine names",
            got=f"engine {name!r}; {', '.join(options)}",
            ways_out=["name it: engine='highs', 'scip' or 'cvxpy:CLARABEL'", "leave the options out"],
        )
    if "highs" in (name, solver):
        from adl_opt.programs.engines.highs.session import check_highs_options

        check_highs_options(options)


def _highs(case: Case) -> Raw:
    from adl_opt.programs.engines.highs.direct import solve_direct

    return solve_direct(case)


def _scip(case: Case) -> Raw:
    from adl_opt.programs.engines.scip import solve_scip

    return _proven(case, solve_scip(case))


def _cvxpy(case: Case, solver: str = "") -> Raw:
    if len(case.round.accounts) == 0 and all(term.has_rows for term in case.program.terms):
        return _highs(case)
    from adl_opt.programs.engines.cvxpy.others import OWN
    from adl_opt.programs.engines.cvxpy.solver import solve_cvxpy
    from adl_opt.programs.engines.highs.polish import polish

    raw = solve_cvxpy(case, solver)
    return _proven(case, polish(case, raw) if solver in ("", *OWN) else raw)


def _cvxpy_by_highs(case: Case) -> Raw:
    """Solve through cvxpy by HiGHS; terms of one's own may be curved without saying so."""
    try:
        return _cvxpy(case, "highs")
    except UsageError as error:
        return Raw(verdict="error", engine="cvxpy:highs", message=error.what)


def _proven(case: Case, raw: Raw) -> Raw:
    """Prove an answer here, beside what its solver states."""
    from adl_opt.programs.engines.anywhere import proof_of
    from adl_opt.programs.engines.highs.direct import raw_of

    stated = raw.proof
    open_ = (
        stated is None
        or isinstance(stated, ConicProof)
        or (isinstance(stated, EngineBound) and not stated.own)
    )
    if raw.x is None or raw.interrupted or not open_:
        return raw
    point = Point(x=raw.x, needed=case.needed, lots=raw.lots, fund=raw.fund, closed=raw.closed)
    own = proof_of(case, point)
    if own is None:
        return raw
    if isinstance(own, TreeProof) and own.v is not None:  # a better point refutes what was stated
        found = raw_of(own.model, own.v)
        raw = replace(raw, x=found.x, lots=found.lots, closed=found.closed, fund=found.fund)
        return replace(raw, proof=EngineBound(-math.inf, own.scale, own))
    gap = relative_gap(case.program.objective.value(point, case.round), own.bound(), own.scale)
    sure = isinstance(own, LinearProof) or (isinstance(own, TangentProof) and gap <= PROVEN_CONE)
    return replace(
        raw, proof=own if sure or stated is None else EngineBound(stated.bound(), stated.scale, own)
    )

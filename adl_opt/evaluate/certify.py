"""Judge an answer from anywhere: another solver's file, a rule, a spreadsheet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from os import PathLike
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, indexed
from adl_opt.catalogue import Model, as_model, round_program
from adl_opt.evaluate.asked import as_rounds
from adl_opt.programs.judging import judged_point
from adl_opt.programs.options import Options
from adl_opt.programs.points import point_of
from adl_opt.programs.program import Case, RoundProgram, placed
from adl_opt.programs.solution import Solution, Status
from adl_opt.programs.solving import solve
from adl_opt.proofs.certificate import noted
from adl_opt.rounds.round import Outcome, Round

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged(Solution, Answer):
    """An answer from anywhere, as it was given, with the status that its certificate allows."""

    def frame(self) -> pd.DataFrame:
        """Return one row for each check of the certificate, indexed by its name."""
        checks = self.certify().checks.items()
        rows = [{"check": n, "passed": c.passed, "error": c.error, "allowed": c.allowed} for n, c in checks]
        return indexed(rows, "check")

    def to_json(self) -> dict[str, Any]:
        """Return what is proven, and the checks, as plain values."""
        report = self.certify()
        facts = {name: getattr(self, name) for name in ("objective", "bound", "gap", "executed", "message")}
        return {
            "schema": SCHEMA,
            "status": self.status.value,
            **facts,
            "needed_usd": self.needed,
            "feasible": report.feasible,
            "rederived_bound": report.rederived_bound,
            "bound_source": report.bound_source,
            "conflict": list(self.conflict),
            "checks": self.frame().reset_index().to_dict("records"),
        }

    def __str__(self) -> str:
        numbers = f"objective {self.objective:.12g}, bound {self.bound:.12g}, gap {self.gap:.3g}"
        lines = [
            f"{self.status.value}: {numbers}",
            f"the bound is {self.certify().bound_source}",
            self.message,
        ]
        return "\n".join(line for line in lines if line)


def certify_point(
    program: str | PathLike[str] | Model | RoundProgram,
    round_: Round | tuple[Round, Outcome] | str | PathLike[str] | Iterable[object],
    x: Any,
    *,
    needed: float | None = None,
    options: Options | Mapping[str, Any] | None = None,
    allow_code: bool = False,
) -> Judged:
    """Judge an answer from anywhere: feasibility, objective, and a bound that is derived here.

    Parameters
    ----------
    program : RoundProgram, Model, str or path
        A program of your own, or a model of kind round.
    round_ : Round, (Round, Outcome), str or path
        A text is the path of a table of accounts, or ``EPISODE:NUMBER`` such as ``oct10:7``.
    x : array, mapping, Solution, Allocation, Point or path
        The answer.  An array holds haircuts (n,) USD, or where the program has whole lots, the lots (m,) of
        each position.  A mapping holds USD by account id.  A path is the answer file of a solver for a file
        that :func:`adl_opt.export` wrote: lines of name and value (HiGHS, SCIP, CSV), or JSON.
    needed : float, optional
        B, USD; by default what was needed, where that is known (ex post).
    options : Options or mapping, optional
        Of the solve that the bound comes from.
    allow_code : bool
        A model that is given by its path is Python code: it is run only if this is said.

    Returns
    -------
    Judged
        A Solution with the answer that was given.  OPTIMAL, STATED or FEASIBLE as of ``solve``.  ERROR where
        it breaks a constraint by half a cent: ``message`` and ``certify()`` say which, and by how much.

    Raises
    ------
    UsageError
        A model of another kind, no round, or a budget that is missing.
    InputError
        The answer does not fit the round, or the file has no values of the program.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> from adl_opt.programs import ExactBudget, MaxBurden
    >>> round_ = Round(deficit=9.0, accounts=Accounts(id=["a", "b"], pnl=[10.0, 30.0], equity=[50.0, 50.0]))
    >>> program = RoundProgram(MaxBurden(), [ExactBudget()])
    >>> found = certify_point(program, round_, [5.0, 3.0], needed=8.0)
    >>> found.status.value, found.objective, round(found.bound, 9), round(found.gap, 9)
    ('feasible', 0.5, 0.2, 0.6)
    >>> certify_point(program, round_, {"a": 2, "b": 6}, needed=8.0).status.value
    'optimal'
    """
    began = time.perf_counter()
    chosen = round_program(as_model(program, allow_code=allow_code))
    what = "an answer to one round is judged, and this is an episode"
    one, budget = as_rounds(round_, needed, where="certify_point").in_legs().one(what)
    chosen, one = placed(chosen, one)
    case = Case(chosen, one, budget, Options.of(options))
    chosen.check(one)
    point = point_of(case, x)
    best = solve(chosen, one, needed=budget, options=case.options, start=point)
    answer = judged_point(case, point, "given", best.proof)
    if answer.status is Status.FEASIBLE and best.objective < answer.objective:
        answer = noted(
            answer, message=f"{best.engine} finds a better answer: objective {best.objective:.12g}"
        )
    answer = noted(answer, seconds=time.perf_counter() - began)
    return Judged(**{spec.name: getattr(answer, spec.name) for spec in fields(answer)})

"""Write the program of a round as a file that other solvers read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from adl_opt.answer import OneRow
from adl_opt.catalogue import Model, as_model, round_program
from adl_opt.checks import one_of
from adl_opt.evaluate.asked import as_rounds
from adl_opt.files import write_text
from adl_opt.locks import keeps_inputs
from adl_opt.programs.export import write_model
from adl_opt.programs.program import RoundProgram
from adl_opt.rounds.round import Outcome, Round


@dataclass(frozen=True, kw_only=True)
class Exported(OneRow):
    """A file that was written, and how to read its optimum back.

    ``objective_unit`` times the value that a solver prints is the objective of the program.  ``columns`` is
    a table of the account, market and position of each column.
    """

    path: str
    columns: str
    model: str
    round: int
    needed_usd: float
    objective_unit: float

    def __str__(self) -> str:
        return (
            f"wrote {self.path}: {self.model}, round {self.round}, budget {self.needed_usd:,.2f} USD\n"
            f"accounts of the columns: {self.columns}\n"
            f"objective = the value that a solver prints x {self.objective_unit!r}"
        )


@keeps_inputs("out")
def export(
    round_: Round | tuple[Round, Outcome] | str | PathLike[str] | Iterable[object],
    model: str | PathLike[str] | Model | RoundProgram,
    out: str | PathLike[str],
    budget: float | None = None,
    format: str = "mps",
    *,
    allow_code: bool = False,
) -> Exported:
    """Write the program of a round as a file that other solvers read.

    Parameters
    ----------
    round_ : Round, (Round, Outcome), str or path
        A text is the path of a table of accounts, or ``EPISODE:NUMBER`` such as ``oct10:7``.
    model : str, path, Model or RoundProgram
        A model of kind round, or a program of your own.
    out : path
        File to write.
    budget : float, optional
        B, USD; by default what was needed, where that is known (ex post).
    format : str
        ``mps`` or ``lp``.
    allow_code : bool
        A model that is given by its path is Python code: it is run only if this is said.

    Returns
    -------
    Exported

    Raises
    ------
    UsageError
        A model of another kind, a term without rows, no round, or a budget that is missing.

    Notes
    -----
    The file is scaled by powers of two, so that a solver with tolerances of 1e-7 finds the optimum.  The
    comment at its top says what one unit of the objective is.  Beside it, ``NAME.columns.csv`` says which
    account and position each column is about.  :func:`adl_opt.certify_point` judges what a solver answers.
    """
    kind = one_of("export: format", format, ("mps", "lp"))
    built = as_model(model, allow_code=allow_code)
    program = round_program(built)
    asked = as_rounds(round_, budget, where="export").in_legs()
    chosen, needed = asked.one("the program of one round is written, and this is an episode")
    columns = Path(out).with_suffix(".columns.csv")
    with tempfile.TemporaryDirectory() as folder:
        written = write_model(program, chosen, Path(folder) / f"model.{kind}", needed=needed)
        write_text(Path(out), written.path.read_text(encoding="utf-8"))
        write_text(columns, written.columns.read_text(encoding="utf-8"))
    return Exported(
        path=str(out),
        columns=str(columns),
        model=built.name,
        round=chosen.number,
        needed_usd=needed,
        objective_unit=written.objective_unit,
    )

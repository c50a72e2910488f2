"""Write a program as a file that other solvers read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.errors import SolverError, UsageError
from adl_opt.programs.engines.highs import check_finite, to_highs
from adl_opt.programs.program import RoundProgram, assemble
from adl_opt.rounds import Round, checked_usd


def write_model(program: RoundProgram, round_: Round, path: str | Path, *, needed: float) -> Path:
    """Write a linear or mixed-integer program in USD, unscaled, as ``.mps`` or ``.lp`` by the suffix.

    Columns and rows are named ``term_block_number``.

    Raises
    ------
    UsageError
        Another suffix, or a term without rows.
    SolverError
        HiGHS cannot write the file.
    """
    import highspy

    path = Path(path)
    rowless = [term.name for term in program.terms if not term.has_rows]
    if path.suffix not in (".mps", ".lp") or rowless:
        raise UsageError(
            "a program is written as .mps or .lp, and only when it is linear or mixed-integer",
            got=f"{path.name}; terms without rows: {', '.join(rowless) or 'none'}",
            ways_out=["end the name with .mps or .lp", "leave the terms without rows out"],
        )
    checked_usd("write_model", "needed", needed)
    program.check(round_)
    model = assemble(program, round_, needed, 1.0)
    model = replace(model, col_unit=np.ones_like(model.col_unit), row_unit=np.ones_like(model.row_unit))
    check_finite(model)
    lp = to_highs(model)
    lp.col_names_, lp.row_names_ = _names(model.col_owner), _names(model.row_owner)
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    kept = highs.passModel(lp) == highspy.HighsStatus.kOk
    if not kept or highs.writeModel(str(path)) == highspy.HighsStatus.kError:
        raise SolverError(
            "HiGHS cannot write the model", got=str(path), ways_out=["check that the folder exists"]
        )
    return path


def _names(owners: tuple[tuple[int, str], ...]) -> list[str]:
    stems = [(size, name.replace(":", "_").replace("-", "_")) for size, name in owners]
    return [f"{stem}_{k}" for size, stem in stems for k in range(size)]

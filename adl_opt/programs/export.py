"""Write a program as a file that other solvers read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.checks import checked_usd
from adl_opt.errors import UsageError
from adl_opt.files import write_text
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.programs.engines.highs.solver import file_text
from adl_opt.programs.options import Options
from adl_opt.programs.points import block_names, column_names, stem
from adl_opt.programs.program import Case, RoundProgram, placed
from adl_opt.programs.solving import name_shortfall
from adl_opt.rounds.round import Round
from adl_opt.tabular import to_csv

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class WrittenModel:
    """A file and how to read its optimum back: ``objective_unit`` times the value that a solver prints.

    ``columns`` is a table of the columns: the account, market and position of each, and its unit.
    """

    path: Path
    columns: Path
    objective_unit: float


def write_model(program: RoundProgram, round_: Round, path: str | Path, *, needed: float) -> WrittenModel:
    """Write a linear or mixed-integer program as ``.mps`` or ``.lp`` by the suffix.

    The file is scaled as for our own solver calls, by powers of two, so that a solver with tolerances of 1e-7
    finds the optimum; the comment at its top says what one unit of the objective and of each block is.
    What cannot be raised is left out as a solve leaves it out: in contracts, or with a named shortfall.
    Columns and rows are named ``term_block_number``.  Beside the file, ``NAME.columns.csv`` says which
    account and position each column is about.

    Returns
    -------
    WrittenModel
        The path, and the unit of the objective (the value read times it is the program's objective).

    Raises
    ------
    UsageError
        Another suffix, or a term without rows.
    SolverError
        HiGHS cannot write the model.
    AdlOptError
        The folder cannot be written.
    """
    path = Path(path)
    rowless = [term.name for term in program.terms if not term.has_rows]
    if path.suffix not in (".mps", ".lp") or rowless:
        raise UsageError(
            "a program is written as .mps or .lp, and only when it is linear or mixed-integer",
            got=f"{path.name}; terms without rows: {', '.join(rowless) or 'none'}",
            ways_out=["end the name with .mps or .lp", "leave the terms without rows out"],
        )
    checked_usd("write_model", "needed", needed)
    program, round_ = placed(program, round_)
    program.check(round_)
    case, _ = name_shortfall(Case(program, round_, needed, Options()), "auto")
    model = case.model()
    unit = float(power_of_two(model.natural_cost()))
    names = column_names(model), block_names(model.row_owner)
    mark = "*" if path.suffix == ".mps" else "\\"
    head = "".join(f"{mark} {line}\n" for line in _units(model, unit))
    write_text(path, head + file_text(model, path.suffix, unit, *names))
    columns = path.with_suffix(".columns.csv")
    write_text(columns, to_csv(columns_frame(model, round_), index=False))
    return WrittenModel(path=path, columns=columns, objective_unit=unit)


def columns_frame(model: LinearModel, round_: Round) -> pd.DataFrame:
    """Return one row for each column of a model: name, account, market and position, and natural unit."""
    import pandas as pd

    size, held = model.cost.size, round_.positions
    account, market, position = (np.full(size, "", dtype=object) for _ in range(3))
    for block in ("x", "pays"):
        if block in model.blocks:
            account[model.blocks[block]] = round_.accounts.id
    if "closed" in model.blocks and held is not None:
        account[model.blocks["closed"]] = round_.accounts.id[held.account]
        market[model.blocks["closed"]] = held.market
        position[model.blocks["closed"]] = np.arange(len(held))
    names = {"column": column_names(model), "account": account, "market": market, "position": position}
    return pd.DataFrame(names | {"unit": model.col_unit})


def _units(model: LinearModel, objective: float) -> Iterator[str]:
    """Say what the numbers of the file are worth."""
    yield f"adl_opt: objective = value x {objective!r}"
    start = 0
    for size, name in model.col_owner:
        units = model.col_unit[start : start + size]
        start += size
        name = stem(name)
        if size and np.all(units == units[0]):
            yield f"columns {name}_0 to {name}_{size - 1}: natural value = value x {float(units[0])!r}"
        else:
            for k, unit in enumerate(units):
                yield f"column {name}_{k}: natural value = value x {float(unit)!r}"

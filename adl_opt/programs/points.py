"""Answers from anywhere as points of a program: arrays, tables by id, other answers, files of solvers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.errors import InputError
from adl_opt.naming import unknown_name
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.priced import PricedRound
from adl_opt.programs.program import Case
from adl_opt.programs.terms.base import Point
from adl_opt.programs.terms.budget import Solvency
from adl_opt.programs.terms.grid import Lots, haircuts_of_lots
from adl_opt.reading import file_bytes, plain_json
from adl_opt.rounds.columns import Floats


def column_names(model: LinearModel) -> list[str]:
    """Return the names that the columns of a model have in files: ``term_block_number``."""
    return block_names(model.col_owner)


def block_names(owners: tuple[tuple[int, str], ...]) -> list[str]:
    """Return a name for each column or row of the blocks."""
    return [f"{stem(name)}_{k}" for size, name in owners for k in range(size)]


def stem(name: str) -> str:
    """Return the name of a block as files take it."""
    return name.replace(":", "_").replace("-", "_")


def point_of(case: Case, given: Any) -> Point:
    """Return the point that is given.

    Parameters
    ----------
    case : Case
    given : array, mapping, Solution, Allocation, Point or path
        An array holds haircuts (n,) USD, or where the program has whole lots, the lots (m,) of each position.
        A mapping holds USD by account id; accounts that are left out pay nothing.  A path is the answer file
        of a solver for the file that ``write_model`` wrote: lines of name and value, or JSON.

    Raises
    ------
    InputError
        A length that does not fit, a number that is not finite, or a file without values.
    """
    if isinstance(given, (str, PathLike)):
        return _from_file(case, Path(given))
    if isinstance(given, Mapping):
        return _point(case, x=_by_id(case, given))
    if hasattr(given, "x"):
        fund = getattr(given, "fund_usd", getattr(given, "fund", None))
        if isinstance(case.round, PricedRound) and getattr(given, "closures", None) is not None:
            legs = case.round.by_leg(given.closures)
            return (
                _point(case, lots=legs, fund=fund)
                if _has_lots(case)
                else _point(case, None, None, legs, fund)
            )
        return _point(case, given.x, given.lots, getattr(given, "closed", None), fund)
    held = case.round.positions
    if held is not None and _has_lots(case) and np.shape(given) == (len(held),):
        return _point(case, lots=given)
    return _point(case, x=given)


def _has_lots(case: Case) -> bool:
    return any(isinstance(rule, Lots) for rule in case.program.subject_to)


def _point(case: Case, x: Any = None, lots: Any = None, closed: Any = None, fund: Any = None) -> Point:
    held, n = case.round.positions, len(case.round.accounts)
    lots = None if lots is None or held is None else _numbers("lots", lots, len(held))
    closed = None if closed is None or held is None else _numbers("lots closed", closed, len(held))
    if x is None and held is not None and (lots is not None or closed is not None):
        x = haircuts_of_lots(held, lots if lots is not None else closed, case.upper)
    x = _numbers("haircuts", x, n)
    if lots is None and _has_lots(case) and held is not None:
        lots = _only_lots(case, x)
    whole = None if lots is None else np.rint(lots).astype(np.int64)
    if lots is not None and np.any(np.abs(lots - np.rint(lots)) > 1e-6):
        raise InputError("lots are whole numbers", got=repr(lots), ways_out=["round them, and give those"])
    if fund is None:
        rule = next((r for r in case.program.subject_to if isinstance(r, Solvency)), None)
        lack = 0.0 if rule is None else rule.required(case.round, case.needed) - math.fsum(x)
        fund = 0.0 if rule is None else max(min(lack, rule.fund), 0.0)
    return Point(x=x, needed=case.needed, lots=whole, fund=float(fund), closed=closed)


def _numbers(what: str, values: Any, size: int) -> Floats:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.full(1, np.nan)
    if found.shape != (size,) or not np.all(np.isfinite(found)):
        raise InputError(
            f"a point has {size} {what}, all finite",
            got="none" if values is None else f"shape {found.shape}: {values!r:.80}",
            ways_out=["give haircuts (n,) in USD, or lots (m,) where the program has whole lots"],
        )
    return found


def _only_lots(case: Case, x: Floats) -> Floats:
    """Return the lots that haircuts mean where each account has one position."""
    held = case.round.positions
    assert held is not None  # noqa: S101
    if held.account.size != np.unique(held.account).size:
        raise InputError(
            "haircuts do not say which lots are closed: an account has several positions",
            got=f"{x.size} haircuts, {held.account.size} positions",
            ways_out=[f"give {held.account.size} lots, one for each position"],
        )
    lots = x[held.account] / np.where(held.lot_value > 0, held.lot_value, 1.0)
    return np.where(np.abs(lots - np.rint(lots)) <= 1e-6, np.rint(lots), lots)


def _by_id(case: Case, given: Mapping[Any, Any]) -> Floats:
    ids = [str(name) for name in case.round.accounts.id]
    place, x = {name: k for k, name in enumerate(ids)}, np.zeros(len(ids))
    for name, usd in given.items():
        if str(name) not in place:
            raise unknown_name("account", str(name), ids[:50])
        x[place[str(name)]] = usd
    return x


def _from_file(case: Case, path: Path) -> Point:
    """Read the values of a solver, in the units of the file that was written, by the names of the columns."""
    model = case.model()
    names = column_names(model)
    try:
        values = _values(file_bytes(path).decode(), set(names))
    except (OSError, ValueError) as error:
        raise InputError(
            "the answer file cannot be read", got=f"{path}: {error}", ways_out=["give the file of a solver"]
        ) from error
    if not values:
        raise InputError(
            "the answer file holds no value of a column of the program",
            got=f"{path}; the columns are {', '.join(names[:3])}, ...",
            ways_out=["solve the file that adl-opt export wrote for this round, model and budget"],
        )
    v = np.array([values.get(name, 0.0) for name in names]) * model.col_unit
    parts = {label: v[model.blocks[label]] for label in ("x", "closed", "fund") if label in model.blocks}
    closed, fund = parts.get("closed"), parts.get("fund")
    whole = _has_lots(case)
    return _point(
        case,
        None if whole else parts["x"],
        closed if whole else None,
        None if whole else closed,
        None if fund is None else fund[0],
    )


def _values(text: str, names: set[str]) -> dict[str, float]:
    """Return the first value of each name; what is left out counts as 0, as SCIP means it."""
    if text.lstrip()[:1] == "{":
        return {name: float(value) for name, value in plain_json(text).items() if name in names}
    found: dict[str, float] = {}
    for line in text.splitlines():
        words = re.split(r"[\s,;=]+", line.strip())
        if len(words) > 1 and words[0] in names and words[0] not in found:
            found[words[0]] = float(words[1])
    return found

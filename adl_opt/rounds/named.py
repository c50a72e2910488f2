"""Rows of accounts that are named by their ids."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.checks import column_of
from adl_opt.errors import InputError
from adl_opt.rounds.ids import Ids


def reads_as_row(ids: npt.NDArray[np.str_]) -> bool:
    """Say whether some id is a whole number, which might as well be the row of an account."""
    return bool(np.strings.isdecimal(ids).any())


def rows_of(
    named: npt.NDArray[Any], accounts: Ids, refuse: Callable[..., None], *, rows_too: bool = False
) -> npt.NDArray[np.int64]:
    """Return the row of each named account; whole numbers are rows already where ``rows_too`` says so.

    ``refuse`` takes values, a mask of the wrong ones, why they are wrong and ways out; it raises if any is.

    Raises
    ------
    InputError
        No account has the id, or whole numbers may be ids as well as rows.
    """
    if rows_too and named.dtype.kind in "iu" and not reads_as_row(accounts.text):
        return named
    if named.dtype == object and set(map(type, named)) == {
        str
    }:  # looked up as they are: no copy of fixed width
        row = accounts.by_name.get
        ids, found = named, np.array([row(name, -1) for name in named], dtype=np.int64)
    else:
        ids = column_of("text", named, partial(refuse, named))
        found = accounts.places(Ids.of(ids))
    ways_out = ["name an account by its id, in a column id", "drop the positions of other accounts"]
    if rows_too and named.dtype.kind in "iu":
        both = (found >= 0) & (found != named)
        refuse(named, both, "may be an id as well as a row", ways_out)
        return named
    refuse(ids, found < 0, "is the id of no account of the round", ways_out)
    return found


def refuse_twice(accounts: Ids) -> None:
    """Refuse accounts of which two have one id.

    Raises
    ------
    InputError
        It names the id and its rows.
    """
    if accounts.unique:
        return
    unique, first, counts = np.unique(accounts.text, return_index=True, return_counts=True)
    worst = unique[counts > 1][np.argmin(first[counts > 1])]
    raise InputError(
        "accounts: an id occurs twice",
        got=f"id {worst!s} in rows {np.flatnonzero(accounts.text == worst)[:4].tolist()}",
        ways_out=["merge the rows of an account", "give its markets as positions of one account"],
    )

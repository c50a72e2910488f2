"""Which round each row of an export belongs to.

The rows of a snapshot say it by ``round`` or by ``time``: rows with the same round, or the same time, are one
snapshot, and begin one round.  Tables with neither hold in every round.  What happened (liquidations, fills,
totals) says its round too, or belongs to the last snapshot at or before its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.datasets.warehouse.cells import Array
from adl_opt.datasets.warehouse.fields import EVENTS
from adl_opt.datasets.warehouse.sheets import Sheet
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Ints


@dataclass(frozen=True, eq=False)
class Keys:
    """The rounds of a book: their names in the export, their times, and the round of each row.

    Parameters
    ----------
    names : tuple of str
    start_ms : tuple of int or None
    of : dict of (n,) int
        By table, the round of each row from 0; tables that hold in every round are not there.
    """

    names: tuple[str, ...]
    start_ms: tuple[int | None, ...]
    of: Mapping[str, Ints]

    @classmethod
    def find(cls, sheets: Mapping[str, Sheet]) -> Keys:
        """Return the rounds: those of the marks."""
        marks = sheets["marks"]
        by = "round" if "round" in marks.columns else "time" if "time" in marks.columns else ""
        if not by:
            strange = [n for n, s in sheets.items() if "round" in s.columns]
            if strange:
                raise InputError(
                    "the marks do not say their round, and other tables do",
                    got=f"round is mapped in {', '.join(strange)}",
                    ways_out=["map round (or time) under [marks.columns] too"],
                )
            return cls(("1",), (None,), {})
        column = marks.columns[by]
        marks.refuse(by, column == ("" if by == "round" else -1), "is blank")
        names = _in_order(column)
        times: list[int | None] = [None] * len(names)
        if "time" in marks.columns:
            for k, name in enumerate(names):
                here = marks.columns["time"][column == name]
                times[k] = None if here.max() < 0 else int(here[here >= 0].min())
        place = {name: k for k, name in enumerate(names)}
        of = {name: _rounds(sheet, by, place, times) for name, sheet in sheets.items()}
        shown = [str(np.datetime64(name, "ms")) if by == "time" else str(name) for name in names]
        return cls(tuple(shown), tuple(times), {name: k for name, k in of.items() if k is not None})

    def rows(self, name: str, sheet: Sheet | None, k: int) -> Ints:
        """Return the rows of a table that belong to a round; none of a table that is not there."""
        if sheet is None:
            return np.empty(0, dtype=np.int64)
        of = self.of.get(name)
        return np.arange(len(sheet)) if of is None else np.flatnonzero(of == k)


def _in_order(column: Array) -> list[Any]:
    """Return rounds in order: numbers by size, texts by letters."""
    distinct = np.unique(column).tolist()
    if all(str(name).isdecimal() for name in distinct):
        return sorted(distinct, key=int)
    return sorted(distinct)


def _rounds(sheet: Sheet, by: str, place: Mapping[object, int], times: list[int | None]) -> Ints | None:
    name = sheet.config.name
    event = name in EVENTS
    if by in sheet.columns and not (event and by == "time"):
        found = np.array([place.get(value, -1) for value in sheet.columns[by].tolist()], dtype=np.int64)
        why = f"is no {by} of the marks"
        sheet.refuse(by, found < 0, why, "export the marks of that round too", "leave the rows out")
        return found
    if not event:
        return None
    if len(place) > 1 and ("time" not in sheet.columns or None in times):
        raise InputError(
            f"table {name}: its rows do not say their round",
            got=f"{len(place)} rounds; neither round nor times on both sides are mapped",
            ways_out=[f"map round under [{name}.columns]", f"map time in [marks] and in [{name}]"],
        )
    if "time" not in sheet.columns:
        return np.zeros(len(sheet), dtype=np.int64)
    starts = np.array([t if t is not None else 0 for t in times], dtype=np.int64)
    order = np.argsort(starts, kind="stable")
    found = np.searchsorted(starts[order], sheet.columns["time"], side="right") - 1
    sheet.refuse("time", found < 0, "is before the first snapshot", "export the snapshot before it")
    return np.asarray(order[found], dtype=np.int64)

"""What is computed beside the venue's own columns, to the cent: every difference has a cause, or has none.

A cause is an arithmetic identity: a difference has it where it is gone, to the tolerance, once the venue's
figure is read in that way.  The first cause that fits counts.  What no cause explains is ``unexplained``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.datasets.warehouse.cells import Mask
from adl_opt.datasets.warehouse.fields import AGREES, CAUSES, UNEXPLAINED
from adl_opt.datasets.warehouse.sheets import Sheet
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd


Hint = Callable[[Floats, float], str]


@dataclass(frozen=True, eq=False)
class Compared:
    """One figure in one round: the venue's values beside the computed ones.

    Parameters
    ----------
    figure : str
        Such as ``equity of accounts``.
    sheet, key, rows
        Where the venue's values stand.
    computed : (k,)
    readings : dict of (k,)
        By cause, what the venue's column would hold were it read in that way.
    weight : (k,)
        What a difference of one counts in USD; a price counts by the contracts that it is of.
    hint : callable, optional
        From what the venue has more, (k,) USD with NaN where it says nothing, and the tolerance: a way out
        that explains every row, or ``""``.
    """

    figure: str
    sheet: Sheet
    key: str
    rows: Ints
    computed: Floats
    readings: Mapping[str, Floats] = field(default_factory=dict)
    weight: Floats | None = None
    hint: Hint | None = None

    def causes(self, tolerance: float) -> tuple[list[str], Floats]:
        """Return the cause of each row, ``""`` where the venue says nothing, and the difference in USD."""
        venue = self.sheet.columns[self.key][self.rows]
        weight = np.ones(self.rows.size) if self.weight is None else self.weight
        apart = (venue - self.computed) * weight
        causes = np.full(self.rows.size, UNEXPLAINED, dtype=object)
        for cause, reading in [*reversed(list(self.readings.items())), (AGREES, self.computed)]:
            # half a unit of the last binary digit of large sums is no difference
            near = tolerance * (1 + 1e-9) + 1e-12 * np.abs(venue) * weight
            causes[np.abs(venue - reading) * weight <= near] = cause
        causes[np.isnan(venue)] = ""
        return causes.tolist(), apart


def reconciled(compared: list[Compared], tolerance: float, accept: tuple[str, ...]) -> pd.DataFrame:
    """Return rows and USD by figure and cause.

    Raises
    ------
    InputError
        A difference whose cause is not accepted, with file, row, column and both values.
    """
    import pandas as pd

    rows: dict[tuple[str, str], list[float]] = {}
    refused: InputError | None = None
    for one in compared:
        causes, apart = one.causes(tolerance)
        for cause in dict.fromkeys(c for c in causes if c):
            of = np.array([c == cause for c in causes])
            sums = rows.setdefault((one.figure, cause), [0, 0.0, 0.0])
            sums[0] += int(of.sum())
            sums[1] += float(np.abs(apart[of]).sum())
            sums[2] = max(sums[2], float(np.abs(apart[of]).max()))
            if refused is None and cause not in (AGREES, *accept):
                refused = _refusal(one, of, cause, tolerance)
    if refused is not None:
        raise refused
    order = {name: k for k, name in enumerate((AGREES, *CAUSES))}
    keys = sorted(rows, key=lambda key: (key[0], order[key[1]]))
    made = [(*key, int(rows[key][0]), rows[key][1], rows[key][2]) for key in keys]
    return pd.DataFrame(made, columns=["figure", "cause", "rows", "difference_usd", "largest_usd"])


def _refusal(one: Compared, of: Mask, cause: str, tolerance: float) -> InputError:
    at, count = int(np.argmax(of)), int(of.sum())
    row, more = int(one.rows[at]), f" ({count} rows of this round)" if count > 1 else ""
    venue = one.sheet.columns[one.key][one.rows]
    ways_out = [f'accept it: accept = ["{cause}"] under [reconcile]; the computed figure is used']
    if cause == UNEXPLAINED:
        # where no row agrees the book is misread: to accept that would be to deploy on another book
        whole = count > 1 and count == int((~np.isnan(venue)).sum())
        hint = one.hint(venue - one.computed, tolerance) if one.hint is not None else ""
        ways_out = [
            *([hint] if hint else []),
            "check marks, entries, contracts, assets and rates of that round in the export",
            f"leave {one.key} out of [{one.sheet.config.name}.columns]",
            *([] if whole or hint else ways_out),
        ]
        more = f" ({count} rows of this round, all that the venue gives)" if whole else more
    return InputError(
        f"{one.sheet.files[one.sheet.file[row]]}: {one.figure} is not what follows from the book: {cause}",
        got=f"{one.sheet.place(one.key, row)}: {venue[at]:,.10g}, computed {one.computed[at]:,.10g}{more}",
        ways_out=ways_out,
    )

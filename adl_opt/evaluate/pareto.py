"""The policies that no other dominates in two figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adl_opt.naming import unknown_name

if TYPE_CHECKING:
    import pandas as pd


def pareto_front(frame: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Return the rows that no other row dominates, sorted by the first column; less is better in both.

    A row dominates another if it is no larger in both columns and smaller in one.  Equal rows stay.

    Parameters
    ----------
    frame : DataFrame
        One row per policy.
    x, y : str
        Columns of numbers, such as ``overshoot_usd`` and ``undershoot_usd``.  Rows with NaN are left out.

    Raises
    ------
    UsageError
        No column of numbers has that name.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"over": [1, 0, 2, 0], "under": [1, 3, 1, 3]}, index=["a", "b", "c", "d"])
    >>> pareto_front(frame, "over", "under").index.tolist()
    ['b', 'd', 'a']
    """
    numbers = frame.select_dtypes("number")
    for name in (x, y):
        if name not in numbers:
            raise unknown_name("column of numbers", name, map(str, numbers))
    known = frame.dropna(subset=[x, y]).sort_values([x, y], kind="stable")
    least = known.groupby(x)[y].min().astype(float)
    before = least.cummin().shift(fill_value=math.inf)  # the least y at any smaller x
    return known[(known[y] == known[x].map(least)) & (known[y] < known[x].map(before))]

"""Who paid and who never did: the haircuts of one policy, summed by account or by cohort of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.errors import InputError
from adl_opt.naming import unknown_name

if TYPE_CHECKING:
    import pandas as pd

SIDES = {1.0: "long", -1.0: "short", 0.0: "long and short"}
LEVERAGES = (2.0, 5.0, 10.0, 20.0)
"""Where the cohorts of leverage begin and end."""

DUST_USD = 1e-3
"""Capacities below a cent are one cohort: most are what rounding left of sums."""


def per_account(paid: pd.DataFrame) -> pd.DataFrame:
    """Sum the haircuts of one policy up by account; who paid most comes first.

    Parameters
    ----------
    paid : DataFrame
        As :meth:`adl_opt.Result.haircuts` gives it, of one policy.

    Returns
    -------
    DataFrame
        By ``id``: ``rounds`` in which it could pay, ``rounds_paid`` (0: it never paid), ``capacity_usd`` and
        ``haircut_usd`` summed over rounds, ``burden`` (haircuts over the summed base) and ``max_burden`` of
        one round.
    """
    rows = paid.assign(
        rounds_paid=paid["haircut_usd"] > 0, max_burden=_ratio(paid["haircut_usd"], paid["base_usd"])
    )
    summed = rows.groupby("id", sort=False).agg(
        rounds=("round", "size"),
        rounds_paid=("rounds_paid", "sum"),
        capacity_usd=("capacity_usd", "sum"),
        haircut_usd=("haircut_usd", "sum"),
        burden=("base_usd", "sum"),
        max_burden=("max_burden", "max"),
    )
    summed["burden"] = _ratio(summed["haircut_usd"], summed["burden"])
    return summed.sort_values("haircut_usd", ascending=False, kind="stable")


def per_cohort(paid: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sum the haircuts of one policy up by cohort of accounts: how many paid, how many never.

    Parameters
    ----------
    paid : DataFrame
        As :meth:`adl_opt.Result.haircuts` gives it, of one policy.
    by : {'size', 'side', 'leverage'}
        Size is capacity by powers of ten, USD.  Leverage is parted at 2, 5, 10 and 20.

    Returns
    -------
    DataFrame
        By ``cohort``: ``accounts``, those of them that ``paid`` in some round and that ``never`` did,
        ``capacity_usd`` and ``haircut_usd`` summed over rounds, ``haircut_share`` of all haircuts, and
        ``burden`` (haircuts over the summed base).  An account that moves from one cohort to another
        between rounds is counted in both.

    Raises
    ------
    UsageError
        An unknown cohort.
    InputError
        The rounds do not have the column that the cohorts are made of.
    """
    kinds = {"size": "capacity_usd", "side": "side", "leverage": "leverage"}
    if by not in kinds:
        raise unknown_name("cohort", by, kinds)
    rows = paid.assign(cohort=paid[kinds[by]]).dropna(subset="cohort")
    if rows.empty and not paid.empty:
        raise InputError(
            f"cohorts by {by} need accounts with that column",
            got="no round has it",
            ways_out=["give the accounts a side and a leverage", "ask for cohorts by size"],
        )
    if by == "size":
        rows["cohort"] = np.floor(np.log10(np.maximum(rows["cohort"].to_numpy(float), DUST_USD)))
    elif by == "leverage":
        rows["cohort"] = np.searchsorted(LEVERAGES, rows["cohort"].to_numpy(float), side="right")
    each = rows.groupby(["cohort", "id"])[["capacity_usd", "base_usd", "haircut_usd"]].sum().reset_index()
    each["paid"] = each["haircut_usd"] > 0
    found = each.groupby("cohort").agg(
        accounts=("paid", "size"),
        paid=("paid", "sum"),
        capacity_usd=("capacity_usd", "sum"),
        haircut_usd=("haircut_usd", "sum"),
        base_usd=("base_usd", "sum"),
    )
    found.insert(2, "never", found["accounts"] - found["paid"])
    found["haircut_share"] = _ratio(found["haircut_usd"], found["haircut_usd"].sum())
    found["burden"] = _ratio(found["haircut_usd"], found.pop("base_usd"))
    return found.rename(index=lambda value: _words(by, value))


def _words(by: str, value: float) -> str:
    """Return a cohort in words.

    Examples
    --------
    >>> _words("size", 3), _words("side", -1), _words("leverage", 1)
    ('1,000 to 10,000 USD', 'short', '2 to 5')
    """
    if by == "side":
        return SIDES[value]
    if by == "size" and value < -2:
        return "below 0.01 USD"
    if by == "size":
        return f"{10.0**value:,.12g} to {10.0 ** (value + 1):,.12g} USD"
    ends = ("0", *(f"{end:g}" for end in LEVERAGES))
    return (
        f"{ends[int(value)]} to {ends[int(value) + 1]}" if value < len(LEVERAGES) else f"{ends[-1]} and above"
    )


def _ratio(part: Any, whole: Any) -> Any:
    """Return part / whole, 0 where nothing is paid."""
    return np.where(part > 0, part / np.where(part > 0, whole, 1.0), 0.0)

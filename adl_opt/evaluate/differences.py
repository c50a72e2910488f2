"""Paired differences between policies, with intervals of a block bootstrap over rounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.checks import number_between
from adl_opt.naming import unknown_name

if TYPE_CHECKING:
    import pandas as pd


def paired_differences(
    rounds: pd.DataFrame,
    against: str,
    column: str = "total_usd",
    *,
    block: int | None = None,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how much more each policy costs than one of them, over the same rounds, with an interval.

    Parameters
    ----------
    rounds : DataFrame
        As :meth:`adl_opt.Result.rounds` gives it: one row per policy and round.
    against : str
        The policy that the others are held against.
    column : str
        What is compared: a column of ``rounds`` in USD, such as ``total_usd`` or ``tracking_usd``.
    block : int, optional
        Rounds in a block, 1 to T; by default T^(1/3), rounded up.
    draws : int
        Resampled episodes, 100 to 1e6.
    level : float
        Share of the draws within the interval, 0.5 to 0.999.
    seed : int
        Same seed, same bits.

    Returns
    -------
    DataFrame
        By ``policy``: ``difference_usd`` (its sum over the rounds less that of ``against``; below 0 it costs
        less), ``bootstrap_low_usd``, ``bootstrap_high_usd``, ``rounds_less`` (rounds in which it costs less),
        ``rounds`` and ``block``.  NaN where a figure is not known, and for the interval of too few rounds
        (:func:`fewest_rounds`).

    Raises
    ------
    UsageError
        An unknown policy or column, or a number out of range.

    Notes
    -----
    Circular block bootstrap (Politis & Romano 1992): blocks of consecutive rounds are drawn with
    replacement, the last round being followed by the first, until there are T rounds.  All policies share
    the draws.  Blocks keep what depends on the rounds just before; the length T^(1/3) is of the order of
    Hall, Horowitz & Jing (1995).  The interval holds the middle of the drawn sums (percentile method).  It
    is an approximation, not a proof: it rests on rounds whose law does not change, and few rounds (16 on
    October 10) make it too narrow.

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay("oct10", ["pro-rata", "binance"])
    >>> found = result.differences("pro-rata").loc["binance"]
    >>> bool(0 < found["bootstrap_low_usd"] < found["difference_usd"] < found["bootstrap_high_usd"])
    True
    """
    table = _by_policy(rounds, against, column)
    count = len(table)
    length = math.ceil(count ** (1 / 3) - 1e-9) if block is None else block
    for name, value, low, high in (("block", length, 1, count), ("draws", draws, 100, 1e6)):
        number_between(f"differences: {name}", value, low, high)
    number_between("differences: level", level, 0.5, 0.999)
    apart = table.drop(columns=against).sub(table[against], axis=0)
    values = apart.to_numpy(float)
    drawn = np.empty((draws, values.shape[1]))
    source = np.random.default_rng(seed)
    for k in range(draws):
        starts = source.integers(count, size=-(-count // length))
        chosen = ((starts[:, None] + np.arange(length)) % count).ravel()[:count]
        drawn[k] = np.bincount(chosen, minlength=count) @ values
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    if count < fewest_rounds(level):
        ends[:] = math.nan
    found = apart.apply(math.fsum).to_frame("difference_usd").rename_axis("policy")
    found["bootstrap_low_usd"], found["bootstrap_high_usd"] = ends
    return found.assign(rounds_less=(apart < 0).sum(), rounds=count, block=length)


def fewest_rounds(level: float = 0.95) -> int:
    """Return the fewest rounds from which a difference can be told from chance at a level.

    Of two policies that are equally good, one is cheaper in all of n rounds with probability 2 / 2^n.  With
    fewer rounds that is more than 1 - level, so that no sequence of rounds tells them apart.

    Examples
    --------
    >>> fewest_rounds(0.95), fewest_rounds(0.8)
    (6, 4)
    """
    return math.ceil(1.0 - math.log2(1.0 - level) - 1e-9)


def _by_policy(rounds: pd.DataFrame, against: str, column: str) -> pd.DataFrame:
    """Return a column of the rounds: a row each round, a column each policy."""
    money = [name for name in rounds.columns if name.endswith("_usd")]
    if column not in money:
        raise unknown_name("column in USD of result.rounds():", column, money)
    table = rounds.pivot(index="round", columns="policy", values=column)[
        list(dict.fromkeys(rounds["policy"]))
    ]
    if against not in table:
        raise unknown_name("policy of this result:", against, map(str, table))
    return table

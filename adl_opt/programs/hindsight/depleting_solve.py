"""Solvers of the depleting optimum: one sort where no account returns, HiGHS otherwise."""

from __future__ import annotations

import numpy as np

from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.hindsight.linear import optimum_of, round_units
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.rounds.columns import Floats


def solve_separable(panel: Panel, weight: float) -> tuple[Floats, Floats]:
    """Minimise ``sum [B_t - z U_t]_+ + weight z`` over z in [0, 1]: at most one (merged) account per round.

    Raising z saves ``sum U_t`` over the rounds that are not yet covered, those with ``B_t / U_t > z``; the
    optimum is the first z from which that is at most the weight. There the round prices are split so that
    ``sum y_t U_t`` equals the weight.

    Returns
    -------
    share : (k,)
        Haircut of each entry as a share of its capacity.
    price : (T,)
        y in [0, 1] of each round.
    """
    ratio = panel.needed[panel.time] / panel.capacity
    order = np.argsort(ratio, kind="stable")
    saved = np.append(np.cumsum(panel.capacity[order][::-1])[::-1], 0.0)  # per unit of z, past k breakpoints
    passed = int(np.argmax(saved <= weight))
    level = min(float(ratio[order[passed - 1]]), 1.0) if passed else 0.0
    tied, above = ratio == level, ratio > level
    shared = float(panel.capacity[tied].sum())
    split = (weight - float(panel.capacity[above].sum())) / shared if shared else 0.0
    price = np.ones(panel.needed.size)
    price[panel.time] = np.where(tied, np.clip(split, 0.0, 1.0), above)
    return np.minimum(level, ratio), price


def solve_returning(panel: Panel, weight: float) -> tuple[Floats, Floats]:
    """Solve the linear program with HiGHS.

    Columns: share of its capacity for each entry (k), undershoot (T), z.  Rows: each round's haircuts and
    undershoot make up B_t (T); prefix sums are at most z of what is available, one row for each entry after
    which the available rises, and one for each account's last.

    Returns
    -------
    share : (k,)
        Haircut of each entry as a share of its capacity.
    price : (T,)
        y in [0, 1] of each round.
    """
    size, count = panel.needed.size, panel.capacity.size
    unit = round_units(panel)
    rounds, entries = np.arange(size), np.arange(count)
    tight = np.flatnonzero(_binding(panel))
    lengths = tight - panel.start[tight] + 1
    prefix = np.repeat(np.arange(tight.size), lengths)
    member = (
        np.arange(prefix.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + panel.start[tight][prefix]
    )
    links = tight.size
    model = LinearModel(
        cost=np.concatenate([np.zeros(count), np.ones(size), [weight]]),
        col_lower=np.zeros(count + size + 1),
        col_upper=np.concatenate([np.ones(count), panel.needed, [1.0]]),
        col_unit=np.concatenate([np.ones(count), unit, [1.0]]),
        integer=np.zeros(count + size + 1, dtype=bool),
        row=np.concatenate([panel.time, rounds, size + prefix, size + np.arange(links)]),
        col=np.concatenate([entries, count + rounds, member, np.full(links, count + size)]),
        value=np.concatenate(
            [
                panel.capacity,
                np.ones(size),
                panel.capacity[member] / panel.available[tight][prefix],
                -np.ones(links),
            ]
        ),
        row_lower=np.concatenate([panel.needed, np.full(links, -np.inf)]),
        row_upper=np.concatenate([panel.needed, np.zeros(links)]),
        row_unit=np.concatenate([unit, np.ones(links)]),
    )
    v, price = optimum_of(model, max(weight, float(unit.max())))
    return np.clip(v[:count], 0.0, 1.0), np.clip(price[:size], 0.0, 1.0)


def _binding(panel: Panel) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(k,) bool: entries whose prefix sum is not already limited by that of the account's next entry."""
    last = np.append(panel.account[1:] != panel.account[:-1], True)
    rises = np.append(panel.available[1:] > panel.available[:-1], True)
    return np.asarray(last | rises)

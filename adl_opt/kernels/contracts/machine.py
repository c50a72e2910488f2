"""The inner loops, compiled by numba: see `ContractsLeaf`, and `vectors` for the same in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np

from adl_opt.kernels.contracts import flow
from adl_opt.kernels.contracts.base import TRIES
from adl_opt.kernels.lots.machine_pairs import compiled


@compiled
def arrange_legs(account: Any, cell: Any, accounts: int, cells: int) -> Any:
    """See `ContractsLeaf`: legs are counted by account, and then by cell."""
    order, by_account = np.empty(account.size, np.int64), np.empty(account.size, np.int64)
    place = np.zeros(accounts + 1, np.int64)
    for j in range(account.size):
        place[account[j] + 1] += 1
    for i in range(accounts):
        place[i + 1] += place[i]
    for j in range(account.size):
        by_account[place[account[j]]] = j
        place[account[j]] += 1
    place = np.zeros(cells + 1, np.int64)
    for j in range(cell.size):
        place[cell[j] + 1] += 1
    for c in range(cells):
        place[c + 1] += place[c]
    for j in by_account:
        order[place[cell[j]]] = j
        place[cell[j]] += 1
    return order


@compiled
def _at(level: float, u: Any, other: Any, cap: Any, size: int, demand: float) -> Any:
    """Return what legs pay above the demand at a level, as a compensated sum, and the slope there."""
    whole, lost, slope = -demand, 0.0, 0.0
    for k in range(size):
        pays = level * u[k] - other[k]
        if pays > 0:
            if pays < cap[k]:
                slope += u[k]
            else:
                pays = cap[k]
            more = whole + pays
            if abs(whole) >= pays:
                lost += (whole - more) + pays
            else:
                lost += (pays - more) + whole
            whole = more
    return whole + lost, slope


@compiled
def fill_cells(
    order: Any, start: Any, who: Any, cap: Any, capacity: Any, demand: Any, x: Any, y: Any, levels: Any
) -> None:
    """See `ContractsLeaf`."""
    most = 0
    for c in order:
        most = max(most, start[c + 1] - start[c])
    u, other = np.empty(most), np.empty(most)
    for c in order:
        begin, size = start[c], start[c + 1] - start[c]
        room = cap[begin : begin + size]
        low, high = np.inf, 0.0
        for k in range(size):
            i = who[begin + k]
            u[k], other[k] = capacity[i], max(x[i] - y[begin + k], 0.0)
            low, high = min(low, other[k] / u[k]), max(high, (other[k] + room[k]) / u[k])
        level, step = min(max(levels[c], low), high), 0.0
        for _ in range(TRIES):
            more, slope = _at(level, u, other, room, size, demand[c])
            if more > 0:
                high = level
            else:
                low = level
            step = more / slope if slope > 0 else 0.0
            if more == 0 or (slope > 0 and abs(step) <= 4e-16 * level):
                break
            level -= step
            if slope == 0 or not low < level < high:
                level = low + 0.5 * (high - low)
                if low > 0 and high > 4 * low:
                    level = np.sqrt(low) * np.sqrt(high)
                elif low == 0:
                    level = high * 2.0**-10
            step = 0.0
        levels[c] = level
        for k in range(size):
            pays = level * u[k] - other[k]
            if 0 < pays < room[k]:
                pays -= step * u[k]
            pays = min(max(pays, 0.0), room[k])
            y[begin + k] = pays
            x[who[begin + k]] = other[k] + pays


_maximum_flow = compiled(flow.maximum_flow)


@compiled
def send_flow(first: Any, edge: Any, head: Any, residual: Any, source: int, sink: int) -> Any:
    """See `ContractsLeaf`."""
    nodes = first.size - 1
    scratch = np.empty((4, nodes + 1), np.int64)
    _maximum_flow(first, edge, head, residual, source, sink, scratch[0], scratch[1], scratch[2], scratch[3])
    return scratch[0, :nodes] >= 0

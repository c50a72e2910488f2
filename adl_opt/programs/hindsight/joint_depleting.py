"""The least loss when haircuts deplete capacity over rounds: one linear program, bounded by its prices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from adl_opt.losses import Loss, burden_base, share
from adl_opt.programs.arrays.linear import LinearModel
from adl_opt.programs.hindsight.linear import optimum_of, round_units
from adl_opt.programs.hindsight.panel import Panel
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode


def least_depleting(
    episode: Episode, panel: Panel, references: Sequence[float], loss: Loss
) -> tuple[list[Floats], float]:
    """Return haircuts of every round, and a lower bound on the loss of all that deplete capacity, USD.

    Parameters
    ----------
    episode : Episode
    panel : Panel
        Its accounts across rounds.
    references : (T,)
        m* of each round.
    loss : Loss
        Its base is known.

    Notes
    -----
    Columns: the share x of its capacity that each entry pays (k), the undershoot s (T), and how far the
    largest burden is above m*, d (T).  Minimise ``under sum s + fair sum B d``.  Rows: the haircuts and the
    undershoot of a round make up min(B, R) (T); burdens are at most m* + d; what an account has paid so far
    is at most what it has had.  Overshoot helps none of these, and abs(m - m*) is at least [m - m*]_+, so the
    minimum bounds every policy's loss.  The bound is that of the prices of the rows, whatever they are.
    """
    rounds, size, count = list(episode), panel.needed.size, panel.capacity.size
    most = np.array([min(o.needed, loss.most(r)) for r, o in rounds])
    base = panel.entries(np.concatenate([burden_base(r, str(loss.base)) for r, _ in rounds]))
    limit = np.array(references)[panel.time]
    rate = np.where(base > 0, share(panel.capacity, base), np.inf)
    fair = loss.fair * panel.needed
    held = np.flatnonzero((rate > limit) & (base > 0) & (loss.fair > 0))  # burdens that may pass m*
    last = np.append(panel.account[1:] != panel.account[:-1], True)
    rises = np.append(panel.available[1:] > panel.available[:-1], True)
    tight = np.flatnonzero((last | rises) & (panel.start < np.arange(count)))
    lengths = tight - panel.start[tight] + 1
    prefix = np.repeat(np.arange(tight.size), lengths)
    member = np.arange(prefix.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    member = member + panel.start[tight][prefix]
    unit, times, links = round_units(panel), np.arange(size), held.size
    rows = size + np.arange(links)
    model = LinearModel(
        cost=np.concatenate([np.zeros(count), np.full(size, loss.under), fair]),
        col_lower=np.zeros(count + 2 * size),
        col_upper=np.concatenate(
            [np.where((base > 0) | (loss.fair == 0), 1.0, 0.0), most, np.full(size, _largest(rate))]
        ),
        col_unit=np.concatenate([np.ones(count), unit, np.ones(size)]),
        integer=np.zeros(count + 2 * size, dtype=bool),
        row=np.concatenate([panel.time, times, rows, rows, size + links + prefix]),
        col=np.concatenate([np.arange(count), count + times, held, count + size + panel.time[held], member]),
        value=np.concatenate(
            [
                *(panel.capacity, np.ones(size), rate[held], -np.ones(links)),
                panel.capacity[member] / panel.available[tight][prefix],
            ]
        ),
        row_lower=np.concatenate([most, np.full(links + tight.size, -np.inf)]),
        row_upper=np.concatenate([most, limit[held], np.ones(tight.size)]),
        row_unit=np.concatenate([unit, np.ones(links + tight.size)]),
    )
    v, price = optimum_of(model, max(loss.under * float(unit.max()), float(fair.max())))
    price[size:] = np.minimum(price[size:], 0.0)
    x = panel.capacity * np.clip(v[:count], 0.0, 1.0)
    spent = np.ones(panel.ids.size)
    np.maximum.at(spent, panel.account, panel.cumulated(x) / panel.available)
    amounts = panel.amounts(x / spent[panel.account])
    ends = np.cumsum([len(r.accounts) for r, _ in rounds])[:-1]
    beyond = loss.under * math.fsum(panel.needed - most)
    return np.split(amounts, ends), model.dual_bound(price, 1e-9) + beyond


def _largest(rate: Floats) -> float:
    """Return the largest burden that a whole capacity is, a bound on every burden."""
    return float(np.max(rate[np.isfinite(rate)], initial=0.0))

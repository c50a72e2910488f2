"""How near the accounts of `oct10` are to real ones: ``python -m adl_opt.datasets.calibration --check``.

The rows of four real rounds are public.  Two of them, rounds 17 and 25, were looked at when the numbers of
:mod:`adl_opt.datasets.winners` were chosen; rounds 21 and 28 and all BTC and SOL positions were held out.  A
band holds 90 % of the draws of :func:`~adl_opt.datasets.oct10.draw_oct10` over seeds: a real figure outside
it is one that the calibration does not explain.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from adl_opt.datasets.oct10 import SEED, draw_oct10
from adl_opt.losses import share
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Round

FITTED = ("17", "25")
"""Rounds that the calibration was fitted to; all other rows of :data:`REAL` were held out."""
SEEDS = 40

NAMES = (
    "top-1 share",
    "top-10 share",
    "Herfindahl index",
    "Gini",
    "without capacity",
    "gaining legs closed",
    "with losing legs",
    "median equity / PNL",
)
"""Figures of the accounts of a round, see :func:`account_figures`."""


@dataclass(frozen=True)
class Real:
    """A figure of real accounts, counted from public rows (``data/SOURCES.md``).

    Parameters
    ----------
    where : str
        Number of a round, or a market over the whole event.
    figure : str
        A key of :func:`account_figures` or :func:`market_figures`.
    value : float
    """

    where: str
    figure: str
    value: float


REAL = tuple(
    Real(where, figure, value)
    for where, values in (
        ("17", (0.794, 1.0, 0.650, 0.939, 0.386, 1.023, 0.705, 2.659)),
        ("21", (0.961, 1.0, 0.924, 0.900, 0.312, 0.688, 0.438, 1.645)),
        ("25", (1.0, 1.0, 1.0, 0.750, 0.333, 0.667, 0.667, 13.417)),
        ("28", (0.998, 1.0, 0.996, 0.940, 0.056, 1.0, 0.056, 3.020)),
    )
    for figure, value in zip(NAMES, values, strict=True)
) + tuple(
    Real(market, figure, value)
    for market, values in (("BTC", (0.699, 0.917, 0.991)), ("SOL", (0.147, 0.641, 0.983)))
    for figure, value in zip(("top-1 share", "top-10 share", "Gini"), values, strict=True)
)


def concentration(amounts: Floats) -> dict[str, float]:
    """Return how concentrated positive amounts are, without unit.

    Examples
    --------
    >>> concentration(np.array([3.0, 1.0]))["Gini"]
    0.25
    """
    u = np.sort(amounts[amounts > 0])
    return {
        "top-1 share": float(u[-1] / u.sum()),
        "top-10 share": float(u[-10:].sum() / u.sum()),
        "Herfindahl index": float(np.square(u / u.sum()).sum()),
        "Gini": float((2 * np.arange(1, u.size + 1) - u.size - 1) @ u / (u.size * u.sum())),
    }


def account_figures(round_: Round) -> dict[str, float]:
    """Return what the capacities and positions of a round look like, without unit.

    ``gaining legs closed`` counts the positions with positive PNL that the flow may be closed against, an
    account; ``with losing legs`` is the share of accounts whose PNL is less than that of those positions.

    Examples
    --------
    >>> account_figures(draw_oct10(SEED).rounds[12][0])["top-1 share"] > 0.3
    True
    """
    accounts, held = round_.accounts, round_.positions
    assert held is not None  # noqa: S101
    n, pays = len(accounts), accounts.capacity > 0
    closed = _in_flow(round_) & (held.pnl > 0)
    won = np.bincount(held.account[closed], held.pnl[closed], minlength=n)
    return concentration(accounts.capacity) | {
        "without capacity": 1.0 - float(pays.mean()),
        "gaining legs closed": float(np.count_nonzero(closed) / n),
        "with losing legs": float(np.mean(won > accounts.pnl + 0.01 * np.abs(accounts.pnl) + 1.0)),
        "median equity / PNL": float(np.median(share(accounts.equity, accounts.pnl)[pays])),
    }


def _in_flow(round_: Round) -> npt.NDArray[np.bool_]:
    """Return which positions are in a market of the flow, opposite to its losers where sides are known."""
    held, flow = round_.positions, round_.flow
    assert held is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    if flow.side is None or held.side is None:
        return np.isin(held.market, flow.market)
    opposite = dict(zip(flow.market.tolist(), (-flow.side).tolist(), strict=True))
    return np.equal([opposite.get(market, 0) for market in held.market.tolist()], held.side).astype(np.bool_)


def market_figures(episode: Episode, market: str) -> dict[str, float]:
    """Return how concentrated the PNL of the accounts in a market is: the best of each over the event."""
    best: dict[str, float] = {}
    for round_, _ in episode:
        held = round_.positions
        assert held is not None  # noqa: S101
        rows = np.flatnonzero((held.market == market) & _in_flow(round_))
        for i, pnl in zip(held.account[rows].tolist(), held.pnl[rows].tolist(), strict=True):
            name = str(round_.accounts.id[i])
            best[name] = max(best.get(name, 0.0), pnl)
    return concentration(np.array(list(best.values())))


def draw_figures(seed: int) -> dict[tuple[str, str], float]:
    """Return every figure of :data:`REAL` as a seed draws it."""
    episode = draw_oct10(seed)
    found = {str(round_.number): round_ for round_, _ in episode}
    every = {
        where: account_figures(found[where]) if where in found else market_figures(episode, where)
        for where in dict.fromkeys(real.where for real in REAL)
    }
    return {(real.where, real.figure): every[real.where][real.figure] for real in REAL}


def bands(seeds: int = SEEDS) -> pd.DataFrame:
    """Hold the drawn accounts against real ones.

    Parameters
    ----------
    seeds : int
        Draws that the bands are made of; the embedded one is the first.

    Returns
    -------
    pandas.DataFrame
        One row for each real figure: the embedded one, 5 % and 95 % over the seeds, and whether the real one
        is inside.
    """
    draws = [draw_figures(SEED + k) for k in range(seeds)]
    rows = []
    for real in REAL:
        ours = [draw[real.where, real.figure] for draw in draws]
        low, high = np.quantile(ours, (0.05, 0.95)).tolist()
        rows.append(
            {
                "where": real.where,
                "rows": "fitted" if real.where in FITTED else "held out",
                "figure": real.figure,
                "real": real.value,
                "ours": ours[0],
                "low": low,
                "high": high,
                "inside": low - 5e-4 <= real.value <= high + 5e-4,  # real figures have three digits
            }
        )
    return pd.DataFrame(rows)


LEAST_INSIDE = 0.5
"""Share of the real figures that must lie in their bands, of the fitted and of the held out ones."""


def _main(arguments: list[str]) -> int:
    """Print the table of :func:`bands`; exit code 1 where too few figures are inside their bands."""
    if arguments != ["--check"]:
        print("usage: python -m adl_opt.datasets.calibration --check", file=sys.stderr)
        return 2
    found = bands()
    print(found.to_string(index=False, float_format="{:.3f}".format))
    inside = found.groupby("rows").inside.agg(["sum", "size"])
    print("; ".join(f"{kind}: {row['sum']} of {row['size']} inside" for kind, row in inside.iterrows()))
    return int((inside["sum"] < LEAST_INSIDE * inside["size"]).any())


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))

"""How near the winners of `oct10` are to real ones: ``python -m adl_opt.datasets.calibration --check``.

Two of the four rounds whose rows are public were looked at when the numbers of
:mod:`adl_opt.datasets.winners` were chosen; the other two, and the BTC and SOL positions, were held out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adl_opt.datasets.oct10 import load_oct10
from adl_opt.losses import share
from adl_opt.rounds.round import Round

FITTED, HELD_OUT = (17, 25), (21, 28)
"""Rounds that the calibration was fitted to, and rounds that it was not."""


@dataclass(frozen=True)
class Band:
    """A figure of real accounts, and how far ours may be from it.

    Parameters
    ----------
    round : int
    name : str
        A column of :func:`figures`.
    real : float
        Counted from public rows (``data/SOURCES.md``).
    within : float
        Half of the width of the band, in the unit of the figure.
    """

    round: int
    name: str
    real: float
    within: float


REAL = tuple(
    Band(round_, name, real, within)
    for name, within, reals in (
        ("top-1 share", 0.15, (0.468, 0.744, 0.933, 0.420)),
        ("Gini", 0.15, (0.939, 0.900, 0.750, 0.940)),
        ("accounts without capacity", 0.15, (0.386, 0.313, 0.333, 0.056)),
        ("median equity / PNL", 1.5, (2.66, 1.65, 13.42, 3.02)),
        ("legs in the flow", 0.25, (1.02, 1.0, 1.0, 1.0)),
        ("other legs lose", 0.2, (0.705, 0.188, 0.333, 0.056)),
    )
    for round_, real in zip((17, 21, 25, 28), reals, strict=True)
)
"""What the rows of four rounds show.  The top-1 share is of the published capacity of the round."""


def figures(round_: Round) -> dict[str, float]:
    """Return the figures of a round in contracts that :data:`REAL` speaks of, without unit.

    Examples
    --------
    >>> figures(load_oct10().rounds[12][0])["top-1 share"] > 0.3
    True
    """
    accounts, held, flow = round_.accounts, round_.positions, round_.flow
    assert held is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    n, u = len(accounts), np.sort(accounts.capacity[accounts.capacity > 0])
    closed = np.isin(held.market, flow.market) & (held.side == -1)
    won = np.bincount(held.account[closed], held.pnl[closed], minlength=n)
    return {
        "accounts": n,
        "top-1 share": float(u[-1] / u.sum()),
        "top-10 share": float(u[-10:].sum() / u.sum()),
        "Herfindahl index": float(np.square(u / u.sum()).sum()),
        "Gini": float((2 * np.arange(1, u.size + 1) - u.size - 1) @ u / (u.size * u.sum())),
        "accounts without capacity": 1.0 - u.size / n,
        "median equity / PNL": float(np.median(share(accounts.equity, accounts.pnl)[accounts.capacity > 0])),
        "positions an account": len(held) / n,
        "legs in the flow": float(np.count_nonzero(closed) / n),
        "other legs lose": float(np.mean(won > accounts.pnl + 0.01 * np.abs(accounts.pnl) + 1.0)),
    }


def check() -> pd.DataFrame:
    """Return one row for each real figure: ours beside it, and whether it is inside its band."""
    ours = {round_.number: figures(round_) for round_, _ in load_oct10()}
    rows = []
    for band in REAL:
        here = ours[band.round][band.name]
        rows.append(
            {
                "round": band.round,
                "rows": "fitted" if band.round in FITTED else "held out",
                "figure": band.name,
                "real": band.real,
                "ours": here,
                "inside": abs(here - band.real) <= band.within,
            }
        )
    return pd.DataFrame(rows)


def main(arguments: list[str]) -> int:
    """Print the table of :func:`check`; exit code 1 where a fitted figure is outside its band."""
    if arguments != ["--check"]:
        print("usage: python -m adl_opt.datasets.calibration --check", file=sys.stderr)
        return 2
    found = check()
    print(found.to_string(index=False, float_format="{:.3f}".format))
    inside = found.groupby("rows").inside.agg(["sum", "size"])
    print("; ".join(f"{kind}: {row['sum']} of {row['size']} inside" for kind, row in inside.iterrows()))
    return 0 if inside.loc["fitted", "sum"] >= 8 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Small rounds in contracts that several tests share, and random ones."""

from __future__ import annotations

import numpy as np

import adl_opt as adl

LINEAR, INVERSE = "linear", "inverse"


def book(**changes):
    """Return a round in contracts with hedge mode, an inverse market and isolated margin."""
    held = {
        "account": [0, 0, 1, 1, 2, 2],
        "market": ["BTC", "BTC", "BTC", "COIN", "BTC", "COIN"],
        "lots": [10, 4, 5, 200, 8, 100],
        "side": ["short", "long", "long", "short", "short", "long"],
        "entry": [700.0, 650.0, 500.0, 62_000.0, 640.0, 66_000.0],
        "mark": [600.0, 600.0, 600.0, 60_000.0, 600.0, 60_000.0],
        "lot_size": [0.1, 0.1, 0.1, 1.0, 0.1, 1.0],
        "kind": [LINEAR, LINEAR, LINEAR, INVERSE, LINEAR, INVERSE],
        "multiplier": [1.0, 1.0, 1.0, 100.0, 1.0, 100.0],
        "margin_mode": ["cross"] * 4 + ["isolated", "cross"],
        "isolated_margin": [0.0] * 4 + [100.0, 0.0],
    }
    positions = adl.Positions(**held | changes)
    pnl = np.bincount(positions.account, positions.pnl, minlength=3)
    accounts = adl.Accounts(id=["a", "b", "c"], pnl=pnl, equity=np.abs(pnl) + 1_000.0)
    flow = adl.Flow(
        market=["BTC", "COIN"],
        side=["long", "long"],
        quantity=[1.5, 150.0],
        mark=[600.0, 60_000.0],
        bankruptcy=[650.0, 61_000.0],
    )
    return adl.Round(deficit=100.0, accounts=accounts, positions=positions, flow=flow)

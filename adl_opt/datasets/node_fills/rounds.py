"""From drafts to rounds and outcomes: accounts, positions in whole lots, flow, gaps, the record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from adl_opt.datasets.hyperreplay.rows import FINEST_STEP, lot_decimals
from adl_opt.datasets.node_fills.drafts import Draft
from adl_opt.datasets.node_fills.report import NodeRound
from adl_opt.datasets.node_fills.two_pass import haircuts
from adl_opt.rounds.information import Information
from adl_opt.rounds.round import Outcome, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions


def steps(drafts: list[Draft]) -> dict[str, int]:
    """Return the decimals of each market's lot: the coarsest step that represents every position there."""
    sizes: dict[str, list[float]] = {}
    for draft in drafts:
        for winner in draft.winners.values():
            for coin, (size, _, _) in winner.held.items():
                sizes.setdefault(coin, []).append(abs(size))
    return {coin: min(int(lot_decimals(np.array(held)).max()), FINEST_STEP) for coin, held in sizes.items()}


def build_round(
    number: int, draft: Draft, step: dict[str, int], markout: int, snapshot: bool
) -> tuple[Round, Outcome, NodeRound]:
    """Return the round, its outcome and its line of the report.

    Raises
    ------
    InputError
        A value cannot be part of a round.
    """
    winners = list(draft.winners.values())
    equity = np.array([w.equity for w in winners])
    notional = np.array([w.notional for w in winners])
    leverage = np.divide(notional, equity, out=np.zeros(len(winners)), where=equity > 0)
    accounts = Accounts(
        id=np.array(list(draft.winners), dtype=np.str_),
        pnl=np.array([w.pnl for w in winners]),
        equity=equity,
        notional=notional,
        leverage=leverage if snapshot else None,
    )
    positions, without = _positions(draft, step)
    names = np.array(list(draft.markets), dtype=np.str_)
    sums = np.array(list(draft.markets.values()))
    gaps = Gaps(market=names, quantity=sums[:, 0], gap=sums[:, 2])
    needed = math.fsum(gaps.gap)
    cuts = {h: haircuts(draft.apart, prices) for h, prices in draft.after.items()}
    paid = np.array([cuts[markout][user] for user in draft.winners])
    able = accounts.capacity > 0
    burden = float(np.max(paid[able] / accounts.capacity[able], initial=0.0)) if snapshot else math.nan
    deficit = math.fsum(max(-(least or 0.0), 0.0) for least in draft.losers.values()) if snapshot else needed
    round_ = Round(
        deficit=deficit,
        accounts=accounts,
        positions=positions,
        flow=Flow(market=names, quantity=sums[:, 0], mark=sums[:, 1] / sums[:, 0]),
        number=number,
        start_ms=draft.start,
        flow_known=Information.WHOLE_ROUND_FLOW,
    )
    recorded = Recorded(haircut=math.fsum(cuts[markout].values()), max_burden=burden)
    line = NodeRound(
        number=number,
        fills=draft.fills,
        winners=len(winners),
        losers=tuple(draft.losers),
        markets=len(names),
        needed=needed,
        production={h: math.fsum(found.values()) for h, found in cuts.items()},
        haircuts=cuts[markout],
        positions_without_profit=without,
        accounts_with_negative_equity=int(np.sum(equity < 0)),
        cut_short=draft.cut_short,
    )
    return round_, Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=draft.end), line


def _positions(draft: Draft, step: dict[str, int]) -> tuple[Positions, int]:
    rows, without = [], 0
    for account, winner in enumerate(draft.winners.values()):
        for coin, (size, entry, price) in winner.held.items():
            pnl, lots = size * (price - entry), round(abs(size) * 10.0 ** step[coin])
            if pnl > 0 and lots > 0:
                side = 1 if size > 0 else -1
                rows.append((account, coin, pnl / lots, lots, side, entry, price, abs(size) * price))
            else:
                without += 1
    names = ("account", "market", "lot_value", "lots", "side", "entry", "mark", "notional")
    columns: dict[str, Any] = dict(zip(names, zip(*rows, strict=True) if rows else [()] * 8, strict=True))
    if not all(entry > 0 for entry in columns["entry"]):
        columns["entry"] = None
    return Positions(**columns), without

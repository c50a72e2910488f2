"""From drafts to rounds and outcomes: accounts, positions in whole lots, flow, gaps, the record."""

from __future__ import annotations

import math

import numpy as np

from adl_opt.datasets.hyperreplay.rows import FINEST_STEP, lot_decimals
from adl_opt.datasets.node_fills.drafts import Draft
from adl_opt.datasets.node_fills.report import NodeRound
from adl_opt.datasets.node_fills.two_pass import haircuts
from adl_opt.rounds.contracts import CROSS, ISOLATED
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
    notional = np.array([sum(abs(size) * price for size, _, price in w.held.values()) for w in winners])
    leverage = np.divide(notional, equity, out=np.zeros(len(winners)), where=equity > 0)
    accounts = Accounts(
        id=np.array(list(draft.winners), dtype=np.str_),
        pnl=np.array([w.pnl for w in winners]),
        equity=equity,
        notional=notional,
        leverage=leverage if snapshot else None,
    )
    positions = _positions(draft, step)
    known = positions.entry is not None
    names = np.array([coin for coin, _ in draft.markets], dtype=np.str_)
    losers = np.array([side for _, side in draft.markets]) if known else None
    sums = np.array(list(draft.markets.values()))
    gaps = Gaps(market=names, side=losers, quantity=sums[:, 0], gap=sums[:, 2])
    needed = math.fsum(gaps.gap)
    cuts = {h: haircuts(draft.apart, prices) for h, prices in draft.after.items()}
    paid = np.array([cuts[markout][user] for user in draft.winners])
    able = accounts.capacity > 0
    burden = float(np.max(paid[able] / accounts.capacity[able], initial=0.0)) if snapshot else math.nan
    short = {loser: max(-(least or 0.0), 0.0) for loser, least in draft.losers.items()}
    deficit = math.fsum(short.values()) if snapshot else needed
    round_ = Round(
        deficit=deficit,
        accounts=accounts,
        positions=positions,
        flow=Flow(market=names, side=losers, quantity=sums[:, 0], mark=sums[:, 1] / sums[:, 0]),
        number=number,
        start_ms=draft.start,
        flow_known=Information.WHOLE_ROUND_FLOW,
    )
    recorded = Recorded(haircut=math.fsum(cuts[markout].values()), max_burden=burden)
    line = NodeRound(
        number=number,
        fills=draft.fills,
        winners=len(winners),
        losers={loser: usd if snapshot else None for loser, usd in short.items()},
        markets=len(names),
        needed=needed,
        production={h: math.fsum(found.values()) for h, found in cuts.items()},
        haircuts=cuts[markout],
        positions_without_profit=int(np.sum(positions.lot_value <= 0)),
        in_contracts=known,
        accounts_with_negative_equity=int(np.sum(equity < 0)),
        cut_short=draft.cut_short,
    )
    return round_, Outcome(needed=needed, gaps=gaps, recorded=recorded, end_ms=draft.end), line


def _positions(draft: Draft, step: dict[str, int]) -> Positions:
    """Return all positions of the winners; where an entry is not known, those with positive PNL in wealth."""
    rows = [
        (row, coin, size, round(abs(size) * 10.0 ** step[coin]), 10.0 ** -step[coin], entry, price)
        for row, winner in enumerate(draft.winners.values())
        for coin, (size, entry, price) in winner.held.items()
    ]
    columns = zip(*rows, strict=True) if rows else [()] * 7
    account, market, size, lots, lot_size, entry, mark = (np.array(column) for column in columns)
    held = {"account": account, "market": market.astype(np.str_), "lots": lots, "mark": mark}
    held |= {"side": np.where(size > 0, 1, -1), "notional": np.abs(size) * mark, "lot_size": lot_size}
    if np.all(entry > 0):
        margin = np.array([w.equity - w.pnl if w.isolated else 0.0 for w in draft.winners.values()])
        own = np.maximum(margin, 0.0)[account]
        modes = np.where(own > 0, ISOLATED, CROSS)
        return Positions(**held, entry=entry, margin_mode=modes, isolated_margin=own)
    pnl = size * (mark - entry)
    gains = np.flatnonzero((pnl > 0) & (lots > 0))
    held = {name: column[gains] for name, column in held.items()}
    return Positions(**held, lot_value=pnl[gains] / lots[gains])

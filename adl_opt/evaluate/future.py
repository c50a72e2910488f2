"""What a round in contracts leaves to come: the expected equity shortfall after it and its haircuts."""

from __future__ import annotations

import numpy as np

from adl_opt.allocation.prices import beyond_close
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.flows import tables_in_contracts, worth_of_markets
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Round


def future_shortfall(round_: Round, closures: Closures, scenarios: PriceMoves) -> float:
    """Return ``sum_i E[(equity_i + contracts_i' dP)^-]`` after a round, USD.

    Parameters
    ----------
    round_ : Round
        In contracts.
    closures : Closures
        What was closed, valued at what each contract really gave up.
    scenarios : PriceMoves
        dP: a column for each market of :func:`adl_opt.rounds.flows.worth_of_markets`.

    Returns
    -------
    float
        USD.  Equity is that after the haircuts and gains of the round; an isolated position stands by itself.

    Notes
    -----
    Every policy is charged for the same quantity.  What it does not close of the flow, because nobody could
    or because its severity did not ask for it, stays with the venue as it stands: each row of losers is an
    account that has lost what its contracts would have given up at the flow's own price, and moves with the
    market.

    References
    ----------
    arXiv 2603.15963 (objective); docs/risk-based.md.
    """
    flow, held = tables_in_contracts(round_)
    assert flow.side is not None  # noqa: S101
    assert held.side is not None  # noqa: S101
    pots = Pots.of(round_.accounts, held)
    paid = closures.contracts * closures.given_up[closures.row]
    equity = pots.equity - np.bincount(pots.of_position[closures.position], paid, minlength=pots.equity.size)
    kept = held.quantity - np.bincount(closures.position, closures.contracts, minlength=len(held))
    kept = np.maximum(kept, 0.0)
    left = np.maximum(flow.quantity - np.bincount(closures.row, closures.contracts, minlength=len(flow)), 0.0)
    markets, _ = worth_of_markets(round_)
    place = {name: k for k, name in enumerate(markets)}
    names, code = held.markets
    of_market = np.array([place[market] for market in names.tolist()], dtype=np.int64)
    of_flow = np.array([place[market] for market in flow.market.tolist()], dtype=np.int64)
    size = np.concatenate([held.side * kept, flow.side * left])
    account = np.concatenate([pots.of_position, pots.equity.size + np.arange(len(flow))])
    there = size != 0.0
    book = RiskBook.of(
        np.concatenate([equity, (beyond_close(round_, closures) - closures.given_up) * left]),
        account[there],
        np.concatenate([of_market[code], of_flow])[there],
        size[there],
        np.zeros((len(markets), 2)),
    )
    return expected_shortfall(book, scenarios, np.zeros(int(there.sum())))

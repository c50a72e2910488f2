"""Risk-based closing as a linear program: optimal, where a first-order method would only come near."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from adl_opt.errors import SolverError
from adl_opt.kernels.risk.book import Equity, RiskBook
from adl_opt.kernels.risk.bound import Prices
from adl_opt.kernels.risk.pairs import Pairs
from adl_opt.kernels.risk.pools import Pools
from adl_opt.kernels.risk.result import RiskResult, risk_result
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.programs.arrays.linear import LinearModel, power_of_two
from adl_opt.programs.engines.highs.solver import run_highs
from adl_opt.programs.options import Options
from adl_opt.rounds.columns import Floats


def risk_based_lp(
    book: RiskBook,
    scenarios: PriceMoves,
    *,
    equity: Equity = "after",
    options: Options | Mapping[str, Any] | None = None,
) -> RiskResult:
    """Close what must be closed so that the expected shortfall of equity is least: by the simplex of HiGHS.

    The program of :func:`adl_opt.kernels.risk.saddle.risk_based`, with a column for the contracts of each
    position and a row for each pair (account, scenario) that may fall short and need not.

    Parameters
    ----------
    book, scenarios, equity
        As there.
    options : Options or mapping, optional
        ``time_limit_seconds``, for instance.

    Returns
    -------
    RiskResult
        Its bound follows from the prices that HiGHS returns, and not from its word.

    Raises
    ------
    SolverError
        HiGHS returns no point, for instance because its time is over.

    Examples
    --------
    >>> book = RiskBook.of([100.0, 20.0], [0, 1], [0, 0], [100.0, 40.0], [[30.0, 0.0]], gives_up=[0.5, 0.5])
    >>> moves = PriceMoves.of([[-1.0], [0.01]], [0.1, 0.9], source="by hand")
    >>> answer = risk_based_lp(book, moves)
    >>> answer.closed.round(6), round(answer.shortfall_usd, 6), answer.certify().ok
    (array([ 0., 30.]), 0.5, True)
    """
    book.check_scenarios(scenarios)
    seen = book.seen(equity)
    pairs = Pairs.of(seen, scenarios)
    pools = Pools.of(seen.pool[pairs.rows], seen.can_close[pairs.rows], seen.to_close)
    k, price = pools.even(), np.where(pairs.always, pairs.chance, 0.0)
    if pairs.rows.size and pairs.short.size:
        answer = run_highs(_model(pairs, pools), Options.of(options), settings={"solver": "simplex"})
        if answer.v is None or answer.y is None:
            raise SolverError(
                "HiGHS did not solve the program of risk-based closing",
                got=answer.message,
                ways_out=["give more time", "use risk_based, the first-order method with a proven gap"],
            )
        rows = pools.number.size
        k = pools.project(answer.v[: k.size], power_of_two(pools.restored_most), np.zeros(rows))
        price[~pairs.always] = np.clip(answer.y[rows:], 0.0, pairs.chance[~pairs.always])
    closed = np.zeros(book.size.size)
    closed[pairs.rows] = k
    prices = Prices(pairs.account, pairs.scenario, price)
    return risk_result(book, scenarios, closed, prices, equity=equity, method="simplex of HiGHS")


def _model(pairs: Pairs, pools: Pools) -> LinearModel:
    """Return the arrays: columns are contracts and shortfalls, rows are pools and pairs."""
    free = pairs.take(~pairs.always)
    count, gone, rows = pairs.rows.size, free.short.size, pools.number.size
    most, group = pools.restored_most, np.empty(count, dtype=np.int64)
    group[pools.order] = pools.group
    ones, size = np.ones(gone), np.abs(free.rate) * most[free.position]
    unit: Floats = np.maximum(np.bincount(free.pair, weights=size, minlength=gone), 1e-9)
    slope = pairs.cost(np.where(pairs.always, pairs.chance, 0.0))
    return LinearModel(
        cost=np.concatenate([slope, free.chance]),
        col_lower=np.zeros(count + gone),
        col_upper=np.concatenate([most, np.inf * ones]),
        integer=np.zeros(count + gone, dtype=bool),
        row=np.concatenate([group, rows + free.pair, rows + np.arange(gone)]),
        col=np.concatenate([np.arange(count), free.position, count + np.arange(gone)]),
        value=np.concatenate([np.ones(count), -free.rate, ones]),
        row_lower=np.concatenate([pools.quantity, free.short]),
        row_upper=np.concatenate([pools.quantity, np.inf * ones]),
        col_unit=power_of_two(np.concatenate([most, unit])),
        row_unit=power_of_two(np.concatenate([pools.quantity, unit])),
    )

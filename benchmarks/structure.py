"""The price of the market structure on invented books: the optimum in contracts beside that of the pool."""

from __future__ import annotations

from adl_opt.datasets.book import invented_book
from adl_opt.evaluate.structure import market_structure
from adl_opt.losses import Loss
from benchmarks.sections import Section

COLUMNS = [
    *("accounts", "markets", "domain", "needed usd", "pool burden", "contracts burden", "times"),
    *("pool loss usd", "contracts loss usd", "price usd", "proven at least usd"),
]
TEXT = (
    "Invented books (`adl_opt.datasets.book.invented_book`, seed 0), fitted to no venue. In the pool any "
    "winner may pay; in contracts each market is closed from its other side. Both have the same capacities, "
    "bounds, lots, m* and residual. Burdens are the least largest ones where the whole flow is closed. "
    "Losses are the least ones of eq. 23 on the capacity base, where severities are free. `price` is the "
    "loss of contracts less that of the pool; `proven at least` is the proven bound of contracts less the "
    "loss found in the pool. Burdens over whole lots are those where all but a millionth of what whole lots "
    "can close is closed, and are found by a search, without a bound."
)


def structure_section(books: list[tuple[int, int]]) -> Section:
    """Hold the two optima against each other on books of several sizes."""
    section = Section("Price of the market structure", TEXT, COLUMNS)
    for accounts, markets in books:
        episode = invented_book(accounts=accounts, markets=markets)
        _, prices = market_structure(episode, Loss(base="capacity"))
        for price in prices:
            section.rows.append(
                {
                    "accounts": accounts,
                    "markets": markets,
                    "domain": price.domain,
                    "needed usd": float(episode.rounds[0][1].needed),
                    "pool burden": price.pool_burden,
                    "contracts burden": price.contracts_burden,
                    "times": price.contracts_burden / price.pool_burden,
                    "pool loss usd": price.pool_usd,
                    "contracts loss usd": price.contracts_usd,
                    "price usd": price.price_usd,
                    "proven at least usd": max(price.contracts_bound_usd - price.pool_usd, 0.0),
                }
            )
    return section

"""Drawing accounts, positions and markets that look like October 10, 2025.

Used by the embedded episode (calibrated winners of published rounds) and by the synthetic generator.  All
draws come from one :class:`numpy.random.Generator`; amounts are rounded to 1e-6 USD, so that the last bit of
a platform's ``exp`` does not show.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions

# Quantiles of equity / PNL of deleveraged accounts: median 4.4, p10 2.3, p90 15 (HyperReplay rows of the late
# rounds); about 2 % of accounts have lost collateral, so that their equity is below their PNL.
EQUITY_TO_PNL = ((0.0, 0.5), (0.02, 1.0), (0.1, 2.3), (0.5, 4.4), (0.9, 15.0), (0.99, 100.0), (1.0, 1000.0))
POSITION_COUNT_SHARES = (0.60, 0.22, 0.10, 0.05, 0.03)  # 1, 2, ... positions: about 1.6 an account in all
LONG_SHARE = 0.15  # after a crash the winners are short; this share holds longs that still gain
MAX_PNL_TO_NOTIONAL = 20.0
MAX_NOTIONAL_TO_EQUITY = 50.0


def read_figures(name: str) -> list[dict[str, str]]:
    """Return the rows of an embedded table of figures, as text."""
    text = files("adl_opt.datasets").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def quantile_knots(column: str) -> tuple[Floats, Floats]:
    """Return (probability, value) knots of a column of the embedded account quantiles."""
    rows = read_figures("oct10_account_quantiles.csv")
    return np.array([float(r["quantile"]) for r in rows]), np.array([float(r[column]) for r in rows])


@dataclass(frozen=True, eq=False)
class Pool:
    """Accounts that may take part in rounds: what stays with them from round to round.

    ``size`` is their unscaled PNL in USD, ``ratio`` their equity / PNL.
    """

    id: Text
    size: Floats
    ratio: Floats
    leverage: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, *, tail: float | None = None) -> Pool:
        """Draw n accounts; ``tail`` is a Pareto index in place of the October 10 quantiles of PNL."""
        ranks = [(rng.permutation(n) + 0.5) / n for _ in range(3)]  # stratified: every quantile is met
        if tail is None:
            p, v = quantile_knots("closed_pnl_usd")
            size = np.exp(np.interp(ranks[0], p, np.log(v)))
        else:
            size = 100.0 * ranks[0] ** (-1.0 / tail)
        p, v = np.array(EQUITY_TO_PNL).T
        ratio = rounded(np.exp(np.interp(ranks[1], p, np.log(v))), 9)
        p, v = quantile_knots("leverage")
        leverage = np.where(ratio < 1.0, 0.0, rounded(np.interp(ranks[2], p, v), 9))
        ids = np.char.add("a", np.char.zfill(np.arange(n).astype(np.str_), len(str(n - 1))))
        return cls(ids, rounded(size), ratio, leverage)


@dataclass(frozen=True, eq=False)
class Markets:
    """Markets: weight in the flow, mark price, USD notional of one lot, maintenance rate, typical gap."""

    name: Text
    weight: Floats
    mark: Floats
    lot_notional: Floats
    margin_rate: Floats
    gap_level: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int) -> Markets:
        """Draw n markets: the r-th carries a weight of 1 / r, so that a few majors carry most."""
        rank = np.arange(1, n + 1)
        return cls(
            name=np.char.add("M", np.char.zfill(rank.astype(np.str_), len(str(n)))),
            weight=1.0 / rank,
            mark=np.round(10.0 ** rng.uniform(-2, 4, n), 8),
            lot_notional=np.round(10.0 ** rng.uniform(-1, 1.3, n), 6),
            margin_rate=np.where(rank <= 5, 0.0125, np.where(rank <= 40, 0.05, 0.1)),
            gap_level=0.25 + 3.0 * rng.random(n) ** 2,
        )

    def take(self, rows: Ints) -> Markets:
        """Return the same markets, these rows only."""
        return Markets(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def sample(self, rng: np.random.Generator, n: int) -> Markets:
        """Return n of the markets, drawn without replacement by weight, in their own order."""
        return self.take(np.sort(weighted_choice(rng, self.weight, n)))


def rounded(values: Floats, digits: int = 6) -> Floats:
    """Round amounts, by default to 1e-6 USD."""
    return np.asarray(np.round(values, digits), dtype=np.float64)


def weighted_choice(rng: np.random.Generator, weight: Floats, n: int) -> Ints:
    """Return n rows drawn without replacement with the given weights (Efraimidis-Spirakis keys)."""
    keys = np.log(rng.random(weight.size)) / weight
    return np.argsort(-keys, kind="stable")[:n]


def split_exactly(weights: Floats, total: float) -> Floats:
    """Split a total by weights into positive amounts of 1e-6 USD whose exact sum rounds to the total."""
    amounts = np.maximum(rounded(weights * (total / exact_sum(weights))), 1e-6)
    top = int(np.argmax(amounts))
    amounts[top] = total - exact_sum(np.delete(amounts, top))
    rest = exact_sum(np.append(-amounts, total))  # what the last bit of the top leaves
    amounts[int(np.argmin(amounts))] += rest
    return amounts


def accounts_and_positions(
    rng: np.random.Generator, pool: Pool, rows: Ints, capacity: Floats, markets: Markets
) -> tuple[Accounts, Positions]:
    """Give the pool's accounts in ``rows`` this capacity, and positions in the markets given."""
    ratio = pool.ratio[rows]
    pnl = np.where(ratio < 1.0, rounded(capacity / ratio), capacity)
    equity = np.where(ratio < 1.0, capacity, np.maximum(rounded(capacity * ratio), capacity))
    pnl = np.maximum(pnl, capacity)
    held = np.minimum(np.abs(equity - pnl) * pool.leverage[rows], MAX_NOTIONAL_TO_EQUITY * equity)
    notional = rounded(np.maximum(held, pnl / MAX_PNL_TO_NOTIONAL))
    positions, margin = _positions(rng, pnl, notional, markets)
    accounts = Accounts(
        id=pool.id[rows],
        pnl=pnl,
        equity=equity,
        capacity=capacity,
        leverage=pool.leverage[rows],
        notional=notional,
        margin=rounded(margin),
    )
    return accounts, positions


def draw_markets(rng: np.random.Generator, n: int, markets: Markets) -> tuple[Ints, Ints]:
    """Return account and market of the positions of n accounts: a market once an account."""
    k = markets.weight.size
    count = 1 + np.searchsorted(np.cumsum(POSITION_COUNT_SHARES)[:-1], rng.random(n))
    account = np.repeat(np.arange(n), np.minimum(count, k))
    cumulative = np.cumsum(markets.weight) / np.sum(markets.weight)
    market = np.minimum(np.searchsorted(cumulative, rng.random(account.size)), k - 1)
    keys = np.sort(account * k + market)
    account, market = np.divmod(keys[np.diff(keys, prepend=-1) > 0], k)
    return account, market


def _positions(
    rng: np.random.Generator, winnings: Floats, notional: Floats, markets: Markets
) -> tuple[Positions, Floats]:
    n = winnings.size
    account, market = draw_markets(rng, n, markets)
    share = 0.05 + rng.random(account.size)
    share /= np.bincount(account, share, minlength=n)[account]
    pnl, held = winnings[account] * share, notional[account] * share
    lots = np.clip(np.floor(held / markets.lot_notional[market]), 1.0, 2.0**40)
    gain = pnl / np.maximum(held, 1e-12)
    long = (rng.random(account.size) < LONG_SHARE) & (gain < 0.9)
    mark = markets.mark[market]
    positions = Positions(
        account=account,
        market=markets.name[market],
        lot_value=pnl / lots,
        lots=lots,
        side=np.where(long, 1, -1),
        entry=np.where(long, mark * (1.0 - gain), mark * (1.0 + gain)),
        mark=mark,
        notional=held,
    )
    margin = np.bincount(account, held * markets.margin_rate[market], minlength=n)
    return positions, np.asarray(margin, dtype=np.float64)


def flow_and_gaps(
    rng: np.random.Generator, markets: Markets, closed_notional: float, needed: float
) -> tuple[Flow, Gaps]:
    """Split the closed notional and the needed budget over the markets given.

    The gap of a market relative to its notional is its own level times a fresh factor in [0.5, 1.5]; the
    gaps add up to ``needed`` exactly.
    """
    notional = split_exactly(markets.weight * (0.5 + rng.random(markets.weight.size)), closed_notional)
    relative = notional * markets.gap_level * (0.5 + rng.random(notional.size))
    gap = split_exactly(relative, needed) if needed > 0 else np.zeros(notional.size)
    quantity = notional / markets.mark
    flow = Flow(market=markets.name, quantity=quantity, mark=markets.mark)
    return flow, Gaps(market=markets.name, quantity=quantity, gap=gap)

"""
Deleveraged in a backtest: nautilus_trader
==========================================

A strategy holds a short in a simulated venue. After each bar it asks the book of others which of its
contracts the venue closes, and closes them. Needs ``pip install nautilus_trader``.
"""

# %%
# A strategy that can be deleveraged
# ----------------------------------
# The engine fills at the market; what the venue's closing price takes beyond that is the haircut.
from backtest_book import Others, falling
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.objects import Money
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

INSTRUMENT = TestInstrumentProvider.btcusdt_perp_binance()
BARS = BarType.from_str(f"{INSTRUMENT.id}-1-MINUTE-LAST-EXTERNAL")
MINUTE = 60_000_000_000


class Short(Strategy):
    """Sell 30 contracts at the first bar; hold what the venue leaves."""

    def __init__(self, policy: str) -> None:
        super().__init__()
        self.policy, self.book, self.haircut, self.closed = policy, None, 0.0, 0

    def on_start(self) -> None:
        """Ask for bars."""
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        """Open the short at the first bar; then close what the venue takes."""
        mark = bar.close.as_double()
        if self.book is None:
            self.book = Others(self.policy, mark)
            self.trade(OrderSide.SELL, 30)
        for position in self.cache.positions_open(instrument_id=INSTRUMENT.id):
            account = self.portfolio.account(INSTRUMENT.id.venue)
            gain = position.unrealized_pnl(bar.close).as_double()
            equity = account.balance_total(USDT).as_double() + gain
            lots, price = self.book.closes(mark, int(position.signed_qty), position.avg_px_open, equity)
            if lots:
                self.trade(OrderSide.BUY, lots)
                self.haircut += lots * (price - mark)
                self.closed += lots

    def trade(self, side: OrderSide, lots: int) -> None:
        """Send a market order."""
        self.submit_order(self.order_factory.market(INSTRUMENT.id, side, INSTRUMENT.make_qty(lots)))


# %%
# The engine
# ----------
# One venue with margin accounts, and bars of a falling price.
engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
engine.add_venue(INSTRUMENT.id.venue, OmsType.NETTING, AccountType.MARGIN, [Money(500, USDT)])
engine.add_instrument(INSTRUMENT)
made = []
for minute, close in enumerate(falling(), start=1):
    price = INSTRUMENT.make_price(float(close))
    made.append(
        Bar(BARS, price, price, price, price, INSTRUMENT.make_qty(1e6), minute * MINUTE, minute * MINUTE)
    )
engine.add_data(made)
strategy = Short("full-deficit/bitmex")
engine.add_strategy(strategy)
engine.run()

# %%
# What is left
# ------------
# The contracts that the venue closed, and what its price took beyond the market's.
left = sum(int(p.signed_qty) for p in engine.cache.positions_open())
print(f"{strategy.closed} of 30 contracts are closed, {strategy.haircut:,.2f} USD given up, {left} left")
assert strategy.closed > 0
assert left == strategy.closed - 30
engine.dispose()

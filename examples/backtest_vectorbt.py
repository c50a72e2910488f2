"""
Deleveraged in a backtest: vectorbt
===================================

A short that vectorbt backtests twice: as if nobody could touch it, and in a venue that deleverages by a
policy. Needs ``pip install vectorbt``.
"""

# %%
# The short, untouched
# --------------------
# 30 contracts are sold at the first bar and held.
import numpy as np
import pandas as pd
import vectorbt as vbt
from backtest_book import Others, falling

price = pd.Series(falling(), name="BTC")
size = pd.Series(0.0, index=price.index)
size.iloc[0] = -30.0
options = {"size_type": "amount", "direction": "both", "init_cash": 500.0, "freq": "1min"}
untouched = vbt.Portfolio.from_orders(price, size, **options)

# %%
# The same short in the venue
# ---------------------------
# Bar by bar the book says which contracts are closed; an order at the closing price does it.
book, lots, paid = Others("full-deficit/bitmex", float(price.iloc[0])), -30, price.copy()
equity = untouched.value()
for bar in price.index[1:]:
    closed, at = book.closes(float(price[bar]), lots, float(price.iloc[0]), float(equity[bar]))
    if closed:
        lots += closed
        size[bar], paid[bar] = closed, at
        equity = vbt.Portfolio.from_orders(price, size, price=paid, **options).value()
touched = vbt.Portfolio.from_orders(price, size, price=paid, **options)

# %%
# What it cost
# ------------
print(f"untouched: {untouched.final_value():,.2f} USD, in the venue: {touched.final_value():,.2f} USD")
print(f"{30 + lots} of 30 contracts are closed, at {int(np.count_nonzero(size)) - 1} of {price.size} bars")
assert touched.final_value() < untouched.final_value()
assert np.isclose(touched.assets().iloc[-1], lots)

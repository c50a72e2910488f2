"""
Fair burdens or little risk: two objectives in one table
========================================================

Haircuts share out a loss that has happened. Risk-based closing asks for the least loss that is still to come.
This example holds all rules against both, on an invented book in contracts. Run it: ``python
examples/11_both_objectives.py``.
"""

# %%
# An invented book
# ----------------
# 3,000 accounts and 30 markets, drawn from a seed and fitted to no venue. Three accounts in ten hedge.
import adl_opt as adl
from adl_opt.datasets.book import invented_book

episode = invented_book(accounts=3_000, markets=30, seed=0)
result = adl.replay(episode)
frame = result.frame()
rules = frame[frame["information"] == "ex-post"]
columns = ["max_burden", "p99_burden", "accounts_touched", "total_usd", "future_shortfall_usd"]
print(rules[columns].round({"max_burden": 3, "p99_burden": 3}).to_string())

# %%
# Who is on the frontier
# ----------------------
# No other rule is better in both figures. All of them close the same quantity.
print(result.pareto("total_usd", "future_shortfall_usd")[columns].to_string())
assert rules["future_shortfall_usd"].idxmin() == "risk-based"
assert rules["max_burden"].idxmin() == "min-max-lots"

# %%
# Both in one program
# -------------------
# A weight on the largest burden, USD, beside the future shortfall. The answer is rounded to whole lots.
weights = [f"model:risk-based(weight={weight})" for weight in (0, 1_000, 10_000)]
both = adl.replay(episode, [*weights, "hyperliquid-literal", "min-max-lots"]).frame()
print(both[columns].round({"max_burden": 3, "p99_burden": 3}).to_string())
assert both.loc[weights[2], "max_burden"] < 0.2 * both.loc["hyperliquid-literal", "max_burden"]

# %%
# In a figure
# -----------
# Each point is a rule; low and left is better.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
axes.plot(rules["total_usd"], rules["future_shortfall_usd"], "o", alpha=0.6)
for name in ("min-max-lots", "binance", "risk-based"):
    at = rules.loc[name, ["total_usd", "future_shortfall_usd"]]
    axes.annotate(name, tuple(at), xytext=(6, 6), textcoords="offset points")
axes.margins(x=0.15)
axes.set_xlabel("loss, USD")
axes.set_ylabel("future shortfall, USD")
plt.show()

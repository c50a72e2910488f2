"""
A heuristic against the optimum
===============================

How far is a venue's queue from the best that could be done? Two answers: round by round, in the largest
burden, and over the episode, in tracking error. Run it: ``python
examples/03_heuristic_against_optimum.py``.
"""

# %%
# Who pays: the queue against proven min-max
# ------------------------------------------
# Both take the needed budget.  A queue empties accounts one after the other, so somebody always pays in
# full.
import adl_opt as adl
from adl_opt.programs.hindsight import best_fixed, per_round_optimum

episode = adl.load("oct10")
result = adl.replay(episode, ["binance", "hyperliquid-literal", "min-max-lots"])
print(result.frame()[["information", "fairness_usd", "max_burden"]].round(4).to_string())

# %%
# How much: production against hindsight
# --------------------------------------
# The best severities that could have been played, had the venue known each needed budget: free in each
# round, and one for all rounds.  Each is exact and carries its checks.
for best in (per_round_optimum(episode), best_fixed(episode)):
    print(f"{best.name:20} tracking USD {best.loss_usd:15,.2f}  certified: {best.certify().ok}")

# %%
# Both at once
# ------------
# ``adl-opt optimum oct10`` prints this, for every policy of the catalogue.
found = adl.optimum(episode, policies=["production", "binance", "pro-rata"])
print(found.benchmarks.frame().round(4).to_string())
print(found.frame().round(4).to_string())

# %%
# In a figure
# -----------
# The worst round of each policy: a queue takes all of somebody's capacity.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
worst = result.frame()["max_burden"].sort_values()
bars = axes.barh(worst.index, 100 * worst, color="#0072B2")
axes.bar_label(bars, fmt="%.1f %%", padding=3)
axes.margins(x=0.15)
axes.set_xlabel("largest burden of an account in one round, %")
plt.show()

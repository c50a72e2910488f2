"""
A closed-loop study
===================

A replay cannot say what a policy does to the market it acts in: the fills are those of the day. A simulated
market can. Run it: ``python examples/08_closed_loop_study.py``.
"""

# %%
# One episode, three policies
# ---------------------------
# The same accounts and the same prices; what differs is who pays, who leaves, and what liquidity is left.
import adl_opt as adl

for run in adl.simulate("oct10-reactions", ["pro-rata", "hyperliquid-side-adjusted", "constant(0)"], seed=0):
    totals = {name: round(value, 2) for name, value in run.totals.items() if name.endswith("_usd")}
    print(f"{run.policy} ({run.information}): {len(run.rounds)} rounds of ADL, {totals}")

# %%
# The feedback effect, with its interval
# --------------------------------------
# The same episodes with and without what haircuts do to later liquidity (Prop. 11), paired by seed. Ten pairs
# show how it is done; an interval that holds 0 says that ten are too few.
effect = adl.feedback(["pro-rata", "hyperliquid-side-adjusted"], "oct10-reactions", seeds=10).frame()
needed = effect[effect["figure"] == "needed_usd"]
print(needed.round(2).to_string(index=False))
assert (needed["low"] <= needed["effect"]).all()
assert (needed["effect"] <= needed["high"]).all()

# %%
# In a figure
# -----------
# Each effect with its interval; one that crosses 0 is not proven.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
effect, low, high = (needed[name] / 1e6 for name in ("effect", "low", "high"))
spread = [effect - low, high - effect]
axes.errorbar(effect, needed["policy"], xerr=spread, fmt="o", capsize=4)
axes.axvline(0.0, color="grey", linestyle="--")
axes.set_xlabel("later need that haircuts cause, million USD")
axes.margins(y=0.5)
plt.show()

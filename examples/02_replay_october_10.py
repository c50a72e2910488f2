"""
Replay October 10, 2025
=======================

Sixteen rounds within twelve minutes on Hyperliquid: $60.1M taken where $15.1M was needed. This script
replays them under four policies. Run it: ``python examples/02_replay_october_10.py``.
"""

# %%
# The episode
# -----------
# Deficits, needed budgets, production's haircuts and capacities are the published figures; the winners are
# synthetic, calibrated to published quantiles.  The source line says so, here and under every table.
import adl_opt as adl

episode = adl.load("oct10")
print(len(episode), "rounds;", episode.source)

# %%
# Four policies
# -------------
# ``production`` is what the venue did (information: observed).  ``pro-rata`` and ``min-max-lots`` know
# the needed budget (ex-post), so only who pays differs.  The last one does not know it (start of round): it
# takes half of each deficit.
result = adl.replay(episode, ["production", "pro-rata", "min-max-lots", "constant(0.5)/pro-rata"])
print(result)

# %%
# Round by round
# --------------
# The same as a pandas frame: one row per policy and round.  Money ends in ``_usd``.
frame = result.rounds()
print(
    frame[frame["policy"] == "production"][["round", "needed_usd", "haircut_usd", "tracking_usd"]].to_string()
)

# %%
# In a figure
# -----------
# What each round needed, and what was taken.
result.plot.budgets()

"""
An online learner, with hints
=============================

A venue does not know the needed budget B when it must act. A learner proposes the share of the deficit from
past rounds; a hint guesses B from the flow to close. Run it: ``python
examples/06_online_learner_with_hints.py``.
"""

# %%
# A learner on arrays
# -------------------
# The game: each round shows its deficit (USD), the learner plays a severity in [0, 1], then the right one
# is revealed. The bound is a theorem evaluated with the constants as observed; the measured regret may not
# exceed it.
import adl_opt as adl
from adl_opt.losses import target_severity

episode = adl.load("oct10")
deficit = [round_.deficit for round_, _ in episode]
target = target_severity([outcome.needed for _, outcome in episode], deficit)
for name in ("ogd", "ftrl-exact", "optimistic-ftrl", "ader"):
    learner = adl.make_severity(name)
    played = adl.play(learner, deficit, target)
    bound = learner.bound(deficit, target, played)
    regret = learner.regret(deficit, target, played)
    print(f"{name:16} {bound.kind:8} regret USD {regret:14,.2f}  bound USD {bound.value:15,.2f}")
    print(f"{'':16} {bound.theorem}")
    assert regret <= bound.value

# %%
# The same as policies, with and without hints
# --------------------------------------------
# ``fixed-gap`` holds that closing costs 1 % of the notional.  ``hint-only`` takes that much, at most U;
# ``hinted`` puts the hint under a learner, which pays for safety and comes with a bound.  One episode proves
# little.
names = ["constant(0)", "ftrl-exact", "hint-only(fixed-gap)", "hinted(ftrl-exact, fixed-gap)"]
result = adl.replay(episode, names)
print(result.frame()[["information", "haircut_usd", "tracking_usd"]].round(2).to_string())

# %%
# In a figure
# -----------
# What each round needed, and what was taken.
result.plot.budgets()

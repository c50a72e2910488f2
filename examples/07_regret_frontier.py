"""
The frontier of regret against path
===================================

How much of the tracking error is the price of moving slowly? The frontier gives the least tracking error
for each path length of severity, the sum of abs(theta_t - theta_(t-1)). Run it: ``python
examples/07_regret_frontier.py``.
"""

# %%
# The frontier of October 10
# --------------------------
# Exact, convex and piecewise linear, and ex post: it is a benchmark, no policy.  ``rate_usd`` is what one
# more unit of path would save.
import numpy as np

import adl_opt as adl
from adl_opt.losses import target_severity
from adl_opt.programs.hindsight import severity_frontier

episode = adl.load("oct10")
curve = severity_frontier(episode)
print("  path    tracking USD    saved USD per unit of path")
for path, loss, rate in zip(curve.path, curve.loss_usd, curve.rate_usd, strict=True):
    print(f"{path:6.3f} {loss:15,.2f} {rate:15,.2f}")
print({name: check.passed for name, check in curve.certify().checks.items()})

# %%
# Where learners stand
# --------------------
# A learner's own path and tracking error, beside the best that this path could have bought.
deficit = np.array([round_.deficit for round_, _ in episode])
needed = np.array([outcome.needed for _, outcome in episode])
stands = {}
for name in ("follow-the-leader", "ogd", "ftrl-exact", "last-value"):
    theta = adl.play(name, deficit, target_severity(needed, deficit))
    path = float(np.abs(np.diff(theta)).sum())
    tracking = float(np.abs(theta * deficit - needed).sum())
    stands[name] = path, tracking
    best = severity_frontier(episode, [path]).loss_usd[0]
    print(f"{name:18} path {path:6.3f}  tracking USD {tracking:13,.2f}  best for it USD {best:12,.2f}")
    assert tracking >= best - 1e-3

# %%
# In a figure
# -----------
# The curve is what was possible.  Learners stand above it.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.plot(curve.path, np.array(curve.loss_usd) / 1e6, label="least tracking error for this path")
for name, (path, tracking) in stands.items():
    axes.plot(path, tracking / 1e6, "o", label=name)
axes.set_xlabel("path length of the severity")
axes.set_ylabel("tracking error, million USD")
axes.legend(frameon=False)
plt.show()

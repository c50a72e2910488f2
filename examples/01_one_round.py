"""
One round: who pays
===================

A venue must take a budget from the winners of one round. Who pays? This script asks three rules and one
program, and prints the proof that comes with the optimum. Run it: ``python examples/01_one_round.py``.
"""

# %%
# The round
# ---------
# Three winners.  ``pnl`` is the unrealised profit, ``equity`` what the account is worth, both in USD.  The
# capacity of an account is the smaller of the two: a haircut touches positive PNL only, never collateral.
import adl_opt as adl
from adl_opt.programs import ExactBudget, MaxBurden, RoundProgram, solve

accounts = adl.Accounts(id=["a", "b", "c"], pnl=[50.0, 30.0, 20.0], equity=[100.0, 90.0, 15.0])
round_ = adl.Round(deficit=25.0, accounts=accounts)
print(round_.frame().to_string())

# %%
# Three rules
# -----------
# Pro-rata takes the same share of every capacity, which is also the smallest largest burden (Prop. 9 of the
# paper).  A cap on burdens changes nothing as long as it is not reached.  The last weighs by equity.
for name in ("pro-rata", "capped-pro-rata(cap=0.3)", "equity-pro-rata"):
    rule = adl.make_allocation(name)
    paid = rule.allocate(rule.start(), round_, 25.0)
    burdens = (paid.x / accounts.capacity).round(3)
    print(f"{rule.label():28} haircuts in USD {paid.x.round(2)}  burdens {burdens}")

# %%
# The optimum, with its proof
# ---------------------------
# The same question as a program.  ``certify()`` recomputes feasibility and the bound without the engine.
answer = solve(RoundProgram(MaxBurden(), [ExactBudget()], name="least-burden"), round_, needed=25.0)
print(answer.status.value, answer.x.round(2), "largest burden", round(answer.objective, 6))
print("proven at least", round(answer.bound, 6), "by", answer.engine, "certified", answer.certify().ok)

# %%
# In a figure
# -----------
# The share of its capacity that each account loses: equal under pro-rata, and that is least for the largest.
import matplotlib.pyplot as plt
import numpy as np

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
rules = ("pro-rata", "equity-pro-rata", "pnl-pro-rata")
for k, name in enumerate(rules):
    rule = adl.make_allocation(name)
    burden = rule.allocate(rule.start(), round_, 25.0).x / accounts.capacity
    axes.bar(np.arange(3) + 0.25 * k, 100 * burden, 0.23, label=name)
axes.axhline(100 * answer.bound, color="black", linestyle="--", label="proven least for the largest")
axes.set_xticks(np.arange(3) + 0.25, [f"account {name}" for name in accounts.id])
axes.set_ylabel("taken of the capacity, %")
axes.legend(frameon=False)
plt.show()

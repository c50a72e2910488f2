"""
Your own policy
===============

A policy is a severity (how much) and an allocation (who pays). Both are small frozen classes of pure
functions. This script writes one of each and holds them to the library's claims. Run it: ``python
examples/04_your_own_policy.py``.
"""

# %%
# An allocation: the largest capacity pays first
# ----------------------------------------------
# ``allocate`` gets a round and what is asked for, in USD, and returns haircuts.  The round holds nothing that
# is known only afterwards, so a rule cannot look ahead.  Ties are broken by id: the same input gives the same
# bits.
from dataclasses import dataclass
from typing import ClassVar

import adl_opt as adl
from adl_opt.kernels import descending, fill_in_order
from adl_opt.testing.policies import check_policy


@dataclass(frozen=True)
class LargestFirst(adl.AllocationRule):
    """The largest capacity pays first."""

    name: ClassVar[str] = "largest-first"

    def allocate(self, state, round_, asked):
        """Return the haircuts, USD."""
        order = descending(round_.accounts.capacity, round_.accounts.id)
        return adl.Allocation(x=fill_in_order(round_.accounts.capacity, order, asked), asked=asked)


# %%
# A severity: the mean of what was needed so far
# ----------------------------------------------
# State is a plain value, handed in and out: numbers, lists, dicts.  ``learn`` sees the outcome, ``choose``
# does not.
@dataclass(frozen=True)
class MeanNeeded(adl.Severity):
    """The mean needed budget of the past rounds, at most the deficit."""

    name: ClassVar[str] = "mean-needed"

    def start(self):
        """Return no rounds."""
        return {"rounds": 0, "needed_usd": 0.0}

    def choose(self, state, round_):
        """Return what is asked for, USD."""
        return min(round_.deficit, state["needed_usd"] / max(state["rounds"], 1))

    def learn(self, state, round_, outcome, asked):
        """Return the state with this round in it."""
        return {"rounds": state["rounds"] + 1, "needed_usd": state["needed_usd"] + outcome.needed}


# %%
# Held to its claims
# ------------------
# ``check_policy`` runs a battery of hard rounds: haircuts within capacity, the budget met, the same answer
# twice. It raises at the first claim that does not hold.
check_policy(LargestFirst())
print("largest-first keeps its claims")

# %%
# Side by side
# ------------
# One that knows the needed budget (ex-post), so that only who pays counts, and one that does not
# (start-of-round).
knowing = adl.Policy(severity=adl.make_severity("oracle"), allocation=LargestFirst())
guessing = adl.Policy(severity=MeanNeeded(), allocation=LargestFirst())
result = adl.replay(adl.load("oct10"), ["production", "pro-rata", knowing, guessing])
print(result)

# %%
# In a figure
# -----------
# What each round needed, and what was taken.
result.plot.budgets()

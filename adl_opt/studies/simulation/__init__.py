"""A closed loop: accounts, marks, liquidations, an insurance fund, ADL by a policy, and what it changes."""

from adl_opt.studies.simulation.run import Run, Start, run_policy
from adl_opt.studies.simulation.settings import Settings

__all__ = ["Run", "Settings", "Start", "run_policy"]

"""Sweeps: policies x scenarios x seeds x parameters, the same rows whatever runs them."""

from adl_opt.studies.sweeps.feedback import feedback
from adl_opt.studies.sweeps.plan import Plan, read_plan
from adl_opt.studies.sweeps.run import Sweep, sweep

__all__ = ["Plan", "Sweep", "feedback", "read_plan", "sweep"]

"""Sweeps: policies x scenarios x seeds x parameters, the same rows whatever runs them."""

from adl_opt.study.sweep.feedback import feedback_effect
from adl_opt.study.sweep.plan import Plan, read_plan
from adl_opt.study.sweep.run import Sweep, sweep

__all__ = ["Plan", "Sweep", "feedback_effect", "read_plan", "sweep"]

"""Severity: how much is taken in a round (the budget)."""

from adl_opt.severity.base import Severity, State
from adl_opt.severity.bound import Bound
from adl_opt.severity.catalogue import LEARNERS, SEVERITIES, make_severity
from adl_opt.severity.hedge import Hedge
from adl_opt.severity.learner import Learner
from adl_opt.severity.play import play

__all__ = [
    "LEARNERS",
    "SEVERITIES",
    "Bound",
    "Hedge",
    "Learner",
    "Severity",
    "State",
    "make_severity",
    "play",
]

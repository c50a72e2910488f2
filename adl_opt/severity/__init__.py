"""Severity: how much is taken in a round (the budget)."""

from adl_opt.severity.base import Severity, State
from adl_opt.severity.bound import Bound
from adl_opt.severity.catalogue import SEVERITIES, make_severity
from adl_opt.severity.hedge import Hedge
from adl_opt.severity.hedged import HedgedHints
from adl_opt.severity.hinted import Hinted, HintOnly
from adl_opt.severity.hints import HINTS, HintModel, make_hint
from adl_opt.severity.learner import Learner
from adl_opt.severity.learners import LEARNERS
from adl_opt.severity.play import play

__all__ = [
    "HINTS",
    "LEARNERS",
    "SEVERITIES",
    "Bound",
    "Hedge",
    "HedgedHints",
    "HintModel",
    "HintOnly",
    "Hinted",
    "Learner",
    "Severity",
    "State",
    "make_hint",
    "make_severity",
    "play",
]

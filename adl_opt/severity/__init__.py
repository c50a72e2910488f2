"""Severity: how much is taken in a round (the budget)."""

from adl_opt.severity.base import SEVERITIES, Severity, State, make_severity
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.hints.hedged import HedgedHints
from adl_opt.severity.hints.hinted import Hinted, HintOnly
from adl_opt.severity.hints.models import HINTS, HintModel, make_hint
from adl_opt.severity.learners.bound import Bound
from adl_opt.severity.learners.guarantee import Guarantee
from adl_opt.severity.learners.hedge import Hedge
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.learners.playing import play

__all__ = [
    "HINTS",
    "LEARNERS",
    "SEVERITIES",
    "Bound",
    "Guarantee",
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

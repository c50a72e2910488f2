"""Severity: how much is taken in a round (the budget)."""

from adl_opt.severity.base import Severity, State
from adl_opt.severity.catalogue import SEVERITIES, make_severity

__all__ = ["SEVERITIES", "Severity", "State", "make_severity"]

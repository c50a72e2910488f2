"""Terms: the atoms of programs, closed under ``+`` and ``*``."""

from adl_opt.programs.terms.base import ConstraintTerm, Objective, ObjectiveTerm, Point, Term
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import Entropy, FundDraw, MaxBurden, RiskWeighted, TotalHaircut
from adl_opt.programs.terms.choice import AccountsTouched, MaxAccounts, MinTicket
from adl_opt.programs.terms.deviation import CVaR, Overshoot, Tracking, Undershoot
from adl_opt.programs.terms.grid import Lots, MarketBalance
from adl_opt.programs.terms.limits import CumulativeBurden, HaircutCap, PositivePnl

__all__ = [
    "AccountsTouched",
    "CVaR",
    "ConstraintTerm",
    "CumulativeBurden",
    "Entropy",
    "ExactBudget",
    "FundDraw",
    "HaircutCap",
    "Lots",
    "MarketBalance",
    "MaxAccounts",
    "MaxBurden",
    "MinTicket",
    "Objective",
    "ObjectiveTerm",
    "Overshoot",
    "Point",
    "PositivePnl",
    "RiskWeighted",
    "Solvency",
    "Term",
    "TotalHaircut",
    "Tracking",
    "Undershoot",
]

"""Programs: a round's budget and account choice as a convex or mixed-integer program, with certificates."""

from adl_opt.programs.duals import Dual
from adl_opt.programs.engines.choice import ENGINES
from adl_opt.programs.engines.highs.risk import risk_based_lp
from adl_opt.programs.episode.links import Depletion
from adl_opt.programs.episode.program import EpisodeProgram, EpisodeSolution, solve_episode
from adl_opt.programs.export import WrittenModel, write_model
from adl_opt.programs.loser_rows import LoserRowsResult, minmax_loser_rows
from adl_opt.programs.options import Options
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.solution import Solution, Status
from adl_opt.programs.solving import solve
from adl_opt.programs.terms.base import ConstraintTerm, Objective, ObjectiveTerm, Point, Term
from adl_opt.programs.terms.budget import ExactBudget, Solvency
from adl_opt.programs.terms.burden import Entropy, FundDraw, MaxBurden, RiskWeighted, TotalHaircut
from adl_opt.programs.terms.choice import AccountsTouched, MaxAccounts, MinTicket
from adl_opt.programs.terms.clearing import Clearing
from adl_opt.programs.terms.deviation import Overshoot, Tracking, Undershoot
from adl_opt.programs.terms.future import FutureShortfall
from adl_opt.programs.terms.grid import Lots, MarketBalance
from adl_opt.programs.terms.limits import CumulativeBurden, HaircutCap, PositivePnl, WithinPositions
from adl_opt.programs.terms.options import AccountCaps, CohortCaps, HedgedPairs, LeastQuantity
from adl_opt.programs.terms.scenarios import Coverage, CVaR, WorstLoss
from adl_opt.proofs.certificate import Certificate

__all__ = [
    "ENGINES",
    "AccountCaps",
    "AccountsTouched",
    "CVaR",
    "Certificate",
    "Clearing",
    "CohortCaps",
    "ConstraintTerm",
    "Coverage",
    "CumulativeBurden",
    "Depletion",
    "Dual",
    "Entropy",
    "EpisodeProgram",
    "EpisodeSolution",
    "ExactBudget",
    "FundDraw",
    "FutureShortfall",
    "HaircutCap",
    "HedgedPairs",
    "LeastQuantity",
    "LoserRowsResult",
    "Lots",
    "MarketBalance",
    "MaxAccounts",
    "MaxBurden",
    "MinTicket",
    "Objective",
    "ObjectiveTerm",
    "Options",
    "Overshoot",
    "Point",
    "PositivePnl",
    "PricedRound",
    "RiskWeighted",
    "RoundProgram",
    "Solution",
    "Solvency",
    "Status",
    "Term",
    "TotalHaircut",
    "Tracking",
    "Undershoot",
    "WithinPositions",
    "WorstLoss",
    "WrittenModel",
    "in_legs",
    "minmax_loser_rows",
    "risk_based_lp",
    "solve",
    "solve_episode",
    "write_model",
]

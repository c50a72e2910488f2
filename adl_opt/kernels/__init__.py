"""Closed forms and exact algorithms on plain numpy arrays (no nouns, no solver)."""

from adl_opt.kernels.contracts.lots import minmax_contract_lots
from adl_opt.kernels.contracts.lots_result import ContractLotsResult
from adl_opt.kernels.contracts.minmax import minmax_contracts
from adl_opt.kernels.contracts.result import ContractsResult
from adl_opt.kernels.fill.heads import leaders
from adl_opt.kernels.fill.project import project_capped, project_capped_kl
from adl_opt.kernels.fill.queue import descending, fill_in_order
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.kernels.lots.choice import minmax_lots_choice
from adl_opt.kernels.lots.choice_result import LotsChoiceResult
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.kernels.lots.result import LotsResult
from adl_opt.kernels.paths.bounded import best_path_within, path_frontier
from adl_opt.kernels.paths.median import weighted_median, weighted_median_interval
from adl_opt.kernels.paths.switches import best_path_with_switches
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.draining import drain_factor, drain_leverage
from adl_opt.kernels.risk.result import RiskResult
from adl_opt.kernels.risk.saddle import risk_based
from adl_opt.kernels.risk.scenarios import PriceMoves, drawn_moves, past_moves
from adl_opt.kernels.risk.shortfall import expected_shortfall
from adl_opt.kernels.sums import sums_before

__all__ = [
    "ContractLotsResult",
    "ContractsResult",
    "LotsChoiceResult",
    "LotsResult",
    "PriceMoves",
    "RiskBook",
    "RiskResult",
    "best_path_with_switches",
    "best_path_within",
    "descending",
    "drain_factor",
    "drain_leverage",
    "drawn_moves",
    "expected_shortfall",
    "fill_in_order",
    "leaders",
    "minmax_contract_lots",
    "minmax_contracts",
    "minmax_lots",
    "minmax_lots_choice",
    "past_moves",
    "path_frontier",
    "project_capped",
    "project_capped_kl",
    "risk_based",
    "sums_before",
    "waterfill",
    "weighted_median",
    "weighted_median_interval",
]

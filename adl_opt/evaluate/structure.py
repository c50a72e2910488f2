"""The price of the market structure: what it costs that contracts close contracts of their own market."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from adl_opt.allocation.minmax import reference_of
from adl_opt.allocation.shares import share_of
from adl_opt.kernels.lots.minmax import minmax_lots
from adl_opt.losses import Loss, burden, burden_base
from adl_opt.programs.hindsight.joint import JointOptimum
from adl_opt.programs.hindsight.joint_contracts import MarketPrice, contract_optima
from adl_opt.programs.hindsight.joint_model import Rounds
from adl_opt.programs.hindsight.joint_ties import payers_of
from adl_opt.programs.hindsight.joint_whole import least_level
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.program import RoundProgram
from adl_opt.programs.solving import solve
from adl_opt.programs.terms.budget import ExactBudget
from adl_opt.programs.terms.burden import MaxBurden
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import revealed
from adl_opt.rounds.owners import by_owner
from adl_opt.rounds.round import Outcome


@dataclass(frozen=True, kw_only=True)
class StructurePrice(MarketPrice):
    """A :class:`~adl_opt.programs.hindsight.joint_contracts.MarketPrice` with the same in burden.

    Parameters
    ----------
    closed_usd : float
        What contracts give up where all that can be closed is closed; the pool raises as much.
    pool_burden, contracts_burden : float
        The least largest burden at that, without unit; of contracts in whole lots, where all but a millionth
        of what they can close is closed, the least that a search found.
    price_burden : float
        The second less the first.
    """

    closed_usd: float
    pool_burden: float
    contracts_burden: float
    price_burden: float


def market_structure(episode: Episode, loss: Loss) -> tuple[list[JointOptimum], list[StructurePrice]]:
    """Return the optima of an episode in contracts, and what the structure of markets costs, by round.

    Notes
    -----
    Both sides have the same capacities, bounds, lots and m*, that of the pool, and both leave the same
    residual: the pool raises what contracts can close.  So the pool is a relaxation.
    """
    base = str(loss.base)
    rounds = [(in_legs(by_owner(r), revealed(r, o)), o) for r, o in episode]
    references = [reference_of(r.source, o, base, r.accounts.capacity) for r, o in rounds]
    optima, prices = contract_optima(rounds, references, loss)
    by_number = {r.number: (r, o) for r, o in rounds}
    made, least = [], 0.0
    for price in prices:
        round_, outcome = by_number[price.round]
        if price.domain == "fractional":
            closed, pool, contracts = _fractional(round_, outcome, base)
            least = contracts
        else:
            closed, pool, contracts = _in_lots(round_, outcome, base, least)
        made.append(
            StructurePrice(
                **asdict(price), closed_usd=closed, pool_burden=min(pool, contracts),
                contracts_burden=contracts, price_burden=contracts - min(pool, contracts),
            )
        )  # fmt: skip
    return optima, made


def _fractional(round_: PricedRound, outcome: Outcome, base: str) -> tuple[float, float, float]:
    """Return what contracts close, USD, and the least largest burden of pool and contracts at that."""
    found = solve(RoundProgram(MaxBurden(base), [ExactBudget()]), round_, needed=outcome.needed)
    if found.x is None:
        return math.nan, math.nan, math.nan
    against = burden_base(round_, base)
    most = np.where(against > 0, np.minimum(round_.accounts.capacity, _reach(round_)), 0.0)
    pool = share_of(against, most, min(found.executed, float(most.sum())))
    return found.executed, float(np.max(burden(pool, against), initial=0.0)), found.objective


def _in_lots(round_: PricedRound, outcome: Outcome, base: str, low: float) -> tuple[float, float, float]:
    """Return the same over whole lots; NaN where nothing is known of fractions."""
    if math.isnan(low):
        return math.nan, math.nan, math.nan
    held, against, loss = round_.held, burden_base(round_, base), Loss(base=base)
    payers = replace(payers_of([round_], loss, cleared=True, depletes=False), whole=True)
    asked = Rounds(*(np.array([v]) for v in (outcome.needed, math.inf, low)))
    x = payers.amounts(least_level(payers, asked, loss))
    closed = math.fsum(x)
    dear = np.flatnonzero((held.lot_value > 0) & (held.lot_value == _dearest(round_)[round_.legs.position]))
    dear = dear[np.unique(round_.legs.position[dear], return_index=True)[1]]
    pool = minmax_lots(
        np.where(against > 0, round_.accounts.capacity, 0.0), held.account[dear], held.lot_value[dear],
        held.lots[dear], closed * (1 - 1e-12), base=None if base == "capacity" else against,
    )  # fmt: skip
    return closed, pool.z, float(np.max(burden(x, against), initial=0.0))


def _dearest(round_: PricedRound) -> Floats:
    """Return the most that a lot of each position of the source gives up, (m,) USD."""
    most = np.zeros(round_.source_lots.size)
    np.maximum.at(most, round_.legs.position, round_.held.lot_value)
    return most


def _reach(round_: PricedRound) -> Floats:
    """Return the most that the positions of each account give up, (n,) USD."""
    held = round_.source.positions
    assert held is not None  # noqa: S101
    usd = _dearest(round_) * round_.source_lots
    return np.bincount(held.account, usd, minlength=len(round_.accounts)).astype(np.float64)

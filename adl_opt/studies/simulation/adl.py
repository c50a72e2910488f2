"""The ADL step: a round is shown to a policy, and its haircuts are carried out lot by lot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.datasets.draws import split_exactly
from adl_opt.errors import UsageError
from adl_opt.evaluate.check import check_allocation
from adl_opt.policy.policy import Policy
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from adl_opt.studies.simulation.book import sides, trade
from adl_opt.studies.simulation.liquidation import Liquidation
from adl_opt.studies.simulation.world import CENTS, World, check_haircuts

STEP_MS = 10_000


@dataclass(frozen=True, eq=False)
class Shown:
    """A round as the policy sees it, and where its rows are in the books."""

    round: Round
    outcome: Outcome
    rows: Ints
    market: Ints


def show_round(world: World, seen: Ints, liquidation: Liquidation, number: int, step: int) -> Shown:
    """Make the round of a step: winners with their gaining positions, the flow, and what was needed."""
    equity = world.equity(seen)
    value = world.lots * seen - world.cost
    rows = np.flatnonzero(world.active & (value > 0).any(axis=1))
    gain, lots = value[rows], world.lots[rows]
    account, market = np.nonzero(gain > 0)
    name = np.char.add("M", np.arange(world.lots.shape[1]).astype(np.str_))
    count = np.abs(lots[account, market])
    mark = seen / CENTS
    notional = np.abs(lots) * mark
    capital = equity[rows] / CENTS
    held = notional.sum(axis=1)
    pnl = gain.sum(axis=1) / CENTS
    accounts = Accounts(
        id=world.id[rows],
        pnl=pnl,
        equity=capital,
        notional=held,
        leverage=np.where(capital > 0, held / np.where(capital > 0, capital, 1.0), 0.0),
        margin=notional @ (world.margin_bp / 10_000),
    )
    positions = Positions(
        account=account,
        market=name[market],
        lot_value=gain[account, market] / CENTS / count,
        lots=count,
        side=np.sign(lots[account, market]),
        entry=np.maximum(world.cost[rows][account, market] / lots[account, market] / CENTS, 1e-6),
        mark=mark[market],
        notional=notional[account, market],
    )
    closed = np.flatnonzero(liquidation.lots)
    quantity = liquidation.lots[closed].astype(np.float64)
    needed = liquidation.needed / CENTS
    weights = quantity * mark[closed]
    gap = split_exactly(weights, needed) if needed > 0 else np.zeros(closed.size)
    round_ = Round(
        deficit=liquidation.deficit / CENTS,
        accounts=accounts,
        positions=positions,
        flow=Flow(market=name[closed], quantity=quantity, mark=mark[closed]),
        number=number,
        start_ms=step * STEP_MS,
    )
    gaps = Gaps(market=name[closed], quantity=quantity, gap=gap)
    return Shown(round_, Outcome(needed=needed, gaps=gaps, end_ms=step * STEP_MS + 1), rows, market)


def decide(policy: Policy, state: Any, shown: Shown) -> tuple[Allocation, Any]:
    """Return the policy's haircuts, checked, and its next state."""
    early = policy.information is Information.START_OF_ROUND
    seen = shown.round, shown.outcome
    action = policy.act(state, shown.round) if early else policy.act_ex_post(state, *seen)
    if not isinstance(action, Allocation):
        raise UsageError(
            "a simulated venue has no record to play back",
            got=f"policy {policy.name!r}",
            ways_out=["leave production out of simulations and sweeps"],
        )
    check_allocation(policy.name, shown.round, action)
    return action, policy.learn(state, shown.round, shown.outcome, action)


def carry_out(world: World, seen: Ints, shown: Shown, action: Allocation) -> int:
    """Close what the haircuts take and book the money; return H in cents.

    A haircut of x closes x / PNL of each gaining position (whole lots, rounded to the nearest) at the mark,
    or the lots that the policy chose; then x leaves the account.  Equity falls by exactly x.
    """
    rows, positions = shown.rows, shown.round.positions
    assert positions is not None  # noqa: S101
    room = np.floor(shown.round.accounts.capacity * CENTS + 1e-6).astype(np.int64)
    cents = np.minimum(np.rint(action.x * CENTS).astype(np.int64), room)
    value = (world.lots * seen - world.cost)[rows]
    check_haircuts(cents, np.maximum(value.sum(axis=1), 0), shown.round.number)
    change = np.zeros((rows.size, seen.size), dtype=np.int64)
    change[positions.account, shown.market] = -np.asarray(positions.side) * _closed(action, positions, cents)
    trade(world, rows, change, seen)
    relieved = sides(-change) / world.start_lots  # a short that is closed buys what was sold, and the reverse
    world.pressure = np.maximum(world.pressure - relieved, 0.0)
    world.cash[rows] -= cents
    taken = int(cents.sum())
    owed = min(taken, -world.loss)
    hole = shown.outcome.needed
    covered = min(owed, round(hole * CENTS))
    world.loss += covered
    world.fund += taken - covered
    world.pending[rows] = np.where((cents > 0)[:, None], -change, 0)
    return taken


def _closed(action: Allocation, positions: Positions, cents: Ints) -> Ints:
    if action.lots is not None:
        return np.asarray(action.lots, dtype=np.int64)
    gain = np.bincount(positions.account, positions.pnl, minlength=cents.size)
    share = np.minimum(cents / CENTS / np.where(gain > 0, gain, 1.0), 1.0)
    lots = np.floor(share[positions.account] * positions.lots + 0.5)
    return np.asarray(np.minimum(lots.astype(np.int64), positions.lots), dtype=np.int64)

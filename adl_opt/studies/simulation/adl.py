"""The ADL step: a round is shown to a policy, and its haircuts are carried out lot by lot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.contracts import settled
from adl_opt.datasets.draws import split_exactly
from adl_opt.errors import UsageError
from adl_opt.evaluate.check import check_allocation
from adl_opt.policy.policy import Policy
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from adl_opt.studies.simulation.book import sides, trade
from adl_opt.studies.simulation.liquidation import Liquidation
from adl_opt.studies.simulation.world import CENTS, STEP_MS, World, check_haircuts


@dataclass(frozen=True, eq=False)
class Shown:
    """A round as the policy sees it, and where its rows are in the books."""

    round: Round
    outcome: Outcome
    rows: Ints
    market: Ints


def show_round(
    world: World, seen: Ints, liquidation: Liquidation, number: int, step: int, space: str = WEALTH
) -> Shown:
    """Make the round of a step: who may pay, the flow, and what was needed.

    In wealth these are winners with their gaining positions; in contracts all accounts, with all they hold,
    and the flow has the sides of the losers.
    """
    equity = world.equity(seen)
    value = world.lots * seen - world.cost
    listed = value > 0 if space == WEALTH else world.lots != 0
    rows = np.flatnonzero(world.active & listed.any(axis=1))
    gain, lots = value[rows], world.lots[rows]
    account, market = np.nonzero(listed[rows])
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
    flow, gaps = _flow(liquidation, name, mark, space)
    round_ = Round(
        deficit=liquidation.deficit / CENTS,
        accounts=accounts,
        positions=positions,
        flow=flow,
        number=number,
        start_ms=step * STEP_MS,
    )
    outcome = Outcome(needed=liquidation.needed / CENTS, gaps=gaps, end_ms=step * STEP_MS + 1)
    return Shown(round_, outcome, rows, market)


def _flow(liquidation: Liquidation, name: Text, mark: Floats, space: str) -> tuple[Flow, Gaps]:
    """Return what was liquidated, and what it lacked: by market, in contracts also by side of the losers."""
    closed, needed = liquidation.closed, liquidation.needed / CENTS
    sides = None
    if space == WEALTH:
        at = np.flatnonzero(closed.sum(axis=0))
        quantity, weights = closed.sum(axis=0)[at].astype(np.float64), liquidation.holes.sum(axis=0)[at]
    else:
        at, which = np.nonzero(closed.T)
        sides = np.where(which == 0, 1, -1)
        quantity, weights = closed[which, at].astype(np.float64), liquidation.holes[which, at]
    weights = weights if weights.any() else quantity * mark[at]  # cash alone was below 0
    gap = split_exactly(weights, needed) if needed > 0 else np.zeros(at.size)
    flow = Flow(market=name[at], side=sides, quantity=quantity, mark=mark[at])
    return flow, Gaps(market=name[at], side=sides, quantity=quantity, gap=gap)


def decide(policy: Policy, state: Any, shown: Shown) -> tuple[Allocation, Any]:
    """Return the policy's haircuts, checked, and its next state.

    Contracts are valued at what they really gave up, within what each account can pay.
    """
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
    after = policy.learn(state, shown.round, shown.outcome, action)
    if action.closures is not None:
        action = settled(action, *seen)
        action = replace(action, x=np.minimum(action.x, shown.round.accounts.capacity))
    return action, after


def touched(shown: Shown, action: Allocation) -> npt.NDArray[np.bool_]:
    """Return who paid, in contracts whose positions were closed, (n,)."""
    if action.closures is None:
        return action.x > 0
    return np.bincount(action.closures.account, minlength=shown.rows.size) > 0


def carry_out(world: World, seen: Ints, shown: Shown, action: Allocation) -> int:
    """Close what the haircuts take and book the money; return H in cents.

    A haircut of x closes x / PNL of each gaining position (whole lots, rounded to the nearest) at the mark,
    or the lots that the policy chose, as in contracts; then x leaves the account.  Equity falls by exactly x.
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
    hit = cents > 0 if action.closures is None else touched(shown, action)
    world.pending[rows] += np.where(hit[:, None], -change, 0)
    return taken


def _closed(action: Allocation, positions: Positions, cents: Ints) -> Ints:
    if action.lots is not None:
        return np.asarray(action.lots, dtype=np.int64)
    gain = np.bincount(positions.account, positions.pnl, minlength=cents.size)
    share = np.minimum(cents / CENTS / np.where(gain > 0, gain, 1.0), 1.0)
    lots = np.floor(share[positions.account] * positions.lots + 0.5)
    return np.asarray(np.minimum(lots.astype(np.int64), positions.lots), dtype=np.int64)

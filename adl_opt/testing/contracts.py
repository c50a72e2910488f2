"""The conformance kit in contracts: right side, right market, whole lots, and books that balance."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.contracts import act_in_contracts
from adl_opt.datasets.synthetic import Synthetic
from adl_opt.errors import AdlOptError, LackError
from adl_opt.evaluate.check import check_allocation
from adl_opt.policy.policy import Policy
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.flows import reckoned
from adl_opt.rounds.round import Allocation, Information, Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Positions
from adl_opt.testing.shared import expect, reordered

SHARES = (0.0, 0.013, 1.0, 1.7)
"""Budgets, as shares of what the whole flow is reckoned to give up."""


def check_in_contracts(policy: Policy | AllocationRule) -> None:
    """Hold a rule (or a policy) that serves contracts to the rules of contracts, on a fixed battery.

    The battery: both sides of several markets, ties, hedge mode, losing positions, isolated margin, inverse
    contracts, several losers of one market, closing prices unknown or beyond the market, nobody on the other
    side.  Held is: closures on the other side of the same market only; whole lots, at most those held, at
    most what is to be closed; haircuts within positive PNL and equity, equal to contracts times what each
    gives up; what is not closed is named; the same bits twice; another order of the accounts changes nothing
    (where the rule claims it).

    Raises
    ------
    PolicyError
        Names the claim that does not hold, the round and the values.
    """
    rule = policy.allocation if isinstance(policy, Policy) else policy
    watched = _watched(rule)
    for round_ in battery_in_contracts():
        assert round_.flow is not None  # noqa: S101
        total = max(float(np.maximum(reckoned(round_), 0.0) @ round_.flow.quantity), 1.0)
        try:
            for share in SHARES:
                _hold(
                    rule,
                    round_,
                    lambda r, usd=share * total: act_in_contracts(watched, rule.start(), r, usd),
                    limited=rule.positive_pnl_only,
                )
            if isinstance(policy, Policy):
                _hold(
                    rule,
                    round_,
                    lambda r, usd=total: _played(policy, r, usd),
                    limited=bool(policy.positive_pnl_only),
                )
        except LackError:  # the rule needs a column that the battery does not have
            continue
        except AdlOptError:
            raise
        except Exception as error:
            expect(rule, round_, "an answer to every round", False, f"{type(error).__name__}: {error}")


def battery_in_contracts() -> Iterator[Round]:
    """Yield the hard rounds of :func:`check_in_contracts`."""
    yield _two_sides()
    for accounts, markets, seed in ((1, 1, 0), (4, 2, 1), (30, 4, 2)):
        drawn = Synthetic(
            accounts=accounts,
            markets=markets,
            rounds=1,
            seed=seed,
            capacity=1e5,
            deficit_share=0.1,
            space="contracts",
            inverse=0.4,
            isolated=0.2,
        )
        for round_, _ in drawn.episode():
            assert round_.flow is not None  # noqa: S101
            assert round_.positions is not None  # noqa: S101
            yield round_
            yield replace(round_, flow=replace(round_.flow, bankruptcy=None))
            assert round_.flow.side is not None  # noqa: S101
            beyond = round_.flow.mark * (1.0 - 0.01 * round_.flow.side)
            yield replace(round_, flow=replace(round_.flow, close=beyond))
            yield replace(round_, flow=replace(round_.flow, market=np.char.add(round_.flow.market, "X")))
            yield replace(round_, positions=round_.positions.take(np.arange(0)))


def _two_sides() -> Round:
    """Return a round with a bankrupt long: two equal shorts of the market, a long, a short of another."""
    held = Positions(
        account=np.arange(4),
        market=np.array(["BTC", "BTC", "ETH", "BTC"]),
        lots=np.full(4, 100),
        side=np.array([-1, 1, -1, -1]),
        entry=np.array([110.0, 90.0, 110.0, 110.0]),
        mark=np.full(4, 100.0),
    )
    accounts = Accounts(
        id=np.array(["short", "long", "other", "twin"]),
        pnl=held.pnl,
        equity=np.full(4, 5e3),
        leverage=np.full(4, 2.0),
        notional=np.full(4, 1e4),
        margin=np.full(4, 50.0),
    )
    prices = {"mark": np.array([100.0]), "bankruptcy": np.array([110.0])}
    flow = Flow(market=np.array(["BTC"]), side=np.array([1]), quantity=np.array([40.0]), **prices)
    return Round(deficit=400.0, accounts=accounts, positions=held, flow=flow)


def _watched(rule: AllocationRule) -> AllocationRule:
    """Return the same rule; what it closes of each cell is held to what the cell allows."""

    def close(state: Any, cell: Cell) -> Ints:
        lots = np.asarray(rule.close(state, cell))
        where = f"row {cell.row} of the flow ({cell.wanted:g} contracts wanted)"
        fits = lots.shape == cell.rows.shape
        expect(rule, cell.round_, "close() gives one count per position", fits, f"{where}: {lots.shape}")
        sound = (lots == np.rint(lots)) & (lots >= 0) & (lots <= cell.most)
        at = int(np.argmin(sound)) if lots.size else 0
        got = f"{where}: {lots[at]} of {cell.most[at]} lots of position {cell.rows[at]}" if lots.size else ""
        expect(rule, cell.round_, "whole lots from 0 to what a position can give", bool(sound.all()), got)
        closed = float(lots @ cell.size)
        enough = closed <= cell.wanted * (1 + 1e-9)
        expect(rule, cell.round_, "no more closed than is wanted", enough, f"{where}: {closed:g} closed")
        return lots

    made = copy(rule)
    object.__setattr__(made, "close", close)
    return made


def _played(policy: Policy, round_: Round, needed: float) -> Allocation | None:
    """Return what a policy itself answers; None where it plays a record back."""
    if policy.information is Information.START_OF_ROUND:
        return policy.act(policy.start(), round_)
    made = policy.act_ex_post(policy.start(), round_, Outcome(needed))
    return made if isinstance(made, Allocation) else None


def _hold(rule: AllocationRule, round_: Round, act: Any, *, limited: bool) -> None:
    """Hold one answer to the rules; ``act`` gives the answer to a round."""
    action, again = act(round_), act(round_)
    if action is None:
        return
    check_allocation(rule.label(), round_, action, positive_pnl_only=limited)
    same = np.array_equal(action.x, again.x) and np.array_equal(action.lots, again.lots)
    expect(rule, round_, "the same bits twice", same)
    closures, flow = action.closures, round_.flow
    assert flow is not None  # noqa: S101
    closed = np.bincount(closures.row, closures.contracts, len(flow))
    apart = np.abs(closed + closures.left() - closures.wanted)
    balanced = bool((apart <= 1e-9 * (1.0 + closures.wanted)).all())
    expect(rule, round_, "what is closed and what is left are what was wanted", balanced, f"{apart.tolist()}")
    within = bool((closures.wanted <= flow.quantity * (1 + 1e-9)).all())
    expect(rule, round_, "no more is wanted than the flow has", within, f"{closures.wanted.tolist()}")
    if not closures.wanted.any():
        expect(rule, round_, "where nothing is wanted nothing is taken", not action.x.any())
    if rule.claims.permutation:
        order = np.random.default_rng(5).permutation(len(round_.accounts))
        other = reordered(round_, order)
        assert other.positions is not None  # noqa: S101
        rows = np.argsort(other.positions.account, kind="stable")
        moved = act(replace(other, positions=other.positions.take(rows)))
        same = bool(np.all(np.abs(moved.x - action.x[order]) <= 1e-9 * max(float(action.x.sum()), 1e-12)))
        expect(rule, round_, "reordering the accounts reorders the haircuts", same)

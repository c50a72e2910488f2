"""Policies made ready for a replay: on its loss, at its prices, with its scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from adl_opt.allocation.risk import RiskBased
from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.checks import one_of
from adl_opt.errors import UsageError
from adl_opt.rounds.contracts import PRICES, VENUE, WEALTH

if TYPE_CHECKING:
    from adl_opt.evaluate.record import PolicyRound
    from adl_opt.losses import Loss
    from adl_opt.policy.policy import Policy


def prepared(
    policies: Iterable[Policy], loss: Loss, *, price: str, space: str, scenarios: ScenarioSource | None
) -> list[Policy]:
    """Return policies on a loss and at a price; rules that look at risk get the scenarios that are given.

    Raises
    ------
    UsageError
        The price is not known, or a round in wealth is to be closed at one.
    """
    one_of("a price", price, PRICES)
    if price == VENUE and space == WEALTH:
        raise UsageError(
            "a pool of dollars has no closing price",
            got=f"price={price!r} in a replay in wealth",
            ways_out=['choose space="contracts" (--space contracts)', "leave the price out"],
        )
    made = [policy.on(loss) for policy in policies]
    for policy in made if price == VENUE else ():
        object.__setattr__(policy, "price", price)
    return made if scenarios is None else [_foreseeing(policy, scenarios) for policy in made]


def _foreseeing(policy: Policy, source: ScenarioSource) -> Policy:
    if not isinstance(policy.allocation, RiskBased):
        return policy
    return replace(policy, allocation=replace(policy.allocation, scenarios=source))


def notes_on_contracts(played: Iterable[tuple[Policy, Iterable[PolicyRound]]]) -> list[str]:
    """Return notes on a replay in contracts: prices, who closes losers, and what no burden counts.

    An account without capacity has no burden.  It pays where losers pay too, and where a contract was
    reckoned to give up nothing and was then executed beyond the bankruptcy price.
    """
    played = list(played)
    policies = [policy for policy, _ in played]
    uncounted = {policy.name: math.fsum(record.uncounted for record in records) for policy, records in played}
    prices: dict[str, list[str]] = {}
    for policy in policies:
        prices.setdefault(policy.closes_at, []).append(policy.name)
    parts = [f"{price}: {', '.join(names)}" for price, names in sorted(prices.items())]
    notes = [f"closing prices: {'; '.join(parts)}"] if len(parts) > 1 else []
    parts = [f"{name} ${usd:,.2f}" for name, usd in uncounted.items() if usd >= 0.005]
    notes += [f"from accounts without capacity, in no burden: {', '.join(parts)}"] if parts else []
    return notes + notes_on_losers(policies)


def notes_on_losers(policies: Iterable[Policy]) -> list[str]:
    """Return a note on the policies that close losers too, if there are any."""
    losers = [policy.name for policy in policies if not policy.positive_pnl_only]
    return [f"losers pay too: {', '.join(losers)}"] if losers else []

"""An explanation in plain sentences, for the customer whose account it is."""

from __future__ import annotations

import math
from typing import Any

from adl_opt.service import standing
from adl_opt.service.changed import LEVERAGE, PNL, Change
from adl_opt.service.standing import Place

BOUND = {
    standing.CAPACITY: "It gave all that it can be asked for, its capacity.",
    standing.CAP: "A cap bound: of the account, or the share of capacity that the rule allows.",
    standing.BUDGET: "Only a part of what it could give was needed: with it the amount was met.",
    standing.SHARE: "It gave its share, as everybody did by the same rule.",
    standing.POSITION: "The whole position was closed.",
    standing.NO_CAPACITY: "Without profit, or without equity, an account is not asked.",
    standing.NOT_REACHED: "The amount was met by others before the rule came to it.",
    standing.OTHER_SIDE: "It holds no position on the other side of what had to be closed.",
    standing.EXEMPT: "The account is exempt: nothing may be taken of it.",
    standing.NOTHING_ASKED: "Nothing was asked for in this round.",
}
PRICE = 5
"""Significant digits of a price."""

_AGAIN = "the round was run again to confirm it"
_CHANGED = {
    "leverage": "its leverage at most {after:,.4g} in place of {before:,.4g}",
    "equity_usd": "its equity at least {after:,.2f} USD in place of {before:,.2f} USD",
    "lots": "its positions at most {after:,.0f} lots in place of {before:,.0f}",
    "notional_usd": "its notional at most {after:,.2f} USD in place of {before:,.2f} USD",
    "pnl_usd": "its PNL at most {after:,.2f} USD in place of {before:,.2f} USD",
}


def sentences(facts: dict[str, Any], places: list[Place], changes: list[Change]) -> list[str]:
    """Return what is to be said, one sentence each; no other account is named.

    Parameters
    ----------
    facts : dict
        ``account``, ``round``, ``policy``, ``asked_usd``, ``executed_usd``, ``payers``, ``accounts``,
        ``taken_usd``, ``reckoned_usd``, ``capacity_usd``, ``bound_by``.
    places : list
    changes : list of Change
    """
    name, taken, capacity = facts["account"], facts["taken_usd"], facts["capacity_usd"]
    asked = "In round {round} the policy {policy} asked for {asked_usd:,.2f} USD. "
    paid = "It took {executed_usd:,.2f} USD from {payers} of {accounts} accounts."
    made = [(asked + paid).format(**facts)]
    in_contracts = bool(places) and "market" in places[0]
    stood = standing.summed_by_market(places) if in_contracts else places
    closed = [_closed(place) for place in stood if place.get("lots")]
    basis = ""
    if facts["reckoned_usd"] != taken:
        basis = f", as fills turned out ({usd_figure(facts['reckoned_usd'])} USD as reckoned at the mark)"
    if taken > 0.0:
        percent = f", {100.0 * taken / capacity:.3g} % of its capacity of {usd_figure(capacity)} USD"
        made.append(f"Account {name} gave up {usd_figure(taken)} USD{basis}{percent if capacity else ''}.")
    elif closed:
        made.append(f"Account {name} gave up nothing{basis}: the price was no worse than that of the market.")
    else:
        made.append(f"Nothing was taken from account {name}.")
    made += closed
    made += [_stood(place) for place in stood if place["rank"] is not None]
    made.append(BOUND[facts["bound_by"]])
    made += [_spared(change) for change in changes]
    if not changes and (taken > 0.0 or closed):
        made.append("No smaller leverage, size or PNL that was tried would have spared it.")
    return made


def usd_figure(value: float, significant: int = 3) -> str:
    """Return USD with two digits behind the point, and more where so many digits of the figure need them.

    Examples
    --------
    >>> usd_figure(1234.567), usd_figure(0.0123456), usd_figure(0.37123, 5)
    ('1,234.57', '0.0123', '0.37123')
    """
    places = 2
    if value and math.isfinite(value):
        places = max(places, significant - 1 - math.floor(math.log10(abs(value))))
    whole, _, part = f"{value:,.{places}f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def _closed(place: Place) -> str:
    gap = place["given_up_per_contract_usd"]
    against = (
        f"gave up {usd_figure(gap, PRICE)} USD" if gap >= 0.0 else f"gained {usd_figure(-gap, PRICE)} USD"
    )
    lots = f"{place['lots']:,} of {place['held_lots']:,} lots ({place['contracts']:,.8g} contracts)"
    return (
        f"Of its {place['side']} position in {place['market']}, {lots} were closed at "
        f"{usd_figure(place['price_usd'], PRICE)} USD; each contract {against}."
    )


def _stood(place: Place) -> str:
    where = f" in {place['market']}" if "market" in place else ""
    ranked = "in the queue" if place["base"] == "score" else f"by {place['base']}"
    unit = {"score": "a score of {:.6g}", "contracts that it can give": "{:,.8g} contracts"}
    with_ = unit.get(place["base"], "{:,.2f} USD")
    score = "" if place["score"] is None else f", with {with_.format(place['score'])}"
    return f"It stood at place {place['rank']} of {place['of']} {ranked}{where}{score}."


def _spared(change: Change) -> str:
    if change.factor == 0.0:
        return f"Only without its positions would nothing have been taken; {_AGAIN}."
    words = _CHANGED[change.figure].format(before=change.before, after=change.after)
    kind = {LEVERAGE: "with the same positions on more collateral", PNL: "with an entry nearer to the mark"}
    more = f", {kind[change.what]}" if change.what in kind else ""
    return f"Had it had {words}{more}, nothing would have been taken; {_AGAIN}."

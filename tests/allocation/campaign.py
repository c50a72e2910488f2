"""Random books in contracts, checked in plain arithmetic: what must hold of any rule on any of them.

Nothing here is taken from the package but the nouns: g, pots and options are worked out again, lots and
quantities in rationals.  The suite runs a share of the campaign, `python -m benchmarks books` all of it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from tests.rounds.books import any_book, with_options

ALL = [name for name, rule in ALLOCATIONS.items() if "contracts" in rule.spaces]
RULES = [name for name in ALL if name != "risk-based"]
"""Every rule in contracts; and those of the suite: `risk-based` takes as long as all others together."""
LOTS = 1e-6
CENT = 0.005


def books(seeds, rules=RULES, each=3):
    """Yield the cases of a campaign: (seed, rule, with options, positive PNL only).

    The rules take turns; each has its own turns with and without options, with and without that limit.
    """
    for seed in seeds:
        for case in range(each * seed, each * (seed + 1)):
            turn, rule = divmod(case, len(rules))
            yield seed, rules[rule], turn % 2 == 0, turn // 2 % 2 == 0


def faults_of(seed, rule, options, only):
    """Return what is wrong with the answer of a rule to a book, in words; and the lots that were closed."""
    round_ = any_book(seed)
    if options:
        round_ = with_options(round_, seed)
        if seed % 3 == 0:
            round_ = replace(round_, accounts=replace(round_.accounts, owner=None))
    made = make_allocation(rule)
    action = allocate_in_contracts(made, made.start(), round_, round_.flow.quantity, positive_pnl_only=only)
    found = [*balances(round_, action), *obeys(round_, action)]
    return found + (list(within_pnl(round_, action)) if only else []), int(action.lots.sum())


def gives_up(round_):
    """Return g of each row of the flow by the textbook."""
    flow, held = round_.flow, round_.positions
    out = []
    for market, side, mark, close in zip(flow.market, flow.side, flow.mark, flow.closing, strict=True):
        here = np.flatnonzero(held.market == market)[:1]
        of = zip(held.kind[here], held.multiplier[here], held.settlement_rate[here], strict=True)
        kind, multiplier, rate = next(of, ("linear", 1.0, 1.0))
        gap = 1 / mark - 1 / close if kind == "inverse" else close - mark
        out.append(float(side * gap * multiplier * rate))
    return out


def balances(round_, action):
    """Yield closures on a wrong side or market, and lots, quantities and cents that do not balance."""
    flow, held, c = round_.flow, round_.positions, action.closures
    g = gives_up(round_)
    lots, closed, usd = defaultdict(int), defaultdict(Fraction), defaultdict(float)
    for position, row, count in zip(c.position.tolist(), c.row.tolist(), c.lots.tolist(), strict=True):
        if held.market[position] != flow.market[row] or held.side[position] != -flow.side[row]:
            yield f"position {position} is closed against row {row}"
        size = Fraction(str(held.lot_size[position]))
        lots[position] += count
        closed[row] += count * size
        usd[int(held.account[position])] += float(count * size) * max(g[row], 0.0)
    for position in range(len(held)):
        if not 0 <= lots[position] <= held.lots[position] or lots[position] != action.lots[position]:
            yield f"position {position}: {lots[position]} lots of {held.lots[position]}"
    left = c.left()
    for row, quantity in enumerate(flow.quantity.tolist()):
        if (
            closed[row] > quantity * (1 + 1e-9) + 1e-9
            or abs(float(closed[row]) + left[row] - quantity) > LOTS
        ):
            yield f"row {row}: {float(closed[row])} closed and {left[row]} left of {quantity}"
    for account, x in enumerate(action.x.tolist()):
        if abs(x - usd[account]) > CENT:
            yield f"account {account}: a haircut of {x}, and contracts of {usd[account]}"


def closed_by(closures):
    """Return position, row and contracts of each closure."""
    return zip(closures.position.tolist(), closures.row.tolist(), closures.contracts.tolist(), strict=True)


def who_of(round_):
    """Return who each account counts as: its owner, or itself."""
    owner = round_.accounts.owner
    return [str(v) for v in (round_.accounts.id if owner is None else owner)]


def within_pnl(round_, action):
    """Yield haircuts above positive PNL or equity: of owners in cross margin, of isolated positions alone."""
    accounts, held, c = round_.accounts, round_.positions, action.closures
    who, g = who_of(round_), gives_up(round_)
    pnl, equity = defaultdict(float), defaultdict(float)
    for account, name in enumerate(who):
        pnl[name] += accounts.pnl[account]
        equity[name] += accounts.equity[account]
    of = {}
    for k in range(len(held)):
        of[k] = name = who[held.account[k]]
        if held.margin_mode[k] == "isolated":
            of[k] = (name, str(held.market[k]), int(held.side[k]))
            own = float(held.pnl[k])
            pnl[of[k]] += own
            equity[of[k]] += own + held.isolated_margin[k]
            pnl[name] -= own
            equity[name] -= own + held.isolated_margin[k]
    paid = defaultdict(float)
    for position, row, contracts in closed_by(c):
        paid[of[position]] += contracts * max(g[row], 0.0)
    for pot, usd in paid.items():
        most = max(min(pnl[pot], equity[pot]), 0.0)
        if usd > most * (1 + 1e-7) + 1e-6:
            yield f"{pot} gives up {usd} of {most}"


def obeys(round_, action):
    """Yield options that are not obeyed."""
    accounts, held, flow, c = round_.accounts, round_.positions, round_.flow, action.closures
    who, names = who_of(round_), range(len(accounts))
    for k in range(len(held)) if accounts.exempt is not None else ():
        if accounts.exempt[held.account[k]] and action.lots[k]:
            yield f"position {k} of an exempt account is closed"
    of_cohort = ("cohort_cap", accounts.cohort, accounts.cohort_cap)
    for label, group, caps in (("cap", who, accounts.cap), of_cohort):
        paid, most = defaultdict(float), defaultdict(lambda: np.inf)
        for k in names if caps is not None else ():
            paid[group[k]] += float(action.x[k])
            most[group[k]] = min(most[group[k]], float(caps[k]))
        over = [key for key in paid if paid[key] > most[key] + CENT]
        yield from (f"{label} of {key}: {paid[key]} of {most[key]}" for key in over)
    each = defaultdict(float)
    for position, row, contracts in closed_by(c):
        each[row, who[held.account[position]]] += contracts
        if flow.band is not None and abs(flow.closing[row] / flow.mark[row] - 1) > flow.band[row] + 1e-9:
            yield f"row {row} is closed outside of its band"
    for (row, name), contracts in each.items() if flow.min_quantity is not None else ():
        if contracts < flow.min_quantity[row] * (1 - 1e-7):
            yield f"{name} closes {contracts} of row {row}, the least is {flow.min_quantity[row]}"
    pairs = defaultdict(list)
    for k in range(len(held)):
        if held.hedge[k] and held.lots[k] and who.count(who[held.account[k]]) == 1:
            pairs[int(held.account[k]), int(held.hedge[k])].append(action.lots[k] / held.lots[k])
    for key, shares in pairs.items():
        if max(shares) - min(shares) > 0.3 + 1e-7:
            yield f"legs of {key}: shares {shares}"

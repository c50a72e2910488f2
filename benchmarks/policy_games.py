"""Games against whole policies: each need is chosen after the haircuts are known.

Deficits and capacities are drawn over twelve orders of magnitude (over two in half of the games), so that in
about half of the rounds the winners have less than the deficit, and less than what is needed in many.
"""

from __future__ import annotations

import numpy as np

from adl_opt.allocation.contracts import settled
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy, make_policy
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from adl_opt.severity import Bound
from benchmarks.solvency_games import ADVERSARIES

WHOLE = (
    ("ftrl-whole/pro-rata", WEALTH),
    ("ftrl-whole/min-max(base=equity)", WEALTH),
    ("ftrl-whole/min-max-lots", WEALTH),
    ("ftrl-exact/pro-rata", WEALTH),
    ("coin-betting/integer-pro-rata", WEALTH),
    ("hedge-grid/capped-pro-rata", WEALTH),
    ("hinted(ftrl-exact, fixed-gap)/pro-rata", WEALTH),
    ("hedged-hints(ftrl-exact | hint-only(fixed-gap))/equity-pro-rata", WEALTH),
    ("ftrl-whole/min-max", CONTRACTS),
    ("ftrl-exact/min-max-lots", CONTRACTS),
)
"""Policies with a theorem of the whole policy, each in one space."""


def weighed(name: str, rng: np.random.Generator, equation: int) -> tuple[Policy, Loss]:
    """Return a policy and a loss on its base, with weights drawn at random."""
    under, over = ((1.0, 1.0), (5.0, 1.0), (1.0, 3.0))[int(rng.integers(3))]
    fair = float(10.0 ** rng.uniform(-2.0, 8.0)) if equation == 10 else float(rng.choice([0.5, 1.0, 4.0]))
    base = "equity" if "equity" in name else "capacity"
    loss = Loss(under=under, over=over, fair=fair, base=base)
    return make_policy(name).on(loss), loss


def whole(name: str, space: str, equation: int, rounds: int, rng: np.random.Generator) -> tuple[float, Bound]:
    """Play a game; return the measured regret and the bound of the whole policy."""
    policy, loss = weighed(name, rng, equation)
    kind, beyond = ADVERSARIES[str(rng.choice(list(ADVERSARIES)))], rng.random() < 0.25
    spread, state, seen = float(rng.choice([0.0, 1.0, 6.0])), policy.start(), []
    for t in range(rounds):
        round_ = _round(t, space, spread, rng)
        action = policy.act(state, round_)
        most = min(round_.deficit, round_.capacity_usd)
        needed = kind(min(action.executed, most), most, 0.05, float(rng.random()))
        if beyond and rng.random() < 0.5:
            needed = 3.0 * round_.capacity_usd * float(rng.random())
        outcome = _outcome(round_, needed)
        seen.append((round_, outcome))
        state = policy.learn(state, round_, outcome, settled(action, round_, outcome))
    bound = policy.bound(seen, loss, equation)
    assert bound is not None  # noqa: S101
    return policy.regret(seen, loss, equation), bound


def _round(t: int, space: str, spread: float, rng: np.random.Generator) -> Round:
    n = int(rng.integers(1, 4))
    deficit = float(10.0 ** rng.uniform(-spread, spread)) if rng.random() > 0.02 else 0.0
    pnl = 10.0 ** (rng.uniform(-spread, spread) + rng.uniform(-0.5, 1.0, n))
    ids, equity = [f"a{k}" for k in range(n)], pnl * rng.uniform(1.0, 3.0, n)
    if space == WEALTH:
        lots = rng.integers(1, 9, n)
        held = Positions(account=range(n), market=["M"] * n, lot_value=pnl / lots, lots=lots)
        flow = Flow(market=["M"], quantity=[1.0], mark=[100.0 * deficit * rng.uniform(0.5, 2.0) + 1e-9])
        accounts = Accounts(id=ids, pnl=pnl, equity=equity)
        return Round(deficit=deficit, accounts=accounts, positions=held, flow=flow, number=t)
    return _in_contracts(t, ids, pnl, equity, rng)


def _in_contracts(t: int, ids: list[str], pnl: Floats, equity: Floats, rng: np.random.Generator) -> Round:
    """Return a round with losers in one or two markets, whose winners are all short there."""
    n, markets = len(ids), ["M", "N"][: int(rng.integers(1, 3))]
    market = [str(rng.choice(markets)) for _ in ids]
    lots, mark = rng.integers(1, 30, n), 100.0
    entry = mark + pnl / lots
    held = Positions(
        account=range(n), market=market, lot_size=[1.0] * n, lots=lots, side=[-1] * n, entry=entry,
        mark=[mark] * n,
    )  # fmt: skip
    quantity = [float(lots[[m == k for m in market]].sum() * rng.uniform(0.1, 1.2)) + 1.0 for k in markets]
    close = mark + 10.0 ** rng.uniform(-2.0, 1.5, len(markets))
    flow = Flow(market=markets, quantity=quantity, mark=[mark] * len(markets), side=[1] * len(markets),
                bankruptcy=close)  # fmt: skip
    deficit = float(np.dot(quantity, close - mark))
    accounts = Accounts(id=ids, pnl=pnl, equity=equity)
    return Round(deficit=deficit, accounts=accounts, positions=held, flow=flow, number=t)


def _outcome(round_: Round, needed: float) -> Outcome:
    flow = round_.flow
    assert flow is not None  # noqa: S101
    share = flow.quantity / flow.quantity.sum()
    gaps = Gaps(market=flow.market.tolist(), quantity=flow.quantity, gap=needed * share)
    return Outcome(needed=needed, gaps=gaps)

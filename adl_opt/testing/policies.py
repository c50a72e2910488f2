"""Public test kit: hold your own policy to the rules of the house, and draw rounds with hypothesis.

``check_policy`` and ``check_program`` need nothing but this package; the strategies need
``hypothesis`` (extra ``dev``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.errors import AdlOptError, LackError, PolicyError
from adl_opt.evaluate.check import check_allocation
from adl_opt.policy.policy import Policy
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Positions
from adl_opt.testing.contracts import check_in_contracts
from adl_opt.testing.shared import expect, halved, reordered, scaled_money

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

TOLERANCE = 1e-9


def check_policy(policy: Policy | AllocationRule) -> None:
    """Hold an allocation (or a policy's allocation) to its claims on a fixed battery of hard rounds.

    The battery: no account, one account, no capacity, dust beside 1e11 USD, ties, budgets of 0, inside, at
    and above the capacity; with and without positions.  What serves contracts is held to the rules of
    contracts too (:func:`~adl_opt.testing.contracts.check_in_contracts`).

    Raises
    ------
    PolicyError
        Names the claim that does not hold, the round and the values.

    Examples
    --------
    >>> import adl_opt as adl
    >>> check_policy(adl.make_policy("pro-rata"))
    """
    rule = policy.allocation if isinstance(policy, Policy) else policy
    if CONTRACTS in rule.spaces:
        check_in_contracts(policy)
    for round_ in battery() if WEALTH in rule.spaces else ():
        for share in (0.0, 0.013, 0.4, 1.0, 1.7):
            try:
                check_claims(rule, round_, share * round_.capacity_usd)
            except LackError:  # a rule on lots has nothing to say of a round without positions
                break
            except AdlOptError:
                raise
            except Exception as error:
                expect(rule, round_, "an answer to every round", False, f"{type(error).__name__}: {error}")


def check_claims(rule: AllocationRule, round_: Round, budget: float) -> None:
    """Hold one allocation to its claims on one round and budget."""
    base = _run(rule, round_, budget)
    repeated = _run(rule, round_, budget)
    expect(rule, round_, "the same bits twice", bool(np.array_equal(base.x, repeated.x)))
    if budget == 0:
        expect(rule, round_, "a zero budget is a no-op", not base.x.any())
    for name in sorted(name for name, promised in vars(rule.claims).items() if promised):
        _CLAIMS[name](rule, round_, budget, base)


def _run(rule: AllocationRule, round_: Round, budget: float) -> Allocation:
    allocation = rule.allocate(rule.start(), round_, budget)
    check_allocation(rule.label(), round_, allocation)
    return allocation


def _close(a: Floats, b: Floats, scale: float) -> bool:
    return bool(np.all(np.abs(a - b) <= TOLERANCE * max(scale, 1e-12)))


def reachable(round_: Round, *, positions: bool) -> Floats:
    """Return the most that each account can give up, (n,) USD: its capacity, or its positions within it."""
    capacity = round_.accounts.capacity
    if not positions or round_.positions is None:
        return capacity
    held = np.bincount(round_.positions.account, round_.positions.pnl, minlength=capacity.size)
    return np.minimum(capacity, held)


def _covers(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    by_position = base.lots is not None or getattr(rule, "scope", "account") == "position"
    most = math.fsum(reachable(round_, positions=by_position))
    if base.lots is not None:
        in_lots = rule.allocate(rule.start(), round_, 2.0 * round_.capacity_usd + 1.0).executed
        enough = base.executed >= min(budget, in_lots) * (1 - TOLERANCE)
        expect(rule, round_, "covers the budget in lots, as far as lots reach", enough)
        return
    target = min(budget, most)
    fits = abs(base.executed - target) <= TOLERANCE * max(target, 1e-12)
    expect(rule, round_, "sum x = min(B, U)", fits, f"H = {base.executed!r}, expected {target!r}")
    if budget > most:
        named = abs(base.shortfall - (budget - most)) <= TOLERANCE * budget
        full = _close(base.x, reachable(round_, positions=by_position), most)
        expect(rule, round_, "x = u and a named shortfall above the capacity", named and full)


def _vertex(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    capacity = round_.accounts.capacity
    inside = (base.x > 0) & (base.x < capacity)
    expect(rule, round_, "at most one account strictly inside (a vertex)", int(inside.sum()) <= 1)


def _permutation(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    order = np.random.default_rng(5).permutation(len(round_.accounts))
    moved = _run(rule, reordered(round_, order), budget)
    same = _close(moved.x, base.x[order], round_.capacity_usd)
    expect(rule, round_, "reordering the accounts reorders the haircuts", same)


def _scale(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    factor = 2.0**7
    scaled = _run(rule, scaled_money(round_, factor), budget * factor)
    same = _close(scaled.x, base.x * factor, factor * round_.capacity_usd)
    expect(rule, round_, "scaling all money scales the haircuts", same)


def _split_proof(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    whole = replace(round_, positions=None, flow=None)
    x = _run(rule, whole, budget).x
    halves = _run(rule, halved(whole), budget).x
    n = len(round_.accounts)
    same = _close(halves[:n] + halves[n:], x, round_.capacity_usd)
    expect(rule, round_, "splitting accounts changes nothing", same)


def _monotone(rule: AllocationRule, round_: Round, budget: float, base: Allocation) -> None:
    more = _run(rule, round_, 1.25 * budget)
    holds = bool(np.all(more.x >= base.x - TOLERANCE * max(round_.capacity_usd, 1e-12)))
    expect(rule, round_, "a larger budget lowers nobody's haircut", holds)


_CLAIMS: dict[str, Callable[[AllocationRule, Round, float, Allocation], None]] = {
    "covers": _covers,
    "vertex": _vertex,
    "permutation": _permutation,
    "scale": _scale,
    "split_proof": _split_proof,
    "monotone": _monotone,
}


def make_round(
    pnl: Floats, equity: Floats, lots: Ints, seed: int = 0, *, positions: bool = True, number: int = 1
) -> Round:
    """Return a round with every optional column, from PNL, equity and lots of one or two positions each.

    Parameters
    ----------
    pnl, equity : (n,) USD
    lots : (n,) int >= 1
        Lots of the first position of each account; every second account has another one of 3 lots.
    seed : int
        For prices and sides.
    """
    n, rng = len(pnl), np.random.default_rng(seed)
    gain = np.maximum(pnl, 0.0)
    notional = np.round(np.abs(equity) * rng.uniform(0.5, 20, n), 2) + 1.0
    side = rng.choice([-1, 1], n)
    entry = np.round(rng.uniform(1, 100, n), 2)
    mark = np.round(entry * (1 + side * rng.uniform(0, 0.5, n)), 4)
    accounts = Accounts(
        id=np.array([f"acct{i:03d}" for i in range(n)], dtype=np.str_),
        pnl=pnl,
        equity=equity,
        side=side,
        entry=entry,
        mark=mark,
        notional=notional,
        leverage=np.round(rng.uniform(0, 20, n), 2),
        margin=notional * 0.05,
    )
    if not positions:
        return Round(deficit=float(gain.sum()), accounts=accounts, number=number)
    account = np.flatnonzero(gain > 0)
    second = account[::2]
    rows = np.concatenate([account, second])
    first = np.arange(rows.size) < account.size
    count = np.where(first, np.asarray(lots)[rows], 3)
    share = np.where(first, np.where(np.isin(rows, second), 0.7, 1.0), 0.3)
    held = Positions(
        account=rows,
        market=np.where(first, "AAA", "BBB"),
        lot_value=gain[rows] * share / count,
        lots=count,
        side=side[rows],
        entry=entry[rows],
        mark=mark[rows],
        notional=notional[rows] * share,
    )
    flow = Flow(market=np.array(["AAA", "BBB"]), quantity=np.array([30.0, 10.0]), mark=np.array([10.0, 5.0]))
    return Round(deficit=float(gain.sum()), accounts=accounts, positions=held, flow=flow, number=number)


def battery() -> list[Round]:
    """Return the hard rounds of :func:`check_policy`."""
    cases: list[list[float]] = [
        [],
        [100.0],
        [-5.0, 0.0],
        [1e-9, 1.0, 1e11],
        [10.0, 10.0, 10.0, 10.0],
        [0.01, 250.25, -3.0, 17.0, 17.0, 99999.99],
        [5e3 / (1 + k) for k in range(40)],
    ]
    made = []
    for number, pnl in enumerate(cases, start=1):
        gain = np.array(pnl, dtype=np.float64)
        lots = 1 + np.arange(gain.size, dtype=np.int64) % 7
        equity = np.maximum(gain, 0.0) * 3 + 1.0
        equity[2::5] = np.maximum(gain[2::5], 0.0) / 2  # accounts whose equity caps them
        made += [make_round(gain, equity, lots, number, positions=p, number=number) for p in (True, False)]
    return made


def rounds(max_accounts: int = 8, *, positions: bool | None = None) -> SearchStrategy[Round]:
    """Return a hypothesis strategy of rounds with every optional column.

    Money is drawn in cents up to 1e8 USD, with dust, ties, losers and accounts whose equity caps them.
    """
    from hypothesis import strategies as st

    cents = st.one_of(
        st.integers(-(10**4), 10**10), st.sampled_from([0, 1, 100, 10**10]), st.integers(1, 500)
    )

    @st.composite
    def draw_round(draw: Callable[..., Any]) -> Round:
        n = draw(st.integers(0, max_accounts))
        pnl = np.array([draw(cents) / 100 for _ in range(n)])
        ratio = np.array([draw(st.sampled_from([0.0, 0.25, 1.0, 1.5, 4.4, 15.0])) for _ in range(n)])
        lots = np.array([draw(st.integers(1, 60)) for _ in range(n)], dtype=np.int64)
        with_positions = draw(st.booleans()) if positions is None else positions
        seed = draw(st.integers(0, 10**6))
        return make_round(pnl, np.maximum(pnl, 0.0) * ratio, lots, seed, positions=with_positions)

    return draw_round()


class Poisoned(Outcome):
    """An outcome that may not be looked at: every access raises (a spy for the information barrier)."""

    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise PolicyError(
            "a policy looked at the outcome before the round was over",
            got=f"outcome.{name}",
            ways_out=["decide on the round alone", "declare information = EX_POST"],
        )

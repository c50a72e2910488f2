"""Programs on rounds in contracts: kernel = HiGHS = enumeration in fractions, and who is on which side."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.kernels import minmax_contracts
from adl_opt.programs import (
    Clearing,
    Entropy,
    ExactBudget,
    HedgedPairs,
    LeastQuantity,
    Lots,
    MarketBalance,
    MaxAccounts,
    MaxBurden,
    Overshoot,
    Point,
    RoundProgram,
    Solvency,
    Undershoot,
    WithinPositions,
    in_legs,
    minmax_loser_rows,
    solve,
)
from adl_opt.programs.solution import within_cents
from benchmarks.contracts_solve import round_of
from benchmarks.instances import draw_contracts
from tests.kernels.contracts.books import enumerated
from tests.rounds.books import any_book, small_book


def whole_book(seed, *, several=False, hedged=False):
    """Return a small round in whole numbers: 100 USD marks, g of 1 to 5 USD a contract, lots of one."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, 5)), int(rng.integers(1, 3))
    market, side, account = [], [], []
    for a in range(n):
        for m in range(k):
            for s in ("short", "long") if hedged else ("short",):
                if rng.random() < 0.7 and len(market) < (4 if several else 6):
                    account.append(a)
                    market.append(f"M{m}")
                    side.append(s)
    account, market, side = (account or [0]), (market or ["M0"]), (side or ["short"])
    gain = rng.integers(0, 12, len(account))
    held = adl.Positions(
        account=account, market=market, lots=rng.integers(1, 5, len(account)), side=side,
        entry=100.0 + np.where(np.array(side) == "short", 1, -1) * gain, mark=np.full(len(account), 100.0),
    )  # fmt: skip
    pnl = np.bincount(held.account, held.pnl, minlength=n)
    rows = [(f"M{m}", s) for m in range(k) for s in (("long", "short") if hedged else ("long",))]
    rows = rows + rows[:1] if several else rows
    sign = np.array([1 if s == "long" else -1 for _, s in rows])
    return adl.Round(
        deficit=50.0,
        accounts=adl.Accounts(id=[f"a{a}" for a in range(n)], pnl=pnl, equity=pnl + 100.0),
        positions=held,
        flow=adl.Flow(
            market=[m for m, _ in rows], side=[s for _, s in rows],
            quantity=rng.integers(0, 7, len(rows)).astype(float), mark=[100.0] * len(rows),
            bankruptcy=100.0 + sign * rng.integers(1, 6, len(rows)),
        ),
    )  # fmt: skip


def listed(round_, needed, cost, *, equal=True, kept=lambda lots, x: True):
    """Return the least cost over whole lots, by listing all of them in fractions, and what is taken there.

    With ``equal`` every row closes its share, and as much as can be closed comes first.
    """
    book = in_legs(round_)
    legs, g = book.legs, [Fraction(v) for v in book.cost.tolist()]
    total = sum(Fraction(q) * c for q, c in zip(round_.flow.quantity.tolist(), g, strict=True))
    share = (
        (min(Fraction(1), Fraction(needed) / total) if total else Fraction(int(needed > 0))) if equal else 1
    )
    most = [Fraction(q) * share for q in round_.flow.quantity.tolist()]
    have = round_.positions.lots.tolist()
    u = [Fraction(v) for v in book.accounts.capacity.tolist()]
    best = None
    for lots in product(*(range(have[p] + 1) for p in legs.position.tolist())):
        by_row, by_position, x = [0] * len(most), [0] * len(have), [Fraction(0)] * len(u)
        for leg, count in enumerate(lots):
            by_row[legs.row[leg]] += count
            by_position[legs.position[leg]] += count
            x[round_.positions.account[legs.position[leg]]] += count * g[legs.row[leg]]
        if any(map(lambda a, b: a > b, by_row, most)) or any(map(lambda a, b: a > b, by_position, have)):
            continue
        if any(map(lambda a, b: a > b, x, u)) or not kept(lots, x):
            continue
        taken = sum(x, Fraction(0))
        z = max((a / b for a, b in zip(x, u, strict=True) if b), default=Fraction(0))
        key = (-taken if equal else 0, cost(taken, z))
        if best is None or key < best[0]:
            best = (key, taken)
    return best[0][1], best[1]


def burden_alone(taken, z):
    return z


@pytest.mark.parametrize("seed", range(60))
def test_min_max_is_the_kernel_and_the_enumeration_in_fractions(seed):
    round_ = whole_book(seed)
    book = in_legs(round_)
    g, quantity = book.cost[book.legs.row], round_.positions.quantity[book.legs.position]
    legs = (book.accounts.capacity, book.held.account, book.legs.row, g * quantity)
    demand = book.cost * round_.flow.quantity
    free = solve(RoundProgram(MaxBurden(), [ExactBudget(), WithinPositions()]), round_, needed=book.flow_usd)
    haircut, _ = enumerated((*legs, demand))
    u = book.accounts.capacity.tolist()
    z = max((x / Fraction(v) for x, v in zip(haircut, u, strict=True) if v), default=Fraction(0))
    assert (free.status, free.engine) == ("optimal", "kernel:min-max-contracts")
    assert free.certify().ok
    assert free.objective == pytest.approx(float(z), rel=1e-9, abs=1e-12)
    hard = solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=book.flow_usd)
    kernel = minmax_contracts(*legs, demand, hard_cap=True)
    assert hard.status == "optimal"
    assert hard.objective == pytest.approx(kernel.z, rel=1e-9, abs=1e-12)
    assert hard.shortfall_usd == pytest.approx(kernel.residual_usd.sum(), abs=1e-9)
    left = sum(q * c for q, c in zip(hard.residual.values(), book.cost.tolist(), strict=True))
    assert left == pytest.approx(hard.shortfall_usd, abs=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_whole_lots_are_those_of_listing_them_all(seed):
    round_ = whole_book(seed, several=seed % 2 == 1)
    needed = in_legs(round_).flow_usd * (1.0 if seed % 3 else 0.5)
    programs = {
        (): lambda lots, x: True,
        (MaxAccounts(1),): lambda lots, x: sum(v > 0 for v in x) <= 1,
    }
    for more, kept in programs.items():
        found = solve(RoundProgram(MaxBurden(), [Solvency(), Lots(), *more]), round_, needed=needed)
        z, taken = listed(round_, needed, burden_alone, kept=kept)
        assert found.status == "optimal"
        assert found.certify().ok
        assert found.executed == pytest.approx(float(taken), abs=1e-9)
        assert found.objective == pytest.approx(float(z), rel=1e-9, abs=1e-12)
        assert found.shortfall_usd == pytest.approx(needed - float(taken), abs=1e-9)
        assert np.all(found.lots <= round_.positions.lots)


@pytest.mark.parametrize("seed", range(30))
def test_a_program_without_a_budget_chooses_what_it_closes(seed):
    """Asymmetric loss over whole lots: too little costs 3, too much 1, and burden 40 USD."""
    round_ = whole_book(seed, several=seed % 2 == 1)
    needed = 0.7 * in_legs(round_).flow_usd
    goal = 3.0 * Undershoot() + Overshoot() + 40.0 * MaxBurden()

    def cost(taken, z):
        gap = taken - Fraction(needed)
        return (gap if gap > 0 else -3 * gap) + 40 * z

    found = solve(RoundProgram(goal, [Lots()]), round_, needed=needed)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(float(listed(round_, needed, cost, equal=False)[0]), rel=1e-9)
    assert solve(RoundProgram(goal), round_, needed=needed).objective <= found.objective * (1 + 1e-9)


def test_several_prices_in_one_market_are_not_blended():
    engines = set()
    for seed in range(20):
        round_ = whole_book(seed, several=True)
        book, held, flow = in_legs(round_), round_.positions, round_.flow
        names = sorted(set(held.market.tolist()) | set(flow.market.tolist()))
        cell, row_cell = ([names.index(m) for m in table.market.tolist()] for table in (held, flow))
        rows = (row_cell, flow.quantity, book.given_up)
        other = minmax_loser_rows(book.accounts.capacity, held.account, cell, held.quantity, *rows)
        program = RoundProgram(MaxBurden(), [ExactBudget(), WithinPositions()])
        found = solve(program, round_, needed=book.flow_usd)
        if other.residual_contracts.any():
            continue  # there rows are served in their order; a program closes what is worth most
        assert found.objective == pytest.approx(other.z, rel=1e-7, abs=1e-9), seed
        assert found.certify().ok
        engines.add(found.engine)
    assert "kernel:loser-rows" in engines


def test_rows_of_losers_end_at_their_time_limit():
    round_ = round_of(draw_contracts(400, 12, "usual"), prices=(0.5, 1.0, 1.5))
    program = RoundProgram(MaxBurden(), [ExactBudget(), WithinPositions()])
    for limit, status in ((None, "optimal"), (0.0, "no-solution")):
        options = {"time_limit_seconds": limit}
        found = solve(program, round_, needed=round_.deficit, engine="kernel", options=options)
        assert found.status == status


def test_whole_lots_of_large_books_have_a_bound_of_whole_lots():
    """Where one market decides the answer is optimal, else it is within 0.5 %."""
    for kind in ("usual", "tied"):
        round_ = round_of(draw_contracts(600, 12, kind), lot=1.0)
        program = RoundProgram(MaxBurden(), [Solvency(), Lots(), WithinPositions()])
        found = solve(program, round_, needed=round_.deficit)
        assert found.engine == "kernel:min-max-contract-lots"
        assert found.certify().ok
        assert found.gap <= (1e-9 if found.proof.result.deciding.sum() == 1 else 0.005)
        wanted = np.floor(in_legs(round_).share(round_.deficit) * round_.flow.quantity * (1 + 1e-12))
        assert np.array_equal(found.round.closed(found.closed), wanted)


@pytest.mark.parametrize("seed", range(40))
def test_any_book_is_closed_on_the_other_side_within_its_pots(seed):
    """Several rows, inverse, isolated margin, hedge mode, gains: every closure keeps all limits."""
    round_ = any_book(seed)
    book = in_legs(round_)
    for share, program in product(
        (1.0, 0.4),
        (RoundProgram(MaxBurden(), [ExactBudget()]), RoundProgram(Undershoot() + 10 * MaxBurden())),
    ):
        found = solve(program, round_, needed=share * book.flow_usd)
        assert found.status == "optimal"
        assert found.certify().ok
        made, held = found.closures, round_.positions
        assert np.all(held.side[made.position] == -round_.flow.side[made.row])
        assert np.all(held.market[made.position] == round_.flow.market[made.row])
        assert np.all(np.bincount(made.position, made.lots, len(held)) <= held.lots + 1e-6)
        paid = made.contracts * np.maximum(made.given_up, 0.0)[made.row]
        of_pot = np.bincount(book.pots.of_position[made.position], paid, book.pots.capacity.size)
        assert np.all(of_pot <= book.pots.capacity + 0.005)
        for row in np.flatnonzero(book.cost == 0):  # what costs nobody anything is closed as far as it can be
            here = book.legs.row == row
            left = book.source_lots - np.bincount(made.position, made.lots, len(held))
            all_of_it = book.share(share * book.flow_usd) if "exact-budget" in repr(program) else 1.0
            open_ = all_of_it * round_.flow.quantity[row]
            open_ -= book.closed(found.closed)[row]
            assert open_ <= 1e-6 * max(open_, 1.0) or np.all(left[book.legs.position[here]] <= 1e-6)


def test_water_filling_in_one_market():
    """u = (100, 100), q g = (10, 100), B = 50: (10, 40); burdens stay over u."""
    round_ = small_book(
        [1, 10], side="short", entry=[200.0, 110.0], mark=100.0, losers="long", quantity=5.0, bankruptcy=110.0
    )
    for model in ("min-max-lp", "min-max-lots", "leximin", "capped-pro-rata", "tracking-lp(l_fair=1.0)", ""):
        solved = adl.solve(round_, 50.0, model=model)
        assert solved.allocation.x == pytest.approx([10.0, 40.0], abs=1e-4), model
        assert solved.facts["max_burden"] == pytest.approx(0.4, abs=1e-6)
        assert solved.facts["space"] == "contracts"


def test_a_long_never_pays_for_a_bankrupt_long():
    """Accounts short and long of BTC with 1,000 USD PNL each; a bankrupt BTC long of 400 USD."""
    held = adl.Positions(
        account=[0, 1], market=["BTC"] * 2, lots=[100, 100], side=["short", "long"],
        entry=[110.0, 90.0], mark=[100.0, 100.0],
    )  # fmt: skip
    accounts = adl.Accounts(id=["short", "long"], pnl=[1_000.0] * 2, equity=[2_000.0] * 2)
    flow = adl.Flow(market=["BTC"], side=["long"], quantity=[40.0], mark=[100.0], bankruptcy=[110.0])
    round_ = adl.Round(deficit=400.0, accounts=accounts, positions=held, flow=flow)
    for model in ("min-max-lp", "min-max-lots", "budget-and-accounts", "insurance-cofunding(fund=0)", ""):
        assert adl.solve(round_, 400.0, model=model).allocation.x == pytest.approx([400.0, 0.0]), model
        pool = adl.solve(round_, 400.0, model=model, space="wealth")
        assert pool.allocation.x == pytest.approx([200.0, 200.0]), model
    found = solve(RoundProgram(MaxBurden(), [MarketBalance(), Lots()]), round_, needed=400.0)
    assert found.lots.tolist() == [40, 0]


def test_holders_of_another_market_pay_nothing():
    """Deficit in A1 only, Bob holds A0 only: 0 from Bob, and what A1 cannot close is named."""
    held = adl.Positions(
        account=[0, 1], market=["A1", "A0"], lots=[30, 100], side=["short"] * 2,
        entry=[110.0] * 2, mark=[100.0] * 2,
    )  # fmt: skip
    accounts = adl.Accounts(id=["ann", "bob"], pnl=held.pnl, equity=[2_000.0] * 2)
    flow = adl.Flow(market=["A1"], side=["long"], quantity=[40.0], mark=[100.0], bankruptcy=[110.0])
    round_ = adl.Round(deficit=400.0, accounts=accounts, positions=held, flow=flow)
    for model in ("min-max-lp", "min-max-lots"):
        solved = adl.solve(round_, 400.0, model=model)
        assert solved.allocation.x == pytest.approx([300.0, 0.0]), model
        assert solved.allocation.residual == {("A1", "long"): pytest.approx(10.0)}
        assert solved.facts["residual_usd"] == pytest.approx(100.0)
        assert solved.facts["shortfall_usd"] == pytest.approx(100.0)


def test_prices_of_markets_say_what_one_more_contract_costs():
    round_ = whole_book(3)
    round_ = adl.Round(
        deficit=50.0, accounts=round_.accounts, positions=round_.positions,
        flow=adl.Flow(market=["M0"], side=["long"], quantity=[2.0], mark=[100.0], bankruptcy=[102.0]),
    )  # fmt: skip
    program = RoundProgram(MaxBurden(), [ExactBudget()])

    def least(quantity):
        flow = adl.Flow(market=["M0"], side=["long"], quantity=[quantity], mark=[100.0], bankruptcy=[102.0])
        moved = adl.Round(deficit=50.0, accounts=round_.accounts, positions=round_.positions, flow=flow)
        return solve(program, moved, needed=2.0 * quantity)

    found, step = least(2.0), 1e-3
    seen = (least(2.0 + step).objective - found.objective) / step
    assert found.duals["market"].value == pytest.approx([seen], rel=1e-6)


@pytest.mark.parametrize("bankruptcy", [100.0, 105.0])
def test_where_nothing_is_asked_for_nothing_may_be_closed(bankruptcy):
    """The certificate allows nothing there, of a contract that costs nobody anything neither."""
    round_ = small_book(
        [3], side="short", entry=110.0, mark=100.0, losers="long", quantity=2.0, bankruptcy=bankruptcy
    )
    found = solve(RoundProgram(MaxBurden(), [ExactBudget()]), round_, needed=0.0)
    check = found.certify().checks["cents:clearing"]
    assert (found.status, check.passed, check.allowed) == ("optimal", True, 0.0)
    closed = Point(x=np.zeros(1), needed=0.0, closed=np.array([1e-6]))
    assert not within_cents(Clearing().violation(closed, round_), 0.0).passed


def test_terms_of_contracts_do_not_serve_wealth():
    round_ = adl.Round(deficit=1.0, accounts=adl.Accounts(id=["a"], pnl=[4.0], equity=[8.0]))
    for rule in (Clearing(), HedgedPairs(), LeastQuantity()):
        with pytest.raises(adl.InputError, match="does not serve rounds in wealth"):
            solve(RoundProgram(MaxBurden(), [ExactBudget(), rule]), round_, needed=1.0)
    with pytest.raises(adl.InputError, match="not in contracts"):
        adl.solve(round_, 1.0, model="min-max-lp", space="contracts")
    with pytest.raises(adl.InputError, match="does not serve rounds in contracts"):
        adl.solve(
            adl.Episode("one", "here", [(whole_book(1), adl.Outcome(1.0))]), model="cumulative-fairness"
        )


def test_proofs_of_contracts_are_files_that_the_checker_accepts(tmp_path):
    round_ = whole_book(5)
    for model in ("min-max-lp", "min-max-lots", "account-selection(k=1, ticket=0)"):
        file = tmp_path / "proof.json"
        facts = adl.solve(round_, in_legs(round_).flow_usd, model=model, proof=file).facts
        assert facts["status"] == "optimal"
        assert adl.verify(file).bound == pytest.approx(facts["objective"], rel=1e-8, abs=1e-12)


def test_revealed_prices_value_an_answer_ex_post():
    """Asked for 100 USD at 5 USD a contract, the market then reveals 3 USD."""
    round_ = small_book(
        [10, 30], side="short", entry=110.0, mark=100.0, losers="long", quantity=20.0, bankruptcy=105.0
    )
    gaps = adl.Gaps(market=["XBT"], quantity=[20.0], gap=[60.0])
    for model in ("min-max-lp", "min-max-lots", ""):
        known = adl.solve((round_, adl.Outcome(60.0, gaps=gaps)), model=model)
        assert known.facts["executed_usd"] == pytest.approx(60.0)
        assert known.facts["information"] == "ex-post"
        assert adl.solve(round_, 100.0, model=model).facts["executed_usd"] == pytest.approx(100.0)


def test_a_cone_is_solved_over_contracts_too():
    round_ = whole_book(7)
    found = solve(RoundProgram(Entropy(), [ExactBudget()]), round_, needed=0.5 * in_legs(round_).flow_usd)
    assert found.status == "optimal"
    assert found.certify().ok


@pytest.mark.parametrize("needed", [1e-9, 1e-6])
def test_a_budget_far_below_a_cent_is_raised(needed):
    """The rows of the flow are then some 1e-12 contracts, which a solver must not take for nothing."""
    found = solve(RoundProgram(MaxBurden(), [ExactBudget()]), any_book(2), needed=needed)
    assert float(found.x.sum()) == pytest.approx(needed, rel=1e-9)
    assert 0.0 <= found.bound <= found.objective <= found.bound + 1e-9


def test_a_budget_of_less_than_a_lot_closes_no_lot():
    found = solve(RoundProgram(MaxBurden(), [Solvency(), Lots()]), any_book(2), needed=1e-9)
    assert found.status.value == "optimal"
    assert not found.lots.any()

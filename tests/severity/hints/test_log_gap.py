"""The log-gap hints against a ridge regression on the whole past; hints under weights that are learnt."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from adl_opt.errors import UsageError
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps
from adl_opt.severity import make_hint
from adl_opt.severity.hints.mixed import MixedHints

PRIOR = math.log(0.01)


def rounds_of(count, markets=6, seed=0):
    """Rounds in which some markets close, each gap a share of notional that has an effect of its market."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=markets)
    for t in range(count):
        here = np.flatnonzero(rng.random(markets) < 0.6)
        here = here if here.size else np.array([0])
        notional = 10.0 ** rng.uniform(2, 7, here.size)
        ratio = np.exp(-4.0 + own[here] + rng.normal(size=here.size) + rng.normal())
        names = [f"m{k}" for k in here]
        flow = Flow(market=names, quantity=np.ones(here.size), mark=notional)
        gaps = np.minimum(1.0, ratio) * notional * (rng.random(here.size) < 0.9)
        winner = Accounts(id=["w"], pnl=[1e9], equity=[1e9])
        round_ = Round(deficit=100.0, accounts=winner, flow=flow, number=t)
        known = Gaps(market=names, quantity=np.ones(here.size), gap=gaps)
        yield round_, Outcome(needed=float(gaps.sum()), gaps=known)


def by_ridge(past, round_, common):
    """Return the guess of a ridge regression on all observations, with dummies for markets and rounds."""
    sizes, seen = {}, []
    for t, (before, outcome) in enumerate([*past, (round_, None)]):
        for k, (name, usd) in enumerate(
            zip(before.flow.market.tolist(), before.flow.notional.tolist(), strict=True)
        ):
            sizes.setdefault(name, []).append(usd)
            x = math.log(usd / np.mean(sizes[name]))
            ratio = math.nan if outcome is None else outcome.gaps.gap[k] / usd
            seen.append((name, x, math.log(max(ratio, 1e-5)) if outcome else math.nan, t, usd))
    names = sorted({row[0] for row in seen})
    width = 2 + len(names) + common * (len(past) + 1)
    rows = np.zeros((len(seen), width))
    for i, (name, x, _, t, _) in enumerate(seen):
        rows[i, [0, 1, 2 + names.index(name)]] = 1.0, x, 1.0
        if common:
            rows[i, 2 + len(names) + t] = 1.0
    y = np.array([row[2] for row in seen])
    known = ~np.isnan(y)
    prior = np.zeros(width)
    prior[:2] = PRIOR, 0.5
    matrix = rows[known].T @ rows[known] + np.eye(width)
    beta = prior + np.linalg.solve(matrix, rows[known].T @ (y[known] - rows[known] @ prior))
    usd = np.array([row[4] for row in seen])[~known]
    mean = rows[~known] @ beta
    spread = np.sqrt(np.einsum("ij,jk,ik->i", rows[~known], np.linalg.inv(matrix), rows[~known]) + 1.0)
    return lambda z: float(np.minimum(1.0, np.exp(mean + z * spread)) @ usd)


@pytest.mark.parametrize(("name", "common"), [("log-gap", 0), ("log-gap-common", 1)])
def test_it_is_the_ridge_regression_on_the_whole_past(name, common):
    hint, upper = make_hint(name), make_hint(name, level=0.9)
    state, past = hint.start(), []
    for round_, outcome in rounds_of(25):
        whole = by_ridge(past, round_, common)
        assert hint.predict(state, round_) == pytest.approx(whole(0.0), rel=1e-8)
        assert upper.predict(state, round_) == pytest.approx(whole(1.2815515655446004), rel=1e-8)
        state = json.loads(json.dumps(hint.update(state, round_, outcome), allow_nan=False))
        past.append((round_, outcome))


def test_before_anything_is_known_it_is_the_prior():
    round_, _ = next(rounds_of(1))
    hint = make_hint("log-gap", prior=0.02)
    assert hint.predict(hint.start(), round_) == pytest.approx(0.02 * float(np.sum(round_.flow.notional)))


@pytest.mark.parametrize("name", ["log-gap", "log-gap-common"])
def test_the_state_holds_markets_not_rounds(name):
    """What is kept, and so what a round costs, is the same after ten times as many rounds."""
    hint = make_hint(name)
    state, sizes = hint.start(), []
    for round_, outcome in rounds_of(600):
        state = hint.update(state, round_, outcome)
        sizes.append(len(json.dumps(state)))
    assert sizes[-1] < 1.3 * sizes[60]


def test_a_steady_share_is_learnt():
    hint = make_hint("log-gap")
    state = hint.start()
    for round_, _ in rounds_of(300, seed=3):
        guess, true = hint.predict(state, round_), 0.2 * float(np.sum(round_.flow.notional))
        gaps = Gaps(
            market=round_.flow.market.tolist(),
            quantity=np.ones(len(round_.flow.market)),
            gap=0.2 * round_.flow.notional,
        )
        state = hint.update(state, round_, Outcome(needed=true, gaps=gaps))
    assert guess == pytest.approx(true, rel=0.1)


def test_mixed_hints_lose_little_more_than_the_best():
    hint = make_hint("mixed-hints")
    assert [h.name for h in hint.hints] == ["fixed-gap", "market-gap", "square-root", "log-gap"]
    for seed in range(5):
        state, lost = hint.start(), 0.0
        for round_, outcome in rounds_of(120, seed=seed):
            lost += abs(hint.predict(state, round_) - outcome.needed)
            state = json.loads(json.dumps(hint.update(state, round_, outcome)))
        assert lost <= min(state["losses"]) + 2.0 * state["gap"] + 1e-6
    for bad in ("fixed-gap", (make_hint("fixed-gap"),), 3):
        with pytest.raises(UsageError):
            MixedHints(bad)

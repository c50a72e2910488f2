"""Hindsight benchmarks against plainly written linear programs, and certificates against planted errors."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import linprog

from adl_opt.datasets.oct10 import load_oct10
from adl_opt.errors import InputError, SolverError
from adl_opt.evaluate.regret import severity_regret
from adl_opt.losses import Loss
from adl_opt.programs.hindsight import (
    best_fixed,
    best_fixed_haircut_vector,
    best_path,
    best_switching,
    depleting_optimum,
    fixed_vector,
    per_round_optimum,
    severity_frontier,
)
from adl_opt.proofs.certificate import Check, outside
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.rounds.tables import Accounts


def accepted(result):
    return result.certify().ok


def refused(result, name, **changes):
    """Whether a changed result fails the named check."""
    return name in dataclasses.replace(result, **changes).certify().failed


def make_episode(seed, *, returning=True):
    """A small episode: ties, zero deficits and budgets, no capacity, rounds without accounts."""
    rng = np.random.default_rng(seed)
    rounds, scale = [], 10.0 ** rng.integers(0, 7)
    for t in range(int(rng.integers(1, 6))):
        names = [f"a{i}" if returning else f"a{t}-{i}" for i in range(5) if rng.random() < 0.7]
        pnl = rng.integers(-1, 6, len(names)) * 1.0 if seed % 2 else rng.pareto(1.0, len(names))
        accounts = Accounts(id=np.array(names, dtype=np.str_), pnl=pnl * scale, equity=pnl * scale + scale)
        deficit, needed = (rng.integers(0, 7, 2) if seed % 3 else rng.random(2) * 8.0) * scale
        rounds.append(
            (Round(deficit=float(deficit), accounts=accounts, number=t + 1), Outcome(needed=float(needed)))
        )
    return Episode("test", "drawn", rounds)


def weights(episode, seed):
    """A weight of the burden on the scale of the episode's capacities; zero now and then."""
    most = sum(round_.capacity_usd for round_, _ in episode)
    return [0.0, 0.01, 0.3, 0.7, 1.5][seed % 5] * most


def capacities(episode):
    """(T, n) USD, zero where an account is absent."""
    ids = sorted({str(i) for round_, _ in episode for i in round_.accounts.id})
    u = np.zeros((len(episode), len(ids)))
    for t, (round_, _) in enumerate(episode):
        for name, value in zip(round_.accounts.id, round_.accounts.capacity, strict=True):
            u[t, ids.index(str(name))] = value
    return u, np.array([outcome.needed for _, outcome in episode])


def solved(cost, rows, limits, upper):
    answer = linprog(
        cost, A_ub=np.array(rows), b_ub=limits, bounds=[(0.0, top) for top in upper], method="highs"
    )
    assert answer.status == 0
    return answer.fun


def lp_fixed_vector(episode, lam):
    u, needed = capacities(episode)
    (size, n), rows, limits = u.shape, [], []
    for t in range(size):
        for sign in (1.0, -1.0):
            rows.append(np.concatenate([sign * u[t], [0.0], -np.eye(size)[t]]))
            limits.append(sign * needed[t])
    for i in range(n):
        rows.append(np.concatenate([np.eye(n)[i], [-1.0], np.zeros(size)]))
        limits.append(0.0)
    cost = np.concatenate([np.zeros(n), [lam], np.ones(size)])
    return solved(cost, rows, limits, [1.0] * (n + 1) + [None] * size)


def lp_depleting(episode, weight):
    u, needed = capacities(episode)
    (size, n), rows, limits = u.shape, [], []
    available = np.maximum.accumulate(u, axis=0)
    blank = np.zeros(size * n + 1 + size)
    for t in range(size):
        for sign in (1.0, -1.0):
            row = blank.copy()
            row[t * n : (t + 1) * n], row[size * n + 1 + t] = sign, -1.0
            rows.append(row)
            limits.append(sign * needed[t])
        for i in range(n):
            row = blank.copy()
            row[i : (t + 1) * n : n], row[size * n] = 1.0, -available[t, i]
            rows.append(row)
            limits.append(0.0)
    cost = np.concatenate([np.zeros(size * n), [weight], np.ones(size)])
    return solved(cost, rows, limits, [*u.ravel(), 1.0, *[None] * size])


@pytest.mark.parametrize("part", range(10))
def test_fixed_vector_equals_lp(part):
    for seed in range(part, 200, 10):
        episode = make_episode(seed)
        lam = weights(episode, seed)
        best = best_fixed_haircut_vector(episode, lam)
        assert accepted(best), (seed, best.certify())
        scale = sum(outcome.needed for _, outcome in episode)
        assert best.loss_usd == pytest.approx(lp_fixed_vector(episode, lam), rel=1e-9, abs=1e-9 * scale), seed
        assert best.loss_usd == pytest.approx(best.bound_usd, rel=1e-9, abs=1e-9 * scale)


@pytest.mark.parametrize("returning", [True, False])
@pytest.mark.parametrize("part", range(10))
def test_depleting_equals_lp(part, returning):
    for seed in range(part, 200, 10):
        episode = make_episode(seed, returning=returning)
        weight = weights(episode, seed)
        best = depleting_optimum(episode, burden_weight=weight)
        assert returning or best.engine == "sort"
        assert accepted(best), (seed, best.certify())
        scale = sum(outcome.needed for _, outcome in episode)
        assert best.loss_usd == pytest.approx(lp_depleting(episode, weight), rel=1e-9, abs=1e-9 * scale), seed
        for x, (round_, _) in zip(best.x, episode, strict=True):
            assert np.all(x <= round_.accounts.capacity)


def test_depletion_binds():
    accounts = Accounts(id=["a", "b"], pnl=[10.0, 4.0], equity=[10.0, 4.0])
    later = Accounts(id=["a"], pnl=[8.0], equity=[9.0])
    rounds = [
        (Round(deficit=9.0, accounts=accounts, number=1), Outcome(needed=8.0)),
        (Round(deficit=9.0, accounts=later, number=2), Outcome(needed=8.0)),
    ]
    best = depleting_optimum(Episode("two", "by hand", rounds), burden_weight=0.0)
    assert best.loss_usd == pytest.approx(2.0)  # a has 10 in all, b 4; 16 are needed
    assert best.engine == "highs"
    fair = depleting_optimum(Episode("two", "by hand", rounds), burden_weight=13.0)
    assert fair.loss_usd == pytest.approx(15.0)  # z = 1 covers 14 for 13; no z is better, since 14 > 13
    assert depleting_optimum(Episode("two", "by hand", rounds), burden_weight=15.0).max_burden == 0.0


@pytest.mark.parametrize("part", range(5))
def test_severities_of_small_episodes(part):
    for seed in range(part, 100, 5):
        episode = make_episode(seed)
        needed = np.array([outcome.needed for _, outcome in episode])
        deficit = np.array([round_.deficit for round_, _ in episode])
        beyond = np.maximum(needed - deficit, 0.0).sum()
        results = [best_path(episode, path_budget=p) for p in (0.1, 0.5, math.inf)]
        results += [best_switching(episode, switches=k) for k in (0, 1, 4)]
        results += [best_fixed(episode), per_round_optimum(episode)]
        for best in results:
            assert accepted(best), (seed, best.name, best.certify())
            executed = best.theta * deficit
            assert best.loss_usd == pytest.approx(np.abs(executed - needed).sum(), rel=1e-12, abs=1e-12)
        assert best_fixed(episode).loss_usd == pytest.approx(
            severity_regret(needed, needed, deficit, Loss()).best_fixed_loss + beyond, rel=1e-9, abs=1e-9
        )
        assert per_round_optimum(episode).loss_usd == pytest.approx(beyond, rel=1e-9, abs=1e-9)
        loss = Loss(under=5.0, over=2.0)
        weighed = [
            best_path(episode, path_budget=0.3, loss=loss),
            best_switching(episode, switches=1, loss=loss),
        ]
        for best in [*weighed, best_fixed(episode, loss), severity_frontier(episode, [0.0, 0.3], loss)]:
            assert accepted(best), (seed, best.name, best.certify())
        assert best_fixed(episode, loss).loss_usd == pytest.approx(
            severity_regret(needed, needed, deficit, loss).best_fixed_loss + 5.0 * beyond, rel=1e-9, abs=1e-9
        )
        whole = severity_frontier(episode)
        assert accepted(whole), (seed, whole.certify())
        assert accepted(severity_frontier(episode, [0.3, 0.0, 5.0]))


@pytest.mark.parametrize(
    ("deficit", "needed"),
    [([1.0, 32.0, 33.0], [1e-10, 16.0, 0.0]), ([1e12, 3e12, 1e12], [0.01, 0.0, 0.01])],
)
@pytest.mark.parametrize("path_budget", [1e-16, 1e-14, 4e-14, 1e-11])
def test_severities_that_nearly_agree_are_certified(deficit, needed, path_budget):
    accounts = Accounts(id=np.array(["a"]), pnl=np.array([1e15]), equity=np.array([1e15]))
    rounds = [
        (Round(deficit=d, accounts=accounts, number=t), Outcome(needed=b))
        for t, (d, b) in enumerate(zip(deficit, needed, strict=True), start=1)
    ]
    episode = Episode("near", "by hand", rounds)
    assert accepted(best_path(episode, path_budget=path_budget))
    assert accepted(severity_frontier(episode, [path_budget, 0.0, 0.3]))
    assert accepted(severity_frontier(episode))


def test_oct10_severities():
    episode = load_oct10().in_space()
    fixed, best = best_fixed(episode), per_round_optimum(episode)
    assert fixed.theta[0] == pytest.approx(0.126, abs=5e-4)
    assert fixed.loss_usd == pytest.approx(8.52e6, abs=5e3)
    assert best.loss_usd == pytest.approx(48_463, abs=0.5)
    assert best.path == pytest.approx(7.06, abs=5e-3)
    paths = [best_path(episode, path_budget=p) for p in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)]
    switching = [best_switching(episode, switches=k) for k in (0, 1, 2, 4, 8, 15)]
    for row in (paths, switching):
        losses = [result.loss_usd for result in row]
        assert losses == sorted(losses, reverse=True)
        assert losses[0] == pytest.approx(fixed.loss_usd, rel=1e-12)
        assert losses[-1] == pytest.approx(best.loss_usd, rel=1e-9)
    for result in (fixed, best, *paths, *switching):
        assert result.information is Information.EX_POST
        assert accepted(result)


def test_oct10_frontier():
    episode = load_oct10().in_space()
    whole = severity_frontier(episode)
    assert accepted(whole)
    assert whole.loss_usd[0] == pytest.approx(best_fixed(episode).loss_usd)
    assert whole.loss_usd[-1] == pytest.approx(per_round_optimum(episode).loss_usd)
    for path, loss in zip(whole.path, whole.loss_usd, strict=True):
        assert best_path(episode, path_budget=path).loss_usd == pytest.approx(loss, rel=1e-9)


def test_oct10_haircuts():
    episode = load_oct10().in_space()
    vector = best_fixed_haircut_vector(episode, 1e6)
    depleting = depleting_optimum(episode, burden_weight=1e6)
    assert accepted(vector)
    assert accepted(depleting)
    assert len(depleting.x) == 16
    assert vector.information is depleting.information is Information.EX_POST
    free = depleting_optimum(episode, burden_weight=0.0)
    assert free.loss_usd == pytest.approx(0.0, abs=0.01)  # the winners can pay every needed budget


def test_planted_errors_in_severities():
    episode = load_oct10().in_space()
    best = best_path(episode, path_budget=1.0)
    assert refused(best, "loss", loss_usd=best.loss_usd - 0.01)
    assert refused(best, "stated-bound", bound_usd=best.bound_usd + 0.01)
    assert refused(best, "path", path_budget=0.99)
    assert refused(best, "range", theta=best.theta + 1.0)
    assert refused(best, "bound", rate_usd=best.rate_usd * 0.9)
    assert refused(best, "bound", rate_usd=-best.rate_usd)
    worse = best.theta.copy()
    worse[3] += 1e-6
    loss = float(np.abs(worse * best.deficit - best.needed).sum())
    assert refused(best, "bound", theta=worse, loss_usd=loss)
    assert refused(best, "loss", theta=np.full(16, math.nan))
    switching = best_switching(episode, switches=3)
    assert refused(switching, "switches", switches=2)
    assert refused(switching, "bound", switches=4)
    assert refused(switching, "bound", theta=best_fixed(episode).theta)
    whole = severity_frontier(episode)
    assert refused(whole, "bound", loss_usd=whole.loss_usd + 0.01)
    assert refused(whole, "bound", loss_usd=whole.loss_usd - 0.01)
    assert refused(whole, "monotone", loss_usd=whole.loss_usd[::-1])
    bump = whole.loss_usd + 1e6 * (np.arange(whole.path.size) == 5)
    assert refused(whole, "convex", loss_usd=bump)


def test_planted_errors_in_haircuts():
    episode = load_oct10().in_space()
    best = best_fixed_haircut_vector(episode, 1e6)
    assert refused(best, "range", haircut=best.haircut - 0.01)
    assert refused(best, "bound", haircut=best.haircut * 1.01)
    assert refused(best, "bound", price=-best.price)
    assert refused(best, "price-range", price=best.price * 1e3)
    assert refused(best, "loss", loss_usd=best.loss_usd - 0.01)
    best = depleting_optimum(episode, burden_weight=1e6)
    more = tuple(x * 1.01 for x in best.x)
    assert refused(best, "bound", x=more)
    assert refused(best, "executed", x=more)
    assert refused(best, "negative", x=tuple(x - 0.01 for x in best.x))
    full = tuple(round_.accounts.capacity for round_, _ in episode)
    assert refused(best, "depletion", x=full)
    assert refused(best, "above-capacity", x=tuple(1.01 * x for x in full))
    assert refused(best, "bound", price=1.0 - best.price)
    assert refused(best, "max-burden", max_burden=best.max_burden - 1e-6)
    assert refused(best, "shape", x=best.x[:-1])


def test_an_answer_without_proof_is_not_returned(monkeypatch):
    episode = make_episode(3)
    solve = fixed_vector._solve
    monkeypatch.setattr(fixed_vector, "_solve", lambda *given: (solve(*given)[0], -solve(*given)[1]))
    with pytest.raises(SolverError, match="fails its certificate"):
        best_fixed_haircut_vector(episode, 1.0)


def test_nan_is_outside_every_range():
    assert not Check(outside(np.array([0.5, math.nan]), 0.0, 1.0)).passed


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, "1"])
def test_bad_weights(weight):
    episode = make_episode(1)
    with pytest.raises(InputError, match="lam must be a finite weight"):
        best_fixed_haircut_vector(episode, weight)
    with pytest.raises(InputError, match="burden_weight must be a finite weight"):
        depleting_optimum(episode, burden_weight=weight)


def test_bad_limits():
    with pytest.raises(InputError, match="path_budget"):
        best_path(make_episode(1), path_budget=-0.1)
    with pytest.raises(InputError, match="path_budget"):
        best_path(make_episode(1), path_budget="1")
    with pytest.raises(InputError, match="switches"):
        best_switching(make_episode(1), switches=-1)

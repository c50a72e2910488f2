"""Best paths against linear programs (HiGHS), enumeration and their own dual bounds."""

import itertools
import math
from fractions import Fraction

import highspy
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adl_opt.errors import InputError
from adl_opt.kernels import best_path_with_switches, best_path_within, path_frontier, weighted_median
from adl_opt.kernels.paths.variation import dual_bound, dual_of, variation

CASES = 300


def instance(seed):
    """A small instance; many with ties, zero weights, weights of very different size, few rounds."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 13))
    y = rng.random(size) if seed % 2 else rng.integers(0, 4, size) / 3.0
    w = [rng.random(size), rng.integers(0, 4, size).astype(float), 10.0 ** rng.uniform(-3, 3, size)][seed % 3]
    if seed % 5 == 0:
        w[rng.random(size) < 0.3] = 0.0
    share = [0.0, rng.random(), rng.random() ** 3, 1.0, 2.0][seed % 7 % 5]
    return y, w, share * variation(y)


def highs_loss(y, w, budget):
    """min sum w e, with e >= |theta - y|, d >= |theta' - theta|, sum d <= budget, as arrays for HiGHS."""
    size = y.size
    eye, step = np.eye(size), np.diff(np.eye(size), axis=0)
    moves = np.eye(size - 1)
    none, zero = np.zeros((size, size - 1)), np.zeros((size - 1, size))
    matrix = np.block(
        [
            [eye, eye, none],
            [eye, -eye, none],
            [step, zero, moves],
            [step, zero, -moves],
            [np.zeros((1, 2 * size)), np.ones((1, size - 1))],
        ]
    )
    infinite = np.inf
    lower = np.concatenate([y, np.full(size, -infinite), np.zeros(size - 1), np.full(size, -infinite)])
    upper = np.concatenate([np.full(size, infinite), y, np.full(size - 1, infinite), np.zeros(size - 1)])
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    scale = max(w.max(), 1e-300)
    model.col_cost_ = np.concatenate([np.zeros(size), w / scale, np.zeros(size - 1)])
    model.col_lower_ = np.zeros(3 * size - 1)
    model.col_upper_ = np.concatenate([np.ones(size), np.full(2 * size - 1, infinite)])
    model.row_lower_, model.row_upper_ = lower, np.append(upper, budget)
    rows, columns = np.nonzero(matrix.T)
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.searchsorted(rows, np.arange(3 * size)).astype(np.int32)
    model.a_matrix_.index_ = columns.astype(np.int32)
    model.a_matrix_.value_ = matrix.T[rows, columns]
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("small_matrix_value", 1e-12)):
        solver.setOptionValue(option, value)
    for option in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        solver.setOptionValue(option, 1e-10)
    assert solver.passModel(model) != highspy.HighsStatus.kError
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return solver.getInfo().objective_function_value * scale


def feasible_and_proven(y, w, budget):
    """Check a path.

    Rounding may lengthen it by an ulp of 1 for each round, and part loss and bound by 1e-13 of the weights,
    or by some of the least floats there are.
    """
    theta, loss, rate = best_path_within(y, w, budget)
    scale = w.sum()
    assert theta.shape == y.shape
    assert np.all((theta >= 0.0) & (theta <= 1.0))
    assert variation(theta) <= budget * (1 + 1e-12) + np.finfo(float).eps * y.size
    assert loss == pytest.approx(math.fsum(w * np.abs(theta - y)), rel=1e-12, abs=1e-300)
    bound = dual_bound(y, w, w, dual_of(y, w, w, theta, rate), budget)
    assert abs(loss - bound) <= 1e-13 * scale + 1e-300
    return theta, loss


@pytest.mark.parametrize("part", range(10))
def test_path_equals_highs(part):
    for seed in range(part, CASES, 10):
        y, w, budget = instance(seed)
        _, loss = feasible_and_proven(y, w, budget)
        assert loss == pytest.approx(highs_loss(y, w, budget), rel=1e-9, abs=1e-9 * w.sum()), seed


TINY = st.floats(1e-17, 1e-7) | st.sampled_from([1e-16, 1e-15, 1e-14, 1e-12, 1e-10, 1e-9])
"""Budgets, and differences of targets, next to the rounding of a loss."""


@given(
    st.lists(
        st.tuples(
            st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0]) | TINY | TINY.map(lambda tiny: 0.5 + tiny),
            st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, 2.0, 32.0, 33.0, 1e12, 1e-9]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.floats(0, 1.2) | TINY,
)
@settings(max_examples=300, deadline=None)
@example([(0.0, 1e12), (1.0, 1e-9), (0.0, 1e12), (1.0, 1e-9)], 0.5)
@example([(0.0, 1.0), (5e-324, 1.0), (0.0, 1.0)], 0.5)
@example([(1.0, 5e-324), (0.5, 5e-324)], 0.0)
@example([(1e-10, 1.0), (0.5, 32.0), (0.0, 33.0)], 4.1549093051447094e-14)
@example([(1e-12, 1.0), (0.5, 32.0), (0.0, 33.0)], 1e-16)
@example([(1e-15, 1.0), (0.5, 32.0), (0.0, 33.0)], 1e-17)
@example([(1.0 - 1e-10, 1.0), (0.5, 32.0), (1.0, 33.0)], 1e-11)
@example([(0.5 + 1e-9, 1.0), (1.0, 1e6), (0.5, 1e6 + 1.0)], 1e-10)
@example([(0.3, 1e12), (0.5, 1.0), (0.3 + 1e-12, 1.0), (0.0, 1e12), (1e-9, 2.0), (1.0, 1e-9)], 1e-13)
def test_path_is_proven(rounds, share):
    y, w = (np.array(column) for column in zip(*rounds, strict=True))
    feasible_and_proven(y, w, share * variation(y))


@pytest.mark.parametrize("lift", [1e-16, 1e-14, 1e-12, 1e-10, 1e-9])
@pytest.mark.parametrize("share", [1e-7, 0.3, 0.9])
def test_short_edges_have_their_own_price(lift, share):
    y, w = np.array([lift, 0.5, 0.0]), np.array([1.0, 32.0, 33.0])
    theta, loss, rate = best_path_within(y, w, share * lift)
    assert theta == pytest.approx([share * lift, share * lift, 0.0], rel=1e-15, abs=0.0)
    assert loss == pytest.approx(16.0 + lift - 33.0 * share * lift, rel=1e-15, abs=0.0)
    assert rate == pytest.approx(33.0, rel=1e-15, abs=0.0)
    assert best_path_within(y, w, lift * 2.0)[2] == pytest.approx(31.0, rel=1e-15, abs=0.0)
    on_a_grid = path_frontier(y, w, [lift * 2.0, share * lift])[2]
    assert on_a_grid == pytest.approx([31.0, 33.0], rel=1e-15, abs=0.0)
    if lift >= 1e-12:  # below, floats do not tell the frontier from a straight line
        path, _, rates = path_frontier(y, w)
        assert path == pytest.approx([0.0, lift, 0.5, 1.0 - lift], rel=1e-15, abs=0.0)
        assert rates == pytest.approx([33.0, 31.0, 1.0, 0.0], rel=1e-15, abs=0.0)


def test_moves_below_the_spacing_of_floats_are_lost():
    y, w = np.array([0.5 + 1e-9, 1.0, 0.5]), np.array([1.0, 32.0, 33.0])
    theta, loss, rate = best_path_within(y, w, 1e-17)
    assert np.all(theta == 0.5)
    assert (loss, rate) == (best_path_within(y, w, 0.0)[1], 33.0)


def slope(left, right):
    return (right[1] - left[1]) / (right[0] - left[0])


def enumerated_frontier(y, w):
    """Vertices of the frontier in fractions: the lower hull over all paths whose values are targets."""
    exact, mass = [Fraction(v) for v in y], [Fraction(v) for v in w]
    least = {}
    for theta in itertools.product(sorted(set(exact)), repeat=len(exact)):
        path = sum(abs(b - a) for a, b in itertools.pairwise(theta))
        loss = sum(m * abs(v - t) for m, v, t in zip(mass, exact, theta, strict=True))
        least[path] = min(loss, least.get(path, loss))
    hull = [(-1, math.inf)]  # a sentinel: all that follow lie below it
    for path, loss in sorted(least.items()):
        if loss >= hull[-1][1]:
            continue
        while len(hull) > 2 and slope(hull[-2], hull[-1]) >= slope(hull[-1], (path, loss)):
            hull.pop()
        hull.append((path, loss))
    return hull[1:]


@pytest.mark.parametrize("seed", range(150))
def test_price_is_the_slope_of_the_enumerated_frontier(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 6))
    lift = rng.choice([0.0, 1.0, 2.0], size) * 10.0 ** rng.integers(-17, -7)
    y = rng.choice([0.0, 0.5, 1.0 - 1e-6], size) + lift
    w = [rng.integers(1, 40, size).astype(float), 10.0 ** rng.uniform(-9, 9, size)][seed % 2]
    for left, right in itertools.pairwise(enumerated_frontier(y, w)):
        budget = float((left[0] + right[0]) / 2)
        if not float(left[0]) < budget < float(right[0]):
            continue  # no float between these two
        least = float(left[1] + slope(left, right) * (Fraction(budget) - left[0]))
        theta, loss, rate = best_path_within(y, w, budget)
        assert rate == float(-slope(left, right))
        assert variation(theta) <= budget * (1 + 1e-12) + np.finfo(float).eps * size
        assert loss == pytest.approx(least, rel=1e-12, abs=1e-15 * w.sum())
        _, on_a_grid, rates = path_frontier(y, w, [budget])
        assert on_a_grid[0] == pytest.approx(least, rel=1e-15, abs=0.0)
        assert rates[0] == rate


def test_path_extremes():
    y, w = np.array([0.2, 0.9, 0.4]), np.array([1.0, 3.0, 1.0])
    fixed, loss, _ = best_path_within(y, w, 0.0)
    assert np.all(fixed == weighted_median(y, w))
    assert loss == pytest.approx(1.2)
    for budget in (variation(y), 50.0, math.inf):
        theta, loss, _ = best_path_within(y, w, budget)
        assert np.array_equal(theta, y)
        assert loss == 0.0
    for budget in (0.0, 0.5, math.inf):
        theta, loss, _ = best_path_within([], [], budget)
        assert theta.size == 0
        assert loss == 0.0
        theta, loss, _ = best_path_within([0.7], [2.0], budget)
        assert (theta[0], loss) == (0.7, 0.0)
        theta, loss, _ = best_path_within([0.7, 0.1], [0.0, 0.0], budget)
        assert np.array_equal(theta, [0.0, 0.0])
        assert loss == 0.0


def test_rounds_of_weight_zero_keep_the_severity_before_them():
    theta, _, _ = best_path_within([0.9, 0.1, 0.5, 0.3, 0.6], [0.0, 1.0, 0.0, 1.0, 0.0], math.inf)
    assert np.array_equal(theta, [0.1, 0.1, 0.1, 0.3, 0.3])
    theta, _ = best_path_with_switches([0.9, 0.1, 0.5, 0.3, 0.6], [0.0, 1.0, 0.0, 1.0, 0.0], 1)
    assert np.array_equal(theta, [0.1, 0.1, 0.1, 0.3, 0.3])


@pytest.mark.parametrize("kind", ["independent", "walk", "heavy"])
def test_long_path_is_proven(kind):
    size = 30_000 if kind == "independent" else 5_000
    rng = np.random.default_rng(3)
    y, w = rng.random(size), rng.lognormal(0.0, 1.0, size)
    if kind == "walk":
        y = np.abs(np.cumsum(rng.normal(0.0, 0.02, size)) % 2.0 - 1.0)
    if kind == "heavy":
        w = rng.pareto(0.5, size) * 1e6
    budget = 0.5 * variation(y)
    theta, loss, rate = best_path_within(y, w, budget)
    assert variation(theta) <= budget * (1 + 1e-12)
    assert loss - dual_bound(y, w, w, dual_of(y, w, w, theta, rate), budget) <= 1e-9 * loss


@pytest.mark.parametrize("seed", range(60))
def test_frontier(seed):
    y, w, _ = instance(seed)
    path, loss, _ = path_frontier(y, w)
    assert path[0] == 0.0
    assert loss[-1] == 0.0
    assert loss[0] == pytest.approx(best_path_within(y, w, 0.0)[1], rel=1e-12)
    slopes = np.diff(loss) / np.diff(path)
    assert np.all(np.diff(path) > 0)
    assert np.all(slopes < 0)
    assert np.all(np.diff(slopes) > 0)  # strictly convex: no point inside an edge is listed
    grid = np.append(np.random.default_rng(seed).random(4) * path[-1] * 1.2, path)
    same, least, _ = path_frontier(y, w, grid)
    assert np.array_equal(same, grid)
    assert least == pytest.approx(np.interp(grid, path, loss), rel=1e-9, abs=1e-12 * w.sum())
    for budget, value in zip(grid, least, strict=True):
        assert best_path_within(y, w, budget)[1] == pytest.approx(value, rel=1e-9, abs=1e-12 * w.sum())


def test_frontier_is_complete():
    rng = np.random.default_rng(5)
    y, w = rng.random(120), rng.lognormal(0.0, 1.0, 120)
    path, loss, _ = path_frontier(y, w)
    middle = (path[1:] + path[:-1]) / 2
    assert path_frontier(y, w, middle)[1] == pytest.approx((loss[1:] + loss[:-1]) / 2, rel=1e-9)


def enumerated(y, w, switches):
    best = math.inf
    for count in range(min(switches, y.size - 1) + 1):
        for cuts in itertools.combinations(range(1, y.size), count):
            parts = itertools.pairwise([0, *cuts, y.size])
            cost = sum(min((w[a:b] * np.abs(y[a:b] - v)).sum() for v in y[a:b]) for a, b in parts)
            best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(200))
def test_switches_equal_enumeration(seed):
    y, w, _ = instance(seed)
    y, w = y[:8], w[:8]
    last = math.inf
    for switches in range(4):
        theta, loss = best_path_with_switches(y, w, switches)
        assert np.count_nonzero(np.diff(theta)) <= switches
        assert np.all(np.isin(theta, np.append(y, 0.0)))
        assert loss == pytest.approx(enumerated(y, w, switches), rel=1e-12, abs=1e-13 * w.sum())
        assert loss == pytest.approx(math.fsum(w * np.abs(theta - y)), rel=1e-12, abs=1e-300)
        assert loss <= last
        last = loss


@pytest.mark.parametrize("seed", range(60))
def test_weights_of_two_sides(seed):
    """Losses above and below the target differ: proven by forces, and no path on a grid is better."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 5))
    y, w = rng.integers(0, 5, size) / 4.0, rng.integers(1, 6, size).astype(float)
    b = w * rng.choice([0.2, 1.0, 7.0]) if seed % 2 else rng.integers(1, 6, size).astype(float)

    def cost(theta):
        return math.fsum(w * np.maximum(theta - y, 0.0) + b * np.maximum(y - theta, 0.0))

    grid = [np.array(path) for path in itertools.product(np.linspace(0.0, 1.0, 5), repeat=size)]
    for budget in (0.0, 0.25, 0.5, 1.0, 9.0):
        theta, loss, rate = best_path_within(y, w, budget, b)
        assert variation(theta) <= budget + 1e-12
        assert loss == pytest.approx(cost(theta), rel=1e-12, abs=1e-12)
        assert loss == pytest.approx(dual_bound(y, w, b, dual_of(y, w, b, theta, rate), budget), abs=1e-9)
        assert loss <= min(cost(path) for path in grid if variation(path) <= budget) + 1e-9
        assert path_frontier(y, w, [budget], b)[1][0] == pytest.approx(loss, abs=1e-9)
    for switches in range(3):
        theta, loss = best_path_with_switches(y, w, switches, b)
        assert np.count_nonzero(np.diff(theta)) <= switches
        least = min(cost(path) for path in grid if np.count_nonzero(np.diff(path)) <= switches)
        assert loss == pytest.approx(cost(theta), abs=1e-12)
        assert loss == pytest.approx(least, abs=1e-12)


def test_a_weight_on_one_side_only_is_refused():
    with pytest.raises(InputError, match="one side of its target only"):
        best_path_within([0.5], [1.0], 0.0, [0.0])


def test_switches_extremes():
    assert best_path_with_switches([], [], 3)[1] == 0.0
    y, w = np.random.default_rng(0).random((2, 1500))
    assert best_path_with_switches(y, w, 0)[1] == pytest.approx(best_path_within(y, w, 0.0)[1])
    assert np.array_equal(best_path_with_switches(y, w, np.int64(10_000))[0], y)
    forward, backward = (best_path_with_switches(y[::s], w[::s], 5)[1] for s in (1, -1))
    assert forward == pytest.approx(backward, rel=1e-12)


def test_the_cost_of_a_segment_breaks_the_quadrangle_inequality():
    y, w = np.array([1.0, 0.0, 1.0]), np.ones(3)

    def cost(a, b):
        return best_path_within(y[a:b], w[a:b], 0.0)[1]

    assert cost(0, 3) + cost(1, 2) < cost(0, 2) + cost(1, 3)


@pytest.mark.parametrize(
    "call", [best_path_within, best_path_with_switches, lambda y, w, _: path_frontier(y, w)]
)
@pytest.mark.parametrize(
    ("target", "weight", "message"),
    [
        ([0.5, math.nan], [1.0, 1.0], r"target\[1\] = nan"),
        ([0.5, 1.5], [1.0, 1.0], r"target\[1\] = 1.5"),
        ([-0.1, 0.5], [1.0, 1.0], r"target\[0\] = -0.1"),
        ([0.5, 0.5], [1.0, -1.0], r"weight\[1\] = -1.0"),
        ([0.5, 0.5], [math.inf, 1.0], r"weight\[0\] = inf"),
        ([0.5, 0.5], [1.0, math.nan], r"weight\[1\] = nan"),
        ([0.5, 0.5], [1.0], "2 targets, 1 weights"),
    ],
)
def test_bad_rounds(call, target, weight, message):
    with pytest.raises(InputError, match=message):
        call(target, weight, 1)


@pytest.mark.parametrize("budget", [-1e-9, math.nan, -math.inf])
def test_bad_budget(budget):
    with pytest.raises(InputError, match="path_budget"):
        best_path_within([0.5], [1.0], budget)
    with pytest.raises(InputError, match="budgets"):
        path_frontier([0.5], [1.0], [budget])


@pytest.mark.parametrize("switches", [-1, 1.5, math.nan, None])
def test_bad_switches(switches):
    with pytest.raises(InputError, match="switches must be a whole number"):
        best_path_with_switches([0.5], [1.0], switches)


def test_long_frontier_needs_a_grid():
    y = np.random.default_rng(0).random(2001)
    with pytest.raises(InputError, match="give a grid"):
        path_frontier(y, np.ones(2001))

"""Scenarios of the next move: past marks, draws, and what is refused."""

import numpy as np
import pytest

from adl_opt.errors import InputError
from adl_opt.kernels.risk.scenarios import PriceMoves, drawn_moves, past_moves


def test_past_moves_are_those_of_the_marks_at_the_mark_of_now():
    marks = [[100.0, 10.0], [110.0, 9.0], [88.0, 9.9]]
    told = past_moves(marks, mirrored=False)
    assert told.moves == pytest.approx(np.array([[0.1 * 88, -0.1 * 9.9], [-0.2 * 88, 0.1 * 9.9]]))
    both = past_moves(marks)
    assert both.chance == pytest.approx(np.full(4, 0.25))
    up, down = both.moves[:2] / [88.0, 9.9], both.moves[2:] / [88.0, 9.9]
    assert (1 + up) * (1 + down) == pytest.approx(np.ones((2, 2)))  # the mirror of the logarithm
    assert both.source == "2 past moves, mirrored"


def test_a_market_that_is_not_seen_moves_as_the_others_do():
    told = past_moves([[100.0, 10.0, 1.0], [80.0, np.nan, 0.8]], mirrored=False)
    assert told.moves[0] == pytest.approx([-16.0, -2.0, -0.16])


@pytest.mark.parametrize(
    ("marks", "word"),
    [
        ([[1.0, 2.0]], "two times"),
        ([[1.0], [0.0]], "above 0"),
        ([[1.0], [np.inf]], "above 0"),
        ([[1.0, np.nan], [1.0, np.nan]], "no mark at any time"),
        ([[1.0, np.nan], [np.nan, 1.0]], "no mark has moved"),
        ([[1.0, 2.0], [1.0, 2.0]], "no mark has moved"),
    ],
)
def test_marks_that_say_nothing_are_refused(marks, word):
    with pytest.raises(InputError, match=word):
        past_moves(marks)


def test_draws_have_the_covariance_asked_for_and_a_seed():
    covariance = np.array([[4e-4, 2e-4], [2e-4, 9e-4]])
    drawn = drawn_moves(covariance, [100.0, 5.0], count=40_000, seed=3)
    steps = np.log1p(drawn.moves / [100.0, 5.0])
    assert np.cov(steps.T) == pytest.approx(covariance, rel=0.05)
    assert steps.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-12)
    again = drawn_moves(covariance, [100.0, 5.0], count=40_000, seed=3)
    assert np.array_equal(drawn.moves, again.moves)
    assert not np.array_equal(drawn.moves, drawn_moves(covariance, [100.0, 5.0], count=40_000, seed=4).moves)


@pytest.mark.parametrize(
    ("covariance", "count", "word"),
    [
        ([[1.0, 0.0]], 4, "symmetric"),
        ([[1.0, 0.5], [0.2, 1.0]], 4, "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], 4, "negative eigenvalue"),
        ([[1.0, 0.0], [0.0, 1.0]], 3, "mirror"),
    ],
)
def test_covariances_that_are_none_are_refused(covariance, count, word):
    with pytest.raises(InputError, match=word):
        drawn_moves(covariance, [1.0, 1.0], count=count, seed=0)


@pytest.mark.parametrize(
    ("moves", "chance", "word"),
    [
        (np.zeros((0, 2)), None, "one row a scenario"),
        ([1.0, 2.0], None, "one row a scenario"),
        ([[np.nan]], None, "finite"),
        ([[1.0], [2.0]], [0.5, 0.6], "do not sum to 1"),
        ([[1.0], [2.0]], [1.0, 0.0], "above 0"),
    ],
)
def test_scenarios_that_are_none_are_refused(moves, chance, word):
    with pytest.raises(InputError, match=word):
        PriceMoves.of(moves, chance, source="by hand")

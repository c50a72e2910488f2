"""Mark paths: factors on the price at the start, one row per step, one column per market."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from adl_opt.datasets.draws import read_figures
from adl_opt.errors import InputError
from adl_opt.rounds.columns import Floats
from adl_opt.studies.simulation.settings import Settings

MAJOR_BETA = 0.35
"""How much of a crash the majors take: on October 10 about 15 % where small markets lost about half."""

FALL = 0.6
"""Share of the steps in which a crash falls; in the rest it wins back."""


def draw_path(settings: Settings, rng: np.random.Generator) -> Floats:
    """Return the (steps + 1, markets) factors of a path, the first row all ones.

    Examples
    --------
    >>> path = draw_path(Settings(steps=3, markets=2, volatility=0.0, path="grind"), np.random.default_rng(0))
    >>> path.shape, path[0].tolist()
    ((4, 2), [1.0, 1.0])
    """
    beta = np.where(np.arange(settings.markets) < settings.majors, MAJOR_BETA, 1.0)
    logs = _noise(settings, rng)
    if settings.path == "jump":
        jumps = rng.random(settings.steps) < settings.jump_rate
        sizes = settings.jump_mean + settings.jump_deviation * rng.standard_normal(settings.steps)
        logs[1:] += np.cumsum(np.where(jumps, sizes, 0.0))[:, None] * beta
    else:
        logs += np.log1p(-settings.drop * _fall_and_rebound(settings)[:, None] * beta)
    with np.errstate(over="ignore"):  # a price beyond all bounds is refused where it is met
        return np.asarray(np.exp(logs), dtype=np.float64)


def check_path(path: npt.ArrayLike, settings: Settings) -> Floats:
    """Return a user's path, (steps + 1, markets) prices or factors above 0, as factors on its first row.

    Raises
    ------
    InputError
        Another shape than the settings ask for, or a value that is no price.
    """
    try:
        given = np.asarray(path, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "the given path is no table of numbers",
            got=str(error)[:200],
            ways_out=["give a (steps + 1, markets) array of prices"],
        ) from error
    wanted = (settings.steps + 1, settings.markets)
    if given.shape != wanted:
        raise InputError(
            "the given path has another shape than the settings",
            got=f"{given.shape}, expected {wanted}: a row for the start and for each step, a column a market",
            ways_out=["set steps and markets to those of the path", "cut the path"],
        )
    if not (np.isfinite(given).all() and (given > 0).all()):
        row, column = np.argwhere(~(np.isfinite(given) & (given > 0)))[0]
        raise InputError(
            "a price of the given path is not a finite number above 0",
            got=f"row {row}, market {column}: {given[row, column]}",
            ways_out=["correct the price"],
        )
    with np.errstate(over="ignore"):
        return np.asarray(given / given[0], dtype=np.float64)


def _noise(settings: Settings, rng: np.random.Generator) -> Floats:
    own = rng.standard_normal((settings.steps, settings.markets))
    joint = rng.standard_normal((settings.steps, 1))
    rho = settings.correlation
    returns = settings.volatility * (math.sqrt(rho) * joint + math.sqrt(1.0 - rho) * own)
    logs = np.zeros((settings.steps + 1, settings.markets))
    logs[1:] = np.cumsum(returns - 0.5 * settings.volatility**2, axis=0)
    return logs


def _fall_and_rebound(settings: Settings) -> Floats:
    """Return the share of the whole fall by step, (steps + 1,): down first, then back by the rebound."""
    falling = max(1, round(FALL * settings.steps))
    fall = np.linspace(0.0, 1.0, falling + 1)
    if settings.path == "crash":
        fall = np.interp(fall, *_closed_on_october_10())
    rest = settings.steps - falling
    return np.concatenate([fall, 1.0 - settings.rebound * np.arange(1, rest + 1) / max(rest, 1)])


def _closed_on_october_10() -> tuple[Floats, Floats]:
    """Return times from 0 to 1, and the share of the notional that was closed by then."""
    rows = read_figures("oct10_rounds.csv")
    when = np.array([float(r["t_start_ms"]) for r in rows])
    closed = np.cumsum([float(r["closed_notional_usd"]) for r in rows])
    clock = 0.1 + 0.9 * (when - when[0]) / (when[-1] - when[0])
    return np.concatenate([[0.0], clock]), np.concatenate([[0.0], closed / closed[-1]])

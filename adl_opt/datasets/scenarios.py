"""Scenarios of the next price move: an episode's own past, draws from a covariance, a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.checks import refuse
from adl_opt.datasets.csv.tables import read_table
from adl_opt.errors import InputError, UsageError
from adl_opt.kernels.arrays import Vector, vector
from adl_opt.kernels.risk.scenarios import PriceMoves, drawn_moves, past_moves
from adl_opt.naming import make_by_name
from adl_opt.reading import parquet_table, unreadable
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode

CHANCE = "chance"
"""Optional column of a file: the probability of each scenario."""


def scenario_source(
    given: ScenarioSource | str | PathLike[str] | None, space: str = CONTRACTS
) -> ScenarioSource:
    """Return the scenarios that are meant.

    Parameters
    ----------
    given : ScenarioSource, str or path, optional
        ``past``: the moves of the marks in the rounds so far, and draws where none has moved, which is the
        default; ``drawn``: draws in every round.  Both take the parameters of
        :class:`~adl_opt.allocation.scenarios.ScenarioSource` in brackets, ``drawn(volatility=0.2, seed=1)``,
        and draws a file for their covariance: ``drawn(covariance=cov.csv)``, as :func:`read_covariance`
        reads it.  Everything else is a file of moves, as :func:`read_moves` reads it.
    space : {'wealth', 'contracts'}
        Of the rounds that they are for.

    Raises
    ------
    UsageError
        Another parameter, a value out of range, or rounds in wealth: nothing in them moves with a price.
    InputError
        A file cannot be read.

    Examples
    --------
    >>> scenario_source("drawn(volatility=0.2, count=128, seed=7)").count
    128
    """
    if given is None:
        return ScenarioSource()
    text = str(given)
    if space != CONTRACTS:
        raise UsageError(
            "scenarios of prices are for rounds in contracts",
            got=f"{text}, and rounds in {space}",
            ways_out=["leave the scenarios out", 'choose space="contracts" (--space contracts)'],
        )
    if isinstance(given, ScenarioSource):
        return given
    if text.partition("(")[0].strip() in SOURCES:
        return make_by_name("scenarios", SOURCES, text, {})
    path = Path(text)
    if not path.is_file():
        raise InputError(
            "the scenarios are neither a file nor a name",
            got=text,
            ways_out=["give a CSV or Parquet file of relative moves", f"say {' or '.join(SOURCES)}"],
        )
    return ScenarioSource(read=partial(read_moves, path), name=f"file {path.name}")


def _past(
    volatility: float = 0.1, correlation: float = 0.8, count: int = 64, seed: int = 0
) -> ScenarioSource:
    return ScenarioSource(volatility, correlation, count, seed)


def _drawn(
    volatility: float = 0.1,
    correlation: float = 0.8,
    count: int = 64,
    seed: int = 0,
    covariance: str = "",
) -> ScenarioSource:
    made = ScenarioSource(volatility, correlation, count, seed, past=False, name=f"drawn, seed {seed}")
    if not covariance:
        return made
    path = Path(covariance)

    def read(markets: Sequence[str], mark: npt.ArrayLike) -> PriceMoves:
        drawn = drawn_moves(read_covariance(path, markets), mark, count=count, seed=seed)
        return PriceMoves(drawn.moves, drawn.chance, f"{drawn.source}, covariance {path.name}")

    return replace(made, read=read, name=f"drawn, seed {seed}, covariance {path.name}")


SOURCES: dict[str, Callable[..., ScenarioSource]] = {"past": _past, "drawn": _drawn}


def read_covariance(path: str | PathLike[str], markets: Sequence[str]) -> npt.NDArray[np.float64]:
    r"""Read the covariance of the next moves of the logarithms of the marks from a CSV file.

    Parameters
    ----------
    path : path
        A row and a column for each market; the column ``market`` names the row.
    markets : (m,) text
        Which of them, in the order of the answer.

    Returns
    -------
    (m, m)

    Raises
    ------
    InputError
        The file cannot be read, or lacks a row or a column of a market.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cov.csv"
    ...     _ = file.write_text("market,BTC,ETH\nBTC,0.01,0.012\nETH,0.012,0.0225\n")
    ...     read_covariance(file, ["ETH", "BTC"])
    array([[0.0225, 0.012 ],
           [0.012 , 0.01  ]])
    """
    path = Path(path)
    spellings = {name: (name,) for name in ["market", *markets]}
    table = read_table(path, spellings, required=spellings)
    row = {name: place for place, name in enumerate(table.text("market").tolist())}
    if missing := [name for name in markets if name not in row]:
        raise InputError(
            f"{path.name}: a market has no row",
            got=", ".join(missing[:5]),
            ways_out=["add the row", "leave the market out of the round"],
        )
    order = [row[name] for name in markets]
    return np.column_stack([table.column(name, "usd")[order] for name in markets])


def moves_so_far(episode: Episode, row: int, markets: Sequence[str], *, mirrored: bool = True) -> PriceMoves:
    """Return the moves that an episode has shown when a round begins, as scenarios of the next one.

    Parameters
    ----------
    episode : Episode
    row : int
        Index of the round.  Its own marks are known when it begins; nothing of a later round is read, and no
        outcome.
    markets : (m,) text
        Columns of the moves.  Each needs a mark in one of the rounds so far.
    mirrored : bool
        As in :func:`adl_opt.kernels.risk.scenarios.past_moves`, which says why this is the default.

    Raises
    ------
    InputError
        A market without a mark; or no mark that has moved, as in the first round, and in an episode whose
        marks are one mean of the day (``oct10``): read the moves from a file, or draw them.

    Examples
    --------
    >>> from adl_opt.rounds.round import Outcome, Round
    >>> from adl_opt.rounds.tables import Accounts, Flow
    >>> accounts = Accounts(id=["a"], pnl=[10.0], equity=[20.0])
    >>> flows = [Flow(market=["BTC"], quantity=[1.0], mark=[mark]) for mark in (100.0, 80.0)]
    >>> rounds = [(Round(deficit=5.0, accounts=accounts, flow=flow), Outcome(3.0)) for flow in flows]
    >>> episode = Episode("mine", "made up", rounds[:1]) + Episode("mine", "made up", rounds[1:])
    >>> moves_so_far(episode, 1, ["BTC"]).moves
    array([[-16.],
           [ 20.]])
    """
    marks = np.full((row + 1, len(markets)), np.nan)
    column = {name: place for place, name in enumerate(markets)}
    for at in range(row + 1):
        round_ = episode.rounds[at][0]
        for table in (round_.positions, round_.flow):  # the mark of the flow is the one that closes
            if table is not None and table.mark is not None:
                for name, mark in zip(table.market.tolist(), table.mark.tolist(), strict=True):
                    if name in column:
                        marks[at, column[name]] = mark
    return past_moves(marks, mirrored=mirrored)


def read_moves(path: str | PathLike[str], markets: Sequence[str], mark: npt.ArrayLike) -> PriceMoves:
    r"""Read scenarios from a CSV or Parquet file: a row for each, a column for each market.

    Parameters
    ----------
    path : path
        Cells are relative moves, such as -0.2 for a fall of 20 %, above -1.  A column ``chance``, if there is
        one, holds probabilities; else all are equal.  Other columns are ignored.
    markets : (m,) text
        Which columns, in the order of the answer.
    mark : (m,) USD > 0
        Marks of now.

    Returns
    -------
    PriceMoves
        USD per contract.

    Raises
    ------
    InputError
        The file cannot be read, lacks a market, or has a cell that is no move.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "moves.csv"
    ...     _ = file.write_text("BTC,chance\n-0.2,0.25\n0.1,0.75\n")
    ...     moves = read_moves(file, ["BTC"], [50_000.0])
    >>> moves.moves.ravel(), moves.chance
    (array([-10000.,   5000.]), array([0.25, 0.75]))
    """
    path, price = Path(path), vector("mark", mark, size=len(markets), low=0.0, open_low=True)
    columns = _parquet(path) if path.suffix == ".parquet" else _csv(path, markets)
    missing = [name for name in markets if name not in columns]
    if missing:
        raise InputError(
            f"{path.name}: a market has no column",
            got=", ".join(missing[:5]),
            ways_out=["add the column", "leave the market out of the round"],
        )
    moves = np.column_stack([columns[name] for name in markets])
    wrong = np.asarray(~(np.isfinite(moves) & (moves > -1.0)).all(axis=1))
    refuse(
        f"{path.name}: a relative move must be a number above -1",
        wrong,
        lambda row: f"row {row + 1}: {moves[row].tolist()}",
    )
    return PriceMoves.of(moves * price, columns.get(CHANCE), source=f"file {path.name}")


def _csv(path: Path, markets: Sequence[str]) -> dict[str, Vector]:
    spellings = {name: (name,) for name in [*markets, CHANCE]}
    table = read_table(path, spellings, required=markets)
    return {name: table.column(name, "usd") for name in spellings if name in table}


def _parquet(path: Path) -> dict[str, Vector]:
    import pyarrow as pa

    try:
        table = parquet_table(path)
        return {name: table.column(name).cast(pa.float64()).to_numpy() for name in table.column_names}
    except (OSError, ValueError, pa.ArrowException) as error:
        raise unreadable(path, error, "give a Parquet file with columns of numbers") from None

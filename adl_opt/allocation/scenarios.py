"""Scenarios of the next price move in a round in contracts, as they are known when the round begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adl_opt.checks import number_between, whole_between
from adl_opt.kernels.risk.scenarios import PriceMoves, drawn_moves, past_moves
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import notional_per_contract
from adl_opt.rounds.flows import tables_in_contracts
from adl_opt.rounds.round import Round

Marks = Sequence[Mapping[str, float]]
"""The mark of each market in each round so far."""


@dataclass(frozen=True)
class ScenarioSource:
    """How the next move of the marks is foreseen: from the rounds so far, else from a covariance.

    Where a mark has moved in the rounds so far, every move of the past is a scenario, with its mirror image
    (:func:`adl_opt.kernels.risk.scenarios.past_moves`).  In a first round, or where no mark has moved,
    moves are drawn from a covariance that is assumed: each market has the same volatility and each pair the
    same correlation.

    Parameters
    ----------
    volatility : float
        Standard deviation of the logarithm of a mark until the next move.  The default, 0.1, is a convention:
        rounds of deleveraging come where marks have just moved by about that much.
    correlation : float
        Of every pair of markets, in [0, 1].  The default, 0.8, says that in a crash markets move together.
        With 0 the legs of an account would seem to insure each other.
    count : int
        Scenarios that are drawn, even.
    seed : int
    past : bool
        Whether moves of the past come before draws.
    read : callable, optional
        ``read(markets, mark)`` returns the scenarios instead: for instance those of a file, or draws from a
        covariance of one's own.
    name : str
        Shown in labels of rules.

    Notes
    -----
    No value is fitted to an episode.
    """

    volatility: float = 0.1
    correlation: float = 0.8
    count: int = 64
    seed: int = 0
    past: bool = True
    read: Callable[[Sequence[str], npt.ArrayLike], PriceMoves] | None = None
    name: str = "past"

    def __post_init__(self) -> None:
        number_between("scenarios: volatility", self.volatility, 1e-9, 10.0)
        number_between("scenarios: correlation", self.correlation, 0.0, 1.0)
        whole_between("scenarios: count", self.count, 2, 1_000_000)
        whole_between("scenarios: seed", self.seed, 0, 2**63 - 1)

    def __str__(self) -> str:
        return self.name

    def of(self, past: Marks, round_: Round) -> PriceMoves:
        """Return the scenarios: a column for each market of :func:`worth_of_markets`, USD per contract.

        Parameters
        ----------
        past : sequence of mappings
            :func:`marks_of` the rounds before.
        round_ : Round
            In contracts.
        """
        markets, worth = worth_of_markets(round_)
        if self.read is not None:
            return self.read(markets, worth)
        now = marks_of(round_)
        table = np.array([[marks.get(name, np.nan) for name in markets] for marks in [*past, now]])
        change = np.diff(np.log(table), axis=0)
        if self.past and np.any(np.nan_to_num(change) != 0.0):
            found = past_moves(table)
            return PriceMoves(found.moves / table[-1] * worth, found.chance, found.source)
        spread = self.volatility**2
        covariance = np.full((len(markets),) * 2, self.correlation * spread)
        np.fill_diagonal(covariance, spread)
        drawn = drawn_moves(covariance, worth, count=self.count, seed=self.seed)
        assumed = f"volatility {self.volatility:g}, correlation {self.correlation:g} (assumed)"
        return PriceMoves(drawn.moves, drawn.chance, f"{drawn.source}, {assumed}")


def worth_of_markets(round_: Round) -> tuple[list[str], Floats]:
    """Return the markets of a round in contracts, and the notional of one contract of each, USD.

    A contract moves by this times the relative move of the mark; the value of coin collateral stays.
    """
    flow, held = tables_in_contracts(round_)
    assert held.mark is not None  # noqa: S101
    first = np.unique(held.markets[1], return_index=True)[1]
    columns = (held.kind, held.mark, held.multiplier, held.settlement_rate)
    worth = dict(zip(flow.market.tolist(), flow.mark.tolist(), strict=True))
    kind, mark, multiplier, rate = (column[first] for column in columns)
    known = notional_per_contract(kind, mark, multiplier, rate)
    worth |= dict(zip(held.market[first].tolist(), known.tolist(), strict=True))
    return list(worth), np.array(list(worth.values()))


def marks_of(round_: Round) -> dict[str, float]:
    """Return the mark of each market of a round in contracts: that of the flow, else of the positions."""
    flow, held = tables_in_contracts(round_)
    assert held.mark is not None  # noqa: S101
    marks = dict(zip(held.market.tolist(), held.mark.tolist(), strict=True))
    return marks | dict(zip(flow.market.tolist(), flow.mark.tolist(), strict=True))

"""A round in contracts as programs take it: its legs stand in the place of positions, each with a price.

A *leg* is a position against one row of the flow on the other side of its market.  What a lot of it gives up
follows from the price of that row.  So the grid of lots that programs in wealth have serves contracts too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from adl_opt.checks import LARGEST_USD
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import vector
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Columns, Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import cells_of, reckoned, tables_in_contracts
from adl_opt.rounds.legs import Legs
from adl_opt.rounds.options import out_of_band
from adl_opt.rounds.owners import Owners
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions


class _LegPositions(Positions):
    """Positions by leg: one position stands here once for each row of the flow against it."""

    def __post_init__(self) -> None:
        Columns.__post_init__(self)  # the round has checked the positions


class _PotAccounts(Accounts):
    """Accounts that can pay what their pots can: an isolated gain counts beside a loss in cross margin."""

    def __post_init__(self) -> None:
        Columns.__post_init__(self)  # the round has checked the accounts


@dataclass(frozen=True, eq=False, kw_only=True)
class PricedRound(Round):
    """A round in contracts in which every row of the flow has a price; :func:`in_legs` makes it.

    Its ``positions`` are the legs, and their ``lot_value`` is what a lot of the leg gives up (0 where that
    would be a gain).  Capacities are the sums over the pots of each account.

    Parameters
    ----------
    source : Round
        The round itself, or that of its owners.
    legs : Legs
    given_up : (k,) USD
        What a winner gives up with a contract of each row of the flow; below 0 it is a gain.
    pots : Pots
    owners : Owners, optional
        Where the round has sub-accounts; the source then has owners as accounts.
    """

    source: Round = field(repr=False)
    legs: Legs = field(repr=False)
    given_up: Floats = field(repr=False)
    pots: Pots = field(repr=False)
    owners: Owners | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check nothing again: the source is checked."""

    @cached_property
    def space(self) -> str:
        """``contracts``."""
        return CONTRACTS

    @property
    def rows(self) -> Flow:
        """The flow, which is there."""
        assert self.flow is not None  # noqa: S101
        return self.flow

    @property
    def held(self) -> Positions:
        """The legs as positions, which are there."""
        assert self.positions is not None  # noqa: S101
        return self.positions

    @property
    def source_lots(self) -> Floats:
        """(m,) lots of the positions of the source."""
        assert self.source.positions is not None  # noqa: S101
        return self.source.positions.lots.astype(np.float64)

    @property
    def cost(self) -> Floats:
        """(k,) USD: what a contract of each row takes from a winner, never below 0."""
        return np.maximum(self.given_up, 0.0)

    @cached_property
    def flow_usd(self) -> float:
        """USD: what the whole flow takes from winners, sum Q g."""
        return float(self.rows.quantity @ self.cost)

    def share(self, asked: float) -> float:
        """Return the share of every row that an amount of USD is, at most 1."""
        return min(1.0, asked / self.flow_usd) if self.flow_usd > 0.0 else float(asked > 0.0)

    def closed(self, lots: Floats) -> Floats:
        """Return the contracts of each row that so many lots of the legs close, (k,)."""
        contracts = lots * self.held.lot_size
        return np.bincount(self.legs.row, contracts, minlength=len(self.rows)).astype(np.float64)

    def lots_of(self, point: Any) -> Floats:
        """Return the lots of each leg that a point of a program closes, (l,); NaN where it does not say."""
        lots = point.lots if point.closed is None else point.closed
        size = len(self.held)
        return np.full(size, np.nan) if lots is None or np.shape(lots) != (size,) else np.asarray(lots, float)

    def by_position(self, lots: Ints) -> Ints:
        """Return the lots of each position of the source, (m,), from those of its legs."""
        out = np.zeros(self.source_lots.size, dtype=np.int64)
        np.add.at(out, self.legs.position, lots)
        return out

    def by_leg(self, closures: Closures) -> Floats:
        """Return the lots of each leg that closures of the source close, (l,).

        Raises
        ------
        InputError
            Something is closed that is no leg, such as a position of an exempt account.
        """
        m = self.source_lots.size
        own, asked = self.legs.row * m + self.legs.position, closures.row * m + closures.position
        order = np.argsort(own, kind="stable")
        place = np.searchsorted(own[order], asked)
        wrong = np.append(own[order], -1)[place] != asked
        if wrong.any():
            first = int(np.argmax(wrong))
            raise InputError(
                "an answer closes what may not be closed in this round",
                got=f"position {closures.position[first]} against row {closures.row[first]} of the flow",
                ways_out=["close the other side of a row, within its band, and nothing of exempt accounts"],
            )
        out = np.zeros(own.size)
        np.add.at(out, order[place], closures.lots)
        return out

    @property
    def whole(self) -> Round:
        """The round with its sub-accounts."""
        return self.source if self.owners is None else self.owners.whole

    def closures(self, lots: Any, wanted: Floats) -> Closures:
        """Return lots of the legs, whole or not, as closures of the source."""
        at = np.flatnonzero(lots > 0)
        position = self.legs.position[at]
        return Closures(
            position=position,
            row=self.legs.row[at],
            lots=lots[at],
            contracts=lots[at] * self.held.lot_size[at],
            account=self.held.account[at],
            wanted=wanted,
            cells=tuple(cells_of(self.rows)),
            given_up=self.given_up,
        )


def in_legs(round_: Round, given_up: Floats | None = None) -> PricedRound:
    """Return a round in contracts with the price of every row of its flow.

    Sub-accounts of one owner are one account.  Positions of exempt accounts, and rows outside of their band,
    have no legs.

    Parameters
    ----------
    round_ : Round
        In contracts.
    given_up : (k,) USD, optional
        What a winner gives up with a contract of each row.  By default as reckoned at the start of the
        round; :func:`adl_opt.rounds.flows.revealed` says what it really was.

    Raises
    ------
    LackError
        The round is in wealth.
    InputError
        Prices that are no finite numbers, or not one for each row.
    """
    if isinstance(round_, PricedRound) and given_up is None:
        return round_
    if isinstance(round_, PricedRound):
        source, owners = round_.source, round_.owners
    else:
        owners = Owners.of(round_)
        source = round_ if owners is None else owners.round
    flow, held = tables_in_contracts(source)
    g = reckoned(source)
    if given_up is not None:
        g = vector("given_up", given_up, size=len(flow), low=-LARGEST_USD, high=LARGEST_USD)
    legs, pots = _open_legs(source, flow, held), Pots.of(source.accounts, held)
    own = {name: getattr(source.accounts, name) for name in source.accounts.present()}
    columns = {name: getattr(held, name).take(legs.position) for name in held.present()}
    columns["lot_value"] = held.lot_size[legs.position] * np.maximum(g, 0.0)[legs.row]
    return PricedRound(
        deficit=source.deficit,
        accounts=_PotAccounts(**own | {"capacity": pots.limit}),
        positions=_LegPositions(**columns),
        flow=flow,
        number=source.number,
        start_ms=source.start_ms,
        flow_known=source.flow_known,
        source=source,
        legs=legs,
        given_up=g,
        pots=pots,
        owners=owners,
    )


def _open_legs(source: Round, flow: Flow, held: Positions) -> Legs:
    """Return the legs that the options of a round leave."""
    legs, exempt = Legs.of(source), source.accounts.exempt
    if exempt is None and flow.band is None:
        return legs
    shut = out_of_band(flow)[legs.row]
    if exempt is not None:
        shut = shut | (exempt[held.account[legs.position]] == 1)
    row, position, cell = (each[~shut] for each in (legs.row, legs.position, legs.cell))
    return Legs(row=row, position=position, cell=cell, of_row=legs.of_row)

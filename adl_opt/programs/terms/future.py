"""What a round in contracts leaves to come, as a term: the expected equity shortfall after the next move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.programs.priced import in_legs
from adl_opt.programs.terms.base import ObjectiveTerm, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.flows import tables_in_contracts, worth_of_markets
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder, Entries


class _Pairs(NamedTuple):
    """Equity in every scenario, and what a lot of each leg moves from who pays to whose loss it ends.

    Parameters
    ----------
    pays, ends : (l,) int
        Rows of ``cash``: the pot of the leg, and its row of losers.
    moved : (l, s) USD
    cash : (e, s) USD
        Of the pots, then of the rows of losers, where nothing is closed.
    chance : (s,)
    """

    pays: Ints
    ends: Ints
    moved: npt.NDArray[np.float64]
    cash: npt.NDArray[np.float64]
    chance: Floats


@dataclass(frozen=True, eq=False)
class FutureShortfall(ObjectiveTerm):
    """sum_i E[(e_i - x_i + (q_i - k_i)' dP)^-]: what accounts lack after the haircuts and the next move.

    Contracts that nobody closes stay with the losers, who have lost what these would have given up: each row
    of the flow counts as an account of its own.

    Parameters
    ----------
    scenarios : callable
        ``scenarios(round_)`` returns the moves dP that are known when the round begins, with a column for
        each market of :func:`adl_opt.rounds.flows.worth_of_markets`.

    References
    ----------
    arXiv 2603.15963 (objective); docs/risk-based.md.
    """

    scenarios: Callable[[Round], PriceMoves]
    name: str = field(default="future-shortfall", kw_only=True)
    curvature: ClassVar[str] = "convex"

    def check(self, round_: Round) -> None:
        """Refuse a round in wealth."""
        tables_in_contracts(round_)

    def value(self, point: Point, round_: Round) -> float:
        """Return the expected shortfall of what is left."""
        pairs = self._pairs(round_)
        cash, moved = pairs.cash, pairs.moved * in_legs(round_).lots_of(point)[:, None]
        np.subtract.at(cash, pairs.pays, moved)
        np.add.at(cash, pairs.ends, moved)
        return float(np.maximum(-cash, 0.0).sum(axis=0) @ pairs.chance)

    def expression(self, symbols: Any) -> Any:
        """Return the mean of [-cash]_+ over scenarios, summed over pots and rows."""
        cp, pairs = symbols.cp, self._pairs(symbols.round)
        count = pairs.pays.size
        to = np.zeros((len(pairs.cash), count))
        to[pairs.pays, np.arange(count)], to[pairs.ends, np.arange(count)] = -1.0, 1.0
        symbols.extra += symbols.closed()
        return cp.sum(cp.pos(-pairs.cash - to @ cp.diag(symbols.lots) @ pairs.moved) @ pairs.chance)

    def rows(self, builder: Builder) -> Any:
        """Write short >= -cash for each pot, or row of losers, and scenario."""
        pairs, held = self._pairs(builder.round), in_legs(builder.round).held
        count, pair = pairs.chance.size, np.arange(pairs.cash.size)
        moved, most = pairs.moved.ravel(), np.abs(pairs.cash)
        for side in (pairs.pays, pairs.ends):
            np.add.at(most, side, np.abs(pairs.moved) * held.lots[:, None])
        short = builder.columns(f"{self.name}:short", pair.size, 0.0, most.ravel(), unit=builder.unit)
        lots, within = np.repeat(builder.closed(), count), np.tile(np.arange(count), len(held))
        pays, ends = (np.repeat(side, count) * count + within for side in (pairs.pays, pairs.ends))
        entries: list[Entries] = [(pair, short, 1.0), (pays, lots, -moved), (ends, lots, moved)]
        builder.rows("pairs", pair.size, -pairs.cash.ravel(), np.inf, entries, unit=builder.unit)
        return short, np.tile(pairs.chance, len(pairs.cash))

    def _pairs(self, round_: Round) -> _Pairs:
        r = in_legs(round_)
        legs, pots, held, moves = r.legs, r.pots, r.source.positions, self.scenarios(r.source)
        assert held is not None  # noqa: S101
        assert held.side is not None  # noqa: S101
        assert r.rows.side is not None  # noqa: S101
        place = {name: k for k, name in enumerate(worth_of_markets(r.source)[0])}
        own, losers = (moves.moves.T[[place[m] for m in t.market.tolist()]] for t in (held, r.rows))
        signed = held.side * held.lot_size
        taken = held.lot_size[legs.position] * r.given_up[legs.row]
        moved = taken[:, None] + signed[legs.position, None] * own[legs.position]
        cash = np.repeat(pots.equity[:, None], moves.chance.size, axis=1)
        np.add.at(cash, pots.of_position, (signed * held.lots)[:, None] * own)
        left = r.rows.quantity[:, None] * (r.rows.side[:, None] * losers - r.given_up[:, None])
        ends = pots.equity.size + legs.row
        return _Pairs(
            pots.of_position[legs.position], ends, moved, np.concatenate([cash, left]), moves.chance
        )

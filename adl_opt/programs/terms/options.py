"""The options of a round as constraints: who is exempt, caps, hedged pairs, least quantities.

The columns of the round are the one truth; a term reads them.  :func:`options_of` names the terms that a
round asks for, and every program is held to them.  Rows outside of their price band, and positions of exempt
accounts, are no legs at all (:func:`adl_opt.programs.priced.in_legs`); sub-accounts of one owner are one
account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.errors import InputError
from adl_opt.programs.arrays.linear import power_of_two
from adl_opt.programs.priced import PricedRound, in_legs
from adl_opt.programs.terms.base import TRIFLE, Cap, ConstraintTerm, InContracts, Need, Point
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.options import cohorts, hedged_pairs
from adl_opt.rounds.round import Round

if TYPE_CHECKING:
    from adl_opt.programs.arrays.builder import Builder


def options_of(round_: Round) -> list[ConstraintTerm]:
    """Return the terms that the options of a round ask for."""
    accounts, flow, held = round_.accounts, round_.flow, round_.positions
    found: list[ConstraintTerm] = []
    if accounts.cap is not None or accounts.exempt is not None:
        found.append(AccountCaps())
    if accounts.cohort_cap is not None:
        found.append(CohortCaps())
    if round_.space != CONTRACTS or flow is None or held is None:
        return found
    if flow.min_quantity is not None and np.any(flow.min_quantity > 0):
        found.append(LeastQuantity())
    if np.any(held.hedge > 0):
        found.append(HedgedPairs())
    return found


@dataclass(frozen=True, eq=False)
class AccountCaps(Cap):
    """x_i <= cap_i, and 0 of exempt accounts: the columns ``cap`` and ``exempt`` of the accounts."""

    name: str = field(default="account-caps", kw_only=True)

    def upper(self, round_: Round) -> Floats:
        """Return the caps, USD; infinite where there is none."""
        accounts = round_.accounts
        most = np.full(len(accounts), np.inf) if accounts.cap is None else accounts.cap
        return most if accounts.exempt is None else np.where(accounts.exempt == 1, 0.0, most)

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the cap as a share of the capacity; 1 where there is none, or no capacity."""
        u, most = round_.accounts.capacity, self.upper(round_)
        return {"fraction": np.divide(most, u, out=np.ones_like(u), where=(u > 0) & np.isfinite(most))}


@dataclass(frozen=True, eq=False)
class CohortCaps(ConstraintTerm):
    """sum of x_i over a cohort <= its cap: the columns ``cohort`` and ``cohort_cap`` of the accounts."""

    name: str = field(default="cohort-caps", kw_only=True)

    def check(self, round_: Round) -> None:
        """Refuse a round without cohorts."""
        if round_.accounts.cohort_cap is None:
            raise InputError(
                f"term {self.name!r} reads the caps of cohorts, and the round has none",
                got=f"round {round_.number}",
                ways_out=["give the accounts cohort and cohort_cap", "leave the term out"],
            )

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest excess of a cohort, USD."""
        cohort, cap = cohorts(round_.accounts)
        return float(np.max(np.bincount(cohort, point.x, cap.size) - cap, initial=0.0))

    def parameters(self, round_: Round, needed: float) -> Mapping[str, Any]:
        """Return the caps, and the capacity of each account in the row of its cohort, USD."""
        cohort, cap = cohorts(round_.accounts)
        weights = np.zeros((cap.size, cohort.size))
        weights[cohort, np.arange(cohort.size)] = round_.accounts.capacity
        return {"cap": cap, "capacity": weights}

    def expression(self, symbols: Any) -> Any:
        """Return the sums of cohorts."""
        own = symbols.of(self)
        return [own["capacity"] @ symbols.h <= own["cap"]]

    def rows(self, builder: Builder) -> None:
        """Write one row for each cohort."""
        cohort, cap = cohorts(builder.round.accounts)
        unit = np.minimum(power_of_two(cap), builder.unit)
        builder.rows("cohort", cap.size, -np.inf, cap, [(cohort, builder.x, 1.0)], unit=unit)


@dataclass(frozen=True, eq=False)
class LeastQuantity(InContracts):
    """A position closes nothing of a row, or at least ``min_quantity`` contracts: a column of the flow."""

    name: str = field(default="least-quantity", kw_only=True)
    needs: ClassVar[frozenset[Need]] = frozenset({"mip"})
    money_rows: ClassVar[bool] = False

    def _legs(self, round_: PricedRound) -> tuple[Ints, Floats, Floats]:
        """Return the legs of rows with a least quantity, that in lots, and the lots held of each."""
        least = round_.rows.min_quantity
        assert least is not None  # noqa: S101
        legs = np.flatnonzero(least[round_.legs.row] > 0)
        lots = least[round_.legs.row[legs]] / round_.held.lot_size[legs]
        return legs, lots, round_.held.lots[legs].astype(np.float64)

    def violation(self, point: Point, round_: Round) -> float:
        """Return the largest distance of a leg from nothing and from the least quantity, in USD."""
        round_ = in_legs(round_)
        legs, least, _ = self._legs(round_)
        lots, row, size = round_.lots_of(point)[legs], round_.legs.row[legs], round_.held.lot_size[legs]
        each = np.maximum(np.abs(round_.given_up), TRIFLE * round_.rows.mark)[row]
        short = np.where(lots > 0, np.minimum(lots, least - lots), 0.0)
        return float(np.max(short * size * each, initial=0.0)) if not np.isnan(lots).any() else np.inf

    def expression(self, symbols: Any) -> Any:
        """Return least * b <= lots <= held * b with binaries b."""
        legs, least, held = self._legs(in_legs(symbols.round))
        rules = symbols.closed()
        if not legs.size:
            return rules
        taken, lots = symbols.variable(self, "closed", (legs.size,), boolean=True), symbols.lots[legs]
        cp = symbols.cp
        return [*rules, lots >= cp.multiply(least, taken), lots <= cp.multiply(held, taken)]

    def rows(self, builder: Builder) -> None:
        """Write both sides; a leg that does not hold so much is not closed."""
        legs, least, held = self._legs(in_legs(builder.round))
        closed, rows = builder.closed()[legs], np.arange(legs.size)
        able = held * (1 + 1e-12) >= least
        taken = builder.columns("taken", legs.size, 0.0, able.astype(np.float64), integer=True)
        least = np.minimum(least, held)
        unit = power_of_two(np.maximum(held, 1.0))
        builder.rows("least", legs.size, 0.0, np.inf, [(rows, closed, 1.0), (rows, taken, -least)], unit=unit)
        builder.rows("most", legs.size, -np.inf, 0.0, [(rows, closed, 1.0), (rows, taken, -held)], unit=unit)


@dataclass(frozen=True, eq=False)
class HedgedPairs(InContracts):
    """Both positions of a hedged pair close the same share, or nothing: ``hedge`` and ``hedge_tolerance``.

    Of any two positions of one account with the same number above 0 in ``hedge``, the shares closed differ
    by the tolerance at most.  In whole lots that is often both or none.
    """

    name: str = field(default="hedged-pairs", kw_only=True)
    money_rows: ClassVar[bool] = False

    def _pairs(self, round_: PricedRound) -> tuple[Ints, Ints, Floats, Floats]:
        """Return pair and leg of each entry, its share in a lot with the sign of its side, and tolerances."""
        source = round_.source.positions
        assert source is not None  # noqa: S101
        first, second, slack = hedged_pairs(source)
        order = np.argsort(round_.legs.position, kind="stable")
        taken = round_.legs.position[order]
        parts = []
        for positions, sign in ((first, 1.0), (second, -1.0)):
            start, stop = (np.searchsorted(taken, positions, side) for side in ("left", "right"))
            pair = np.repeat(np.arange(positions.size), stop - start)
            ends = np.cumsum(stop - start)
            place = np.arange(pair.size) - np.repeat(ends - (stop - start), stop - start)
            parts.append((pair, order[start[pair] + place], sign / round_.source_lots[positions[pair]]))
        pair, leg, share = (np.concatenate([part[k] for part in parts]) for k in range(3))
        return pair, leg, share, slack

    def violation(self, point: Point, round_: Round) -> float:
        """Return by how much the shares of a pair differ too much, in USD of its smaller leg at the mark."""
        round_ = in_legs(round_)
        lots, source = round_.lots_of(point), round_.source.positions
        assert source is not None  # noqa: S101
        if np.isnan(lots).any() or source.mark is None:
            return np.inf
        pair, leg, share, slack = self._pairs(round_)
        apart = np.abs(np.bincount(pair, share * lots[leg], slack.size)) - slack
        first, second, _ = hedged_pairs(source)
        worth = source.quantity * source.mark
        return float(np.max(apart * np.minimum(worth[first], worth[second]), initial=0.0))

    def expression(self, symbols: Any) -> Any:
        """Return the bounds of the difference of every pair."""
        round_ = in_legs(symbols.round)
        pair, leg, share, slack = self._pairs(round_)
        rules = symbols.closed()
        if not slack.size:
            return rules
        apart = symbols.matrix(pair, leg, share, (slack.size, len(round_.held))) @ symbols.lots
        return [*rules, apart >= -slack, apart <= slack]

    def rows(self, builder: Builder) -> None:
        """Write one row for each pair."""
        pair, leg, share, slack = self._pairs(in_legs(builder.round))
        builder.rows("pair", slack.size, -slack, slack, [(pair, builder.closed()[leg], share)], unit=1.0)

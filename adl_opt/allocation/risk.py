"""Risk-based closing: leverage draining, and the least future shortfall over scenarios (arXiv 2603.15963)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.limits import Book
from adl_opt.allocation.plans import Plan, PlannedRule, by_row, room_of
from adl_opt.allocation.scenarios import ScenarioSource, marks_of
from adl_opt.allocation.shares import lots_near
from adl_opt.checks import number_between
from adl_opt.kernels.fill.level import fill_to_level
from adl_opt.kernels.risk.book import RiskBook
from adl_opt.kernels.risk.saddle import risk_based
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import tables_in_contracts, worth_of_markets
from adl_opt.rounds.legs import Legs
from adl_opt.rounds.round import Allocation, Outcome, Round


@dataclass(frozen=True)
class LeverageDraining(AllocationRule):
    """The most levered are reduced first, until all that were reduced stand at one leverage.

    Rule: in each market and side k_i = clip(N_i - level e_i, 0, most), where e_i is the equity of the
    account (of an isolated position its own), before haircuts; then whole lots by largest remainder.  With
    one market and all equities above 0 it leaves the least expected shortfall under every law of prices, if
    positions are closed at the mark.  With several markets each is drained by itself, which ignores hedges:
    `risk-based` looks at them.  Accounts without equity come first.  Source: arXiv 2603.15963 (abstract);
    docs/risk-based.md.  Information: start of round.  Tie-break: by account id.
    """

    name: ClassVar[str] = "leverage-draining"
    claims: ClassVar[Claims] = Claims()
    spaces: ClassVar[tuple[str, ...]] = (CONTRACTS,)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return the lots that level the leverage of what is kept."""
        equity, most = cell.pots.equity[cell.pot], cell.most * cell.size
        sunk = equity <= 0.0
        ideal = np.where(sunk, most, 0.0)
        left = cell.wanted - float(ideal.sum())
        if left > 0.0 and not sunk.all():
            fit = ~sunk
            most = most[fit]
            held, fair = (cell.held * cell.size)[fit] / most, equity[fit] / most
            full = left >= float(most.sum())  # the same as drain_leverage, checked and in parts of most
            ideal[fit] = most if full else most * fill_to_level(held, fair, 1.0, most, left)
        return lots_near(ideal, cell)


@dataclass(frozen=True)
class RiskBased(PlannedRule):
    """The contracts go that leave the least expected equity shortfall after the next move of prices.

    Rule: min sum_i E[(e_i - g'k_i + (q_i - k_i)'dP)^-], 0 <= k <= most, with one sum of k for each market
    and side; proven to a relative gap, then whole lots by largest remainder.  Equity is that after the
    haircuts.  Each account is cross-margined; an isolated position stands by itself.  Where several losers of
    a market have several prices, the plan takes their mean g, and each row its share.  The scenarios dP are
    what was seen so far, else drawn from an assumed covariance:
    :class:`~adl_opt.allocation.scenarios.ScenarioSource`.  Source: arXiv 2603.15963 (objective);
    docs/risk-based.md.  Information: start of round.  Tie-break: by account id.

    Parameters
    ----------
    gap : float
        Relative gap to prove, before whole lots.
    scenarios : ScenarioSource
    """

    gap: float = 1e-4
    scenarios: ScenarioSource = ScenarioSource()
    name: ClassVar[str] = "risk-based"
    claims: ClassVar[Claims] = Claims(permutation=False, scale=False, monotone=False)
    domain: ClassVar[str] = "contracts k of each position, 0 <= k <= most"
    regulariser: ClassVar[str] = "none: it solves each round by itself"
    step: ClassVar[str] = "none: it keeps the marks of all rounds"
    theorem: ClassVar[str] = "none on regret; each round to a proven gap"

    def __post_init__(self) -> None:
        number_between(f"allocation {self.name!r}: gap", self.gap, 0.0, 1.0)

    def start(self) -> State:
        """Return the marks of no round."""
        return []

    def plan(self, state: State, book: Book) -> Plan:
        """Return the contracts of each leg, as the kernel closes them."""
        flow, held = tables_in_contracts(book.round_)
        assert flow.side is not None  # noqa: S101
        assert held.side is not None  # noqa: S101
        legs = Legs.of(book.round_)
        cells = int(legs.of_row.max(initial=-1)) + 1
        wanted = np.bincount(legs.of_row, book.quantity, cells)
        worth = np.bincount(legs.of_row, book.quantity * np.maximum(book.given_up, 0.0), cells)
        mean = np.divide(worth, wanted, out=np.zeros(cells), where=wanted > 0)
        position, first = np.unique(legs.position, return_index=True)
        given_up = np.zeros(len(held))
        given_up[position] = mean[legs.cell[first]]
        closable = np.zeros(len(held))
        closable[position] = room_of(book, position, given_up[position])
        markets, _ = worth_of_markets(book.round_)
        place = {name: k for k, name in enumerate(markets)}
        taken = np.zeros((len(markets), 2))
        for market, side, quantity in zip(flow.market.tolist(), flow.side, book.quantity, strict=True):
            taken[place[market], int(side > 0)] += quantity  # of losers that are long, shorts are closed
        there = np.flatnonzero(held.lots > 0)
        risk = RiskBook.of(
            book.pots.equity,
            book.pots.of_position[there],
            [place[market] for market in held.market[there].tolist()],
            (held.side * held.quantity)[there],
            taken,
            closable=closable[there],
            gives_up=given_up[there],
        )
        closed = np.zeros(len(held))
        closed[there] = risk_based(risk, self.scenarios.of(state, book.round_), gap=self.gap).closed
        return legs, by_row(book, legs, closed)

    def learn(self, state: State, round_: Round, outcome: Outcome, allocation: Allocation) -> State:
        """Return the marks of all rounds so far."""
        return [*state, marks_of(round_)]

"""Pro-rata and its relatives: every haircut is a share of something, filled like water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.allocation.base import AllocationRule, Claims, State, require
from adl_opt.allocation.cells import Cell
from adl_opt.allocation.shares import close_by_share, share_of
from adl_opt.checks import number_between
from adl_opt.kernels.fill.waterfill import waterfill
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.round import Allocation, Round


@dataclass(frozen=True)
class ProRata(AllocationRule):
    """Everyone gives up the same share of capacity.

    Rule: x = u B / U; in contracts, in each cell lots in proportion to capacity, up to what each can give,
    rounded by largest remainder.  Source: section 2; the unique optimum of the min-max LP (Prop. 9).
    Information: start of round.  Tie-break: none, equals pay equally.
    """

    name: ClassVar[str] = "pro-rata"
    claims: ClassVar[Claims] = Claims(split_proof=True)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return x = u B / U."""
        return Allocation(x=waterfill(round_.accounts.capacity, asked), asked=asked)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the capacity of each position's pot."""
        return close_by_share(cell.capacity, cell)


@dataclass(frozen=True)
class CappedProRata(AllocationRule):
    """Pro-rata, but nobody gives up more than a stated share of capacity.

    Rule: x = u min(eta, cap), eta such that sum x = B (water-filling); beyond cap U the shortfall is named.
    In contracts, lots as in pro-rata, as long as the pot has given up less than the share in the round.
    Source: ADL-1 (arXiv 2512.01112), capped pro-rata.  Information: start of round.  Tie-break: none.

    Parameters
    ----------
    cap : float
        Largest haircut fraction, in (0, 1].  The default 0.5, "nobody loses more than half", is a convention
        and not fitted to any episode.
    """

    cap: float = 0.5
    name: ClassVar[str] = "capped-pro-rata"
    claims: ClassVar[Claims] = Claims(covers=False, split_proof=True)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def __post_init__(self) -> None:
        number_between(f"allocation {self.name!r}: cap", self.cap, 1e-9, 1.0)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the water-filled haircuts."""
        return Allocation(x=waterfill(round_.accounts.capacity, asked, cap=self.cap), asked=asked)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to what each counts for, up to the share of its pot."""
        part, kept = cell.capped(self.cap)
        lots = np.zeros(cell.rows.size, dtype=np.int64)
        if kept.size:
            lots[kept] = close_by_share(self.counts(part), part)
        return lots

    def counts(self, cell: Cell) -> Floats:
        """Return what each position of a cell counts for, (c,): the capacity of its pot."""
        return cell.capacity


@dataclass(frozen=True)
class LeverageProRata(CappedProRata):
    """Pro-rata weighted by leverage: who took more risk gives up a larger share.

    Rule: x = u min(cap, tau (1 + leverage)), tau such that sum x = B.  Source: ADL-1, risk-aware pro-rata,
    with the weight 1 + leverage, which lets nobody off; the model `risk-aware-pro-rata` weighs by leverage
    alone, so that an account without leverage pays nothing.  Information: start of round.  Tie-break: none.

    Parameters
    ----------
    cap : float
        Largest haircut fraction, in (0, 1].
    """

    cap: float = 1.0
    name: ClassVar[str] = "leverage-pro-rata"
    claims: ClassVar[Claims] = Claims(split_proof=True)

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return the weighted water-filling."""
        (leverage,) = require(self.name, round_, round_.accounts, "leverage")
        x = waterfill(round_.accounts.capacity, asked, cap=self.cap, weights=1.0 + leverage)
        return Allocation(x=x, asked=asked)

    def counts(self, cell: Cell) -> Floats:
        """Return capacity times 1 + leverage of the account."""
        (leverage,) = require(self.name, cell.round_, cell.round_.accounts, "leverage")
        return cell.capacity * (1.0 + leverage[cell.account])


@dataclass(frozen=True)
class ShareOfColumn(AllocationRule):
    """The common part: everyone gives up the same share of a column of the accounts, up to capacity."""

    column: ClassVar[str]
    claims: ClassVar[Claims] = Claims(split_proof=True)
    spaces: ClassVar[tuple[str, ...]] = SPACES

    def allocate(self, state: State, round_: Round, asked: float) -> Allocation:
        """Return shares of the column."""
        (base,) = require(self.name, round_, round_.accounts, self.column)
        return Allocation(x=share_of(base, round_.accounts.capacity, asked), asked=asked)

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the column."""
        (base,) = require(self.name, cell.round_, cell.round_.accounts, self.column)
        return close_by_share(base[cell.account], cell)


@dataclass(frozen=True)
class PnlProRata(ShareOfColumn):
    """Everyone gives up the same share of PNL, up to capacity.

    Rule: x = min(u, c pnl+), sum x = B.  Source: the paper's code, `pnl_pr`.  Information: start of round.
    Tie-break: none.
    """

    name: ClassVar[str] = "pnl-pro-rata"
    column: ClassVar[str] = "pnl"


@dataclass(frozen=True)
class EquityProRata(ShareOfColumn):
    """Everyone gives up the same share of equity, up to capacity: the min-max rule on the equity base.

    Rule: x = min(u, c equity+), sum x = B.  Source: the paper's code, `eq_pr`.  Information: start of round.
    Tie-break: none.
    """

    name: ClassVar[str] = "equity-pro-rata"
    column: ClassVar[str] = "equity"


@dataclass(frozen=True)
class DriftSocialised(ShareOfColumn):
    """Loss per unit of open notional, as Drift v2 socialises it, restricted to positive PNL.

    Rule: x = min(u, c notional), sum x = B (Drift charges losers too; here haircuts touch positive PNL only);
    in contracts, lots of each cell in proportion to the contracts held.
    Source: Drift protocol, bankruptcy resolution.  Information: start of round.  Tie-break: none.
    """

    name: ClassVar[str] = "drift-socialised"
    column: ClassVar[str] = "notional"

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the contracts held."""
        return close_by_share(cell.positions.quantity[cell.rows], cell)


@dataclass(frozen=True)
class Percolator(PnlProRata):
    """Percolator: every profit is paid at the same ratio; no queue.

    Rule: x = min(u, c pnl+), sum x = B; in contracts every position of the side shrinks alike (inferred from
    the lazy index per market side).  Source: percolator README.  Information: start of round.
    Tie-break: none.
    """

    name: ClassVar[str] = "percolator"

    def close(self, state: State, cell: Cell) -> Ints:
        """Return lots in proportion to the contracts held."""
        return close_by_share(cell.positions.quantity[cell.rows], cell)

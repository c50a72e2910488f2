"""Sub-accounts of one owner as one account, and what it gives up back on its sub-accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from adl_opt.rounds.columns import Floats, Ints, refuse_row
from adl_opt.rounds.contracts import CONTRACTS, INVERSE

if TYPE_CHECKING:
    from adl_opt.rounds.closures import Closures
    from adl_opt.rounds.round import Allocation, Round


@dataclass(frozen=True, eq=False)
class Owners:
    """A round in which each owner is one account.

    Parameters
    ----------
    whole : Round
        The round with its sub-accounts.
    round : Round
        The same with owners as accounts; their ids are the owners.
    account : (n,) int
        Row of the owner of each account.
    position : (m,) int
        Row of each position among those of the owners.
    """

    whole: Round
    round: Round
    account: Ints
    position: Ints

    @classmethod
    def of(cls, round_: Round) -> Owners | None:
        """Return the owners of a round; None where it names none.

        An owner has the sums of PNL, equity, notional and margin, a capacity of min(pnl+, equity+) and of the
        sum of capacities at most, and the least cap; it is exempt where one of its accounts is.  In contracts
        its positions of one market and side are one, at their mean entry.

        Raises
        ------
        InputError
            Sub-accounts of one owner are of several cohorts, or hold a market and side in lots of several
            sizes or in several margin modes.
        """
        accounts, held = round_.accounts, round_.positions
        if accounts.owner is None:
            return None
        _, first, code = np.unique(accounts.owner, return_index=True, return_inverse=True)
        place = np.argsort(np.argsort(first, kind="stable"), kind="stable")
        of_owner, first = place[code], np.sort(first)
        merged = _accounts(accounts, of_owner, first)
        position, positions = np.empty(0, dtype=np.int64), held
        if held is not None and round_.space == CONTRACTS:
            positions, position = _positions(held, of_owner)
        elif held is not None:
            positions, position = _apart(held, of_owner, accounts.id), np.arange(len(held))
        made = replace(round_, accounts=merged, positions=positions)
        return cls(whole=round_, round=made, account=of_owner, position=position)

    def split(self, action: Allocation) -> Allocation:
        """Return what owners give up as what their sub-accounts do: by lots held, else by capacity."""
        accounts, held = self.whole.accounts, self.whole.positions
        if action.closures is not None and held is not None:
            closures = self._split(action.closures, held)
            lots = None
            if action.lots is not None:
                lots = np.bincount(closures.position, closures.lots, len(held)).astype(np.int64)
            return replace(action, x=closures.haircuts(len(accounts)), lots=lots, closures=closures)
        if action.lots is not None and held is not None:
            x = np.bincount(held.account, held.lot_value * action.lots, minlength=len(accounts))
            return replace(action, x=x.astype(np.float64))
        return replace(action, x=action.x[self.account] * _shares(accounts.capacity, self.account))

    def join(self, action: Allocation) -> Allocation:
        """Return what sub-accounts give up as what their owners do."""
        n, closures = len(self.round.accounts), action.closures
        x, lots = np.bincount(self.account, action.x, n).astype(np.float64), action.lots
        if closures is not None and lots is not None and self.round.positions is not None:
            at, who = self.position[closures.position], self.account[closures.account]
            closures = replace(closures, position=at, account=who)
            lots = np.bincount(self.position, lots, len(self.round.positions)).astype(np.int64)
        return replace(action, x=x, lots=lots, closures=closures)

    def _split(self, closures: Closures, held: Any) -> Closures:
        """Return the closures on positions of sub-accounts, by lots held, with the largest remainders.

        Where lots are not whole, each position closes its share of them.
        """
        left, whole = held.lots.copy(), np.issubdtype(closures.lots.dtype, np.integer)
        order = np.argsort(self.position, kind="stable")
        start = np.searchsorted(self.position[order], np.arange(self.position.max(initial=-1) + 2))
        parts: list[tuple[Ints, Ints, Ints]] = [(np.empty(0, dtype=np.int64),) * 3]
        each = (closures.position.tolist(), closures.row.tolist(), closures.lots.tolist())
        for merged, row, lots in zip(*each, strict=True):
            rows = order[start[merged] : start[merged + 1]]
            taken = _whole_shares(left[rows], lots) if whole else lots * _shares(held.lots[rows], 0 * rows)
            left[rows] -= taken if whole else 0
            rows, taken = rows[taken > 0], taken[taken > 0]
            parts.append((rows, np.full(rows.size, row), taken))
        position, row_, taken = (np.concatenate([part[k] for part in parts]) for k in range(3))
        return replace(
            closures,
            position=position,
            row=row_,
            lots=taken,
            contracts=taken * held.lot_size[position],
            account=held.account[position],
        )


def by_owner(round_: Round) -> Round:
    """Return the round with its owners as accounts, or as it is where it names none."""
    owners = Owners.of(round_)
    return round_ if owners is None else owners.round


def _accounts(accounts: Any, of_owner: Ints, first: Ints) -> Any:
    n = first.size

    def total(values: Floats) -> Floats:
        return np.bincount(of_owner, values, n).astype(np.float64)

    def least(values: Floats) -> Floats:
        out = np.full(n, np.inf)
        np.minimum.at(out, of_owner, values)
        return out

    columns: dict[str, Any] = {name: total(getattr(accounts, name)) for name in ("pnl", "equity")}
    most = np.clip(np.minimum(columns["pnl"], columns["equity"]), 0.0, None)
    columns["capacity"] = np.minimum(total(accounts.capacity), most)
    columns |= {
        name: total(getattr(accounts, name))
        for name in ("notional", "margin")
        if getattr(accounts, name) is not None
    }
    if accounts.leverage is not None:
        weights = np.maximum(accounts.equity, 0.0)
        sums = np.maximum(total(weights), np.finfo(np.float64).tiny)
        columns["leverage"] = total(accounts.leverage * weights) / sums
    if accounts.cap is not None:
        columns["cap"] = least(accounts.cap)
    if accounts.exempt is not None:
        columns["exempt"] = (total(accounts.exempt) > 0).astype(np.int64)
    for name in ("side", "entry", "mark"):  # known where all sub-accounts agree
        values = getattr(accounts, name)
        if values is not None and np.all(values == values[first][of_owner]):
            columns[name] = values[first]
    if accounts.cohort is not None:
        other = accounts.cohort != accounts.cohort[first][of_owner]
        why, ways_out = "is another than that of its owner's first account", ["give an owner one cohort"]
        refuse_row("accounts", "cohort", accounts.cohort, other, why, ways_out)
        columns["cohort"] = accounts.cohort[first]
    if accounts.cohort_cap is not None:
        columns["cohort_cap"] = accounts.cohort_cap[first]
    return type(accounts)(id=accounts.owner[first], **columns)


def _positions(held: Any, of_owner: Ints) -> tuple[Any, Ints]:
    """Return the positions of owners, one for each market and side, and which of them each position is in."""
    names, code = held.markets
    key = (of_owner[held.account] * names.size + code) * 2 + (held.side > 0)
    _, first, merged = np.unique(key, return_index=True, return_inverse=True)
    for name in ("lot_size", "margin_mode"):
        values = getattr(held, name)
        why = "is another than in the same market and side of another sub-account"
        refuse_row("positions", name, values, values != values[first][merged], why)
    count = np.bincount(merged)
    if np.all(count == 1):
        return replace(held.take(first), account=of_owner[held.account[first]]), merged

    def total(values: Floats) -> Floats:
        return np.bincount(merged, values, first.size).astype(np.float64)

    lots = total(held.lots)
    inverse = held.kind == INVERSE
    value = total(held.lots * np.where(inverse, 1.0 / held.entry, held.entry))
    mean = np.divide(value, lots, out=np.ones(lots.size), where=lots > 0)
    mean = np.where(inverse[first], 1.0 / mean, mean)
    hedge, tolerance = np.zeros(first.size, dtype=np.int64), np.full(first.size, np.inf)
    np.maximum.at(hedge, merged, held.hedge)
    np.minimum.at(tolerance, merged, np.where(held.hedge > 0, held.hedge_tolerance, np.inf))
    kept = ("market", "side", "mark", "lot_size", "kind", "multiplier", "settlement_rate", "margin_mode")
    return (
        type(held)(
            **{name: getattr(held, name)[first] for name in kept},
            account=of_owner[held.account[first]],
            lots=lots.astype(np.int64),
            entry=np.where((count > 1) & (lots > 0), mean, held.entry[first]),
            notional=None if held.notional is None else total(held.notional),
            isolated_margin=total(held.isolated_margin),
            hedge=_paired(hedge, of_owner[held.account[first]]),
            hedge_tolerance=np.where(np.isinf(tolerance), 0.0, tolerance),
        ),
        merged,
    )


def _paired(hedge: Ints, owner: Ints) -> Ints:
    """Return the numbers of pairs without those that are left with one leg."""
    _, pair, count = np.unique(np.stack([owner, hedge]), axis=1, return_inverse=True, return_counts=True)
    return np.where(count[pair.ravel()] > 1, hedge, 0)


def _apart(held: Any, of_owner: Ints, names: npt.NDArray[np.str_]) -> Any:
    """Return the positions of owners in wealth, where a market that two sub-accounts hold is two markets."""
    markets, code = held.markets
    key = of_owner[held.account] * markets.size + code
    _, merged, count = np.unique(key, return_inverse=True, return_counts=True)
    twice = count[merged] > 1
    own = np.char.add(np.char.add(held.market, " of "), names[held.account])
    market = np.where(twice, own, held.market)
    return replace(held, account=of_owner[held.account], market=market)


def _shares(weights: Floats, group: Ints) -> Floats:
    """Return each weight over the sum of its group; 0 where that is 0."""
    total = np.bincount(group, weights)[group]
    return np.divide(weights, total, out=np.zeros(weights.size), where=total > 0)


def _whole_shares(held: Ints, lots: int) -> Ints:
    """Return whole lots in proportion to those held, which add up to so many."""
    ideal = held * (lots / max(int(held.sum()), 1))
    taken: Ints = np.minimum(np.floor(ideal + 1e-9).astype(np.int64), held)
    short = lots - int(taken.sum())
    order = np.lexsort((np.arange(held.size), -np.round(ideal - taken, 9)))
    room = (held - taken)[order]
    taken[order] += np.clip(short - (np.cumsum(room > 0) - (room > 0)), 0, (room > 0).astype(np.int64))
    return taken

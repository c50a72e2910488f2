"""Counterfactuals: the smallest change that would have spared an account, searched and run again.

Three things are changed, each by a factor below 1: *leverage* (the same positions on more collateral:
equity divided by the factor), *size* (fewer whole lots at the same collateral) and *PNL* (an entry nearer to
the mark, of its positions with profit).  Equity, notional, margin, leverage and capacity follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CONTRACTS, INVERSE
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Positions
from adl_opt.service.situation import Situation, is_deleveraged

LEVERAGE, SIZE, PNL = WHAT = ("leverage", "size", "pnl")
STEPS = 16
"""Factors that are tried from 1 downward before the first that spares is made larger by halving."""

_FINE = 1e-4
"""How near the factors are, relatively, between which the search ends."""

_LEAST = 1e-6
_GRIDS = {
    LEVERAGE: np.geomspace(1.0, 1e-4, STEPS + 1)[1:],
    SIZE: np.append(np.linspace(1.0, 0.0, STEPS + 1)[1:-1], 0.0),
    PNL: np.append(np.linspace(1.0, 0.0, STEPS + 1)[1:-1], _LEAST),
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change that would have spared an account.

    Parameters
    ----------
    what : str
        ``leverage``, ``size`` or ``pnl``.
    factor : float
        So many times as large as it was.  0 < factor < 1; of the size also 0.
    still_at : float
        The next factor that was tried, at which the account is still deleveraged.
    figure : str
        What ``before`` and ``after`` are: ``leverage``, or ``equity_usd`` where it is not known; ``lots``, or
        ``notional_usd`` without positions; ``pnl_usd``.
    before, after : float
    confirmed : bool
        The round was run again with the change, and nothing was taken of the account.
    """

    what: str
    factor: float
    still_at: float
    figure: str
    before: float
    after: float
    confirmed: bool


def changes_of(case: Situation, account: int) -> list[Change]:
    """Return for each kind of change the smallest one that spares an account; none where none does."""
    found = [_smallest(case, account, what) for what in WHAT]
    return [change for change in found if change is not None]


def _smallest(case: Situation, account: int, what: str) -> Change | None:
    def spared(factor: float) -> bool:
        return not is_deleveraged(case.run(changed(case.round_, account, what, factor)), account)

    still = 1.0
    for factor in _GRIDS[what].tolist():
        if spared(factor):
            break
        still = factor
    else:
        return None
    while still - factor > max(_FINE * still, _LEAST):
        middle = 0.5 * (still + factor)
        still, factor = (still, middle) if spared(middle) else (middle, factor)
    short = float(f"{factor * (1.0 - 5e-4):.3g}") if factor > 0.0 else 0.0
    if short <= factor and spared(short):  # a number that people can read, a little further
        factor = short
    (figure, before), (_, after) = (
        _figure(r, account, what) for r in (case.round_, changed(case.round_, account, what, factor))
    )
    return Change(
        what=what,
        factor=factor,
        still_at=still,
        figure=figure,
        before=before,
        after=after,
        confirmed=spared(factor),
    )


def changed(round_: Round, account: int, what: str, factor: float) -> Round:
    """Return the round as it would have been with one account changed."""
    old, held = round_.accounts, round_.positions
    columns: dict[str, Any] = {name: np.array(getattr(old, name)) for name in old.present()}
    pnl, equity = float(old.pnl[account]), float(old.equity[account])
    positions, lost = None, pnl * (1.0 - factor)
    if held is not None:
        positions, lost = _positions(round_, held, account, what, factor)
    if what == LEVERAGE:
        new_pnl, new_equity = pnl, equity / factor if equity > 0.0 else equity
    else:
        new_pnl, new_equity = pnl - lost, equity - lost
    columns["pnl"][account], columns["equity"][account] = new_pnl, new_equity
    columns["capacity"][account] = _capacity(old, account, new_pnl, new_equity)
    size = factor if what == SIZE else 1.0
    for name in ("notional", "margin"):
        if name in columns:
            columns[name][account] *= size
    if "leverage" in columns and equity > 0.0 and new_equity > 0.0:
        columns["leverage"][account] *= size * equity / new_equity
    if what == PNL and old.entry is not None and old.mark is not None:
        columns["entry"][account] = old.mark[account] - factor * (old.mark[account] - old.entry[account])
    return Round(
        deficit=round_.deficit,
        accounts=Accounts(**columns),
        positions=positions,
        flow=round_.flow,
        number=round_.number,
        start_ms=round_.start_ms,
        flow_known=round_.flow_known,
    )


def _positions(
    round_: Round, held: Positions, account: int, what: str, factor: float
) -> tuple[Positions, float]:
    """Return the changed positions, and the PNL in USD that is lost with the change."""
    rows = np.flatnonzero(held.account == account)
    columns: dict[str, Any] = {name: np.array(getattr(held, name)) for name in held.present()}
    pnl = float(round_.accounts.pnl[account])
    lost = pnl * (1.0 - factor)
    if what == SIZE:
        columns["lots"][rows] = left = np.floor(held.lots[rows] * factor)
        if "notional" in columns:
            columns["notional"][rows] *= left / held.lots[rows].clip(1)
        if round_.space == CONTRACTS and rows.size:
            lost = float(held.lot_value[rows] @ (held.lots[rows] - columns["lots"][rows]))
    elif what == PNL:
        rows = rows[held.lot_value[rows] > 0.0]
        columns["lot_value"][rows] *= factor
        if held.entry is not None and held.mark is not None:
            inverse, entry, mark = held.kind[rows] == INVERSE, held.entry[rows], held.mark[rows]
            columns["entry"][rows] = _nearer(inverse, entry, mark, factor)
        if round_.space == CONTRACTS:
            del columns["lot_value"]  # it follows from the entry
            lost = float(held.pnl[rows].sum()) * (1.0 - factor)
    elif "isolated_margin" in columns:
        own, gained = held.isolated_margin[rows], held.pnl[rows]
        solvent = (own > 0.0) & (
            own + gained > 0.0
        )  # one below zero has nothing of which there could be more
        columns["isolated_margin"][rows] = np.where(solvent, (own + gained) / factor - gained, own)
    return Positions(**columns), lost


def _nearer(inverse: Any, entry: Floats, mark: Floats, factor: float) -> Floats:
    """Return the entry at which a position has that share of its PNL."""
    linear = mark - factor * (mark - entry)
    return np.where(inverse, 1.0 / (1.0 / mark + factor * (1.0 / entry - 1.0 / mark)), linear)


def _capacity(old: Accounts, account: int, pnl: float, equity: float) -> float:
    """Return the capacity by the account's own rule: min(pnl+, equity+), or a share of pnl+."""
    was = float(old.capacity[account])
    by_rule = max(min(float(old.pnl[account]), float(old.equity[account])), 0.0)
    if abs(was - by_rule) <= 1e-9 * max(was, by_rule):
        return max(min(pnl, equity), 0.0)
    share = was / float(old.pnl[account]) if old.pnl[account] > 0.0 else 0.0
    return min(share, 1.0) * max(pnl, 0.0) if equity >= 0.0 else 0.0


def _figure(round_: Round, account: int, what: str) -> tuple[str, float]:
    """Return the name and the value of what was changed."""
    accounts, held = round_.accounts, round_.positions
    if what == SIZE and held is not None:
        return "lots", float(held.lots[held.account == account].sum())
    columns = {SIZE: ("notional",), LEVERAGE: ("leverage", "equity"), PNL: ("pnl",)}[what]
    name = next((n for n in columns if getattr(accounts, n) is not None), "pnl")
    suffix = "" if name == LEVERAGE else "_usd"
    return name + suffix, float(getattr(accounts, name)[account])

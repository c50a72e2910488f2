"""A simulated venue that starts from a round of one's own: its accounts, positions and margin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from adl_opt.checks import number_between, whole_between
from adl_opt.naming import make_by_name
from adl_opt.rounds.contracts import notional_per_contract
from adl_opt.rounds.flows import tables_in_contracts
from adl_opt.rounds.round import Round
from adl_opt.studies.simulation.accounts import LOT
from adl_opt.studies.simulation.paths import draw_path
from adl_opt.studies.simulation.run import Start
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import CENTS, NEVER, World

MARGIN_BP = 100
"""Maintenance margin where the book does not say its own."""

LEFT_OUT = (
    "stress: margin is cross, inverse contracts move as linear ones, exempt accounts are not exempt, "
    f"positions below {LOT // CENTS // 2} USD are left out"
)
"""What of a book the simulated venue does not have."""


@dataclass(frozen=True, kw_only=True)
class Stress:
    """What a book is put through; every value is an assumption, none is fitted.

    Parameters
    ----------
    drop : float
        Fall of every market from start to trough.
    correlation, volatility : float
        Of the log returns of a step between markets, and their deviation.
    depth : float
        Share of a market's open interest whose sale at once moves the price by 1 %.
    fund : float
        Insurance fund, as a share of all collateral.
    steps, seeds : int
        Steps of a path, and paths drawn of each shape.

    Examples
    --------
    >>> Stress.parse("drop=0.5, seeds=3").seeds
    3
    """

    drop: float = 0.3
    correlation: float = 0.6
    volatility: float = 0.01
    depth: float = 0.01
    fund: float = 0.001
    steps: int = 12
    seeds: int = 2

    def __post_init__(self) -> None:
        number_between("stress: drop", self.drop, 0.0, 0.95)
        whole_between("stress: seeds", self.seeds, 1, 1000)

    @classmethod
    def parse(cls, text: str) -> Stress:
        """Return the stress of a text such as ``drop=0.5,depth=0.005``.

        Raises
        ------
        UsageError
            A name that is no parameter, or a value out of range.
        """
        return make_by_name("stress", {"stress": cls}, f"stress({text})", {})

    def __str__(self) -> str:
        return ", ".join(f"{name}={value:g}" for name, value in vars(self).items())

    def settings(self, round_: Round, path: str) -> Settings:
        """Return the settings of the simulator for a round and a shape of the path."""
        shared = {name: value for name, value in vars(self).items() if name != "seeds"}
        n, m = len(round_.accounts), tables_in_contracts(round_)[1].markets[0].size
        made = Settings(accounts=n, markets=m, majors=0, path=path, jump_mean=-self.drop / 2, **shared)
        return replace(made, space=round_.space)


def start_of_book(round_: Round, settings: Settings, seed: int) -> Start:
    """Return the books of a round as a start of the simulator, with a path that is drawn.

    Sub-accounts of one owner are those that the caller has made of them
    (:func:`adl_opt.rounds.owners.by_owner`).

    Parameters
    ----------
    round_ : Round
        In contracts.
    settings : Settings
        As :meth:`Stress.settings` gives them.
    seed : int

    Notes
    -----
    A lot is 100 USD of notional at the mark, so sizes are rounded to that; the PNL and the equity of accounts
    are those of the round to the cent.  The book of orders holds what longs and shorts differ by.
    """
    _, held = tables_in_contracts(round_)
    assert held.side is not None  # noqa: S101
    names, market = held.markets
    n, m = len(round_.accounts), names.size
    each = notional_per_contract(held.kind, held.mark, held.multiplier, held.settlement_rate)
    size = np.rint(held.side * held.quantity * each * CENTS / LOT).astype(np.int64)
    gain = np.rint(held.pnl * CENTS).astype(np.int64)
    lots, cost = (np.zeros((n, m), dtype=np.int64) for _ in range(2))
    np.add.at(lots, (held.account, market), size)
    np.add.at(cost, (held.account, market), size * LOT - gain)
    cost[lots == 0] = 0
    rng = np.random.default_rng(seed)
    pnl = lots.sum(axis=1) * LOT - cost.sum(axis=1)
    cash = np.rint(round_.accounts.equity * CENTS).astype(np.int64) - pnl
    margin = np.full(m, MARGIN_BP, dtype=np.int64)
    if round_.accounts.margin is not None and round_.accounts.notional is not None:
        notional = float(round_.accounts.notional.sum())
        margin[:] = max(round(1e4 * float(round_.accounts.margin.sum()) / max(notional, 1.0)), 1)
    whole = max(float(np.maximum(cash, 0).sum()), 1.0)
    world = World(
        id=round_.accounts.id,
        cash=cash,
        lots=lots,
        cost=cost,
        active=np.ones(n, dtype=bool),
        supplies=np.ones(n, dtype=bool),
        slope=np.where(np.arange(n) % 2 == 0, 1.0, settings.slope_spread),
        whim=rng.random((n, 2)),
        weight=np.maximum(cash, 0) / whole,
        start_lots=np.maximum(np.where(lots > 0, lots, 0).sum(axis=0), 1),
        margin_bp=margin,
        book_lots=-lots.sum(axis=0),
        book_cash=np.zeros(m, dtype=np.int64),
        pressure=np.zeros((2, m)),
        drift=np.zeros(m),
        pending=np.zeros((n, m), dtype=np.int64),
        due=np.full((n, 2), NEVER),
        fund=int(settings.fund * whole),
    )
    return Start(world, draw_path(settings, rng))

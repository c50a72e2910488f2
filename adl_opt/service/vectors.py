"""Test vectors of a rule for a matching engine: inputs, and the lots that must come out, to the integer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import allocate_in_contracts
from adl_opt.allocation.integer import IntegerProRata
from adl_opt.allocation.more_venues import DydxRandom
from adl_opt.allocation.pro_rata import ProRata, ShareOfColumn
from adl_opt.allocation.queue import Queue
from adl_opt.answer import SCHEMA, Answer
from adl_opt.checks import whole_between
from adl_opt.errors import UsageError
from adl_opt.files import to_json, write_text
from adl_opt.locks import keeps_inputs
from adl_opt.policy.cards import card
from adl_opt.rounds.columns import UNSET, Ints
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.flows import reckoned
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions

if TYPE_CHECKING:
    import pandas as pd

COMMON = (
    "Only positions on the other side of the losers can be closed.",
    "given_up, of a contract: close - mark against losing longs, mark - close against losing shorts.",
    "capacity = max(0, min(pnl, equity)), USD; most = min(lots, floor(capacity / given_up)), lots.",
)
QUEUE = (
    "Order the positions by the score, highest first; ties as stated.",
    "Close each in turn, up to its most, until the quantity is met.",
)
SHARES = (
    "Find c such that the sum of min(most, c base) is the quantity, or all that the positions can give.",
    "Round each down to whole lots. A position with base 0 gives only where all others gave their most.",
    "Give one more lot each by the largest remainder (equal ones by id, ascending) until it is met.",
)
_JITTER = 1e-11
_COLUMNS = ("pnl", "equity", "notional", "margin", "leverage")


@dataclass(frozen=True, kw_only=True)
class Vectors(Answer):
    """A rule in words, and cases with the lots that it closes.

    Parameters
    ----------
    policy : str
    rule, ties : str
        As its card says it.
    steps : tuple of str
        What an engine does.
    vectors : list of dict
        ``losers``, ``quantity``, ``mark``, ``close``, ``given_up`` (USD a contract), ``positions`` (a row
        each, one contract a lot, linear, cross margin), and ``lots`` in the order of the positions.
    path : str or None
        Where they were written.
    """

    policy: str
    rule: str
    ties: str
    steps: tuple[str, ...]
    vectors: list[dict[str, Any]]
    path: str | None

    def frame(self) -> pd.DataFrame:
        """Return one row for each position of each vector."""
        import pandas as pd

        rows = [
            {"vector": at, "losers": v["losers"], "quantity": v["quantity"]} | row | {"closed": lots}
            for at, v in enumerate(self.vectors, start=1)
            for row, lots in zip(v["positions"], v["lots"], strict=True)
        ]
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **{k: v for k, v in asdict(self).items() if k != "path"}}

    def __str__(self) -> str:
        where = f"wrote {self.path}: " if self.path else ""
        steps = "".join(f"\n  {at}. {step}" for at, step in enumerate(self.steps, start=1))
        return f"{where}{len(self.vectors)} vectors of {self.policy}: {self.rule}; ties: {self.ties}{steps}"


@keeps_inputs("out")
def vectors(
    policy: str, out: str | PathLike[str] | None = None, *, count: int = 20, seed: int = 0
) -> Vectors:
    """Return test vectors of a queue or of a pro-rata rule, for one market and side.

    Parameters
    ----------
    policy : str
        An allocation by name: ``binance``, ``pro-rata``.
    out : path, optional
        File for them, JSON.
    count : int
        Vectors, from 1 to 10,000.
    seed : int
        Same seed, same vectors.

    Raises
    ------
    UsageError
        The rule is no queue or share in contracts, or draws at random.

    Notes
    -----
    No vector hangs on the last digit: cases whose lots change when figures change by 1e-11 are drawn again.
    Rows that are equal to the last digit stay, so that ties are tested.

    Examples
    --------
    >>> made = vectors("pro-rata", count=2)
    >>> sum(made.vectors[0]["lots"]) == made.vectors[0]["quantity"]
    True
    """
    rule = _rule(policy)
    whole_between("vectors: count", count, 1, 10_000)
    whole_between("vectors: seed", seed, 0, 2**63 - 1)
    drawn = _drawn(rule, np.random.default_rng(seed))
    told = card(type(rule))
    made = Vectors(
        policy=rule.label(),
        rule=told["rule"],
        ties=told["tie-break"],
        steps=COMMON + (QUEUE if isinstance(rule, Queue) else SHARES),
        vectors=[next(drawn) for _ in range(count)],
        path=None if out is None else str(out),
    )
    if out is not None:
        write_text(Path(out), to_json(made.to_json()) + "\n")
    return made


def servable() -> list[str]:
    """Return the names of the allocations that vectors can be written of.

    Examples
    --------
    >>> "binance" in servable(), "dydx-random" in servable()
    (True, False)
    """
    return [name for name, made in ALLOCATIONS.items() if _exact(made())]


def _exact(rule: AllocationRule) -> bool:
    kinds = (Queue, ProRata, ShareOfColumn, IntegerProRata)
    return isinstance(rule, kinds) and CONTRACTS in rule.spaces and not isinstance(rule, DydxRandom)


def _rule(policy: str) -> AllocationRule:
    rule = make_allocation(policy)
    if not _exact(rule):
        raise UsageError(
            "vectors are of queues and shares that close contracts",
            got=policy,
            ways_out=[f"choose one of {', '.join(servable())}"],
        )
    return rule


def _drawn(rule: AllocationRule, draw: np.random.Generator) -> Iterator[dict[str, Any]]:
    while True:
        round_ = _round(draw)
        lots = _lots(rule, round_)
        if all(np.array_equal(lots, _lots(rule, _shaken(round_, seed))) for seed in range(3)):
            yield _told(round_, lots)


def _round(draw: np.random.Generator) -> Round:
    """Draw a market with one side of losers, in figures that floats hold exactly, some rows alike."""
    n, losers = int(draw.integers(3, 10)), int(draw.choice([-1, 1]))
    mark, gap = 600.0, float(draw.integers(1, 80)) / 2.0
    source = np.arange(n) if draw.random() < 0.5 else np.minimum(np.arange(n), draw.integers(0, n, n))
    side = np.where(draw.random(n) < 0.8, -losers, losers)[source]
    entry = (mark - side * draw.integers(-60, 240, n)[source] / 2.0).astype(np.float64)
    lots = draw.integers(1, 40, n)[source]
    pnl = side * (mark - entry) * lots
    own = draw.integers(1, 4000, n)[source] / 4.0
    equity = np.maximum(pnl, 0.0) * draw.integers(1, 24, n)[source] / 8.0 + own
    notional = (mark * lots).astype(np.float64)
    accounts = Accounts(
        id=draw.permutation([f"{k:02}" for k in range(n)]),
        pnl=pnl,
        equity=equity,
        notional=notional,
        margin=notional * draw.integers(1, 16, n)[source] / 1024.0,
        leverage=np.round(notional / equity * 8.0) / 8.0,
    )
    market, price = np.full(n, "BTC"), np.full(n, mark)
    held = Positions(account=np.arange(n), market=market, lots=lots, side=side, entry=entry, mark=price)
    able = int(lots[side == -losers].sum())
    wanted = float(draw.integers(1, max(able, 1) + 3))
    flow = Flow(
        market=market[:1],
        side=np.array([losers]),
        quantity=np.array([wanted]),
        mark=price[:1],
        bankruptcy=price[:1] + losers * gap,
    )
    return Round(deficit=wanted * gap, accounts=accounts, positions=held, flow=flow)


def _lots(rule: AllocationRule, round_: Round) -> Ints:
    assert round_.flow is not None  # noqa: S101
    made = allocate_in_contracts(rule, rule.start(), round_, round_.flow.quantity)
    assert made.lots is not None  # noqa: S101
    return made.lots


def _shaken(round_: Round, seed: int) -> Round:
    """Return the round with figures that differ in the last digits; equal rows stay equal."""
    accounts, held = round_.accounts, round_.positions
    assert held is not None  # noqa: S101
    assert held.entry is not None  # noqa: S101
    draw = np.random.default_rng(seed)
    table = np.column_stack([getattr(accounts, name) for name in _COLUMNS] + [held.entry, held.lots])
    alike = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)

    def near(values: Any) -> Any:
        return values * (1.0 + _JITTER * draw.uniform(-1.0, 1.0, alike.size)[alike])

    entry = near(held.entry)
    columns = {name: near(getattr(accounts, name)) for name in ("equity", "margin", "leverage", "notional")}
    positions = replace(held, entry=entry, lot_value=UNSET)
    return replace(
        round_, accounts=Accounts(id=accounts.id, pnl=positions.pnl, **columns), positions=positions
    )


def _told(round_: Round, lots: Ints) -> dict[str, Any]:
    accounts, held, flow = round_.accounts, round_.positions, round_.flow
    assert held is not None  # noqa: S101
    assert held.side is not None  # noqa: S101
    assert held.entry is not None  # noqa: S101
    assert flow is not None  # noqa: S101
    assert flow.side is not None  # noqa: S101
    assert flow.closing is not None  # noqa: S101
    words = {1: "long", -1: "short"}
    rows = [
        {"id": str(accounts.id[k]), "side": words[int(held.side[k])], "lots": int(held.lots[k])}
        | {"entry": float(held.entry[k])}
        | {name: float(getattr(accounts, name)[k]) for name in _COLUMNS}
        for k in range(len(accounts))
    ]
    return {
        "losers": words[int(flow.side[0])],
        "quantity": int(flow.quantity[0]),
        "mark": float(flow.mark[0]),
        "close": float(flow.closing[0]),
        "given_up": float(reckoned(round_)[0]),
        "positions": rows,
        "lots": lots.tolist(),
    }

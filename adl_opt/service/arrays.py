"""A policy as a plain function of arrays: what backtesters and matching engines in Python call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from adl_opt.errors import UsageError
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import notional_per_contract
from adl_opt.rounds.flows import reckoned
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Positions
from adl_opt.service.document import in_service
from adl_opt.tabular import Noun

ArrayLike = npt.ArrayLike


class Closed(NamedTuple):
    """What a policy closes.

    Parameters
    ----------
    lots : (m,) int
        Of each position.
    haircut : (n,) USD
        Of each account, as it is reckoned at the closing price against the mark.
    """

    lots: Ints
    haircut: Floats


@dataclass(eq=False)
class ArrayPolicy(Noun):
    """A policy that is called with arrays, and learns when it is told what was needed.

    Parameters
    ----------
    policy : Policy
    state : any
        What it has learnt.
    """

    policy: Policy
    state: Any = None
    number: int = 0
    _open: list[tuple[Round, Allocation]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.state = self.policy.start() if self.state is None else self.state

    def __call__(
        self,
        *,
        equity: ArrayLike,
        account: ArrayLike,
        market: ArrayLike,
        side: ArrayLike,
        lots: ArrayLike,
        entry: ArrayLike,
        mark: ArrayLike,
        losers_market: ArrayLike,
        losers_side: ArrayLike,
        losers_quantity: ArrayLike,
        losers_price: ArrayLike,
        deficit: float | None = None,
        **columns: Any,
    ) -> Closed:
        """Return the lots that are closed of each position, and the haircut of each account.

        Parameters
        ----------
        equity : (n,) USD
            Of each account: collateral and PNL.
        account, market, side, lots, entry, mark : (m,)
            Of each position: row of its account, market, +1 or -1, whole lots, entry and mark in USD.
        losers_market, losers_side, losers_quantity, losers_price : (k,)
            What must be closed: market, side of the losers, contracts, and the venue's closing price.
        deficit : float, optional
            D, USD; by default what the losers are below zero at the mark.
        columns
            Further columns of :class:`adl_opt.Positions`, such as ``lot_size``, ``multiplier`` and ``kind``,
            or of the accounts: ``margin``, ``leverage``, ``exempt`` and ``id``.

        Raises
        ------
        InputError
            Arrays that contradict each other, or that the policy cannot do without.
        """
        self.number += 1
        round_ = _round(
            self.number,
            np.asarray(equity, dtype=np.float64),
            {"account": account, "market": market, "side": side, "lots": lots, "entry": entry, "mark": mark},
            (losers_market, losers_side, losers_quantity, losers_price),
            columns,
            deficit,
        )
        action = self.policy.act(self.state, round_)
        self._open.append((round_, action))
        taken = np.zeros(np.size(lots), dtype=np.int64) if action.lots is None else action.lots
        return Closed(lots=taken, haircut=action.x)

    def learn(self, needed: float) -> None:
        """Tell what the oldest round without an outcome needed, USD; learners go on from it.

        Raises
        ------
        UsageError
            Every round has its outcome.
        """
        if not self._open:
            ways_out = ["call the policy first: one outcome for each call, in order"]
            raise UsageError("no round waits for an outcome", got=f"needed = {needed!r}", ways_out=ways_out)
        round_, action = self._open.pop(0)
        self.state = self.policy.learn(self.state, round_, Outcome(needed=needed), action)


def make_array_policy(policy: object, loss: Loss | str | None = None) -> ArrayPolicy:
    """Return a policy as a function of arrays.

    Parameters
    ----------
    policy : Policy, str or path
        As of :class:`adl_opt.Shadow`: a name, or a ``policy.toml``.  An allocation alone closes all that it
        is told to.
    loss : Loss or str, optional
        What learners learn on.

    Raises
    ------
    UsageError
        An unknown name, or a policy that needs the outcome.

    Examples
    --------
    Two shorts gain; one contract of a bankrupt long is closed at 650, and the mark is 600.

    >>> decide = make_array_policy("full-deficit/binance")
    >>> made = decide(
    ...     equity=[500.0, 300.0],
    ...     account=[0, 1],
    ...     market=["BTC", "BTC"],
    ...     side=[-1, -1],
    ...     lots=[2, 2],
    ...     entry=[700.0, 640.0],
    ...     mark=[600.0, 600.0],
    ...     losers_market=["BTC"],
    ...     losers_side=[1],
    ...     losers_quantity=[1.0],
    ...     losers_price=[650.0],
    ...     margin=[10.0, 10.0],
    ... )
    >>> made.lots.tolist(), made.haircut.tolist()
    ([1, 0], [50.0, 0.0])
    """
    made, _ = in_service(policy, loss)
    if made.information.value != "start-of-round":
        raise UsageError(
            "this policy needs the outcome, which no engine has when it must act",
            got=made.name,
            ways_out=[f"name a severity too: full-deficit/{made.allocation.name}"],
        )
    return ArrayPolicy(made)


def _round(
    number: int,
    equity: Floats,
    positions: dict[str, Any],
    losers: tuple[Any, Any, Any, Any],
    columns: dict[str, Any],
    deficit: float | None,
) -> Round:
    known = ("margin", "leverage", "exempt", "id")
    of_account: dict[str, Any] = {key: columns.pop(key) for key in known if key in columns}
    held = Positions(**positions, **columns)
    n = equity.size
    each = notional_per_contract(held.kind, held.mark, held.multiplier, held.settlement_rate)
    notional = np.bincount(held.account, held.quantity * each, minlength=n).astype(np.float64)
    of_account.setdefault("id", np.array([f"{k}" for k in range(n)]))
    capital = np.where(equity > 0, equity, 1.0)
    of_account.setdefault("leverage", np.where(equity > 0, notional / capital, 0.0))
    market, side, quantity, price = losers
    marks = dict(zip(held.market.tolist(), positions["mark"], strict=True))
    flow = Flow(
        market=np.asarray(market, dtype=np.str_),
        side=side,
        quantity=quantity,
        mark=np.array([marks.get(str(name), float(p)) for name, p in zip(market, price, strict=True)]),
        bankruptcy=price,
    )
    accounts = Accounts(
        pnl=np.bincount(held.account, held.pnl, minlength=n).astype(np.float64),
        equity=equity,
        notional=notional,
        **of_account,
    )
    made = Round(deficit=deficit or 0.0, accounts=accounts, positions=held, flow=flow, number=number)
    if deficit is not None:
        return made
    below = float(flow.quantity @ np.maximum(reckoned(made), 0.0))
    return Round(deficit=below, accounts=accounts, positions=held, flow=flow, number=number)

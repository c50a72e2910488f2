"""Who is next in line: rank, and the probability of being deleveraged after the next move of prices."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.cells import Side
from adl_opt.allocation.queue import Queue, ranked, ranked_in_cell
from adl_opt.allocation.scenarios import ScenarioSource, marks_of
from adl_opt.answer import SCHEMA, Answer
from adl_opt.datasets.episodes import load
from adl_opt.datasets.scenarios import scenario_source
from adl_opt.kernels.fill.queue import descending
from adl_opt.kernels.risk.scenarios import PriceMoves, drawn_moves
from adl_opt.naming import episode_and_number
from adl_opt.rounds.columns import Floats, Ints, Text
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import worth_of_markets
from adl_opt.rounds.options import closable
from adl_opt.rounds.pots import Pots
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.service.moved import MovingBook
from adl_opt.service.situation import Given, Situation, act, situation_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class NextInLine(Answer):
    """Rank and probability of being deleveraged, for each account.

    Parameters
    ----------
    round : int
    policy, source, moves : str
        The rule, where the round comes from, and where the moves come from.
    scenarios : int
    id : (n,) text
    rank : (n,) int
        Place in the queue as it stands now, the first is 1; 0 for an account that cannot pay.  In contracts
        the best place of its positions, each among those of its market and side.  Without a queue by
        capacity.
    probability : (n,)
        That something is taken of the account after the next move.
    expected_usd : (n,)
        Mean of what is taken then, over all scenarios.
    """

    round: int
    policy: str
    source: str
    moves: str
    scenarios: int
    id: Text
    rank: Ints
    probability: Floats
    expected_usd: Floats

    def frame(self) -> pd.DataFrame:
        """Return one row for each account, the likeliest first, indexed by id."""
        import pandas as pd

        order = self._order()
        names = ("rank", "probability", "expected_usd")
        columns = {name: getattr(self, name)[order] for name in names}
        return pd.DataFrame(columns, index=pd.Index(self.id[order].astype(object), name="id"))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("round", "policy", "source", "moves", "scenarios")
        rows = self.frame().reset_index().to_dict("records")
        return {"schema": SCHEMA, **{name: getattr(self, name) for name in names}, "accounts": rows}

    def _order(self) -> Ints:
        last = np.where(self.rank > 0, self.rank, self.rank.size + 1)
        return np.asarray(np.lexsort((last, -self.expected_usd, -self.probability)), dtype=np.int64)


def next_in_line(
    round_: Given | Episode,
    policy: object = None,
    *,
    moves: ScenarioSource | str | PathLike[str] | None = None,
) -> NextInLine:
    """Return rank and probability of being deleveraged of each account, under scenarios of prices.

    In each scenario the marks move, every account by the sum of its positions.  Those whose equity goes below
    0 are bankrupt: what they lack is the deficit, and in contracts their positions are the flow.  The policy
    then takes from the others; a policy that is given the needed budget is given that deficit.

    Parameters
    ----------
    round_ : Round, (Round, Outcome), Episode or str
        ``EPISODE:NUMBER``, ``DIR:NUMBER`` of a shadow's log, or an episode: its last round.
    policy : Policy, str or path, optional
        By default the policy of the log, else ``pro-rata``.
    moves : ScenarioSource, str or path, optional
        ``past``, ``drawn(volatility=0.2, count=256)``, or a file of relative moves, as
        :func:`adl_opt.replay` takes them.  The past is that of an episode in contracts; without one moves
        are drawn, and the answer says on which assumption.

    Raises
    ------
    LackError
        The round does not say how its PNL moves with prices.
    UsageError, InputError
        As of :func:`adl_opt.explain`.

    Notes
    -----
    Accounts without positions, with ``side`` and ``notional``, move with one market.  Collateral keeps its
    value, and nobody trades in between.

    Examples
    --------
    >>> import adl_opt as adl
    >>> accounts = adl.Accounts(
    ...     id=["loser", "hedged", "short"],
    ...     pnl=[-80.0, 40.0, 60.0],
    ...     equity=[5.0, 50.0, 90.0],
    ...     side=["long", "long", "short"],
    ...     notional=[400.0, 0.0, 300.0],
    ... )
    >>> made = next_in_line(adl.Round(deficit=0.0, accounts=accounts), moves="drawn(volatility=0.1)")
    >>> made.rank.tolist(), made.probability.round(2).tolist()
    ([0, 2, 1], [0.0, 0.44, 0.44])
    """
    given = round_
    if isinstance(given, Episode):
        situation = situation_of(given.rounds[-1], policy)
        before = tuple(r for r, _ in given[:-1]) if len(given) > 1 else ()
        situation = Situation(
            situation.policy, situation.state, *given.rounds[-1], f"the last round of {given.name}", before
        )
    else:
        if isinstance(given, (str, PathLike)) and episode_and_number(str(given))[1] is None:
            given = f"{given}:{load(given).rounds[-1][0].number}"
        situation = situation_of(given, policy)
    book = MovingBook.of(situation.round_)
    ahead = foreseen(book, scenario_source(moves), situation.before)
    chance, expected = np.zeros(len(situation.round_.accounts)), np.zeros(len(situation.round_.accounts))
    for move, likely in zip(ahead.moves, ahead.chance.tolist(), strict=True):
        moved = book.moved(move)
        if moved.deficit > 0.0:
            action = act(situation.policy, situation.state, moved, Outcome(moved.deficit))
            assert isinstance(action, Allocation)  # noqa: S101
            chance += likely * _taken(action)
            expected += likely * action.x
    return NextInLine(
        round=int(situation.round_.number),
        policy=situation.policy.name,
        source=situation.source,
        moves=ahead.source,
        scenarios=len(ahead.moves),
        id=situation.round_.accounts.id,
        rank=ranks(situation.policy.allocation, situation.round_),
        probability=np.minimum(chance, 1.0),
        expected_usd=expected,
    )


def foreseen(book: MovingBook, source: ScenarioSource, before: tuple[Round, ...]) -> PriceMoves:
    """Return relative moves of the markets of a book, (s, m)."""
    if book.round_.space == CONTRACTS:
        past = [marks_of(r) for r in before if r.space == CONTRACTS]
        found = source.of(past, book.round_)
        names, worth = worth_of_markets(book.round_)
        columns = [names.index(name) for name in book.markets]
        return PriceMoves(found.moves[:, columns] / worth[columns], found.chance, found.source)
    one = np.ones(len(book.markets))
    if source.read is not None:
        return source.read(book.markets, one)
    spread = source.volatility**2
    covariance = np.full((one.size, one.size), source.correlation * spread)
    np.fill_diagonal(covariance, spread)
    drawn = drawn_moves(covariance, one, count=source.count, seed=source.seed)
    assumed = f"volatility {source.volatility:g}, correlation {source.correlation:g} (assumed)"
    return PriceMoves(drawn.moves, drawn.chance, f"{drawn.source}, {assumed}")


def ranks(rule: AllocationRule, round_: Round) -> Ints:
    """Return the place of each account now, (n,), the first is 1; 0 for one that cannot pay."""
    accounts, held = round_.accounts, round_.positions
    group = None
    if round_.space == CONTRACTS and held is not None:
        pots = Pots.of(accounts, held)
        able = (pots.capacity[pots.of_position] > 0.0) & (closable(accounts, held) > 0)
        rows = np.flatnonzero(able)
        assert held.side is not None  # noqa: S101
        owner, group = held.account[rows], held.markets[1][rows] * 2 + (held.side[rows] > 0)
        if isinstance(rule, Queue):
            everybody = Side(round_=round_, pots=pots, rows=rows).whole
            order = rule.order(ranked_in_cell(rule, everybody), round_)
        else:
            order = descending(pots.capacity[pots.of_position[rows]], accounts.id[owner])
        order = order[np.argsort(group[order], kind="stable")]
    elif isinstance(rule, Queue):
        listed = ranked(rule, round_)
        owner, order = listed.account, rule.order(listed, round_)
        order = order[(listed.reach[order] > 0.0) & (accounts.capacity[owner[order]] > 0.0)]
    else:
        owner, order = np.arange(len(accounts)), descending(accounts.capacity, accounts.id)
        order = order[accounts.capacity[order] > 0.0]
    place = np.arange(1, order.size + 1)
    if group is not None:
        sorted_ = group[order]
        place -= np.searchsorted(sorted_, sorted_)
    made = np.full(len(accounts), order.size + 1, dtype=np.int64)
    np.minimum.at(made, owner[order], place)
    return np.where(made > order.size, 0, made)


def _taken(action: Allocation) -> Floats:
    if action.closures is None:
        return (action.x > 0.0).astype(np.float64)
    made = np.zeros(action.x.size)
    made[action.closures.account] = 1.0
    return made

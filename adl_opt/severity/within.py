"""Severities that settle within the round: market by market, each with what the ones before it needed.

They are a class of information of their own, ``within-round``.  The markets of a round are closed one after
the other, in the order of the flow; once a market is closed, what it needed is known, and what is taken for
the next one can make up for it.  So the need of a round is met up to the error in its last market, and a
venue that may settle after the last fill has no error at all.  Nothing of it can be had at the start of the
round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np

from adl_opt.checks import one_of
from adl_opt.errors import LackError
from adl_opt.losses import LIMITS, Loss, most_of
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners.bound import NOTHING_USD
from adl_opt.severity.learners.learner import clip


class Settled(NamedTuple):
    """What was taken for a market, before what it needed was known; USD."""

    market: str
    taken: float
    needed: float


@dataclass(frozen=True)
class WithinRound(Severity):
    """The common part: a hint for each market, less the balance so far.

    Parameters
    ----------
    hint : HintModel or str
        Asked for each market by itself; the next round is the first that it learns from.
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    """

    hint: HintModel | str = default("within", "hint")
    limit: str = "capacity"
    information: ClassVar[Information] = Information.WITHIN_ROUND
    without_flow: ClassVar[str] = "D / 2 less the balance"
    carries: ClassVar[bool] = False
    """Whether the balance is carried on to the next round."""
    domain: ClassVar[str] = "b in [0, U], USD"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str] = "none (the hint's own)"
    theorem: ClassVar[str]

    def __post_init__(self) -> None:
        one_of(f"severity {self.name!r}: limit", self.limit, LIMITS)
        if isinstance(self.hint, str):
            object.__setattr__(self, "hint", make_hint(self.hint))

    @property
    def _model(self) -> HintModel:
        assert isinstance(self.hint, HintModel)  # noqa: S101  (a name was made a hint)
        return self.hint

    def on(self, loss: Loss) -> Self:
        """Return the severity within the limit of a loss."""
        return replace(self, limit=loss.limit)

    def start(self) -> State:
        """Return the hint's state, and a balance of nothing."""
        return {"hint": self._model.start(), "balance": 0.0}

    def settled(self, state: State, round_: Round, outcome: Outcome) -> list[Settled]:
        """Return what is taken for each market, in order.

        What a market needs, and what those after it need, counts in nothing that is taken for it.

        Raises
        ------
        LackError
            The round is in contracts.
        """
        if round_.space != WEALTH:
            raise LackError(
                f"severity {self.name!r} settles in dollars",
                got=f"round {round_.number}: its space is {round_.space}",
                ways_out=['choose space="wealth" (--space wealth)', "choose a severity of another class"],
            )
        room, balance, made = most_of(round_, self.limit), float(state["balance"]), []
        for market, guess, needed in self._markets(state, round_, outcome):
            taken = clip(guess - balance, 0.0, room)
            made.append(Settled(market, taken, needed))
            room, balance = room - taken, balance + taken - needed
        return made

    def _markets(self, state: State, round_: Round, outcome: Outcome) -> Iterator[tuple[str, float, float]]:
        """Yield each market with its hint and its need, USD; all at once where needs are not known apart."""
        flow, gaps = round_.flow, outcome.gaps
        if round_.deficit <= NOTHING_USD:
            return
        if flow is None or gaps is None:
            guess = self._model.predict(state["hint"], round_)
            yield "", 0.5 * round_.deficit if guess is None else guess, outcome.needed
            return
        for market in dict.fromkeys(flow.market.tolist()):
            part = replace(round_, flow=flow.take(np.flatnonzero(flow.market == market)))
            guess = self._model.predict(state["hint"], part) or 0.0
            yield market, guess, float(gaps.gap[gaps.market == market].sum())

    def choose_ex_post(self, state: State, round_: Round, outcome: Outcome) -> float:
        """Return what was taken in all, USD; each part before its own need was known."""
        return min(sum(s.taken for s in self.settled(state, round_, outcome)), most_of(round_, self.limit))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the state after the round, with the balance if it is carried on."""
        balance = state["balance"] + asked - outcome.needed if self.carries else 0.0
        return {"hint": self._model.update(state["hint"], round_, outcome), "balance": balance}

    def label(self) -> str:
        """Return the name with the hint's, and the limit where it is the deficit."""
        limit = "" if self.limit == "capacity" else f", limit={self.limit}"
        return f"{self.name}({self._model.label()}{limit})"


@dataclass(frozen=True)
class CatchUp(WithinRound):
    """Later markets of a round make up for the errors of the earlier ones; each round by itself.

    Rule: for each market [hint - balance]_+, the balance being what was taken less what was needed in the
    round so far.  It ends a round with the error of its last market, and what was too much before that.
    Source: section 5 of the paper, settled as the fills go.  Information: within round: market
    by market, in the order of the flow.  Tie-break: none.
    """

    name: ClassVar[str] = "catch-up"
    theorem: ClassVar[str] = "none (H - B is at least -[need - hint]_+ of the last market, capacity aside)"


@dataclass(frozen=True)
class FundFloat(WithinRound):
    """A fund floats the difference: it takes the hint less its balance, market by market, round by round.

    Rule: for each market [hint - balance]_+, the balance being all that was taken less all that was needed so
    far.  What one round takes too much the next ones leave; what it lacks the fund pays, and they make up for
    it.  Source: an insurance fund with a target of nothing.  Information: within round: market by market,
    in the order of the flow.  Tie-break: none.
    """

    name: ClassVar[str] = "fund-float"
    carries: ClassVar[bool] = True
    theorem: ClassVar[str] = (
        "none (the balance is at least -[need - hint]_+ of the last market, capacity aside)"
    )

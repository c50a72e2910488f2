"""The contract of a severity: pure functions of an explicit, serialisable state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from adl_opt.rounds.round import Information, Outcome, Round

State = Any
"""A plain value (None, numbers, lists, dicts of them), so that a replay can be cut and resumed."""


@dataclass(frozen=True)
class Severity:
    """How much: each round's budget in USD.

    A severity that decides on what the venue sees overrides :meth:`choose`.  One that is given the outcome
    declares another ``information`` and overrides :meth:`choose_ex_post` instead; it carries that word in
    every table.
    """

    name: ClassVar[str]
    information: ClassVar[Information] = Information.START_OF_ROUND

    def start(self) -> State:
        """Return the state before the first round."""
        return None

    def choose(self, state: State, round_: Round) -> float:
        """Return the budget, USD, from the state and what the venue sees."""
        raise NotImplementedError(f"{type(self).__name__} decides with the outcome only")

    def choose_ex_post(self, state: State, round_: Round, outcome: Outcome) -> float:
        """Return the budget, USD, with the outcome in hand (for other information than start-of-round)."""
        raise NotImplementedError(f"{type(self).__name__} decides at the start of the round")

    def learn(self, state: State, round_: Round, outcome: Outcome, budget: float) -> State:
        """Return the state after the round; ``budget`` is what was chosen."""
        return state

    def label(self) -> str:
        """Return the name with its parameters, as :func:`make_severity` reads it."""
        given = ", ".join(f"{k}={v}" for k, v in vars(self).items())
        return f"{self.name}({given})" if given else self.name

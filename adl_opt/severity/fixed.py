"""Severities that do not learn: the oracle, a constant, the full deficit, the recorded one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from adl_opt.checks import number_between
from adl_opt.errors import LackError
from adl_opt.losses import Loss, goal_of
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.severity.base import Severity, State


@dataclass(frozen=True)
class Oracle(Severity):
    """The needed budget B itself, known only after the round: what every benchmark of Table 2 is given.

    Rule: budget = B, at most D where the loss limits haircuts to the deficit.  Source: the paper, section 5
    (paper.md section 8, point 1).  Information: ex post.  Tie-break: none.

    Parameters
    ----------
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    """

    limit: str = "capacity"
    name: ClassVar[str] = "oracle"
    information: ClassVar[Information] = Information.EX_POST

    def choose_ex_post(self, state: State, round_: Round, outcome: Outcome) -> float:
        """Return B, or min(B, D)."""
        return goal_of(round_, outcome, self.limit)

    def on(self, loss: Loss) -> Self:
        """Return the oracle within the limit of a loss."""
        return replace(self, limit=loss.limit)


@dataclass(frozen=True)
class Constant(Severity):
    """The same share theta of the deficit in every round.

    Rule: budget = theta D.  Source: the fixed action of static regret (eq. 12).  Information: start of round.
    Tie-break: none.

    Parameters
    ----------
    theta : float
        Severity in [0, 1]; it has no default, since any would be a tuned one.
    """

    theta: float
    name: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        number_between("severity 'constant': theta", self.theta, 0.0, 1.0)

    def choose(self, state: State, round_: Round) -> float:
        """Return theta D."""
        return self.theta * round_.deficit


@dataclass(frozen=True)
class FullDeficit(Severity):
    """The whole deficit, every round: solvent for sure, whatever it costs the winners.

    Rule: budget = D; in contracts, the whole flow.  Source: eq. 7 with theta = 1.  Information: start of
    round.  Tie-break: none.
    """

    name: ClassVar[str] = "full-deficit"
    whole_flow: ClassVar[bool] = True

    def choose(self, state: State, round_: Round) -> float:
        """Return D."""
        return round_.deficit


@dataclass(frozen=True)
class Observed(Severity):
    """What the venue really took: it separates how much production took from whom it took it.

    Rule: budget = the recorded H.  Source: the episode's record.  Information: observed.  Tie-break: none.
    """

    name: ClassVar[str] = "observed"
    information: ClassVar[Information] = Information.OBSERVED

    def choose_ex_post(self, state: State, round_: Round, outcome: Outcome) -> float:
        """Return the recorded H."""
        if outcome.recorded is None:
            raise LackError(
                "the severity 'observed' needs what the venue really took, and this round has no record",
                got=f"round {round_.number}: nothing recorded",
                ways_out=["give production_usd in the rounds table", "leave production and observed out"],
            )
        return outcome.recorded.haircut

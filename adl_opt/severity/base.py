"""The contract of a severity, and the table of severities by name.

A severity is pure functions of an explicit state.  Some severities are made of others that are given by name
(``hedge(ftrl-exact | ogd)``), so the table stands here, below all of them;
:mod:`adl_opt.severity.catalogue` fills it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from adl_opt.losses import Loss
from adl_opt.naming import make_by_name, split_outside
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.tabular import Noun

State = Any
"""A plain value (None, numbers, lists, dicts of them), so that a replay can be cut and resumed."""


@dataclass(frozen=True)
class Severity(Noun):
    """How much: each round's budget in USD.

    A severity that decides on what the venue sees overrides :meth:`choose`.  One that is given the outcome
    declares another ``information`` and overrides :meth:`choose_ex_post` instead; it carries that word in
    every table.
    """

    name: ClassVar[str]
    information: ClassVar[Information] = Information.START_OF_ROUND
    whole_flow: ClassVar[bool] = False
    """Whether it closes all contracts of a round in contracts, whatever they are reckoned to give up."""
    without_flow: ClassVar[str] = ""
    """What it plays in a round without flow, in words; empty where it does not read the flow."""

    def on(self, loss: Loss) -> Self:
        """Return the severity as it plays on a loss: a learner learns with its weights."""
        return self

    def start(self) -> State:
        """Return the state before the first round."""
        return None

    def choose(self, state: State, round_: Round) -> float:
        """Return the budget, USD, from the state and what the venue sees."""
        raise NotImplementedError(f"{type(self).__name__} decides with the outcome only")

    def choose_ex_post(self, state: State, round_: Round, outcome: Outcome) -> float:
        """Return the budget, USD, with the outcome in hand (for other information than start-of-round)."""
        raise NotImplementedError(f"{type(self).__name__} decides at the start of the round")

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the state after the round; ``asked`` is what the severity asked for, USD."""
        return state

    def label(self) -> str:
        """Return the name with the parameters that are not the default, as :func:`make_severity` reads it."""
        return label_of(self.name, self)


def label_of(name: str, part: Any) -> str:
    """Return the name of a part with the fields of its dataclass that are not at their default."""
    values = ((f, getattr(part, f.name)) for f in fields(part))
    given = [f"{f.name}={value}" for f, value in values if f.default is MISSING or value != f.default]
    return f"{name}({', '.join(given)})" if given else name


SEVERITIES: dict[str, Callable[..., Severity]] = {}
"""The severities by name, as :mod:`adl_opt.severity.catalogue` lists them."""


def make_severity(name: str, **params: Any) -> Severity:
    """Make a severity of the catalogue.

    Parameters
    ----------
    name : str
        ``oracle``, ``constant``, ``full-deficit``, ``observed``, or a learner: ``ogd``, ``adagrad``,
        ``ftrl-quadratic``, ``ftrl-entropy``, ``ftrl-barrier``, ``ftrl-exact``, ``ftrl-discounted``,
        ``ftrl-windowed``, ``optimistic-ftrl``, ``coin-betting``, ``hedge-grid``, ``ader``,
        ``strongly-adaptive``, ``follow-the-leader``, ``last-value``; several of them:
        ``hedge(ftrl-exact | ogd)``; or one with hints: ``hint-only``, ``hinted``, ``hedged-hints``.
        With parameters: ``constant(0.5)``, ``ftrl-exact(prior=0.3)``,
        ``hinted(optimistic-ftrl, linear-impact)``.
    **params
        Parameters by name.

    Raises
    ------
    UsageError
        Unknown name or parameter, or a value out of range.

    Examples
    --------
    >>> make_severity("constant", theta=0.25)
    Constant(theta=0.25)
    """
    return make_by_name("severity", SEVERITIES, name, params)


def severities_of(names: str) -> tuple[Severity, ...]:
    """Return the severities whose names stand with ``|`` between them.

    Examples
    --------
    >>> [severity.label() for severity in severities_of("oracle | full-deficit")]
    ['oracle', 'full-deficit']
    """
    return tuple(make_severity(name) for name in split_outside(names, "|"))

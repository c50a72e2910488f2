"""The common part of severities that promise coverage: the unit, the domain, the walk over rounds.

The budget of a round is a multiple of a unit h > 0 that is known as the round begins.  With a hint the unit
is what the hint expects, Bhat, and the budget may be as large as the domain allows: the capacity U, or the
deficit where the loss limits haircuts to it.  Without a hint, or in a round without flow, the unit is the
deficit D, and no more than D is asked for.  A multiple is at most ``reach``.

What the unit cannot reach, B above min(reach h, domain), no multiple could cover.  Every guarantee counts it
in full, so it is about all of the need B, as the coverage in the tables is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from adl_opt.checks import LARGEST_NUMBER, number_between, one_of
from adl_opt.losses import LIMITS, Loss, most_of
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import Severity, State
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners.bound import NOTHING_USD, aligned
from adl_opt.severity.learners.guarantee import EVEN, Guarantee


class Seen(NamedTuple):
    """A round as the rule saw it: unit and domain as it began, what was asked, then what was needed; USD."""

    unit: float
    most: float
    asked: float
    needed: float

    @property
    def gap(self) -> float:
        """[min(B, reach) - H]_+, USD, with ``most`` already cut to the reach."""
        return max(0.0, min(self.needed, self.most) - self.asked)

    @property
    def missed(self) -> bool:
        """Whether what could be reached was needed and not asked for."""
        return self.asked < min(self.needed, self.most) * EVEN


@dataclass(frozen=True)
class Covering(Severity):
    """The common part: a multiple of a unit that is known as the round begins.

    Parameters
    ----------
    alpha : float
        Share that may stay uncovered in the long run, in [0, 1].  0.05 is the custom of statistics.
    hint : HintModel or str, optional
        The unit; the deficit itself without one.
    reach : float
        Largest multiple of the unit, in [1, 1000].  The rules start at the unit itself, so the hint is
        taken at its word first; those of ``conformal`` that step start one step above a hint.
    limit : str
        ``capacity`` or ``deficit``: see :class:`adl_opt.Loss`.
    """

    alpha: float = default("coverage", "alpha")
    hint: HintModel | str | None = None
    reach: float = default("coverage", "reach")
    limit: str = "capacity"
    without_flow: ClassVar[str] = "shares of D"
    domain: ClassVar[str] = "b in [0, min(reach h, U)], USD"
    regulariser: ClassVar[str] = "none"
    step: ClassVar[str]
    theorem: ClassVar[str]

    def __post_init__(self) -> None:
        number_between(f"severity {self.name!r}: alpha", self.alpha, 0.0, 1.0)
        number_between(f"severity {self.name!r}: reach", self.reach, 1.0, 1000.0)
        one_of(f"severity {self.name!r}: limit", self.limit, LIMITS)
        if isinstance(self.hint, str):
            object.__setattr__(self, "hint", make_hint(self.hint))
        if self.hint is None:
            object.__setattr__(self, "without_flow", "")  # it reads no flow

    def on(self, loss: Loss) -> Self:
        """Return the severity within the limit of a loss."""
        return replace(self, limit=loss.limit)

    def first(self) -> State:
        """Return the rule's state before the first round."""
        raise NotImplementedError

    def multiple(self, state: State, unit: float) -> float:
        """Return the multiple of the unit, in [0, reach]."""
        raise NotImplementedError

    def taught(self, state: State, seen: Seen) -> State:
        """Return the rule's state after a round; ``seen.most`` is min(reach h, domain)."""
        raise NotImplementedError

    def promise(self, rounds: list[Seen], ignored: list[Seen]) -> Guarantee:
        """Return the theorem on rounds; the rule learnt nothing from those that are ``ignored``."""
        raise NotImplementedError

    def start(self) -> State:
        """Return the states of rule and hint."""
        return {"rule": self.first(), "hint": self.hint.start() if isinstance(self.hint, HintModel) else None}

    def _unit(self, state: State, round_: Round) -> tuple[float, float]:
        """Return the unit and the most that may be asked for, USD."""
        most = most_of(round_, self.limit)
        hinted = isinstance(self.hint, HintModel) and round_.deficit > NOTHING_USD
        guess = self.hint.predict(state["hint"], round_) if hinted else None  # type: ignore[union-attr]
        if guess is None:
            return round_.deficit, min(most, round_.deficit)
        return guess, min(most, self.reach * guess)

    def asked(self, state: State, unit: float, most: float) -> float:
        """Return the budget for the rule's state, USD."""
        return min(self.multiple(state, unit) * unit, most)

    def counted(self, budget: float, most: float) -> float:
        """Return what counts of a budget, USD."""
        return min(budget, most)

    def agrees(self, asked: float, expected: float, most: float) -> bool:
        """Whether what was asked for is what the rule says, but for rounding."""
        return math.isclose(asked, expected, rel_tol=1e-9, abs_tol=1e-12 * most)

    def choose(self, state: State, round_: Round) -> float:
        """Return the budget, USD, at most the domain."""
        return self.asked(state["rule"], *self._unit(state, round_))

    def learn(self, state: State, round_: Round, outcome: Outcome, asked: float) -> State:
        """Return the states after the round; what counts is what was asked for."""
        rule = state["rule"]
        if round_.deficit > NOTHING_USD:
            unit, most = self._unit(state, round_)
            rule = self.taught(rule, Seen(unit, most, self.counted(asked, most), outcome.needed))
        hint = state["hint"]
        if isinstance(self.hint, HintModel):
            hint = self.hint.update(hint, round_, outcome)
        return {"rule": rule, "hint": hint}

    def run(
        self, state: State, deficit: Floats, target: Floats, hint: Floats | None = None
    ) -> tuple[Floats, State]:
        """Play on from a state, on severities in [0, 1]; return them, (T,), and the state after them.

        ``hint`` holds predicted theta*, in the place of the hint's own guesses.
        """
        theta, rule = np.empty(deficit.size), state["rule"]
        for t, (d, unit, most) in enumerate(self._units(deficit, hint, deficit)):
            asked = self.asked(rule, unit, most)
            theta[t] = asked / d if d > NOTHING_USD else 0.0
            if d > NOTHING_USD:
                rule = self.taught(rule, Seen(unit, most, asked, float(target[t]) * d))
        return theta, {**state, "rule": rule}

    def _units(
        self, deficit: Floats, hint: Floats | None, most: Floats
    ) -> Iterator[tuple[float, float, float]]:
        """Yield deficit, unit and the most that may be asked for in each round, USD."""
        unit = deficit if hint is None else hint * deficit
        top = np.minimum(unit if hint is None else self.reach * unit, most)
        yield from zip(deficit.tolist(), unit.tolist(), top.tolist(), strict=True)

    def guarantee(
        self,
        deficit: npt.ArrayLike,
        needed: npt.ArrayLike,
        played: npt.ArrayLike,
        hint: npt.ArrayLike | None = None,
        capacity: npt.ArrayLike | None = None,
    ) -> Guarantee:
        """Return what the theorem promises on rounds, with the constants as observed.

        Parameters
        ----------
        deficit, needed : (T,) USD
            D and B.
        played : (T,)
            What was asked for as a share of D, as :func:`adl_opt.play` returns it; above 1 where more than D
            was asked for.
        hint : (T,), optional
            The hints it was played with, as shares of D; without them the unit is D.
        capacity : (T,) USD, optional
            The most that could be asked for.  By default D, as in :func:`adl_opt.play`.

        Raises
        ------
        InputError
            Not numbers, NaN, negative values, or lengths that differ.

        Notes
        -----
        The rule is walked along what was played.  The assumption ``played by this severity`` says whether
        each budget is its own.  The budget that is executed is meant, where the allocation takes what is
        asked for.
        """
        given = {} if hint is None else {"hint": hint}
        most = deficit if capacity is None else capacity
        d, b, theta, top, *hints = aligned(
            deficit, LARGEST_NUMBER, needed=needed, played=played, capacity=most, **given
        )
        rule, own = self.first(), True
        taught: list[Seen] = []
        ignored: list[Seen] = []
        for t, (size, unit, most) in enumerate(self._units(d, hints[0] if hints else None, top)):
            if size <= NOTHING_USD:
                ignored.append(Seen(unit, 0.0, 0.0, float(b[t])))
                continue
            seen = Seen(unit, most, self.counted(float(theta[t]) * size, most), float(b[t]))
            own = own and self.agrees(seen.asked, self.asked(rule, unit, most), most)
            rule = self.taught(rule, seen)
            taught.append(seen)
        made = self.promise(taught, ignored)
        return replace(made, assumptions={"played by this severity": own, **made.assumptions})

    def guarantee_on(self, rounds: Iterable[tuple[Round, Outcome]]) -> Guarantee:
        """Return the guarantee on rounds, played with its own hints and within the rounds' capacities."""
        return self.guarantee_of((round_, outcome, None) for round_, outcome in rounds)

    def guarantee_of(self, rounds: Iterable[tuple[Round, Outcome, float | None]]) -> Guarantee:
        """Return the guarantee on rounds and the budgets of each, USD; None for the rule's own budget."""
        state = self.start()
        taught: list[Seen] = []
        ignored: list[Seen] = []
        for round_, outcome, given in rounds:
            unit, most = self._unit(state, round_)
            asked = self.asked(state["rule"], unit, most) if given is None else given
            seen = taught if round_.deficit > NOTHING_USD else ignored
            seen.append(Seen(unit, most, asked, outcome.needed))
            state = self.learn(state, round_, outcome, asked)
        return self.promise(taught, ignored)

    def label(self) -> str:
        """Return the name with the parameters that are not the default, as a name is read."""
        values = [(f, getattr(self, f.name)) for f in fields(self)]
        shown = [(f.name, v.label() if isinstance(v, HintModel) else v) for f, v in values if v != f.default]
        return f"{self.name}({', '.join(f'{name}={value}' for name, value in shown)})" if shown else self.name

"""Several hints as one: their weighted mean, with weights that follow how well each has done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.naming import split_outside
from adl_opt.rounds.round import Outcome, Round
from adl_opt.severity.base import State
from adl_opt.severity.defaults import default
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners import adahedge


@dataclass(frozen=True, init=False)
class MixedHints(HintModel):
    """AdaHedge over hints; the weighted mean of their guesses is the guess.

    Rule: weights proportional to exp(-eta L_k), L_k the summed abs(B - Bhat_k), eta = log K / (summed
    mixability gap).  A round in which any hint has nothing to judge by has no guess, and teaches no weight.

    Theorem: sum abs(B - Bhat) <= min_k sum abs(B - Bhat_k) + 2 gap_T (convexity; de Rooij et al. 2014, Thm
    8).

    Defaults: every hint of one idea, ``fixed-gap``, ``market-gap``, ``square-root`` and ``log-gap``.

    Source: de Rooij, van Erven, Grunwald, Koolen (2014).  Information: start of round.

    Parameters
    ----------
    hints : tuple of HintModel or str
        At least two; or their names with ``|`` between.

    Examples
    --------
    >>> MixedHints("fixed-gap | log-gap").label()
    'mixed-hints(fixed-gap | log-gap)'
    """

    hints: tuple[HintModel, ...]
    prior: ClassVar[float]  # type: ignore[misc]
    name: ClassVar[str] = "mixed-hints"

    def __init__(self, hints: tuple[HintModel, ...] | str = default("hints", "mixed-hints", "hints")) -> None:
        made = tuple(map(make_hint, split_outside(hints, "|"))) if isinstance(hints, str) else hints
        if not (isinstance(made, tuple) and len(made) > 1 and all(isinstance(h, HintModel) for h in made)):
            raise UsageError(
                "hint 'mixed-hints' needs at least two hints",
                got=repr(hints),
                ways_out=["write mixed-hints(fixed-gap | log-gap)", "use the one hint by itself"],
            )
        object.__setattr__(self, "hints", made)

    def start(self) -> State:
        """Return the hints' states, no losses."""
        return {"hints": [h.start() for h in self.hints]} | adahedge.no_losses(len(self.hints))

    def _guesses(self, state: State, round_: Round) -> list[float] | None:
        guesses = [h.predict(s, round_) for h, s in zip(self.hints, state["hints"], strict=True)]
        known = [guess for guess in guesses if guess is not None]
        return known if len(known) == len(guesses) else None

    def predict(self, state: State, round_: Round) -> float | None:
        """Return the weighted mean of the guesses."""
        guesses = self._guesses(state, round_)
        if guesses is None:
            return None
        return min(max(guesses), max(min(guesses), adahedge.mean(state, np.array(guesses))))

    def update(self, state: State, round_: Round, outcome: Outcome) -> State:
        """Return the hints' states and the losses after the round."""
        guesses = self._guesses(state, round_)
        weights = {key: state[key] for key in ("losses", "gap")}
        if guesses is not None:
            weights = adahedge.after(state, np.abs(np.array(guesses) - outcome.needed))
        pairs = zip(self.hints, state["hints"], strict=True)
        return {"hints": [h.update(s, round_, outcome) for h, s in pairs]} | weights

    def label(self) -> str:
        """Return the name with those of the hints."""
        return f"{self.name}({' | '.join(h.label() for h in self.hints)})"

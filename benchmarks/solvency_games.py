"""Games against severities that promise coverage: each need is chosen after the budget is known.

Deficits, units and capacities are drawn over twelve orders of magnitude.  Half of the adversaries also ask
for more than the capacity, half of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps
from adl_opt.severity import Bound, Learner, Severity, make_severity
from adl_opt.severity.coverage.covering import Covering, Seen
from adl_opt.severity.hints.guarded import Guarded
from adl_opt.severity.learners.bound import best_fixed_severity
from adl_opt.severity.learners.guarantee import Guarantee

RULES = ("fixed-step", "decaying", "pid", "strongly-adaptive")
THEOREMS = (
    "risk-control",
    *(f"conformal({rule})" for rule in RULES),
    "long-term",
    "ftrl-quadratic",
    "ftrl-exact",
)
"""By name: whose guarantee it is."""

Adversary = Callable[[float, float, float, float], float]
"""From what is asked, what can be reached, alpha and a random number to what is needed, USD."""

ADVERSARIES: dict[str, Adversary] = {
    "all that can be reached": lambda asked, most, alpha, z: most if asked < most else 0.0,
    "all, always": lambda asked, most, alpha, z: most,
    "just above": lambda asked, most, alpha, z: min(most, asked + 1e-6 * most),
    "just enough": lambda asked, most, alpha, z: asked,
    "slowly up, then all": lambda asked, most, alpha, z: most if z > 0.9 else min(most, asked * (1 + alpha)),
    "nothing, then all": lambda asked, most, alpha, z: most if z > 0.95 else 0.0,
    "at random": lambda asked, most, alpha, z: most * z,
    "a little more": lambda asked, most, alpha, z: min(most, asked * 1.1 + 1e-9 * most),
}


@dataclass(frozen=True)
class Game:
    """What was played: (T,) arrays, as :meth:`guarantee` takes them."""

    severity: Severity
    deficit: Any
    needed: Any
    played: Any
    hint: Any
    capacity: Any

    def guarantee(self) -> Guarantee:
        """Return the guarantee of the severity on the game."""
        capacity = {} if isinstance(self.severity, Learner) else {"capacity": self.capacity}
        return self.severity.guarantee(self.deficit, self.needed, self.played, self.hint, **capacity)


def drawn(theorem: str, rng: np.random.Generator) -> Severity:
    """Return a severity of a theorem with parameters drawn at random."""
    alpha = float(rng.choice([0.01, 0.05, 0.1, 0.3, 0.7]))
    reach = float(rng.choice([1.0, 2.0, 5.0]))
    name, _, rule = theorem.partition("(")
    if name in ("ftrl-quadratic", "ftrl-exact"):
        return make_severity(name, under=(1.0 - alpha) / alpha, prior=float(rng.choice([0.0, 0.5, 0.9])))
    if name == "long-term":
        weights = {"under": float(rng.choice([1.0, 5.0])), "prior": float(rng.choice([0.1, 0.5]))}
        return make_severity(name, alpha=alpha, **weights)
    if name == "conformal":
        step = float(rng.choice([0.1, 1.0, 3.0]))
        hint = "fixed-gap" if rng.random() < 0.5 else None  # where the rules that step begin; no guess of it
        shape = {"rule": rule.rstrip(")"), "step_size": step, "hint": hint}
        return make_severity(name, alpha=alpha, reach=reach, **shape)
    return make_severity(name, alpha=alpha, reach=reach)


def played(severity: Severity, rounds: int, rng: np.random.Generator) -> Game:
    """Play a game of a number of rounds against an adversary drawn at random."""
    kind, beyond = ADVERSARIES[str(rng.choice(list(ADVERSARIES)))], rng.random() < 0.5
    spread = float(rng.choice([0.0, 1.0, 6.0]))
    deficit = 10.0 ** rng.uniform(-spread, spread, rounds)
    share = 10.0 ** rng.uniform(-spread, spread, rounds) if rng.random() < 0.5 else None
    capacity = deficit * 10.0 ** rng.uniform(-1.0, 3.0, rounds)
    deficit[rng.random(rounds) < 0.02] = 0.0
    alpha = getattr(severity, "alpha", 0.0)
    needed, theta = np.zeros(rounds), np.zeros(rounds)
    z, more = rng.random(rounds), rng.random(rounds) < 0.5 * beyond
    against = _learner if isinstance(severity, Learner) else _covering
    for t, ask in enumerate(against(severity, deficit, share, capacity, needed)):
        asked, most = ask
        theta[t] = asked / deficit[t] if deficit[t] > 0.0 else 0.0
        needed[t] = 3.0 * (capacity[t] + most) * z[t] if more[t] else kind(asked, most, alpha, float(z[t]))
    given = None if isinstance(severity, Learner) else share
    return Game(severity, deficit, needed, theta, given, capacity)


def _covering(severity: Covering, deficit: Any, share: Any, capacity: Any, needed: Any) -> Any:
    """Yield what is asked and what can be reached in each round; read the need when asked to go on."""
    state = severity.first()
    for t, d in enumerate(deficit.tolist()):
        unit = d if share is None else float(share[t]) * d
        most = min(unit if share is None else severity.reach * unit, float(capacity[t]))
        asked = severity.asked(state, unit, most)
        yield asked, most
        if d > 0.0:
            state = severity.taught(state, Seen(unit, most, asked, float(needed[t])))


def _learner(learner: Learner, deficit: Any, share: Any, capacity: Any, needed: Any) -> Any:
    state = learner.start()
    for t, d in enumerate(deficit.tolist()):
        theta = learner.predict(state, d)
        yield theta * d, d
        goal = min(1.0, float(needed[t]) / d) if d > 0.0 else 0.0
        state = learner.update(state, d, goal, theta)


EXECUTED = (
    "hedge-grid",
    "hinted(ftrl-exact, fixed-gap)",
    "hinted(coin-betting, log-gap, reach=4)",
    "hedged-hints(ftrl-exact | hint-only(log-gap) | hinted(ftrl-exact, fixed-gap))",
    "default",
)
"""Severities whose regret bound is about what is executed through capacity."""


def executed(name: str, rounds: int, rng: np.random.Generator) -> tuple[float, Bound]:
    """Return the loss or regret of what is executed, and its bound, in a game through rounds.

    For a learner it is the regret against the best fixed severity as it is executed.  For others it is the
    loss itself, or the regret on min(B, D) where their bound is one of static regret.
    """
    severity = make_severity(name)
    kind, beyond = ADVERSARIES[str(rng.choice(list(ADVERSARIES)))], rng.random() < 0.5
    state, seen, took = severity.start(), [], []
    for t in range(rounds):
        deficit, notional, capacity = (float(10.0 ** rng.uniform(-6.0, 6.0)) for _ in range(3))
        winner = Accounts(id=["w"], pnl=[capacity], equity=[capacity])
        flow = Flow(market=["A" if rng.random() < 0.5 else "B"], quantity=[1.0], mark=[notional])
        round_ = Round(deficit=deficit, accounts=winner, flow=flow, number=t)
        asked = severity.choose(state, round_)
        needed = kind(asked, capacity, 0.05, float(rng.random()))
        if beyond and rng.random() < 0.5:
            needed = 3.0 * capacity * float(rng.random())
        gaps = Gaps(market=flow.market.tolist(), quantity=[1.0], gap=[needed])
        seen.append((round_, Outcome(needed=needed, gaps=gaps)))
        took.append(min(asked, capacity))
        state = severity.learn(state, *seen[-1], asked)
    d, u, b = (
        np.array(x) for x in zip(*((r.deficit, r.capacity_usd, o.needed) for r, o in seen), strict=True)
    )
    target, shares = np.minimum(1.0, b / d), np.array(took) / d
    if not isinstance(severity, Learner):
        lost = math.fsum(abs(h - o.needed) for h, (_, o) in zip(took, seen, strict=True))
        if isinstance(severity, Guarded) and not (made := severity.guarantee_on(seen)).within:
            raise ValueError(f"{name}: {made.uncovered} USD are uncovered, above {made.limit}")
        bound = severity.bound(seen)
        return lost - (best_fixed_severity(d, target)[1] if bound.kind == "static" else 0.0), bound
    own, _ = severity.through(d, target, u)
    if not np.allclose(own, shares, rtol=1e-9, atol=1e-15):
        raise ValueError(f"{name}: rounds and arrays are not played alike")
    return severity.regret(d, target, own, u), severity.bound(d, target, own, capacity=u)


def lengths(rng: np.random.Generator, longest: int) -> int:
    """Return a number of rounds, 0 now and then, as often long as short."""
    return 0 if rng.random() < 0.02 else round(longest ** float(rng.random()))

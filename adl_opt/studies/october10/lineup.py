"""Who takes part in the study: severities without and with hints, and each default halved and doubled.

Every default was fixed before the study was run: by the theorem it enters, by an argument about margins
(:mod:`adl_opt.severity.hints.models`), or by the minimax choice; none by a figure of October 10.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np

from adl_opt.errors import UsageError
from adl_opt.losses import target_severity
from adl_opt.policy.lineup import HINTED, UNHINTED
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.flows import reckoned, revealed, usd_by_cell
from adl_opt.rounds.round import Information, Outcome, Round
from adl_opt.severity.base import Severity, make_severity
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.coverage.covering import Covering
from adl_opt.severity.hints.guarded import Guarded
from adl_opt.severity.hints.hedged import HedgedHints
from adl_opt.severity.hints.hinted import Hinted, HintOnly
from adl_opt.severity.hints.models import HINTS, HintModel, make_hint
from adl_opt.severity.learners.bound import Bound
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.within import CatchUp, FundFloat

Part = TypeVar("Part", Learner, HintModel)
FACTORS = (0.5, 2.0)
ADVISED = "optimistic-ftrl"
ON_UNITS = ("ftrl-exact", "coin-betting")
"""The first forgets its prior fast; the second pays a constant at most for not staying with it."""

SEEN = ("log-gap", "log-gap-common", "mixed-hints")
"""Hints that were chosen after estimators had been seen on October 10: they are studied when named."""


def without_hints() -> list[Severity]:
    """Return the severities without hints of the lineup, then every other learner with its defaults.

    Examples
    --------
    >>> [s.label() for s in without_hints()][:5]
    ['constant(theta=0)', 'full-deficit', 'follow-the-leader', 'ftrl-exact', 'ogd']
    """
    return [*map(make_severity, UNHINTED), *(make_severity(n) for n in LEARNERS if n not in UNHINTED)]


def with_hints() -> list[Severity]:
    """Return the severities with hints of the lineup, then the others.

    Each hint at its word, as advice, and as the unit of two learners; and the hints under AdaHedge.
    Coin betting on units was added after the others had been seen on October 10, for a reason that names no
    figure of it: who trusts a hint wants a learner whose regret against the hint itself is a constant, and
    that is what parameter-free learning gives (Orabona & Pal 2016).  It is played on every hint.

    Examples
    --------
    >>> [s.label() for s in with_hints()][:3]
    ['hint-only(fixed-gap)', 'hinted(ftrl-exact, fixed-gap)', 'hedged-hints']
    """
    hints = [make_hint(name) for name in HINTS if name not in SEEN]
    alone: list[Severity] = [HintOnly(hint=h) for h in hints]
    learning = [Hinted(learner=LEARNERS[name](), hint=h) for name in (ADVISED, *ON_UNITS) for h in hints]
    first = list(map(make_severity, HINTED))
    return [*first, *(s for s in (*alone, *learning) if s not in first)]


def within_the_round() -> list[Severity]:
    """Return the severities that settle within the round: a class of information of its own.

    Examples
    --------
    >>> [s.label() for s in within_the_round()]
    ['catch-up(fixed-gap)', 'fund-float(fixed-gap)']
    """
    return [CatchUp(), FundFloat()]


def variants(severities: Iterable[Severity]) -> Iterator[tuple[str, str, float, Severity]]:
    """Yield (severity, parameter, factor, variant): every default of learners and hints times 1/2 and 2.

    Values beyond the end of their range stop there: a learner's prior of 0.5 doubles to 1.  Prices of under-
    and overshoot are the loss itself, no default of a learner.

    Examples
    --------
    >>> [v[:3] for v in variants([make_severity("hinted(adagrad, fixed-gap)")])][::2]
    [('hinted(adagrad, fixed-gap)', 'prior', 0.5), ('hinted(adagrad, fixed-gap)', 'learner prior', 0.5), \
('hinted(adagrad, fixed-gap)', 'reach', 0.5)]
    """
    for severity in severities:
        yield from ((severity.label(), *variant) for variant in _variants(severity))


def _variants(severity: Severity) -> Iterator[tuple[str, float, Severity]]:
    if isinstance(severity, Learner):
        yield from _scaled(severity)
    if isinstance(severity, (HintOnly, Hinted)):
        for name, factor, hint in _scaled(severity.hint):
            yield name, factor, replace(severity, hint=hint)
    if isinstance(severity, Hinted):
        for name, factor, learner in _scaled(severity.learner):
            yield f"learner {name}", factor, replace(severity, learner=learner)
        if not severity.learner.uses_hint:
            for factor in FACTORS:
                yield "reach", factor, replace(severity, reach=factor * severity.reach)


def variants_of_members(severity: HedgedHints) -> Iterator[tuple[str, float, Severity]]:
    """Yield (parameter, factor, variant): its own, each default in every member that has it, and all.

    Examples
    --------
    >>> list(variants_of_members(make_severity("default")))[-1][:2]
    ('all together', 2.0)
    """
    for factor in FACTORS:
        wide = replace(severity, reach=max(1.0, factor * severity.reach))
        yield "reach of the domain", factor, wide
        if isinstance(severity, Guarded):
            trust = max(1.0, factor * severity.trust)
            yield "trust", factor, replace(severity, trust=trust)
            wide = replace(severity, reach=wide.reach, trust=trust)
        names = dict.fromkeys(n for m in severity.members for n, f, _ in _variants(m) if f == factor)
        for name in names:
            yield name, factor, replace(severity, members=_changed(severity.members, [name], factor))
        yield "all together", factor, replace(wide, members=_changed(severity.members, names, factor))


def _changed(members: Iterable[Severity], names: Iterable[str], factor: float) -> tuple[Severity, ...]:
    made = list(members)
    for name in names:
        for k, member in enumerate(made):
            found = (v for n, f, v in _variants(member) if (n, f) == (name, factor))
            made[k] = next(found, member)
    return tuple(made)


def _scaled(part: Part) -> Iterator[tuple[str, float, Part]]:
    """Yield a learner or a hint with each of its numbers halved and doubled, or as far as it may go."""
    for f in fields(part):
        value = getattr(part, f.name)
        if f.name in ("under", "over") or not isinstance(value, (int, float)):
            continue
        for factor in FACTORS:
            wanted = factor * value
            for end in (wanted, min(wanted, 1.0), min(wanted, 0.99), min(wanted, 0.49)):
                try:
                    made = replace(part, **{f.name: type(value)(end)})
                except UsageError:
                    continue
                yield f.name, factor, made
                break


def bound_of(severity: Severity, rounds: Sequence[tuple[Round, Outcome]]) -> Bound | None:
    """Return a severity's own regret bound on rounds, as if nothing else limited its budgets.

    Examples
    --------
    >>> import adl_opt as adl
    >>> episode = adl.load("synthetic(accounts=2, rounds=3)")
    >>> bound_of(make_severity("ftrl-exact"), list(episode)).kind
    'static'
    """
    if isinstance(severity, (Hinted, HedgedHints)):
        return severity.bound(rounds)
    if not isinstance(severity, Learner):
        return None
    deficit = np.array([r.deficit for r, _ in rounds])
    target = target_severity([o.needed for _, o in rounds], deficit)
    if severity.through_capacity and any(r.capacity_usd < r.deficit for r, _ in rounds):
        return None  # its theorem has another comparator there: fixed severities as they are executed
    return severity.bound(deficit, target, severity.run(severity.start(), deficit, target)[0])


def guaranteed_usd(severity: Severity, rounds: Sequence[tuple[Round, Outcome]]) -> float:
    """Return what a severity's own guarantee leaves uncovered at most, USD; NaN without one in USD.

    Examples
    --------
    >>> import adl_opt as adl
    >>> episode = adl.load("synthetic(accounts=2, rounds=3)")
    >>> guaranteed_usd(make_severity("conformal"), list(episode))
    nan
    """
    if isinstance(severity, (Covering, Guarded)):
        made = severity.guarantee_on(rounds)
    elif isinstance(severity, Learner):
        deficit, needed = (np.array(x) for x in zip(*((r.deficit, o.needed) for r, o in rounds), strict=True))
        path, _ = severity.run(severity.start(), deficit, target_severity(needed, deficit))
        made = severity.guarantee(deficit, needed, path)
    else:
        return math.nan
    return made.value if made.kind == "dollars" else math.nan


def budgets_of(severity: Severity, rounds: Sequence[tuple[Round, Outcome]]) -> list[float]:
    """Return what a severity makes the winners pay, round by round, USD: its budget, at most U.

    In contracts its budget is a share of the flow, and what counts is what that share really gives up, as if
    all of it could be closed.  Each budget is chosen before the severity is told the outcome of its round, as
    far as its information goes.

    Examples
    --------
    >>> import adl_opt as adl
    >>> episode = adl.load("synthetic(accounts=2, rounds=3)")
    >>> budgets_of(make_severity("constant(0)"), list(episode))
    [0.0, 0.0, 0.0]
    """
    state, paid = severity.start(), []
    for round_, outcome in rounds:
        early = severity.information is Information.START_OF_ROUND
        budget = severity.choose(state, round_) if early else severity.choose_ex_post(state, round_, outcome)
        raised = budget if round_.space == WEALTH else _given_up(severity, round_, outcome, budget)
        paid.append(min(raised, round_.capacity_usd))
        state = severity.learn(state, round_, outcome, budget)
    return paid


def _given_up(severity: Severity, round_: Round, outcome: Outcome, budget: float) -> float:
    """Return what the share of the flow that a budget is really gives up, USD."""
    expected, real = _whole_flow(round_, outcome)
    if severity.whole_flow or expected <= 0.0:
        return real if severity.whole_flow or budget > 0.0 else 0.0
    return min(1.0, budget / expected) * real


@lru_cache(maxsize=32)  # many severities meet the same rounds
def _whole_flow(round_: Round, outcome: Outcome) -> tuple[float, float]:
    """Return what the whole flow is reckoned to give up, and what it really does, USD."""
    made = (usd_by_cell(round_, g).values() for g in (reckoned(round_), revealed(round_, outcome)))
    expected, real = map(math.fsum, made)
    return expected, real


def guesses(hint: HintModel, rounds: Sequence[tuple[Round, Outcome]]) -> list[float]:
    """Return a hint model's Bhat, round by round, USD; NaN in rounds without flow."""
    state, made = hint.start(), []
    for round_, outcome in rounds:
        guess = hint.predict(state, round_)
        made.append(float("nan") if guess is None else guess)
        state = hint.update(state, round_, outcome)
    return made

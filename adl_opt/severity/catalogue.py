"""The catalogue of severities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.parts import build
from adl_opt.severity.base import Severity
from adl_opt.severity.fixed import Constant, FullDeficit, Observed, Oracle
from adl_opt.severity.hinted import HedgedHints, Hinted, HintOnly, default_members
from adl_opt.severity.hints import make_hint
from adl_opt.severity.learners import LEARNERS


def _hint_only(hint: str = "market-gap") -> Severity:
    return HintOnly(hint=make_hint(hint))


def _hinted(learner: str = "ftrl-exact", hint: str = "market-gap", reach: float = 2.0) -> Severity:
    return Hinted(learner=build("learner", LEARNERS, learner, {}), hint=make_hint(hint), reach=reach)


def _hedged_hints() -> Severity:
    return HedgedHints(members=default_members())


for _made, _of in ((_hint_only, HintOnly), (_hinted, Hinted), (_hedged_hints, HedgedHints)):
    _made.__doc__ = _of.__doc__  # the cards of `adl-opt policies` read it

SEVERITIES: dict[str, Callable[..., Severity]] = {
    **{s.name: s for s in (Oracle, Constant, FullDeficit, Observed)},
    **LEARNERS,
    HintOnly.name: _hint_only,
    Hinted.name: _hinted,
    HedgedHints.name: _hedged_hints,
}


def make_severity(name: str, **params: Any) -> Severity:
    """Make a severity of the catalogue.

    Parameters
    ----------
    name : str
        ``oracle``, ``constant``, ``full-deficit``, ``observed``, or a learner: ``ogd``, ``adagrad``,
        ``ftrl-quadratic``, ``ftrl-entropy``, ``ftrl-barrier``, ``ftrl-exact``, ``ftrl-discounted``,
        ``ftrl-windowed``, ``optimistic-ftrl``, ``coin-betting``, ``hedge-grid``, ``ader``,
        ``strongly-adaptive``, ``follow-the-leader``, ``last-value``; or one with hints: ``hint-only``,
        ``hinted``, ``hedged-hints``.  With parameters: ``constant(0.5)``, ``ftrl-exact(prior=0.3)``,
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
    return build("severity", SEVERITIES, name, params)

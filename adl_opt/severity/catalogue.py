"""The catalogue of severities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.naming import make_by_name
from adl_opt.severity.base import Severity
from adl_opt.severity.fixed import Constant, FullDeficit, Observed, Oracle
from adl_opt.severity.hints.hedged import HedgedHints
from adl_opt.severity.hints.hinted import Hinted, HintOnly
from adl_opt.severity.learners.hedge import Hedge
from adl_opt.severity.learners.registry import LEARNERS

SEVERITIES: dict[str, Callable[..., Severity]] = {
    **{s.name: s for s in (Oracle, Constant, FullDeficit, Observed)},
    **LEARNERS,
    **{s.name: s for s in (Hedge, HintOnly, Hinted, HedgedHints)},
}


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

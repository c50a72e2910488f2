"""The catalogue of severities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.parts import build
from adl_opt.severity.adaptive import StronglyAdaptive
from adl_opt.severity.ader import Ader
from adl_opt.severity.base import Severity
from adl_opt.severity.baselines import LastValue
from adl_opt.severity.betting import CoinBetting
from adl_opt.severity.exact import FollowTheLeader, FtrlExact
from adl_opt.severity.fixed import Constant, FullDeficit, Observed, Oracle
from adl_opt.severity.forgetting import FtrlDiscounted, FtrlWindowed
from adl_opt.severity.ftrl import FtrlBarrier, FtrlEntropy, FtrlQuadratic
from adl_opt.severity.gradient import AdaGrad, Ogd
from adl_opt.severity.hedge import HedgeGrid
from adl_opt.severity.learner import Learner
from adl_opt.severity.optimistic import OptimisticFtrl

LEARNERS: dict[str, type[Learner]] = {
    learner.name: learner
    for learner in (
        Ogd,
        AdaGrad,
        FtrlQuadratic,
        FtrlEntropy,
        FtrlBarrier,
        FtrlExact,
        FtrlDiscounted,
        FtrlWindowed,
        OptimisticFtrl,
        CoinBetting,
        HedgeGrid,
        Ader,
        StronglyAdaptive,
        FollowTheLeader,
        LastValue,
    )
}

SEVERITIES: dict[str, Callable[..., Severity]] = {
    **{s.name: s for s in (Oracle, Constant, FullDeficit, Observed)},
    **LEARNERS,
}


def make_severity(name: str, **params: Any) -> Severity:
    """Make a severity of the catalogue.

    Parameters
    ----------
    name : str
        ``oracle``, ``constant``, ``full-deficit``, ``observed``, or a learner: ``ogd``, ``adagrad``,
        ``ftrl-quadratic``, ``ftrl-entropy``, ``ftrl-barrier``, ``ftrl-exact``, ``ftrl-discounted``,
        ``ftrl-windowed``, ``optimistic-ftrl``, ``coin-betting``, ``hedge-grid``, ``ader``,
        ``strongly-adaptive``, ``follow-the-leader``, ``last-value``.  With parameters: ``constant(0.5)``,
        ``ftrl-exact(prior=0.3)``.
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

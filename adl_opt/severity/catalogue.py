"""The catalogue of severities: which name makes which."""

from __future__ import annotations

from adl_opt.severity.base import SEVERITIES
from adl_opt.severity.coverage.conformal import Conformal
from adl_opt.severity.coverage.risk_control import RiskControl
from adl_opt.severity.fixed import Constant, FullDeficit, Observed, Oracle
from adl_opt.severity.hints.guarded import Guarded
from adl_opt.severity.hints.hedged import HedgedHints
from adl_opt.severity.hints.hinted import Hinted, HintOnly
from adl_opt.severity.hints.log_gap import LogGap, LogGapCommon
from adl_opt.severity.hints.mixed import MixedHints
from adl_opt.severity.hints.models import HINTS
from adl_opt.severity.learners.adaptive import StronglyAdaptive
from adl_opt.severity.learners.ader import Ader
from adl_opt.severity.learners.baselines import LastValue
from adl_opt.severity.learners.betting import CoinBetting
from adl_opt.severity.learners.exact import FollowTheLeader, FtrlExact
from adl_opt.severity.learners.forgetting import FtrlDiscounted, FtrlWindowed
from adl_opt.severity.learners.ftrl import FtrlBarrier, FtrlEntropy, FtrlQuadratic
from adl_opt.severity.learners.gradient import AdaGrad, Ogd
from adl_opt.severity.learners.hedge import Hedge, HedgeGrid
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.learners.long_term import LongTerm
from adl_opt.severity.learners.optimistic import OptimisticFtrl
from adl_opt.severity.learners.whole import FtrlWhole
from adl_opt.severity.within import CatchUp, FundFloat

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
"""Every learner of the loss alone that plays by itself: ``hedge`` needs others, ``long-term`` covers too."""

SEVERITIES.update({s.name: s for s in (Oracle, Constant, FullDeficit, Observed)})
SEVERITIES.update(LEARNERS)
SEVERITIES.update({s.name: s for s in (Hedge, LongTerm, FtrlWhole, HintOnly, Hinted, HedgedHints, Guarded)})
SEVERITIES.update({s.name: s for s in (RiskControl, Conformal, CatchUp, FundFloat)})
HINTS.update({h.name: h for h in (LogGap, LogGapCommon, MixedHints)})

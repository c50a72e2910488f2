"""The learners by name."""

from __future__ import annotations

from adl_opt.severity.adaptive import StronglyAdaptive
from adl_opt.severity.ader import Ader
from adl_opt.severity.baselines import LastValue
from adl_opt.severity.betting import CoinBetting
from adl_opt.severity.exact import FollowTheLeader, FtrlExact
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

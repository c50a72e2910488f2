"""What was possible: the least loss in the pool of dollars, and the best of classes of plans."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from adl_opt.allocation.minmax import MinMaxLots, reference_burden
from adl_opt.answer import indexed
from adl_opt.evaluate.record import PolicyRound
from adl_opt.losses import Loss, target_severity
from adl_opt.programs.hindsight.checked import proven
from adl_opt.programs.hindsight.fixed_vector import best_fixed_haircut_vector
from adl_opt.programs.hindsight.joint import JointOptimum, joint_optima, measured
from adl_opt.programs.hindsight.severity import SeverityOptimum
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.severity.learners.bound import best_fixed_severity
from adl_opt.tabular import Noun, Tabular

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Benchmark(Noun):
    """What was possible, ex post.  USD unless said; NaN if not known.

    Parameters
    ----------
    name : str
        With its limit, such as ``best-path(P=0.7)``.
    kind : str
        ``optimum``: no policy of the domain has a smaller loss.  ``severity`` or ``haircuts``: the best of a
        class of plans by tracking alone, a comparator of regret.  ``library``: the best policy beside it.
    information : str
    objective_usd : float
        Its loss; for a comparator of regret the loss without the fairness term.
    bound_usd : float
        Proven lower bound on the least objective of its domain or class.
    tracking_usd : float
        Its loss without the fairness term.
    path : float
        Path length of its severities, without unit.
    max_burden : float
        Its largest burden, where it chooses accounts.
    """

    name: str
    kind: str
    information: str = Information.EX_POST.value
    objective_usd: float
    bound_usd: float
    tracking_usd: float
    path: float = math.nan
    max_burden: float = math.nan

    @property
    def gap_usd(self) -> float:
        """USD: the objective less the proven bound; 0 is an optimum that is proven to the last digit."""
        return self.objective_usd - self.bound_usd


class Benchmarks(Tabular, tuple[Benchmark, ...]):
    """The benchmarks of an episode, and a table of them."""

    chosen: ClassVar[tuple[str, ...]] = (
        *("name", "kind", "information", "objective_usd", "bound_usd", "gap_usd", "tracking_usd"),
        *("path", "max_burden"),
    )

    def _parts(self) -> Iterator[tuple[str, Any]]:
        return ((each.name, each.objective_usd) for each in self)

    def frame(self) -> pd.DataFrame:
        """Return one row per benchmark; ``gap_usd`` is the objective less the proven bound."""
        return indexed([asdict(b) | {"gap_usd": b.gap_usd} for b in self], "name")


def pool_optima(episode: Episode, loss: Loss) -> list[JointOptimum]:
    """Return the least loss of each domain, in wealth."""
    references, lots, base = [], [], str(loss.base)
    for round_, outcome in episode:
        references.append(reference_burden(round_, outcome.needed, base))
        if round_.positions is not None:
            found = MinMaxLots(base=base).allocate(None, round_, outcome.needed).lots
            lots += [] if found is None else [found]
    whole = lots if len(lots) == len(episode) else None
    return joint_optima(episode, references, loss, whole)


def optimum_benchmark(best: JointOptimum, members: Sequence[Sequence[PolicyRound]], loss: Loss) -> Benchmark:
    """Return the optimum of a domain: of each round its own plan, or that of a policy that loses less.

    Parameters
    ----------
    best : JointOptimum
    members : sequence of sequence of PolicyRound
        The policies of that domain, round by round.
    loss : Loss
    """
    for rounds in members:
        needed, executed, worst, reference = (
            np.array([getattr(r, name) for r in rounds])
            for name in ("needed", "haircut", "max_burden", "reference_burden")
        )
        less = loss.total(executed, needed, worst, reference) < loss.total(
            best.executed, needed, best.worst, reference
        )
        executed, worst = np.where(less, (executed, worst), (best.executed, best.worst))
        best = measured(best.name, needed, executed, worst, reference.tolist(), loss, best.bound_usd)
    return Benchmark(
        name=best.name,
        kind="optimum",
        objective_usd=best.objective_usd,
        bound_usd=best.bound_usd,
        tracking_usd=best.tracking_usd,
        max_burden=best.max_burden,
    )


def fixed_benchmark(needed: Sequence[float], deficit: Sequence[float], loss: Loss) -> Benchmark:
    """Return the best fixed share of the deficit: a weighted median or quantile, exact up to rounding."""
    losses = np.asarray(deficit)
    theta, _ = best_fixed_severity(losses, target_severity(needed, losses), loss.under, loss.over)
    least = math.fsum(loss.tracking(theta * losses, needed))
    return Benchmark(
        name="best-fixed",
        kind="severity",
        objective_usd=least,
        bound_usd=least - 1e-12 * max(loss.under, loss.over) * math.fsum(deficit),
        tracking_usd=least,
        path=0.0,
    )


def severity_benchmark(name: str, best: SeverityOptimum) -> Benchmark:
    """Return the best severities of a class, held to their certificate."""
    found = proven(best)
    return Benchmark(
        name=name,
        kind="severity",
        objective_usd=found.loss_usd,
        bound_usd=min(found.bound_usd, found.loss_usd),
        tracking_usd=found.loss_usd,
        path=found.path,
    )


def haircuts_benchmark(episode: Episode, loss: Loss) -> Benchmark:
    """Return the best haircuts that are the same in every round, as shares of capacity."""
    vector = best_fixed_haircut_vector(episode, 0.0, loss)
    return Benchmark(
        name="best-fixed-haircuts",
        kind="haircuts",
        objective_usd=vector.loss_usd,
        bound_usd=min(vector.bound_usd, vector.loss_usd),
        tracking_usd=vector.tracking_usd,
        max_burden=float(vector.haircut.max(initial=0.0)),
    )

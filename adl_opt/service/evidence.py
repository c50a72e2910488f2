"""What candidates did: on a book's own rounds, on bursts of its flow, and on simulated stress of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adl_opt.errors import AdlOptError
from adl_opt.evaluate.differences import paired_differences
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.losses import Loss
from adl_opt.policy.policy import Policy
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.owners import by_owner
from adl_opt.studies.simulation.own_book import LEFT_OUT, Stress, start_of_book
from adl_opt.studies.simulation.run import run_policy

if TYPE_CHECKING:
    import pandas as pd

PATHS = ("crash", "jump", "grind")
"""Shapes of the prices of a stress."""

FIGURES = (
    *("total_usd", "tracking_usd", "fairness_usd", "overshoot_usd", "undershoot_usd", "needed_usd"),
    *("haircut_usd", "max_burden", "hedges_broken", "residual_usd"),
)
OF_A_REPLAY = ("future_shortfall_usd", "p99_burden", "coverage_proven_95", "accounts_touched")


@dataclass(frozen=True, eq=False)
class Evidence:
    """One kind of evidence on candidates.

    Parameters
    ----------
    name : str
        ``own``, ``bursts`` or ``stress``.
    what : str
        What it is, in one sentence.
    rounds : pandas.DataFrame
        A row for each candidate and round (of a stress: run): its :data:`FIGURES`.
    results : tuple of Result
        Of replays, each of some candidates; none of a stress.
    """

    name: str
    what: str
    rounds: pd.DataFrame
    results: tuple[Result, ...] = ()

    def frame(self) -> pd.DataFrame:
        """Return one row for each candidate: sums, covered_share, and loss_share, the loss by needed USD."""
        import pandas as pd

        worst = ["max_burden"] if "max_burden" in self.rounds else []
        sums = [name for name in FIGURES if name in self.rounds and name not in worst]
        grouped = self.rounds.groupby("policy", sort=False)
        made = grouped[sums].sum().join(grouped[worst].max())
        needed = made["needed_usd"].where(made["needed_usd"] > 0)
        made["covered_share"] = (1.0 - made["undershoot_usd"] / needed).fillna(1.0)
        mean = made["needed_usd"].mean()
        made["loss_share"] = made["total_usd"] / mean if mean > 0 else made["total_usd"] * 0.0
        if self.results:
            known = pd.concat([result.frame()[[*OF_A_REPLAY]] for result in self.results])
            made = made.join(known[~known.index.duplicated()])
        return made

    def differences(self, against: str) -> pd.DataFrame:
        """Return how much more each candidate costs, with a 95 % interval of a block bootstrap."""
        known = self.rounds.assign(total_usd=self.rounds["total_usd"].replace(math.inf, math.nan))
        return paired_differences(known, against, block=1 if self.name == "stress" else None)

    def with_more(self, other: Evidence) -> Evidence:
        """Return the evidence on both sets of candidates; one that is in both counts once."""
        import pandas as pd

        more = other.rounds[~other.rounds["policy"].isin(self.rounds["policy"])]
        both = pd.concat([self.rounds, more], ignore_index=True)
        return Evidence(self.name, self.what, both, (*self.results, *other.results))


def frames_by_name(evidence: Iterable[Evidence]) -> dict[str, pd.DataFrame]:
    """Return the frame of each evidence, by its name."""
    return {one.name: one.frame() for one in evidence}


def replayed(name: str, what: str, episode: Episode, policies: Sequence[Policy], loss: Loss) -> Evidence:
    """Return the evidence of a replay."""
    result = replay(episode, policies, loss=loss)
    rounds = result.rounds()
    over = (rounds["haircut_usd"] - rounds["needed_usd"]).clip(lower=0.0)
    rounds["overshoot_usd"] = over
    rounds["undershoot_usd"] = (rounds["needed_usd"] - rounds["haircut_usd"]).clip(lower=0.0)
    return Evidence(name, what, rounds, (result,))


def stressed(
    episode: Episode,
    policies: Iterable[Policy],
    loss: Loss,
    stress: Stress,
    *,
    seed: int = 0,
    advance: Callable[[], None] | None = None,
) -> tuple[Evidence, list[str]]:
    """Return the evidence of simulated stress of the book of the first round, and notes on who failed.

    Every candidate starts from the same books and meets the same paths.  Where one cannot play, a note says
    why, and it has no rows.
    """
    import pandas as pd

    first = by_owner(episode.in_space(CONTRACTS).rounds[0][0])
    runs = []
    for path in PATHS:
        settings = stress.settings(first, path)
        runs += [(settings, start_of_book(first, settings, seed + k), seed + k) for k in range(stress.seeds)]
    rows: list[dict[str, Any]] = []
    notes = []
    for policy in policies:
        own: list[dict[str, Any]] = []
        try:
            for number, (settings, start, of_seed) in enumerate(runs, start=1):
                run = run_policy(policy, settings, seed=of_seed, start=start, loss=loss)
                own.append({"policy": policy.name, "round": number} | _figures(run.totals))
                if advance is not None:
                    advance()
        except AdlOptError as error:
            notes.append(f"stress: {policy.name}: {error.what}")
            continue
        rows += own
    what = (
        f"{len(runs)} simulated episodes of the book of round {first.number} ({', '.join(PATHS)}; {stress})"
    )
    return Evidence("stress", what, pd.DataFrame(rows)), [*notes, LEFT_OUT]


def _figures(totals: dict[str, float]) -> dict[str, float]:
    made = {name: totals[name] for name in FIGURES if name in totals}
    return {name: value if math.isfinite(value) else math.inf for name, value in made.items()}

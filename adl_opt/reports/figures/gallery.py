"""All figures of an episode: each by name, made when asked for, from figures computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from adl_opt.errors import LackError
from adl_opt.evaluate.optimum import Optimum, optimum
from adl_opt.evaluate.paid import paid
from adl_opt.evaluate.published import SOURCE, markout_overshoot
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.files import write_bytes
from adl_opt.losses import target_severity
from adl_opt.programs import hindsight
from adl_opt.reports.figures import others, policies, severity
from adl_opt.reports.figures.growth import STREAM, growth_data
from adl_opt.reports.figures.style import rendered
from adl_opt.rounds.episode import Episode
from adl_opt.severity.catalogue import make_severity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAYING = ("pro-rata", "min-max-lots", "hyperliquid-side-adjusted", "integer-pro-rata", "cumulative-burden")
LEARNED = ("ftrl-exact", "optimistic-ftrl", "follow-the-leader")
HINTED = "hinted(ftrl-exact, square-root)"
HINT = "hint-only(square-root)"
FRONTIER_POINTS = 60


ONLINE = ("follow-the-leader/min-max", "ftrl-exact/min-max", f"{HINTED}/min-max")


def everyone(episode: Episode) -> list[str]:
    """Return the policies to show: all defaults that fit the episode's rounds, and learners that fit.

    Whether a policy has the columns it needs is tried on the whole episode for the defaults, as a replay
    does, and on each learner alone.
    """
    names = list(replay(episode).by_policy)
    for name in ONLINE:
        try:
            names += replay(episode, [name]).by_policy
        except LackError:
            continue
    return names


class Gallery:
    """The figures of one episode.

    Parameters
    ----------
    episode : Episode
    optimum : Optimum
        Its offline optima, with the replay they are held against.
    """

    def __init__(self, episode: Episode, optimum: Optimum) -> None:
        self.episode = episode
        self.optimum = optimum

    @classmethod
    def of(
        cls,
        episode: Episode,
        policies: Sequence[object] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Gallery:
        """Return the gallery of an episode under some policies, :func:`everyone` by default."""
        return cls(episode, optimum(episode, policies or everyone(episode), progress=progress))

    @property
    def result(self) -> Result:
        """The replay."""
        return self.optimum.result

    def figures(self) -> dict[str, Callable[[], Figure]]:
        """Return how to make each figure, by name; those that the episode has no data for are not in it."""
        result = self.result
        made: dict[str, Callable[[], Figure]] = {
            "cumulative": lambda: policies.cumulative(result),
            "budgets": lambda: policies.budgets(result),
            "envelope": lambda: policies.envelope(result),
            "order": lambda: policies.order(result),
            "burdens": lambda: policies.burdens(self.paid, result.episode, result.source),
            "severity-paths": self.severity_paths,
            "regret-growth": regret_growth,
            "frontier": lambda: severity.frontier(self.frontier, result),
            "gaps-to-optimum": lambda: others.gaps(self.optimum),
        }
        if result.episode == "oct10":
            made["markout"] = lambda: others.markout(markout_overshoot(), source=SOURCE)
        return made

    @cached_property
    def paid(self):  # type: ignore[no-untyped-def]
        """Who paid under a few policies, those of :data:`PAYING` that the replay has."""
        return paid(self.episode, [p for p in PAYING if p in self.result.by_policy] or ["pro-rata"])

    @cached_property
    def frontier(self) -> hindsight.PathFrontier:
        """The regret-versus-path frontier, up to the instance's own path length."""
        most = max(self.result.path_length, 1e-9)
        return hindsight.frontier(
            self.episode, [most * k / (FRONTIER_POINTS - 1) for k in range(FRONTIER_POINTS)]
        )

    def severities(self) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        """Return the severities of learners, and of a hint taken at its word; no hint without flow."""
        played = {name: self._played(name) for name in LEARNED}
        try:
            hinted, hint = self._played(HINTED), self._played(HINT)
        except LackError:
            return played, {}
        return played | {HINTED: hinted}, {"square-root impact": hint}

    def severity_paths(self) -> Figure:
        """Draw learners, a hint, and what was needed."""
        rounds, result = list(self.episode), self.result
        need = target_severity([o.needed for _, o in rounds], [r.deficit for r, _ in rounds])
        played, hints = self.severities()
        numbers = [r.number for r, _ in rounds]
        return severity.paths(
            numbers, list(need), played, hints, episode=result.episode, source=result.source
        )

    def _played(self, name: str) -> list[float]:
        made = make_severity(name)
        state, shares = made.start(), []
        for round_, outcome in self.episode:
            budget = made.choose(state, round_)
            paid_usd = min(budget, round_.capacity_usd)
            shares.append(min(paid_usd / round_.deficit, 1.0) if round_.deficit > 0 else float("nan"))
            state = made.learn(state, round_, outcome, paid_usd)
        return shares


def regret_growth() -> Figure:
    """Draw static regret of learners over T, beside their bounds."""
    rounds, regret, bound, exponent = growth_data()
    return severity.growth(rounds, regret, bound, exponent, stream=STREAM)


def write_figures(gallery: Gallery, folder: Path) -> Iterator[str]:
    """Write every figure as PNG and SVG, each by a temporary name; yield each name once it is there.

    Raises
    ------
    UsageError
        matplotlib is not installed.
    AdlOptError
        The folder cannot be written.
    """
    for name, draw in gallery.figures().items():
        figure = draw()
        for kind in ("png", "svg"):
            write_bytes(folder / f"{name}.{kind}", rendered(figure, kind))
        yield name

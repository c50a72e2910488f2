"""Every figure of an episode, and the fan of a simulation, as files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from adl_opt.datasets.episodes import as_episode
from adl_opt.errors import UsageError
from adl_opt.files import write_bytes
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.reports.extras import need
from adl_opt.reports.figures.draw import draw, write_figures
from adl_opt.reports.figures.style import rendered
from adl_opt.reports.series.fans import fan_series
from adl_opt.reports.series.gallery import gallery
from adl_opt.rounds.episode import Episode
from adl_opt.studies.findings import Findings
from adl_opt.studies.simulation.fan import fan_frame
from adl_opt.studies.simulation.runs import POLICIES

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Drawn:
    """Files that were written; printing it lists them."""

    files: tuple[Path, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.files))


def figures(
    episode: Episode | str | PathLike[str] = "oct10",
    out: str | PathLike[str] = "figures",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    progress: Progress | None = None,
) -> Drawn:
    """Draw every figure of an episode, for print (PNG and SVG).

    Parameters
    ----------
    episode : Episode, str or path
    out : path
        Folder for the figures.
    policies : one or several, optional
        By default all that fit the episode.
    progress : callable, optional
        Called with (rounds done, all), then with (figures done, all).

    Raises
    ------
    UsageError
        matplotlib is not installed, or a name is not known.
    AdlOptError
        The folder cannot be written.
    """
    need("figures", "matplotlib")
    folder, files = Path(out), []
    findings = Findings.of(as_episode(episode), None if policies is None else as_policies(policies), progress)
    count = len(gallery(findings))
    for done, name in enumerate(write_figures(findings, folder), start=1):
        files += [folder / f"{name}.{kind}" for kind in ("png", "svg")]
        if progress is not None:
            progress(done, count)
    return Drawn(tuple(files))


def draw_fan(
    file: str | PathLike[str],
    scenario: str = "flash-crash",
    policies: Iterable[str] | None = None,
    *,
    seed: int = 0,
    seeds: int = 20,
    progress: Progress | None = None,
) -> Drawn:
    """Draw the tracking error of several seeds of a scenario as a fan.

    Parameters
    ----------
    file : path
        A .png or .svg file.
    scenario : str
    policies : iterable of str, optional
        By default those of :func:`adl_opt.simulate`.
    seed, seeds : int
        The first seed, and how many: at least 2.
    progress : callable, optional
        Called with (seeds done, all).

    Raises
    ------
    UsageError
        Another kind of file, fewer than two seeds, an unknown name, or matplotlib is not installed.
    """
    need("figures", "matplotlib")
    path = Path(file)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg"):
        raise UsageError("a fan is a .png or .svg file", got=str(file), ways_out=["--figure fan.png"])
    frame = fan_frame(list(policies or POLICIES), scenario, range(seed, seed + seeds), progress)
    write_bytes(path, rendered(draw(fan_series(frame, scenario=scenario, seeds=seeds)), kind))
    return Drawn((path,))

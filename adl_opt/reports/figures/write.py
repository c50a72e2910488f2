"""Every figure of an episode, and the fan of a simulation, as files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from adl_opt.answer import Progress, showing
from adl_opt.datasets.episodes import as_episode
from adl_opt.errors import UsageError
from adl_opt.files import write_bytes, write_folder
from adl_opt.locks import keeps_inputs
from adl_opt.losses import Loss, as_loss
from adl_opt.naming import unknown_name
from adl_opt.policy.policy import Policy
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.figures.style import KINDS, NEEDS, rendered, size_of
from adl_opt.reports.series.fans import fan_series
from adl_opt.reports.series.gallery import gallery
from adl_opt.reports.text import need_modules
from adl_opt.rounds.episode import Episode
from adl_opt.studies.findings import Findings
from adl_opt.studies.simulation.fan import fan_frame
from adl_opt.studies.simulation.runs import POLICIES
from adl_opt.tabular import Noun


@dataclass(frozen=True)
class Drawn(Noun):
    """Files that were written; printing it lists them."""

    files: tuple[Path, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.files))


@keeps_inputs("out")
def figures(
    episode: Episode | str | PathLike[str] = "oct10",
    out: str | PathLike[str] = "figures",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    loss: Loss | str | None = None,
    space: str | None = None,
    size: str = "screen",
    formats: str | Iterable[str] | None = None,
    title: str | None = None,
    progress: Progress = True,
) -> Drawn:
    """Draw every figure of an episode, for print.

    Parameters
    ----------
    episode : Episode, str or path
    out : path
        Folder for the figures.  They are written as one, when all are drawn.
    policies : one or several, optional
        By default those of :func:`~adl_opt.policy.lineup.lineup` that fit the episode.
    loss, space : optional
        As for :func:`adl_opt.replay`.
    size : {'screen', 'one-column', 'two-columns'}
        3.5 and 7.16 inches wide in the columns of a paper.
    formats : one or several of {'png', 'svg', 'pdf'}, optional
        PNG and SVG by default.
    title : str, optional
        Instead of that of each figure; empty for none, where a caption says it.
    progress : bool or callable
        A bar where the call takes long, or a function of (rounds done, all), then of (figures done, all).

    Raises
    ------
    UsageError
        matplotlib is not installed, or a name, a size or a format is not known.
    AdlOptError
        The folder cannot be written.
    """
    need_modules(*NEEDS)
    size_of(size)
    kinds = [formats] if isinstance(formats, str) else list(formats or ("png", "svg"))
    for kind in kinds:
        if kind not in KINDS:
            raise unknown_name("format of a figure", kind, KINDS)
    findings = Findings.of(as_episode(episode), policies, progress, loss, space)
    shown = gallery(findings)
    contents: dict[str, str | bytes] = {}
    with showing("figures", progress) as advance:
        for done, (name, make) in enumerate(shown.items(), start=1):
            figure = draw(make(), title=title, size=size)
            contents |= {f"{name}.{kind}": rendered(figure, kind) for kind in kinds}
            advance(done, len(shown))
    write_folder(Path(out), contents)
    return Drawn(tuple(Path(out) / name for name in contents))


def draw_fan(
    file: str | PathLike[str],
    scenario: str = "flash-crash",
    policies: Iterable[str] | None = None,
    *,
    seed: int = 0,
    seeds: int = 20,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Drawn:
    """Draw the tracking error of several seeds of a scenario as a fan.

    Parameters
    ----------
    file : path
        A .png, .svg or .pdf file.
    scenario : str
    policies : iterable of str, optional
        By default those of :func:`adl_opt.simulate`.
    seed, seeds : int
        The first seed, and how many: at least 2.
    loss, space : optional
        As for :func:`adl_opt.simulate`.
    progress : bool or callable
        A bar where the call takes long, or a function of (seeds done, all).

    Raises
    ------
    UsageError
        Another kind of file, fewer than two seeds, an unknown name, or matplotlib is not installed.
    """
    need_modules(*NEEDS)
    path = Path(file)
    kind = path.suffix.lower().lstrip(".")
    if kind not in KINDS:
        raise UsageError("a fan is a .png, .svg or .pdf file", got=str(file), ways_out=["--figure fan.png"])
    asked = as_loss(loss)
    frame = fan_frame(list(policies or POLICIES), scenario, range(seed, seed + seeds), progress, asked, space)
    where = scenario if space is None else f"{scenario} in {space}"
    data = fan_series(frame, scenario=where, seeds=seeds, loss=asked)
    write_bytes(path, rendered(draw(data), kind))
    return Drawn((path,))

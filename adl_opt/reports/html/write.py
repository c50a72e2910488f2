"""The HTML report of an episode as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path

from adl_opt.datasets.episodes import as_episode
from adl_opt.files import write_text
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.reports.html.page import need_report, page
from adl_opt.rounds.episode import Episode
from adl_opt.studies.findings import Findings


def report(
    episode: Episode | str | PathLike[str] = "oct10",
    out: str | PathLike[str] = "report.html",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the HTML report of an episode: one file that opens offline.

    Parameters
    ----------
    episode : Episode, str or path
    out : path
        The HTML file.
    policies : one or several, optional
        By default all that fit the episode.
    progress : callable, optional
        Called with (rounds done, all).

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        plotly or jinja2 is not installed, or a name is not known.
    AdlOptError
        The file cannot be written.
    """
    need_report()
    chosen = None if policies is None else as_policies(policies)
    path = Path(out)
    write_text(path, page(Findings.of(as_episode(episode), chosen, progress)))
    return path

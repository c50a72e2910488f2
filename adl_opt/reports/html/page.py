"""The HTML report: one self-contained file, every text escaped, nothing fetched."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import partial
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.answer import Progress
from adl_opt.datasets.episodes import as_episode
from adl_opt.evaluate.record import settles_within
from adl_opt.files import write_text
from adl_opt.locks import keeps_inputs
from adl_opt.losses import Loss
from adl_opt.policy.lineup import in_blocks
from adl_opt.policy.policy import Policy
from adl_opt.proofs.seals import SEAL_OF_HTML, sha256_of
from adl_opt.reports.html import facts, summary
from adl_opt.reports.html.charts import charts
from adl_opt.reports.series.gallery import gallery
from adl_opt.reports.text import need_modules
from adl_opt.rounds.episode import Episode
from adl_opt.studies.findings import Findings

NEEDS = ("the report needs plotly and jinja2", "plotly", "jinja2")


@keeps_inputs("out")
def report(
    episode: Episode | str | PathLike[str] = "oct10",
    out: str | PathLike[str] = "report.html",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    loss: Loss | str | None = None,
    space: str | None = None,
    progress: Progress = True,
) -> Path:
    """Write the HTML report of an episode: one file that opens offline.

    Parameters
    ----------
    episode : Episode, str or path
    out : path
        The HTML file.
    policies : one or several, optional
        By default those of :func:`~adl_opt.policy.lineup.lineup` that fit the episode.
    loss, space : optional
        As for :func:`adl_opt.replay`.  In contracts the report says who was closed by market and side; the
        optima of a pool of dollars are left out.
    progress : bool or callable
        A bar where the call takes long, or a function of (rounds done, all).

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
    need_modules(*NEEDS)
    path = Path(out)
    text = page(Findings.of(as_episode(episode), policies, progress, loss, space)) + "\n"
    write_text(path, f"{text}{SEAL_OF_HTML}{sha256_of(text)} -->\n")
    return path


def script_json(value: Any) -> str:
    r"""Return JSON that is safe inside a script element: no text can end it or open a comment.

    Examples
    --------
    >>> script_json({"id": "</script><!--"})
    '{"id": "\\u003c/script\\u003e\\u003c!--"}'
    """
    text = json.dumps(value, allow_nan=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return "".join(escapes.get(c, c) for c in text)


def page(findings: Findings) -> str:
    """Return the report of an episode as HTML.

    Parameters
    ----------
    findings : Findings
        The episode with its replay and its offline optima.

    Raises
    ------
    UsageError
        plotly or jinja2 is not installed.
    """
    need_modules(*NEEDS)
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"usd": facts.in_usd, "known": facts.known}
    environment.filters |= {"sortable": facts.sortable, "checks": facts.checks}
    environment.filters["amount"] = facts.amount
    template = environment.from_string(_part("report.html.j2"))
    result = findings.result
    drawn = charts(make() for make in gallery(findings).values())
    return template.render(
        result=result,
        blocks=in_blocks(result.policies),
        in_short=summary.in_short(findings),
        doubts=summary.doubts(findings),
        cards=facts.headline_cards(result),
        columns=facts.COLUMNS
        + (facts.WITHIN_ROUND if settles_within(result.policies) else ())
        + (facts.IN_CONTRACTS if findings.markets else ()),
        informations=sorted({p.information.value for p in result.policies}),
        benchmarks=() if findings.optimum is None else findings.optimum.benchmarks,
        markets=findings.markets,
        market_columns=facts.MARKETS,
        rounds=list(zip(findings.episode, findings.least_burdens, strict=True)),
        proofs=any(best is not None for best in findings.least_burdens),
        records=facts.records_by_round(result),
        payers=partial(facts.payers, findings),
        fsum=math.fsum,
        provenance=facts.provenance(findings.episode, result),
        charts=drawn,
        chart_json=Markup(script_json(drawn)),  # noqa: S704  (escaped by script_json)
        style=Markup(_part("report.css")),  # noqa: S704  (our own file)
        script=Markup(_part("report.js")),  # noqa: S704  (our own file)
        plotly=Markup(get_plotlyjs().replace("</script", "<\\/script")),  # noqa: S704  (the library itself)
    )


def _part(name: str) -> str:
    return resources.files("adl_opt.reports.html").joinpath(name).read_text(encoding="utf-8")

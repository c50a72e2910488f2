"""The page of a recommendation for a risk committee: one file that opens offline and prints on paper."""

from __future__ import annotations

from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.evaluate.differences import fewest_rounds
from adl_opt.files import write_text
from adl_opt.proofs.seals import SEAL_OF_HTML, sha256_of
from adl_opt.reports.candidates import COLUMNS, cell
from adl_opt.reports.text import need_modules
from adl_opt.service.recommendation import IN_WORDS, Recommendation
from adl_opt.version import __version__

WIDTH, HEIGHT, EDGE = 640, 320, 52
"""Of the figure of the frontier, pixels."""

COHORT_COLUMNS = (
    ("accounts", "accounts", 0),
    ("paid", "paid", 0),
    ("never", "never", 0),
    ("haircut_usd", "haircuts, USD", 2),
    ("haircut_share", "share of haircuts", 4),
    ("burden", "taken, share of what they have", 4),
)


def write_committee(made: Recommendation, path: str | PathLike[str]) -> Path:
    """Write the page, every text escaped, nothing fetched.

    Raises
    ------
    UsageError
        jinja2 is not installed.
    AdlOptError
        The file cannot be written.
    """
    need_modules("the page of a recommendation needs jinja2", "jinja2")
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = cell
    frame, path = made.frame(), Path(path)
    *points, of_own = points_of([*made.curve, made.point])
    text = environment.from_string(_part("committee.html.j2")).render(
        made=made,
        first=frame.iloc[0].to_dict(),
        sentences=made.statement(),
        words=IN_WORDS,
        fewest=fewest_rounds(),
        columns=[column for column in COLUMNS if column[0] in frame],
        candidates=frame.reset_index(names="policy").to_dict("records"),
        differences={name: of.reset_index().to_dict("records") for name, of in made.differences().items()},
        cohorts={by: of.reset_index(names="cohort").to_dict("records") for by, of in made.cohorts.items()},
        cohort_columns=COHORT_COLUMNS,
        points=points,
        own=of_own,
        ticks=ticks_of([*made.curve, made.point]),
        size=(WIDTH, HEIGHT, EDGE),
        version=__version__,
        style=Markup(_part("report.css")),  # noqa: S704  (our own file)
    )
    text += "\n"
    write_text(path, f"{text}{SEAL_OF_HTML}{sha256_of(text)} -->\n")
    return path


def ticks_of(curve: Any) -> list[dict[str, Any]]:
    """Return where the axes of a frontier are labelled, with the text and a line across.

    Examples
    --------
    >>> [tick["text"] for tick in ticks_of([{"overshoot_usd": 5.0}])]
    ['0 %', '50 %', '100 %', '0.00', '2.50', '5.00']
    """
    most = _most_overshoot(curve)
    made = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * share
        line = f"M{EDGE} {y}H{WIDTH - EDGE}"
        made.append({"x": EDGE - 6, "y": y + 4, "anchor": "end", "text": f"{100 * share:g} %", "path": line})
    for share in (0.0, 0.5, 1.0):
        x = EDGE + (WIDTH - 2 * EDGE) * share
        line, text = f"M{x} {EDGE}V{HEIGHT - EDGE}", f"{share * most:,.{0 if most >= 1000 else 2}f}"
        made.append({"x": x, "y": HEIGHT - EDGE + 16, "anchor": "middle", "text": text, "path": line})
    return made


def _most_overshoot(curve: Any) -> float:
    return max((float(row["overshoot_usd"]) for row in curve), default=0.0) or 1.0


def points_of(curve: Any) -> list[dict[str, Any]]:
    """Return the points of a frontier where the figure draws them; hindsight is drawn hollow.

    Examples
    --------
    >>> row = {"policy": "a", "overshoot_usd": 5.0, "covered_usd_share": 1.0, "information": "ex-post"}
    >>> points_of([row])[0]["y"]
    52.0
    """
    most = _most_overshoot(curve)
    return [
        {
            "x": EDGE + (WIDTH - 2 * EDGE) * row["overshoot_usd"] / most,
            "y": HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * row["covered_usd_share"],
            "early": row["information"] == "start-of-round",
            "title": f"{row['policy']}: overshoot {row['overshoot_usd']:,.2f} USD, "
            f"{100 * row['covered_usd_share']:.2f} % covered ({row['information']})",
        }
        for row in curve
    ]


def _part(name: str) -> str:
    return resources.files("adl_opt.reports.html").joinpath(name).read_text(encoding="utf-8")

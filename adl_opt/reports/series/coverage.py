"""Data of the figure of the frontier: what is taken too much against what is covered."""

from __future__ import annotations

from collections.abc import Sequence

from adl_opt.evaluate.result import Result
from adl_opt.reports.series.parts import COLOURS, Axis, Chart, Curve, Drawn, FigureData
from adl_opt.reports.series.places import FIXED, places
from adl_opt.reports.series.replayed import labelled
from adl_opt.rounds.round import Information
from adl_opt.studies.frontier import HINDSIGHT, HINTS, FrontierPoint

SWEPT = (
    *("risk-control", "conformal", "conformal(rule=decaying)", "conformal(rule=pid)"),
    *("conformal(rule=strongly-adaptive)", "coin-betting", "ftrl-exact"),
)
"""Rules that are swept with and without hints, each in its colour; the hint is its dash."""

BLACK = 6
TURN = len(COLOURS)
SHIPPED = "parameters as shipped, without the outcome"


def coverage_series(points: Sequence[FrontierPoint], result: Result) -> FigureData:
    """Overshoot against dollars covered, and against rounds covered.

    A line is a rule with its alpha swept; black lines without markers are hindsight's.

    Parameters
    ----------
    points : sequence of FrontierPoint
    result : Result
        Of the same episode.
    """
    rounds, rules = len({record.round for record in result.records}), len({p.rule for p in points})
    y = Axis("overshoot, USD", unit="usd", scale="symlog", linear_to=1e5)
    dollars = Axis("needed dollars covered, %", limits=(50.0, 101.0))
    counted = Axis(f"rounds covered, % of {rounds}", limits=(-2.0, 102.0))
    first = "USD; rules that cover less than half of the dollars are not shown"
    charts = [
        Chart(first, dollars, y, _curves(points, rounds=0), "dollars covered"),
        Chart("USD", counted, y, _curves(points, rounds=rounds), "rounds covered"),
    ]
    words = (
        f"{', '.join(sorted({p.information for p in points}))}. {rules} rules and {len(points)} points on "
        "one episode: weak evidence, and the best point of a curve is known in hindsight only. "
        "Solid: no hint; dashed: on fixed-gap; dash-dotted: on log-gap; dotted: on log-gap-common"
    )
    title = "overshoot against coverage, alpha swept"
    return FigureData("coverage-frontier", title, words, result.source, charts, result.episode)


def _curves(points: Sequence[FrontierPoint], *, rounds: int) -> list[Curve]:
    """Return a curve for each rule that is swept, and points; over dollars where ``rounds`` is 0."""
    rules: dict[str, list[FrontierPoint]] = {}
    for point in points:
        rules.setdefault(point.rule, []).append(point)
    swept = {rule: of for rule, of in rules.items() if len(of) > 1}
    alone = [rule for rule in swept if rule not in SWEPT and " on " not in rule]
    made, place = [], places([*alone, *(of[0].policy for of in rules.values() if len(of) == 1)])
    for rule, of in swept.items():
        name, _, hint = rule.partition(" on ")
        dash = HINTS.index(hint) + 1 if hint else 0
        if of[0].information == HINDSIGHT:
            dash = next((k for k, hint in enumerate(HINTS, start=1) if rule.endswith(f" {hint}")), 0)
            made.append(
                _curve(f"{rule} ({HINDSIGHT})", of, BLACK + TURN * dash, rounds=rounds, drawn="curve")
            )
        elif name in SWEPT:
            drawn: Drawn = "unnamed" if hint else "line"
            made.append(_curve(rule, of, FIXED[name] % TURN + TURN * dash, rounds=rounds, drawn=drawn))
        else:
            made.append(_curve(rule, of, 4 * TURN + place[rule] % TURN, rounds=rounds))
    early = [known.value for known in Information if known.without_outcome]
    shipped = [point for point in points if point.default and point.information in early]
    made.append(_curve(SHIPPED, shipped, BLACK, rounds=rounds, drawn="points"))
    others = [of for of in rules.values() if len(of) == 1 and of[0].information not in early]
    for of in others:
        label = labelled(of[0].policy, of[0].information)
        made.append(_curve(label, of, 5 * TURN + place[of[0].policy] % TURN, rounds=rounds, drawn="points"))
    return made


def _curve(
    label: str, of: Sequence[FrontierPoint], place: int, *, rounds: int, drawn: Drawn = "line"
) -> Curve:
    shares = [p.covered_rounds / rounds if rounds else p.covered_usd_share for p in of]
    x = [100.0 * share for share in shares]
    return Curve(label, x, [point.overshoot_usd for point in of], drawn, place)

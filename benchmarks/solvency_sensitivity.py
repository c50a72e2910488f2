"""What every frozen default of the default severity does to its loss: halved, doubled, and all together."""

from __future__ import annotations

import math
from typing import Any

import adl_opt as adl
from adl_opt.datasets.synthetic import Synthetic
from adl_opt.severity import make_severity
from adl_opt.studies.beds import EPISODES, SYNTHETIC
from adl_opt.studies.october10.lineup import budgets_of, variants_of_members
from benchmarks.sections import Section

BEDS = {"flow x 1": "synthetic, flow x 1", "drift": "synthetic, drift", "by market": "synthetic, by-market"}

TEXT = (
    "The severity `default` with each default of its members halved and doubled, wherever a member has it, "
    "and all of them together; values beyond the end of their range stop there. Figures are the loss over "
    "that with the frozen defaults: {episodes} episodes of each synthetic bed, and October 10 in rounds and "
    "in bursts. One episode is weak evidence: what October 10 says here hangs on a few rounds, and no "
    "default was chosen by it."
)
COLUMNS = ["default", "factor", *BEDS, *EPISODES]


def sensitivity_section(episodes: int) -> Section:
    """Play every variant on so many episodes of each bed."""
    section = Section("Sensitivity to every default", TEXT.format(episodes=episodes), COLUMNS)
    severity = make_severity("default")
    places: dict[str, list[Any]] = {
        name: [list(Synthetic(accounts=2, seed=seed, **SYNTHETIC[bed]).episode()) for seed in range(episodes)]
        for name, bed in BEDS.items()
    }
    places |= {name: [list(adl.load(name, "wealth"))] for name in EPISODES}

    def losses(made: Any) -> dict[str, float]:
        return {
            name: math.fsum(
                abs(h - o.needed)
                for rounds in drawn
                for h, (_, o) in zip(budgets_of(made, rounds), rounds, strict=True)
            )
            for name, drawn in places.items()
        }

    frozen = losses(severity)
    for name, factor, made in variants_of_members(severity):
        found = losses(made)
        section.rows.append(
            {"default": name, "factor": factor} | {place: found[place] / frozen[place] for place in places}
        )
    worst = max(row[name] for row in section.rows for name in BEDS)
    claim = "no default, halved or doubled, alone or with all others, costs more than 30 % in a synthetic bed"
    section.targets.append((claim, f"{worst:.2f}", worst <= 1.3))
    return section

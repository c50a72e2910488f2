"""Reading golden.json: instances back into rounds and episodes."""

import json

import numpy as np

from adl_opt.catalogue import catalogue_folder
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow, Positions

CONTRACTS_ONLY = ("risk-based",)
"""Models that need a round in contracts."""


def goldens(name):
    text = (catalogue_folder() / name / "golden.json").read_text(encoding="utf-8")
    return json.loads(text)["instances"]


def round_of(data, number=1):
    held, flow = data.get("positions"), data.get("flow")
    return Round(
        deficit=data["deficit"],
        accounts=Accounts(**{k: np.array(v) for k, v in data["accounts"].items()}),
        positions=None if held is None else Positions(**{k: np.array(v) for k, v in held.items()}),
        flow=None if flow is None else Flow(**{k: np.array(v) for k, v in flow.items()}),
        number=number,
    )


def rounds_of(data):
    """Return the rounds and needed budgets of an instance: one, or several."""
    many = data.get("rounds", [data])
    return [round_of(r, t + 1) for t, r in enumerate(many)], [r["needed"] for r in many]


def episode_of(data):
    rounds, needed = rounds_of(data)
    return Episode("golden", "golden", [(r, Outcome(needed=b)) for r, b in zip(rounds, needed, strict=True)])

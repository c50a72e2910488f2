"""adl_opt: optimisation models for auto-deleveraging (ADL) in perpetual-futures exchanges.

Every command of ``adl-opt`` is a function here, with the same name and the same defaults.  The public names
load on first use, so that ``import adl_opt`` stays light: no solver, no plotting.

Examples
--------
>>> import adl_opt as adl
>>> result = adl.replay("oct10", ["production", "pro-rata"])
>>> result.frame().loc["production", "information"]
'observed'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adl_opt.version import __version__

if TYPE_CHECKING:
    from adl_opt.allocation.base import AllocationRule, Claims
    from adl_opt.allocation.catalogue import make_allocation
    from adl_opt.catalogue import load_model, models
    from adl_opt.datasets.accounts import import_accounts
    from adl_opt.datasets.episodes import load
    from adl_opt.datasets.fetch.download import FetchError, fetch
    from adl_opt.datasets.hyperreplay.importer import import_hyperreplay
    from adl_opt.datasets.hyperreplay.real_oct10 import import_oct10
    from adl_opt.datasets.node_fills.importer import import_node_fills
    from adl_opt.errors import (
        AdlOptError,
        ConservationError,
        InputError,
        LackError,
        PolicyError,
        SolverError,
        UsageError,
    )
    from adl_opt.evaluate.export import export
    from adl_opt.evaluate.optimum import optimum
    from adl_opt.evaluate.published import published
    from adl_opt.evaluate.replay import replay
    from adl_opt.evaluate.result import Result
    from adl_opt.evaluate.solve import solve
    from adl_opt.health import doctor
    from adl_opt.policy.cards import policies
    from adl_opt.policy.components import components
    from adl_opt.policy.online import OnlineProgram
    from adl_opt.policy.policy import Policy, make_policy
    from adl_opt.programs.episode.program import EpisodeProgram
    from adl_opt.programs.program import RoundProgram
    from adl_opt.reports.figures.write import figures
    from adl_opt.reports.html.write import report
    from adl_opt.rounds.episode import Episode
    from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round
    from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
    from adl_opt.severity.base import Severity
    from adl_opt.severity.catalogue import make_severity
    from adl_opt.severity.hints.models import HintModel, make_hint
    from adl_opt.severity.learners.learner import Learner
    from adl_opt.severity.learners.playing import play
    from adl_opt.studies.october10.online import study
    from adl_opt.studies.simulation.runs import simulate
    from adl_opt.studies.simulation.scenarios import scenarios
    from adl_opt.studies.sweeps.feedback import feedback
    from adl_opt.studies.sweeps.run import sweep
    from adl_opt.studies.theory.run import theory

_HOME = {
    "allocation.base": ("AllocationRule", "Claims"),
    "allocation.catalogue": ("make_allocation",),
    "catalogue": ("load_model", "models"),
    "datasets.accounts": ("import_accounts",),
    "datasets.episodes": ("load",),
    "datasets.fetch.download": ("FetchError", "fetch"),
    "datasets.hyperreplay.importer": ("import_hyperreplay",),
    "datasets.hyperreplay.real_oct10": ("import_oct10",),
    "datasets.node_fills.importer": ("import_node_fills",),
    "errors": (
        *("AdlOptError", "ConservationError", "InputError", "LackError", "PolicyError", "SolverError"),
        "UsageError",
    ),
    "evaluate.export": ("export",),
    "evaluate.optimum": ("optimum",),
    "evaluate.published": ("published",),
    "evaluate.replay": ("replay",),
    "evaluate.result": ("Result",),
    "evaluate.solve": ("solve",),
    "health": ("doctor",),
    "policy.cards": ("policies",),
    "policy.components": ("components",),
    "policy.online": ("OnlineProgram",),
    "policy.policy": ("Policy", "make_policy"),
    "programs.episode.program": ("EpisodeProgram",),
    "programs.program": ("RoundProgram",),
    "reports.figures.write": ("figures",),
    "reports.html.write": ("report",),
    "rounds.episode": ("Episode",),
    "rounds.round": ("Allocation", "Information", "Outcome", "Recorded", "Round"),
    "rounds.tables": ("Accounts", "Flow", "Gaps", "Positions"),
    "severity.base": ("Severity",),
    "severity.catalogue": ("make_severity",),
    "severity.hints.models": ("HintModel", "make_hint"),
    "severity.learners.learner": ("Learner",),
    "severity.learners.playing": ("play",),
    "studies.october10.online": ("study",),
    "studies.simulation.runs": ("simulate",),
    "studies.simulation.scenarios": ("scenarios",),
    "studies.sweeps.feedback": ("feedback",),
    "studies.sweeps.run": ("sweep",),
    "studies.theory.run": ("theory",),
}
"""The public names, by the module that holds them."""

_MODULE_OF = {name: f"adl_opt.{module}" for module, names in _HOME.items() for name in names}
__all__ = [
    "Accounts",
    "AdlOptError",
    "Allocation",
    "AllocationRule",
    "Claims",
    "ConservationError",
    "Episode",
    "EpisodeProgram",
    "FetchError",
    "Flow",
    "Gaps",
    "HintModel",
    "Information",
    "InputError",
    "LackError",
    "Learner",
    "OnlineProgram",
    "Outcome",
    "Policy",
    "PolicyError",
    "Positions",
    "Recorded",
    "Result",
    "Round",
    "RoundProgram",
    "Severity",
    "SolverError",
    "UsageError",
    "__version__",
    "components",
    "doctor",
    "export",
    "feedback",
    "fetch",
    "figures",
    "import_accounts",
    "import_hyperreplay",
    "import_node_fills",
    "import_oct10",
    "load",
    "load_model",
    "make_allocation",
    "make_hint",
    "make_policy",
    "make_severity",
    "models",
    "optimum",
    "play",
    "policies",
    "published",
    "replay",
    "report",
    "scenarios",
    "simulate",
    "solve",
    "study",
    "sweep",
    "theory",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'adl_opt' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

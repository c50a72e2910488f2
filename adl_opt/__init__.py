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
from typing import Any

from adl_opt.version import __version__  # noqa: F401  (public)

_HOME = {
    "adl_opt.allocation.base": ("AllocationRule", "Claims"),
    "adl_opt.allocation.catalogue": ("make_allocation",),
    "adl_opt.allocation.specifications": ("venue_card", "venues"),
    "adl_opt.catalogue": ("load_model", "models"),
    "adl_opt.datasets.accounts": ("import_accounts",),
    "adl_opt.datasets.episodes": ("load",),
    "adl_opt.datasets.fetch.download": ("FetchError", "fetch"),
    "adl_opt.datasets.hyperreplay.importer": ("import_hyperreplay",),
    "adl_opt.datasets.hyperreplay.real_oct10": ("import_oct10",),
    "adl_opt.datasets.node_fills.importer": ("import_node_fills",),
    "adl_opt.datasets.warehouse.importer": ("import_book",),
    "adl_opt.errors": (
        *("AdlOptError", "ConservationError", "InputError", "LackError", "PolicyError", "ProofRefused"),
        *("SolverError", "UsageError"),
    ),
    "adl_opt.evaluate.certify": ("certify_point",),
    "adl_opt.evaluate.export": ("export",),
    "adl_opt.evaluate.optimum": ("optimum",),
    "adl_opt.evaluate.published": ("published",),
    "adl_opt.evaluate.replay": ("replay",),
    "adl_opt.evaluate.result": ("Result",),
    "adl_opt.evaluate.solve": ("solve",),
    "adl_opt.evaluate.verify": ("verify",),
    "adl_opt.health": ("doctor",),
    "adl_opt.losses": ("Loss",),
    "adl_opt.policy.cards": ("policies",),
    "adl_opt.policy.components": ("components",),
    "adl_opt.policy.online": ("OnlineProgram",),
    "adl_opt.policy.policy": ("Policy", "make_policy"),
    "adl_opt.programs.episode.program": ("EpisodeProgram",),
    "adl_opt.programs.program": ("RoundProgram",),
    "adl_opt.reports.figures.write": ("figures",),
    "adl_opt.reports.html.page": ("report",),
    "adl_opt.rounds.episode": ("Episode",),
    "adl_opt.rounds.round": ("Allocation", "Information", "Outcome", "Recorded", "Round"),
    "adl_opt.rounds.tables": ("Accounts", "Flow", "Gaps", "Positions"),
    "adl_opt.service.arrays": ("make_array_policy",),
    "adl_opt.service.explain": ("explain",),
    "adl_opt.service.next": ("next_in_line",),
    "adl_opt.service.recommend": ("recommend",),
    "adl_opt.service.serve": ("shadow",),
    "adl_opt.service.shadow": ("Shadow",),
    "adl_opt.service.vectors": ("vectors",),
    "adl_opt.severity.base": ("Severity", "make_severity"),
    "adl_opt.severity.hints.models": ("HintModel", "make_hint"),
    "adl_opt.severity.learners.learner": ("Learner",),
    "adl_opt.severity.learners.playing": ("play",),
    "adl_opt.studies.beds": ("beds",),
    "adl_opt.studies.frontier": ("frontier",),
    "adl_opt.studies.october10.online": ("study",),
    "adl_opt.studies.simulation.runs": ("simulate",),
    "adl_opt.studies.simulation.scenarios": ("scenarios",),
    "adl_opt.studies.sweeps.feedback": ("feedback",),
    "adl_opt.studies.sweeps.run": ("sweep",),
    "adl_opt.studies.theory.run": ("theory",),
}
"""The public names, by the module that holds them; ``__init__.pyi`` says the same to checkers of types."""

_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = sorted(["__version__", *_MODULE_OF])


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'adl_opt' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)

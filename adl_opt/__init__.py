"""adl_opt: optimisation models for auto-deleveraging (ADL) in perpetual-futures exchanges.

The public names load on first use, so that ``import adl_opt`` stays light: no solver, no plotting.

Examples
--------
>>> import adl_opt as adl
>>> result = adl.replay(adl.load("oct10"), ["production", adl.make_policy("pro-rata")])
>>> result.table().loc["production", "information"]
'observed'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adl_opt.version import __version__

if TYPE_CHECKING:
    from adl_opt.allocation import AllocationRule, make_allocation
    from adl_opt.datasets.episodes import load
    from adl_opt.errors import AdlOptError, InputError, PolicyError, SolverError, UsageError
    from adl_opt.evaluate.published import published
    from adl_opt.evaluate.replay import replay
    from adl_opt.evaluate.result import Result
    from adl_opt.policy.online import OnlineProgram
    from adl_opt.policy.policy import Policy, make_policy
    from adl_opt.rounds.episode import Episode
    from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round
    from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
    from adl_opt.severity import Severity, make_hint, make_severity, play
    from adl_opt.studies.october10.online import study_oct10

_HOME = {
    "adl_opt.allocation": ("AllocationRule", "make_allocation"),
    "adl_opt.datasets.episodes": ("load",),
    "adl_opt.errors": ("AdlOptError", "InputError", "PolicyError", "SolverError", "UsageError"),
    "adl_opt.evaluate.published": ("published",),
    "adl_opt.evaluate.replay": ("replay",),
    "adl_opt.evaluate.result": ("Result",),
    "adl_opt.rounds.tables": ("Accounts", "Flow", "Gaps", "Positions"),
    "adl_opt.policy.online": ("OnlineProgram",),
    "adl_opt.policy.policy": ("Policy", "make_policy"),
    "adl_opt.rounds.episode": ("Episode",),
    "adl_opt.rounds.round": ("Allocation", "Information", "Outcome", "Recorded", "Round"),
    "adl_opt.severity": ("Severity", "make_hint", "make_severity", "play"),
    "adl_opt.studies.october10.online": ("study_oct10",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Accounts",
    "AdlOptError",
    "Allocation",
    "AllocationRule",
    "Episode",
    "Flow",
    "Gaps",
    "Information",
    "InputError",
    "OnlineProgram",
    "Outcome",
    "Policy",
    "PolicyError",
    "Positions",
    "Recorded",
    "Result",
    "Round",
    "Severity",
    "SolverError",
    "UsageError",
    "__version__",
    "load",
    "make_allocation",
    "make_hint",
    "make_policy",
    "make_severity",
    "play",
    "published",
    "replay",
    "study_oct10",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'adl_opt' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

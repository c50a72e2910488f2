"""The public names for checkers of types and editors; ``__init__.py`` loads them on first use."""

from adl_opt.allocation.base import AllocationRule, Claims
from adl_opt.allocation.catalogue import make_allocation
from adl_opt.allocation.specifications import venue_card, venues
from adl_opt.catalogue import load_model, models
from adl_opt.datasets.accounts import import_accounts
from adl_opt.datasets.episodes import load
from adl_opt.datasets.fetch.download import FetchError, fetch
from adl_opt.datasets.hyperreplay.importer import import_hyperreplay
from adl_opt.datasets.hyperreplay.real_oct10 import import_oct10
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.datasets.warehouse.importer import import_book
from adl_opt.errors import (
    AdlOptError,
    ConservationError,
    InputError,
    LackError,
    PolicyError,
    ProofRefused,
    SolverError,
    UsageError,
)
from adl_opt.evaluate.certify import certify_point
from adl_opt.evaluate.export import export
from adl_opt.evaluate.optimum import optimum
from adl_opt.evaluate.published import published
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.evaluate.solve import solve
from adl_opt.evaluate.verify import verify
from adl_opt.health import doctor
from adl_opt.losses import Loss
from adl_opt.policy.cards import policies
from adl_opt.policy.components import components
from adl_opt.policy.online import OnlineProgram
from adl_opt.policy.policy import Policy, make_policy
from adl_opt.programs.episode.program import EpisodeProgram
from adl_opt.programs.program import RoundProgram
from adl_opt.reports.figures.write import figures
from adl_opt.reports.html.page import report
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from adl_opt.service.arrays import make_array_policy
from adl_opt.service.explain import explain
from adl_opt.service.next import next_in_line
from adl_opt.service.recommend import recommend
from adl_opt.service.serve import shadow
from adl_opt.service.shadow import Shadow
from adl_opt.service.vectors import vectors
from adl_opt.severity.base import Severity, make_severity
from adl_opt.severity.hints.models import HintModel, make_hint
from adl_opt.severity.learners.learner import Learner
from adl_opt.severity.learners.playing import play
from adl_opt.studies.beds import beds
from adl_opt.studies.frontier import frontier
from adl_opt.studies.october10.online import study
from adl_opt.studies.simulation.runs import simulate
from adl_opt.studies.simulation.scenarios import scenarios
from adl_opt.studies.sweeps.feedback import feedback
from adl_opt.studies.sweeps.run import sweep
from adl_opt.studies.theory.run import theory
from adl_opt.version import __version__

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
    "Loss",
    "OnlineProgram",
    "Outcome",
    "Policy",
    "PolicyError",
    "Positions",
    "ProofRefused",
    "Recorded",
    "Result",
    "Round",
    "RoundProgram",
    "Severity",
    "Shadow",
    "SolverError",
    "UsageError",
    "__version__",
    "beds",
    "certify_point",
    "components",
    "doctor",
    "explain",
    "export",
    "feedback",
    "fetch",
    "figures",
    "frontier",
    "import_accounts",
    "import_book",
    "import_hyperreplay",
    "import_node_fills",
    "import_oct10",
    "load",
    "load_model",
    "make_allocation",
    "make_array_policy",
    "make_hint",
    "make_policy",
    "make_severity",
    "models",
    "next_in_line",
    "optimum",
    "play",
    "policies",
    "published",
    "recommend",
    "replay",
    "report",
    "scenarios",
    "shadow",
    "simulate",
    "solve",
    "study",
    "sweep",
    "theory",
    "vectors",
    "venue_card",
    "venues",
    "verify",
]

"""The paper's instances and adversarial streams: measured against predicted (``adl-opt theory``)."""

from adl_opt.studies.theory.finding import Exponent, Finding
from adl_opt.studies.theory.run import Theory, theory
from adl_opt.studies.theory.search import Attempt

__all__ = ["Attempt", "Exponent", "Finding", "Theory", "theory"]

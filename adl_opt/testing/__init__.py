"""Conformance kits for rules and programs of your own: ``check_policy`` and ``check_program``."""

from adl_opt.testing.policies import check_policy
from adl_opt.testing.programs import check_program

__all__ = ["check_policy", "check_program"]

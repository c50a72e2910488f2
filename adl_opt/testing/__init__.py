"""Conformance kits for rules and programs of your own: ``check_policy`` and ``check_program``."""

from adl_opt.testing.policies import battery, check_claims, check_policy, make_round, rounds
from adl_opt.testing.programs import check_program

__all__ = ["battery", "check_claims", "check_policy", "check_program", "make_round", "rounds"]

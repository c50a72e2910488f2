"""Options of a solve: few, named, refused when unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from adl_opt.checks import number_between, one_of, whole_between
from adl_opt.naming import unknown_name


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a program is solved.

    Parameters
    ----------
    time_limit_seconds : float, optional
        A limit on the clock makes answers depend on the machine: prefer ``node_limit``.
    node_limit : int, optional
        Branch-and-bound nodes (HiGHS), or combinations (lots kernel).
    mip_gap : float
        Relative gap at which a mixed-integer program counts as proven.
    feasibility_tolerance : float
        Of rows, bounds and integrality in the scaled model, 1e-10 .. 1e-6.
    seed : int
    solver : str
        Of the cvxpy engine: ``auto`` (HiGHS for mixed-integer, Clarabel else), ``highs``, ``clarabel``.

    Examples
    --------
    >>> Options.of({"node_limit": 10}).node_limit
    10
    """

    time_limit_seconds: float | None = None
    node_limit: int | None = None
    mip_gap: float = 0.0
    feasibility_tolerance: float = 1e-9
    seed: int = 0
    solver: str = "auto"

    def __post_init__(self) -> None:
        if self.time_limit_seconds is not None:
            number_between("option 'time_limit_seconds'", self.time_limit_seconds, 0.0, math.inf)
        if self.node_limit is not None:
            whole_between("option 'node_limit'", self.node_limit, 0, 2**31 - 1)
        number_between("option 'mip_gap'", self.mip_gap, 0.0, 1.0)
        number_between("option 'feasibility_tolerance'", self.feasibility_tolerance, 1e-10, 1e-6)
        whole_between("option 'seed'", self.seed, 0, 2**31 - 1)
        one_of("option 'solver'", self.solver, ("auto", "highs", "clarabel"))

    def after(self, seconds: float) -> Options:
        """Return the options with the time that is left after some seconds.

        Examples
        --------
        >>> Options(time_limit_seconds=10.0).after(4.0).time_limit_seconds
        6.0
        """
        limit = self.time_limit_seconds
        return self if limit is None else replace(self, time_limit_seconds=max(limit - seconds, 0.0))

    @classmethod
    def of(cls, options: Options | Mapping[str, Any] | None) -> Options:
        """Return options from a mapping; unknown names are refused with near matches."""
        if isinstance(options, Options):
            return options
        known = [spec.name for spec in fields(cls)]
        for name in options or {}:
            if name not in known:
                raise unknown_name("option", name, known)
        return cls(**(options or {}))

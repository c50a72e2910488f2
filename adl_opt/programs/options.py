"""Options of a solve: few, named, refused when unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adl_opt.checks import one_of
from adl_opt.errors import UsageError
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
        self._between("time_limit_seconds", 0.0, math.inf)
        self._between("node_limit", 0, 2**31 - 1)
        self._between("mip_gap", 0.0, 1.0)
        self._between("feasibility_tolerance", 1e-10, 1e-6)
        self._between("seed", 0, 2**31 - 1)
        one_of("option 'solver'", self.solver, ("auto", "highs", "clarabel"))

    def _between(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        whole = name in ("node_limit", "seed")
        if value is None and name in ("time_limit_seconds", "node_limit"):
            return
        kind = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            what = "a whole number" if whole else "a number"
            raise UsageError(
                f"option {name!r} is out of range",
                got=repr(value),
                ways_out=[f"give {what} from {low:g} to {high:g}"],
            )

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

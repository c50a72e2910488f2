"""Options of a solve: few, named, refused when unknown."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from adl_opt.checks import number_between, whole_between
from adl_opt.errors import UsageError
from adl_opt.naming import unknown_name


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a program is solved.

    Parameters
    ----------
    time_limit_seconds : float, optional
        Of all that a solve does, from its call on.  A limit on the clock makes answers depend on the machine:
        prefer ``node_limit``.
    node_limit : int, optional
        Branch-and-bound nodes (HiGHS, SCIP), or combinations (lots kernel).
    mip_gap : float
        Relative gap at which a mixed-integer program counts as proven.
    feasibility_tolerance : float
        Of rows, bounds and integrality in the scaled model, 1e-10 .. 1e-6.
    seed : int
    log : bool
        The solver's own log, to stderr.
    solver_options : mapping of name to value
        Options of the solver that ``engine`` names, in its own words, such as ``{"presolve": "off"}`` of
        HiGHS.  Options that have a name above are refused here, and so are unknown ones.
    ends : float
        Time of ``time.monotonic()`` at which a solve that has begun must end; :meth:`of` sets it.

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
    log: bool = False
    solver_options: Mapping[str, Any] = field(default_factory=dict)
    ends: float = field(default=math.inf, repr=False)

    def __post_init__(self) -> None:
        if self.time_limit_seconds is not None:
            number_between("option 'time_limit_seconds'", self.time_limit_seconds, 0.0, math.inf)
        if self.node_limit is not None:
            whole_between("option 'node_limit'", self.node_limit, 0, 2**31 - 1)
        number_between("option 'mip_gap'", self.mip_gap, 0.0, 1.0)
        number_between("option 'feasibility_tolerance'", self.feasibility_tolerance, 1e-10, 1e-6)
        whole_between("option 'seed'", self.seed, 0, 2**31 - 1)
        if not isinstance(self.log, bool) or not isinstance(self.solver_options, Mapping):
            raise UsageError(
                "option 'log' is True or False, and 'solver_options' maps names to values",
                got=f"log = {self.log!r}, solver_options = {self.solver_options!r}",
                ways_out=["give log=True", 'give solver_options={"presolve": "off"}'],
            )

    @property
    def until(self) -> float:
        """Time of ``time.monotonic()`` at which to stop; inf without a limit."""
        limit = self.time_limit_seconds
        return self.ends if limit is None else min(self.ends, time.monotonic() + limit)

    def late(self, seconds: float) -> Options:
        """Return the options for the last steps of an answer: no limit but so many seconds beyond the end."""
        late = replace(self, ends=max(self.until, time.monotonic() + seconds))
        return replace(late, node_limit=None, time_limit_seconds=None)

    @classmethod
    def of(cls, options: Options | Mapping[str, Any] | None) -> Options:
        """Return options of a solve that begins now; unknown names are refused with near matches."""
        if not isinstance(options, Options):
            known = [spec.name for spec in fields(cls) if spec.name != "ends"]
            for name in options or {}:
                if name not in known:
                    raise unknown_name("option", name, known)
            options = cls(**(options or {}))
        return replace(options, ends=options.until)

"""OnlineProgram: one line makes a policy of any round program."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from adl_opt.allocation.program import Procedure, ProgramAllocation
from adl_opt.catalogue import Model, allocation_of, load_model
from adl_opt.errors import UsageError
from adl_opt.policy.guest import Guest
from adl_opt.policy.policy import GuestPolicy, Policy
from adl_opt.programs.program import RoundProgram
from adl_opt.severity.base import Severity, make_severity
from adl_opt.severity.hints.hinted import Hinted
from adl_opt.severity.hints.models import HintModel
from adl_opt.severity.learners.learner import Learner


class OnlineProgram(Policy):
    """A round program as a policy: a learner proposes the budget, the program decides who pays.

    Each round the severity chooses a budget on what the venue sees, the program is solved with that budget
    in the place of B, the outcome reveals the round's optimum theta*, and the learner updates.  A budget
    beyond the capacity takes all that the other constraints leave; the shortfall is named.

    Parameters
    ----------
    program : RoundProgram, Model, str, or callable
        A program, a model or its name (``adl-opt models``), or a procedure as
        :class:`~adl_opt.allocation.program.ProgramAllocation` takes it.
    severity : Severity or str
        Usually a learner; any severity of :func:`adl_opt.make_severity`.
    hint : HintModel or str, optional
        For a learner: combined as :class:`~adl_opt.severity.hints.hinted.Hinted` does.
    name : str, optional
    engine, options
        As for :func:`adl_opt.programs.solving`.

    Raises
    ------
    UsageError
        A hint for a severity that does not learn, an unknown name, or a model of a whole episode.

    Examples
    --------
    >>> from adl_opt.programs import MaxBurden, Overshoot, Solvency
    >>> model = RoundProgram(minimize=2 * Overshoot() + MaxBurden(), subject_to=[Solvency()], name="mine")
    >>> policy = OnlineProgram(model, "ftrl-exact", "market-gap")
    >>> policy.name, policy.information.value
    ('hinted(ftrl-exact, market-gap)/model:mine', 'start-of-round')
    """

    def __init__(
        self,
        program: RoundProgram | Model | Procedure | str,
        severity: Severity | str = "ftrl-exact",
        hint: HintModel | str | None = None,
        *,
        name: str = "",
        engine: str = "auto",
        options: Any = None,
    ) -> None:
        made = make_severity(severity) if isinstance(severity, str) else severity
        if hint is not None:
            if not isinstance(made, Learner):
                raise UsageError(
                    "a hint needs a severity that learns",
                    got=f"severity {made.label()!r} with a hint",
                    ways_out=["give a learner, such as ftrl-exact", "leave the hint out"],
                )
            made = Hinted(learner=made, hint=hint)
        model = load_model(program) if isinstance(program, str) else program
        rule = allocation_of(model) if isinstance(model, Model) else ProgramAllocation(model)
        rule = replace(rule, engine=engine, options=options)
        super().__init__(severity=made, allocation=rule, name=name)


def guest_model(path: str) -> GuestPolicy:
    """Return a model by its path as a policy under the oracle severity, in a process of its own.

    Parameters
    ----------
    path : str
        A model folder, with parameters if it takes any: ``./mine(cap=0.2)``.  It is run as code.
    """
    name = f"model:{os.path.basename(path.rstrip('/'))}"
    return GuestPolicy(name=name, guest=Guest(name, {"model": path}))

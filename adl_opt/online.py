"""OnlineProgram: one line makes a policy of any round program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from adl_opt.allocation.base import AllocationRule, Claims, State
from adl_opt.errors import PolicyError, UsageError
from adl_opt.policy import Policy
from adl_opt.programs import (
    ExactBudget,
    Options,
    RoundProgram,
    Solution,
    Solvency,
    Status,
    TotalHaircut,
    solve,
)
from adl_opt.rounds import Allocation, Round
from adl_opt.severity import Hinted, HintModel, Learner, Severity, make_severity


@dataclass(frozen=True, eq=False)
class ProgramRule(AllocationRule):
    """Who pays, by a round program with the severity's budget as its needed amount.

    Rule: the program's solution at B = budget; a round that cannot raise the budget pays the most that the
    other constraints allow, and the shortfall is named.  Source: eq. 8, 11 with the terms of the program.
    Information: start of round.  Tie-break: the engine's.

    Parameters
    ----------
    program : RoundProgram
    engine : str
        As for :func:`adl_opt.programs.solve`.
    options : Options or mapping, optional

    Raises
    ------
    PolicyError
        While allocating: the program has no answer, though the budget could be raised.
    """

    program: RoundProgram
    engine: str = "auto"
    options: Options | Mapping[str, Any] | None = field(default=None, repr=False)
    name: ClassVar[str] = "program"
    claims: ClassVar[Claims] = Claims(covers=False, permutation=False, scale=False, monotone=False)

    def allocate(self, state: State, round_: Round, budget: float) -> Allocation:
        """Return the program's haircuts."""
        answer = self._solve(self.program, round_, budget)
        if answer.x is None and answer.status is Status.INFEASIBLE:
            rules = [r for r in self.program.subject_to if not isinstance(r, (ExactBudget, Solvency))]
            most = self._solve(RoundProgram(-TotalHaircut(), rules, self.program.name), round_, budget)
            if most.x is not None and most.budget < budget:
                return Allocation(x=most.x, budget=budget, lots=most.lots)
        if answer.x is None:
            raise PolicyError(
                f"program {self.program.name!r} has no answer for round {round_.number}",
                got=f"{answer.status.value} at a budget of {budget!r} USD: {answer.message}",
                ways_out=[f"relax one of {', '.join(answer.conflict) or 'its constraints'}"],
            )
        return Allocation(x=answer.x, budget=budget, lots=answer.lots)

    def _solve(self, program: RoundProgram, round_: Round, budget: float) -> Solution:
        return solve(program, round_, needed=budget, engine=self.engine, options=self.options)

    def label(self) -> str:
        """Return the program's name."""
        return self.program.name


class OnlineProgram(Policy):
    """A round program as a policy: a learner proposes the budget, the program decides who pays.

    Each round the severity chooses a budget on what the venue sees, the program is solved with that budget
    in the place of B, the outcome reveals the round's optimum theta*, and the learner updates.

    Parameters
    ----------
    program : RoundProgram
    severity : Severity or str
        Usually a learner; any severity of :func:`adl_opt.make_severity`.
    hint : HintModel or str, optional
        For a learner: combined as :class:`~adl_opt.severity.hinted.Hinted` does.
    name : str, optional
    engine, options
        As for :func:`adl_opt.programs.solve`.

    Raises
    ------
    UsageError
        A hint for a severity that does not learn, or an unknown name.

    Examples
    --------
    >>> import adl_opt as adl
    >>> from adl_opt.programs import MaxBurden, Overshoot, Solvency
    >>> model = RoundProgram(minimize=2 * Overshoot() + MaxBurden(), subject_to=[Solvency()], name="mine")
    >>> policy = OnlineProgram(model, "ftrl-exact", "market-gap")
    >>> policy.name, policy.information.value
    ('hinted(ftrl-exact, market-gap)/mine', 'start-of-round')
    """

    def __init__(
        self,
        program: RoundProgram,
        severity: Severity | str = "ftrl-exact",
        hint: HintModel | str | None = None,
        *,
        name: str = "",
        engine: str = "auto",
        options: Options | Mapping[str, Any] | None = None,
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
        super().__init__(severity=made, allocation=ProgramRule(program, engine, options), name=name)

"""What a kernel sees of a program and a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from adl_opt.programs.options import Options
from adl_opt.programs.program import RoundProgram
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.round import Round


@dataclass(frozen=True, eq=False)
class Shape:
    """A program, a round, and what follows from both.

    Parameters
    ----------
    program, round, needed, options
        As given to ``solve``.
    upper : (n,) USD
        Largest haircut of each account, all caps together.
    required : float
        USD that the haircuts must raise: ``needed``, or what solvency asks for where that is more.
    exact : bool
        Whether they must raise just that.
    """

    program: RoundProgram
    round: Round
    needed: float
    options: Options
    upper: Floats
    required: float
    exact: bool

    def part(self, kind: type) -> tuple[float, Any]:
        """Return the weight and the term of a kind."""
        return next((w, t) for w, t in self.program.objective.parts if type(t) is kind)

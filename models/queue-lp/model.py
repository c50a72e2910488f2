"""queue-lp: a queue is the maximiser of score'x over an exact budget (eq. 40)."""

from collections.abc import Sequence

from adl_opt.programs import ExactBudget, RiskWeighted, RoundProgram

KIND = "round"


def build(scores: Sequence[float] | None = None) -> RoundProgram:
    """Maximise score'x, sum x = B; scores (n,), by default the leverage of the accounts."""
    return RoundProgram(-1.0 * RiskWeighted(scores, name="score"), [ExactBudget()], name="queue-lp")

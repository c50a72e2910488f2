"""What is refused as a policy, and as a budget."""

from __future__ import annotations

from collections.abc import Iterable

from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.round import Round


def no_policy(given: object) -> UsageError:
    """Return the error for something that is no policy."""
    return UsageError(
        "a policy is given by its name, or as a policy, a rule, a severity or a model",
        got=f"{type(given).__name__}: {given!r:.80}",
        ways_out=["give a name of adl-opt policies", "build Policy(severity=..., allocation=...)"],
    )


def ambiguous(name: str, params: Iterable[str]) -> UsageError:
    """Return the error for parameters beside a name of two parts."""
    return UsageError(
        "parameters beside a name of two parts are ambiguous",
        got=f"{name!r} with {', '.join(params)}",
        ways_out=["write them in the name: constant(0.5)/dydx-random(seed=7)"],
    )


def path_as_name(name: str) -> UsageError:
    """Return the error for the path of a model in the name of a policy."""
    return UsageError(
        "a model given by its path is code, and the name of a policy runs none",
        got=repr(name),
        ways_out=["on the command line: --model PATH", "in Python: OnlineProgram(load_model(path, ...))"],
    )


def published_row(name: str) -> UsageError | None:
    """Return the error for a row of the paper's table, which is a record and no policy."""
    ours = {"min-max-ilp": "min-max-lots", "continuous-pro-rata": "pro-rata"}
    if name not in ours:
        return None
    return UsageError(
        f"{name!r} is a row of the published table, not a policy",
        got=name,
        ways_out=[f"{ours[name]} is the policy that comes nearest", "adl-opt published prints the table"],
    )


def checked_budget(severity: str, round_: Round, budget: float) -> float:
    """Return the budget that a severity chose, USD, or say why it cannot be one."""
    if not (isinstance(budget, (int, float)) and 0.0 <= budget < float("inf")):
        raise InputError(
            f"severity {severity!r} chose a budget that is not an amount in USD of at least 0",
            got=f"round {round_.number}: budget = {budget!r}",
            ways_out=["correct the severity's choose()"],
        )
    return float(budget)

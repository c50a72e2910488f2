"""Checks of single values from users: each says what is wrong, shows the value and names the ways out."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from adl_opt.errors import InputError, UsageError


def number_between(what: str, value: object, low: float, high: float) -> float:
    """Return a parameter as a float, or say which range it must be in."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UsageError(
            f"{what} is out of range", got=f"{value!r}", ways_out=[f"give a number from {low:g} to {high:g}"]
        )
    return float(value)


def whole_between(what: str, value: object, low: float, high: float) -> int:
    """Return a parameter as a whole number, or say which range it must be in."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UsageError(
            f"{what} is out of range",
            got=f"{value!r}",
            ways_out=[f"give a whole number from {low:g} to {high:g}"],
        )
    return value


def one_of(what: str, value: object, choices: Iterable[str]) -> str:
    """Return a parameter that must be one of a few words."""
    choices = tuple(choices)
    if value not in choices:
        raise UsageError(
            f"{what} is not known", got=f"{value!r}", ways_out=[f"choose one of {', '.join(choices)}"]
        )
    return str(value)


def checked_usd(where: str, name: str, value: float, *, lowest: float = 0.0) -> float:
    """Return an amount in USD, or say why it cannot be one."""
    if not (isinstance(value, (int, float, np.number)) and math.isfinite(value) and value >= lowest):
        raise InputError(
            f"{where}: {name} must be a finite amount in USD of at least {lowest:g}",
            got=f"{name} = {value!r}",
            ways_out=["correct the amount", "leave the round out"],
        )
    return float(value)

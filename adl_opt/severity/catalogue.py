"""The catalogue of severities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.parts import build
from adl_opt.severity.base import Severity
from adl_opt.severity.fixed import Constant, FullDeficit, Observed, Oracle

SEVERITIES: dict[str, Callable[..., Severity]] = {
    s.name: s for s in (Oracle, Constant, FullDeficit, Observed)
}


def make_severity(name: str, **params: Any) -> Severity:
    """Make a severity of the catalogue.

    Parameters
    ----------
    name : str
        ``oracle``, ``constant``, ``full-deficit``, ``observed``; or with parameters, ``constant(0.5)``.
    **params
        Parameters by name.

    Raises
    ------
    UsageError
        Unknown name or parameter, or a value out of range.

    Examples
    --------
    >>> make_severity("constant", theta=0.25)
    Constant(theta=0.25)
    """
    return build("severity", SEVERITIES, name, params)

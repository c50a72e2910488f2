"""Figures and foreign text as the reports print them, and the extras that some reports need."""

from __future__ import annotations

import math
from importlib import import_module

from adl_opt.errors import UsageError


def usd(value: float) -> str:
    """Return USD to the cent with thousands separators, or a dash where it is not known.

    Examples
    --------
    >>> usd(1234.5), usd(float("nan"))
    ('1,234.50', '-')
    """
    return decimals(value, 2)


def decimals(value: float, digits: int = 4) -> str:
    """Return a number with so many digits behind the point, or a dash where it is not known."""
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def need_modules(what: str, *modules: str) -> None:
    """Say what to install where a module of the extra ``report`` is missing.

    Raises
    ------
    UsageError
        One is not installed.
    """
    try:
        for name in modules:
            import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(what, got=str(error), ways_out=["pip install 'adl_opt[report]'"]) from error

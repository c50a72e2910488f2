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


def short_usd(value: float) -> str:
    """Return an amount in USD in few characters.

    Examples
    --------
    >>> short_usd(45_028_665.0), short_usd(-1_500), short_usd(0.25)
    ('$45M', '-$1.5k', '$0.25')
    """
    sign, size = ("-" if value < 0 else ""), abs(value)
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{sign}${size / unit:.3g}{name}"
    return f"{sign}${size:.3g}"


def tick(value: float, unit: str) -> str:
    """Return a tick in a unit: the same words on every axis of print and screen.

    Examples
    --------
    >>> tick(10_000.0, "usd"), tick(0.01, "%"), tick(10_000.0, "")
    ('$10k', '0.01%', '10,000')
    """
    return short_usd(value) if unit == "usd" else f"{value:,.10g}{unit}"


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

"""The rules of venues as dated specifications, one TOML file each in ``venue_specs``.

A file states the rule in words, formula, trigger, price, treatment of margin modes, source, the date on which
the source was read, and how far it can be trusted: ``official`` (the venue's own page), ``secondary``, or
``inferred``.  ``closes_at`` is the price as a round knows it, empty where no page states one.  Where the
venue's own worked example is known it stands in the file, in whole numbers.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from adl_opt.answer import Listing
from adl_opt.naming import unknown_name
from adl_opt.rounds.contracts import CLOSE

SHORT = ("venue", "policies", "source", "read", "confidence", "example")


def _all() -> dict[str, dict[str, Any]]:
    folder = resources.files("adl_opt.allocation").joinpath("venue_specs")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    made = [{"example": None} | tomllib.loads(f.read_text(encoding="utf-8")) for f in files]
    return {spec["venue"]: spec for spec in made}


@cache
def closes_at(policy: str) -> str:
    """Return the price at which the venue of a policy closes, as its specification says; else ``close``.

    Examples
    --------
    >>> closes_at("okx"), closes_at("hyperliquid-literal"), closes_at("pro-rata")
    ('mark', 'previous mark', 'close')
    """
    own = (spec["closes_at"] for spec in _all().values() if policy in spec["policies"])
    return next(own, "") or CLOSE


def venues() -> Listing:
    """Return the rules of venues: policies, source, when it was read, confidence, worked example or None.

    Examples
    --------
    >>> venues().frame().loc["bybit", "confidence"]
    'inferred'
    """
    return Listing("venues", "venue", [{key: spec[key] for key in SHORT} for spec in _all().values()])


def venue_card(name: str) -> dict[str, Any]:
    """Return the whole specification of a venue's rule.

    Raises
    ------
    UsageError
        There is no such venue.

    Examples
    --------
    >>> venue_card("ethereal")["price"]
    'oracle mark, capped at the bankruptcy price'
    """
    found = _all()
    if name not in found:
        raise unknown_name("venue", name, sorted(found))
    return found[name]

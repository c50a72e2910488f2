"""The catalogue as cards: what each docstring states of rule, source, information and tie-break."""

from __future__ import annotations

import inspect
import re

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.answer import Listing
from adl_opt.errors import AdlOptError
from adl_opt.policy.plugins import plugins
from adl_opt.policy.policy import GuestPolicy, Production, built_in, catalogue, make_policy
from adl_opt.severity.base import SEVERITIES

RECOMMENDED = """The severity ``default`` with ``pro-rata``: what a venue can deploy and defend.

Rule: as the severity ``default``; then x = u b / U, whose largest burden is the least.  Source: Prop. 9 of
the paper for the allocation.  Information: start of round.  Tie-break: none.
"""

FIELDS = ("Rule", "Source", "Information", "Tie-break")
_FIELD = re.compile(rf"({'|'.join(FIELDS)}): ", re.DOTALL)


def card(made: object) -> dict[str, str]:
    """Return summary and the stated fields of a docstring, of an object or as a text.

    Examples
    --------
    >>> from adl_opt.allocation.pro_rata import ProRata
    >>> card(ProRata)["rule"].split(";")[0]
    'x = u B / U'
    """
    text = inspect.cleandoc(made) if isinstance(made, str) else inspect.getdoc(made) or ""
    summary, _, rest = text.partition("\n\n")
    body = " ".join(rest.split("Parameters\n")[0].split())
    parts = _FIELD.split(body)
    fields = {name.lower(): "" for name in FIELDS}
    fields |= {k.lower(): v.strip().rstrip(".") for k, v in zip(parts[1::2], parts[2::2], strict=True)}
    return {"summary": " ".join(summary.split()), **fields}


def policies() -> Listing:
    """Return one card per policy of the catalogue, then per severity.

    Examples
    --------
    >>> cards = policies()
    >>> cards.rows[0]["name"], cards.rows[0]["information"]
    ('production', 'observed')
    """
    rows = []
    for name in catalogue():
        if name in ALLOCATIONS:
            rows.append({"name": name, "kind": "allocation", **card(ALLOCATIONS[name])})
        elif name in (whole := {"production": Production, "recommended": RECOMMENDED}):
            rows.append({"name": name, "kind": "policy", **card(whole[name])})
        else:
            rows.append({"name": name, "kind": "plug-in", **_plugin_card(name)})
    rows += [{"name": name, "kind": "severity", **card(s)} for name, s in SEVERITIES.items()]
    for fault in plugins(built_in())[1]:
        rows.append({"name": fault.partition(":")[0], "kind": "broken package", **card(fault)})
    return Listing("policies", "name", rows)


def _plugin_card(name: str) -> dict[str, str]:
    made = make_policy(name)
    assert isinstance(made, GuestPolicy)  # noqa: S101
    try:
        return card(made.guest.facts()["doc"])
    except AdlOptError as error:
        return card(f"{error.what}: {error.got}")
    finally:
        made.guest.end()

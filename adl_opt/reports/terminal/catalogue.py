"""The catalogue as cards: what each docstring states of rule, source, information and tie-break."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from rich.table import Table

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.errors import AdlOptError
from adl_opt.policy.policy import Production, catalogue, make_policy
from adl_opt.reports.terminal.tables import plain_table
from adl_opt.severity.base import SEVERITIES

if TYPE_CHECKING:
    import pandas as pd

FIELDS = ("Rule", "Source", "Information", "Tie-break")
_FIELD = re.compile(rf"({'|'.join(FIELDS)}): ", re.DOTALL)


def card(made: object) -> dict[str, str]:
    """Return summary and the stated fields of a docstring.

    Examples
    --------
    >>> from adl_opt.allocation.pro_rata import ProRata
    >>> card(ProRata)["rule"]
    'x = u B / U'
    """
    text = inspect.getdoc(made) or ""
    summary, _, rest = text.partition("\n\n")
    body = " ".join(rest.split("Parameters\n")[0].split())
    parts = _FIELD.split(body)
    fields = {name.lower(): "" for name in FIELDS}
    fields |= {k.lower(): v.strip().rstrip(".") for k, v in zip(parts[1::2], parts[2::2], strict=True)}
    return {"summary": " ".join(summary.split()), **fields}


def cards() -> list[dict[str, str]]:
    """Return one card per policy of the catalogue, then per severity."""
    rows = []
    for name in catalogue():
        if name in ALLOCATIONS:
            rows.append({"name": name, "kind": "allocation", **card(ALLOCATIONS[name])})
        elif name == "production":
            rows.append({"name": name, "kind": "policy", **card(Production)})
        else:
            rows.append({"name": name, "kind": "plug-in", **_plugin_card(name)})
    return rows + [{"name": name, "kind": "severity", **card(s)} for name, s in SEVERITIES.items()]


def _plugin_card(name: str) -> dict[str, str]:
    try:
        return card(type(make_policy(name)))
    except AdlOptError as error:
        return {"summary": error.what, **{field.lower(): "" for field in FIELDS}}


def cards_frame() -> pd.DataFrame:
    """Return the cards as a frame indexed by name."""
    import pandas as pd

    return pd.DataFrame(cards()).set_index("name")


def cards_table() -> Table:
    """Return the cards as a terminal table."""
    caption = (
        "a bare allocation runs under the oracle severity (ex post); "
        "severity/allocation combines the two: constant(0.5)/binance"
    )
    table = plain_table(
        "policies", [(c, "left") for c in ("name", "information", "rule", "source", "tie-break")], caption
    )
    for row in cards():
        table.add_row(*(row[c] for c in ("name", "information", "rule", "source", "tie-break")))
    return table

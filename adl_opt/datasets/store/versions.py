"""Older formats of ``episode.toml``: each step takes one version to the next, in memory.

Version 1 had no ``rounds``: the number is that of the rows of the rounds table.  Files stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SCHEMA_VERSION = 2

Facts = dict[str, Any]


def _from_1(facts: Facts) -> Facts:
    files = facts.get("files")
    entry = files.get("rounds") if isinstance(files, dict) else None
    return facts | {"rounds": entry.get("rows") if isinstance(entry, dict) else None}


STEPS: dict[int, Callable[[Facts], Facts]] = {1: _from_1}
"""The step away from each older version; every version below the present one has its own."""


def migrated(facts: Facts) -> Facts:
    """Return the facts of a manifest as the present version has them.

    Examples
    --------
    >>> migrated({"schema_version": 1, "files": {"rounds": {"rows": 16}}})["rounds"]
    16
    """
    version = facts["schema_version"]
    while version < SCHEMA_VERSION:
        facts = STEPS[version](facts)
        version += 1
    return facts | {"schema_version": version}

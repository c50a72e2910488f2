"""The defaults of severities and hints, read from the one file that has them: ``defaults.toml``."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

FROZEN = str(_FILE["frozen"])
"""The date on which the defaults were last changed: events after it are a test of them."""

STATED = str(_FILE["sha256"])
"""The hash that the file states of itself; a test holds it against :func:`hash_of_defaults`."""


def default(*path: str) -> Any:
    """Return a default by its table and name.

    Examples
    --------
    >>> default("learner", "prior"), default("learners", "ftrl-windowed", "window")
    (0.5, 40)
    """
    found: Any = _FILE
    for name in path:
        found = found[name]
    return found


def hash_of_defaults() -> str:
    """Return the SHA-256 of the date and every default, sorted by name; comments and order do not count.

    Examples
    --------
    >>> len(hash_of_defaults())
    64
    """
    values = {name: value for name, value in _FILE.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def frozen_defaults() -> dict[str, str]:
    """Return date and hash of the defaults, for answers that rest on them.

    Examples
    --------
    >>> sorted(frozen_defaults())
    ['date', 'sha256']
    """
    return {"date": FROZEN, "sha256": hash_of_defaults()}

"""Policies of other packages, by the entry-point group ``adl_opt.policies``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from adl_opt.errors import AdlOptError, UsageError

ENTRY_POINT_GROUP = "adl_opt.policies"


def plugins(taken: Collection[str]) -> dict[str, EntryPoint]:
    """Return the entry points of other packages; a name that is taken stays what it is."""
    return {e.name: e for e in entry_points(group=ENTRY_POINT_GROUP) if e.name not in taken}


def loaded(entry: EntryPoint) -> Callable[..., Any]:
    """Return the factory of an entry point; what breaks in it is named as that of another package."""
    try:
        factory: Callable[..., Any] = entry.load()
    except Exception as error:
        raise _broken(entry, error) from error

    @wraps(factory)
    def made(*args: Any, **params: Any) -> Any:
        try:
            return factory(*args, **params)
        except AdlOptError:
            raise
        except Exception as error:
            raise _broken(entry, error) from error

    return made


def _broken(entry: EntryPoint, error: Exception) -> UsageError:
    return UsageError(
        f"the policy {entry.name!r} of another package cannot be loaded",
        got=f"{entry.value}: {type(error).__name__}: {error}",
        ways_out=["repair or uninstall that package"],
    )

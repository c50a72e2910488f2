"""Policies of other packages: their entry points, found without running any of their code."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from importlib.metadata import EntryPoint, distributions
from typing import Any

from adl_opt.errors import AdlOptError, UsageError

ENTRY_POINT_GROUP = "adl_opt.policies"


def plugins(taken: Collection[str]) -> tuple[dict[str, EntryPoint], list[str]]:
    """Return the entry points by name, and what is wrong with each package whose list cannot be read.

    A name that is taken, because it is built in, stays what it is.
    """
    found: dict[str, EntryPoint] = {}
    broken = []
    for package in distributions():
        try:
            entries = [(str(e.name), e) for e in package.entry_points if e.group == ENTRY_POINT_GROUP]
        except Exception as error:  # whatever the files of another package hold
            broken.append(f"{_title(package)}: its entry points cannot be read ({type(error).__name__})")
            continue
        for name, entry in entries:
            if name not in taken:
                found.setdefault(name, entry)
    return dict(sorted(found.items())), sorted(broken)


def _title(package: Any) -> str:
    try:
        return str(package.metadata["Name"])
    except Exception:  # the same files may be broken as well
        return "a package without a name"


def loaded(entry: EntryPoint) -> Callable[..., Any]:
    """Return what an entry point names; its code runs here and now.

    Raises
    ------
    UsageError
        It cannot be loaded, or fails when it is called.
    """
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

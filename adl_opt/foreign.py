"""Code of others that runs in this process, because the user named its path: models."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType

from adl_opt.errors import AdlOptError, UsageError


@contextmanager
def foreign_code(what: str, place: object) -> Iterator[None]:
    """Run code of others: what it prints goes to stderr, and its errors and exits are a UsageError.

    Parameters
    ----------
    what : str
        What the code is of, such as ``model 'mine'``.
    place : path or text
        Where it stands.

    Raises
    ------
    UsageError
        The code failed, or called for the end of the process.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except AdlOptError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the code of {what} fails",
            got=f"{place}: {type(error).__name__}: {error}",
            ways_out=["correct model.py"],
        ) from error


def run_module(name: str, path: Path) -> ModuleType:
    """Run a file as a module of its own; nothing is written beside it."""
    spec = importlib.util.spec_from_file_location(f"adl_opt_model_{name.replace('-', '_')}", path)
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        with foreign_code(f"model {name!r}", path):
            spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module

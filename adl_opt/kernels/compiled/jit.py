"""How functions are compiled, and what of it is kept on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

NJIT: Any = import_module("numba").njit if find_spec("numba") else None

STAMP = "adl_opt-kernels.sha256"


def compiled(function: Function) -> Function:
    """Compile at the first call, with IEEE arithmetic as written; kept on disk where a folder is writable.

    Without numba the function stays as it is: slow, but right.
    """
    if NJIT is None:
        return function
    try:
        made: Function = NJIT(function, cache=True, error_model="numpy", nogil=True)
    except RuntimeError:  # no folder for it
        made = NJIT(function, error_model="numpy", nogil=True)
    return made


def renew(function: Callable[..., Any]) -> bool:
    """Forget what is on disk where any file of the kernels has changed since; say whether nothing is there.

    numba looks at the file of a function only, not at those of the functions that it calls and of the
    constants that it takes over: stale machine code could crash.
    """
    place = getattr(function, "stats").cache_path  # noqa: B009
    if not place:
        return True
    folder, sources = Path(place), sorted(Path(__file__).parents[1].rglob("*.py"))
    stamp, digest = folder / STAMP, sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    with suppress(OSError):
        if stamp.read_text(encoding="ascii") == digest:
            return False
    with suppress(OSError):  # a folder that nobody may write to stays as it is
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.nb[ic]"):
            path.unlink(missing_ok=True)
        new = stamp.with_suffix(f".{os.getpid()}")
        new.write_text(digest, encoding="ascii")
        new.replace(stamp)
    return True

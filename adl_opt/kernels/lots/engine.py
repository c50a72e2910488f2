"""Which leaf runs: numpy always can; numba is faster where it is installed and can keep its machine code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from adl_opt.errors import terminal_of
from adl_opt.kernels.lots import base, row
from adl_opt.kernels.lots.base import Leaf
from adl_opt.kernels.lots.vectors import NUMPY

SWITCH = "ADL_OPT_FAST"
"""Environment variable: 0 keeps numpy where numba is installed."""

AnyLeaf = TypeVar("AnyLeaf")
PARTS = Leaf._fields[1:]
STAMP = "adl_opt-lots.sha256"


@cache
def engine() -> Leaf:
    """Return the leaf of this process: compiled where numba works (the extra ``fast``), else numpy.

    Whatever keeps numba from working, be it missing, damaged, switched off, or without a folder for its
    machine code, leads to numpy: the answers are the same within the tolerance.  Ctrl-C is passed on, and
    the next call tries again.
    """
    return fastest(numba, NUMPY)


def fastest(compiled: Callable[[], AnyLeaf], plain: AnyLeaf) -> AnyLeaf:
    """Return the compiled leaf of a room, and the ``plain`` one wherever numba cannot work."""
    off = os.environ.get(SWITCH, "1") == "0" or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    if off or not find_spec("numba"):
        return plain
    with suppress(Exception):
        return compiled()
    return plain


def numba() -> Leaf:
    """Return the compiled leaf; any error where numba does not compile or has no folder for its code.

    Functions are compiled the first time ever, which takes a few seconds and is told to a terminal.
    """
    machine, pairs = (imported(f"adl_opt.kernels.lots.{name}") for name in ("machine", "machine_pairs"))
    folder = Path(machine.search.stats.cache_path)
    leaf = Leaf("numba", *(getattr(machine, part) for part in PARTS))
    made_ready(folder, [machine, pairs, base, row], lambda: _try_out(leaf))
    return leaf


def made_ready(folder: Path, modules: list[ModuleType], try_out: Callable[[], None]) -> None:
    """Call each compiled function once; forget machine code of other sources, or that is damaged, first."""
    sources = [Path(str(module.__file__)) for module in modules]
    if _renew(folder, sources) and terminal_of(sys.stderr).isatty():
        print("adl_opt: numba compiles a kernel, once (a few seconds)", file=sys.stderr)
    try:
        try_out()
    except Exception:  # damaged machine code: once more without it
        _forget(folder)
        try_out()


def imported(name: str) -> ModuleType:
    """Import a module that imports numba; an import of numba that is cut short is undone."""
    try:
        return import_module(name)
    except BaseException:
        for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == "numba"]:
            del sys.modules[loaded]
        raise


def _try_out(leaf: Leaf) -> None:
    """Call every function once on one account with two lines: it is loaded, or compiled, now."""
    two, singles, crowd = np.array([3.0, 2.0]), np.ones((3, 1)), np.ones((row.ROWS, 1))
    crowd[row.FIRST], crowd[row.SIZE] = 0.0, 2.0
    whole = np.arange(2)
    leaf.lines(whole, 0 * whole, two, whole, two)
    leaf.sums(1.0, singles, crowd)
    leaf.look(1.0, crowd)
    for part in (leaf.greedy, leaf.search):
        part(crowd, two, two, np.zeros(8))
    leaf.plan(crowd, 1.0, True)
    leaf.jump(0.0, 1.0, singles, crowd)
    leaf.give_back(two, two, 1.0)


def _renew(folder: Path, sources: list[Path]) -> bool:
    """Forget the machine code of other versions of the sources; say whether there is none now.

    numba compares the time and the size of one file only, which two versions of a package may share.
    """
    stamp, digest = folder / STAMP, sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    with suppress(OSError):
        if stamp.read_text(encoding="ascii") == digest:
            return False
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _forget(folder)
        new = stamp.with_suffix(f".{os.getpid()}")
        new.write_text(digest, encoding="ascii")
        new.replace(stamp)
    return True


def _forget(folder: Path) -> None:
    """Delete the machine code of the leaf."""
    for path in folder.glob("*.nb[ic]"):
        with suppress(OSError):
            path.unlink()

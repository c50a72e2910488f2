"""Who writes where right now, what is read meanwhile, and what killed writers have left.

Who writes a name into a folder holds a shared lock of the system on that folder, which a kill releases.  So
who can have it exclusively knows that no writer is at work, and that every temporary name in the folder was
left by a kill.  Where the system has no such locks (Windows, some network disks) nobody can know that, and
leftovers wait for a day.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import ParamSpec, TypeVar

from adl_opt.errors import UsageError

STALE_S = 86_400
"""Without locks, a temporary file or folder that has not changed for so many seconds was left by a kill."""

P = ParamSpec("P")
T = TypeVar("T")
_READ: ContextVar[tuple[Path, ...]] = ContextVar("_READ", default=())
"""What the function reads that runs now: files and folders."""

try:
    import fcntl

    _flock: ModuleType | None = fcntl
except ImportError:  # Windows
    _flock = None


@contextlib.contextmanager
def writing_in(folder: Path, clean: Callable[[bool], None]) -> Iterator[None]:
    """Hold a shared lock on a folder while something is written into it.

    Parameters
    ----------
    folder : path
        Must exist.
    clean : callable
        Called first, with whether nobody else writes there at this moment.
    """
    with _opened(folder) as handle:
        clean(_locked(handle, alone=True))
        _locked(handle, alone=False)
        yield


@contextlib.contextmanager
def quiet(folder: Path) -> Iterator[bool]:
    """Say whether nobody writes into a folder, and keep it so for as long as the block lasts."""
    with _opened(folder) as handle:
        yield _locked(handle, alone=True)


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock file for as long as the block lasts, and remove it then.

    Raises
    ------
    UsageError
        Another process holds it.
    """
    while True:
        with contextlib.ExitStack() as stack:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, handle)
            if not _locked(handle, alone=True) and _flock is not None:
                raise UsageError(
                    "another process is at work in this folder",
                    got=str(path.parent),
                    ways_out=["wait for it, then run again with --resume", "choose another folder"],
                )
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):  # else its holder has just removed it
                    try:
                        yield
                    finally:
                        with contextlib.suppress(OSError):
                            path.unlink()
                    return


def keeps_inputs(*outputs: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a function refuse to replace what it reads, and to write two outputs under one name.

    Parameters
    ----------
    *outputs : str
        Its parameters that are outputs.  Every other path that it is given, and that exists, is an input.

    Notes
    -----
    Outputs are checked before the function runs, and each file again when it takes its name.
    """

    def keeping(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def kept(*args: P.args, **values: P.kwargs) -> T:
            try:
                given = signature.bind(*args, **values).arguments
            except TypeError:  # the function itself says it best
                return function(*args, **values)
            read = tuple(path for name in given.keys() - set(outputs) for path in _paths_in(given[name]))
            before = _READ.set(_READ.get() + read)
            try:
                written: list[Path] = []
                for name in outputs:
                    for path in map(Path, _texts_in(given.get(name))):
                        refuse_inputs(path, written)
                        written.append(path)
                return function(*args, **values)
            finally:
                _READ.reset(before)

        return kept

    return keeping


def _texts_in(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text for each in value for text in _texts_in(each)]
    return [os.fspath(value)] if isinstance(value, (str, os.PathLike)) and value != "-" else []


def _paths_in(value: object) -> list[Path]:
    """Return the files and folders that a value names; ``ep:3`` is in ``ep``, and a mere word is a name."""
    found = []
    for text in _texts_in(value):
        for name in (text, text.rpartition(":")[0]):
            if not isinstance(value, str) or re.search(r"[./\\]", name):
                with contextlib.suppress(OSError, ValueError):
                    found += [Path(name)] if name and os.path.lexists(name) else []
    return found


def refuse_inputs(out: Path, others: Sequence[Path] = (), *, whole: bool = False) -> None:
    """Refuse an output that is an input of the function that runs, or lies in one.

    A folder that is written as a ``whole`` is refused where an input lies in it, too.

    Raises
    ------
    UsageError
        It is, or it is one of the other outputs.
    """
    try:
        real = Path(os.path.realpath(out))
    except ValueError:  # the writer says what is wrong with the name
        return
    for given in (*_READ.get(), *others):
        there = Path(os.path.realpath(given))
        if there == real or (out.exists() and given.exists() and out.samefile(given)):
            same = given in others
            what = "two outputs have one name" if same else "the output would replace its own input"
        elif there.is_dir() and given not in others and there in real.parents:
            what = "the output lies in a folder that is an input"
        elif whole and real in there.parents:
            what = "the output is a folder with an input in it"
        else:
            continue
        raise UsageError(what, got=f"{out} and {given}", ways_out=["choose another output"])


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    try:
        handle = os.open(folder, os.O_RDONLY) if _flock is not None else None
    except OSError:
        handle = None
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _locked(handle: int | None, *, alone: bool) -> bool:
    """Take a lock: alone, if that can be had at once; else shared, in time."""
    if handle is None or _flock is None:
        return False
    try:
        _flock.flock(handle, _flock.LOCK_EX | _flock.LOCK_NB if alone else _flock.LOCK_SH)
    except OSError:
        return False
    return True


def recover_folder(folder: Path) -> None:
    """Give a folder its name back where a writer was killed between its two renames.

    Where a writer is at work, it is given the moment that it needs.

    Raises
    ------
    OSError
        The disk refuses.
    """
    for _ in range(100):
        if os.path.lexists(folder):
            return
        pairs = [old for old in leftovers(folder, ".old") if old.with_suffix(".tmp").is_dir()]
        if not pairs:
            return
        with quiet(folder.parent) as nobody:
            if nobody or not hasattr(os, "O_DIRECTORY"):
                os.rename(pairs[0], folder)
                shutil.rmtree(pairs[0].with_suffix(".tmp"), ignore_errors=True)
                return
        time.sleep(0.02)


def remove_leftovers(path: Path, nobody: bool = False) -> None:
    """Remove what killed writers of this name have left: all, if nobody writes there, else what is old."""
    old = time.time() - STALE_S
    for left in leftovers(path, ".tmp"):
        if left.with_suffix(".old").exists() and not os.path.lexists(path):
            continue  # the pair is what recover_folder needs
        with contextlib.suppress(OSError):  # another writer removed it first, or we may not
            if nobody or max(p.lstat().st_mtime for p in (left, *left.glob("*"))) <= old:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    for left in leftovers(path, ".old"):
        if not left.with_suffix(".tmp").exists():
            shutil.rmtree(left, ignore_errors=True)


def beside(path: Path, suffix: str) -> Path:
    """Return a temporary name beside a path, that no other program uses."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{suffix}")


def token(name: str, suffix: str = r"\.tmp") -> str:
    """Return the pattern of temporary names of a pattern."""
    return rf"\.{name}\.[0-9a-f]{{32}}{suffix}"


def leftovers(path: Path, suffix: str) -> list[Path]:
    """Return what stands under temporary names of a path."""
    name = re.compile(token(re.escape(path.name), re.escape(suffix)))
    try:
        return [path.with_name(entry) for entry in os.listdir(path.parent) if name.fullmatch(entry)]
    except (OSError, ValueError):
        return []  # no such folder: nothing can be left in it

"""Episodes: embedded (`oct10`), generated (`synthetic`), and read from files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from adl_opt.errors import InputError
from adl_opt.naming import build, parse_call, unknown
from adl_opt.rounds.episode import Episode

EMBEDDED = ("oct10", "synthetic")


def load(name_or_path: str | PathLike[str]) -> Episode:
    """Load an episode by name or path.

    Parameters
    ----------
    name_or_path : str or path
        ``oct10``; ``synthetic`` or ``synthetic(accounts=1000, seed=7)``; or an episode folder, as
        ``adl-opt import`` writes it.

    Raises
    ------
    UsageError
        Neither a known name nor an existing path.
    InputError
        The folder is not an episode, is damaged, or holds values that are refused.

    Examples
    --------
    >>> load("synthetic(accounts=10, rounds=2)").name
    'synthetic-0'
    """
    path = Path(name_or_path)
    folder, file = _exists(path)
    if folder:
        from adl_opt.datasets.store.folder import load_episode

        return load_episode(path)
    if file:
        raise InputError(
            "an episode is a folder, and this is a file",
            got=str(path),
            ways_out=[
                "adl-opt import hyperreplay FILE --rounds CSV --out DIR, then use DIR",
                "adl-opt solve FILE --budget USD, for one round from a table of accounts",
            ],
        )
    text = str(name_or_path)
    if _is_path(text):
        raise InputError(
            "the episode folder does not exist",
            got=text,
            ways_out=["check the path", f"or use a name: {', '.join(EMBEDDED)}"],
        )
    name = parse_call(text)[0]
    if name == "oct10":
        from adl_opt.datasets.oct10 import load_oct10

        return build("episode", {"oct10": load_oct10}, text, {})
    if name == "synthetic":
        from adl_opt.datasets.synthetic import Synthetic

        return build("episode", {"synthetic": Synthetic}, text, {}).episode()
    raise unknown("episode (a name, or the path of an episode folder)", name, EMBEDDED)


def _exists(path: Path) -> tuple[bool, bool]:
    """Say whether the path is a folder, and whether it is there; a name too long for a path is neither."""
    try:
        return path.is_dir(), path.exists()
    except OSError:
        return False, False


def _is_path(text: str) -> bool:
    return any(mark in text for mark in ("/", "\\", ".", "~")) and not text.startswith(EMBEDDED)

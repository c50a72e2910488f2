"""Episodes by name or path: embedded (`oct10`), generated (`synthetic`), or read from a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from adl_opt.errors import InputError, UsageError
from adl_opt.locks import recover_folder
from adl_opt.naming import make_by_name, parse_call, unknown_name
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Round

BY_NAME = ("oct10", "oct10-bursts", "synthetic")


def load(name_or_path: str | PathLike[str] | Episode, space: str | None = None) -> Episode:
    """Load an episode by name or path.

    Parameters
    ----------
    name_or_path : str, path or Episode
        ``oct10``, or ``oct10-bursts`` by the second; ``synthetic`` or ``synthetic(accounts=1000, seed=7)``;
        an episode folder, as ``adl-opt import`` writes it (one that is called like a name is given as
        ``./oct10``); or an episode, which is returned as it is.
    space : {'wealth', 'contracts'}, optional
        The episode in this space (:meth:`adl_opt.Episode.in_space`).

    Raises
    ------
    UsageError
        Neither a known name nor an existing path, or a value of another type.
    InputError
        The folder is not an episode, is damaged, or holds values that are refused.

    Examples
    --------
    >>> load("synthetic(accounts=10, rounds=2)").name
    'synthetic-0'
    """
    episode = _loaded(name_or_path)
    return episode if space is None else episode.in_space(space)


def _loaded(name_or_path: str | PathLike[str] | Episode) -> Episode:
    if isinstance(name_or_path, Episode):
        return name_or_path
    if not isinstance(name_or_path, (str, PathLike)):
        raise _no_episode(name_or_path)
    path, text = Path(name_or_path), str(name_or_path)
    built_in = isinstance(name_or_path, str) and text.partition("(")[0].strip() in BY_NAME  # not ./oct10
    if not built_in:
        recover_folder(path)
    if not built_in and os.path.isdir(path):
        from adl_opt.datasets.store.folder import load_episode

        return load_episode(path)
    if not built_in and os.path.exists(path):
        raise InputError(
            "an episode is a folder, and this is a file",
            got=str(path),
            ways_out=[
                "adl-opt import hyperreplay FILE --rounds CSV --out DIR, then use DIR",
                "adl-opt solve FILE --budget USD, for one round from a table of accounts",
            ],
        )
    if any(mark in text for mark in "/\\.~") and not built_in:
        raise InputError(
            "the episode folder does not exist",
            got=text,
            ways_out=["check the path", f"or use a name: {', '.join(BY_NAME)}"],
        )
    name = parse_call(text)[0]
    if name not in BY_NAME:
        raise unknown_name("episode (a name, or the path of an episode folder)", name, BY_NAME)
    from adl_opt.datasets.oct10 import load_oct10
    from adl_opt.datasets.oct10_bursts import load_oct10_bursts
    from adl_opt.datasets.synthetic import Synthetic

    makers: dict[str, Callable[..., Episode | Synthetic]] = dict(
        zip(BY_NAME, (load_oct10, load_oct10_bursts, Synthetic), strict=True)
    )
    made = make_by_name("episode", makers, text, {})
    return made.episode() if isinstance(made, Synthetic) else made


def as_episode(given: object) -> Episode:
    """Return what a caller has in hand as an episode.

    Parameters
    ----------
    given : str, path, Episode, or sequence of (Round, Outcome)
        A name or a path is loaded; pairs become an episode in the order given.

    Raises
    ------
    UsageError
        It is none of these.
    InputError
        As for :func:`load`, or the rounds are not in order.

    Examples
    --------
    >>> episode = as_episode("synthetic(accounts=10, rounds=2)")
    >>> as_episode(list(episode)).source
    'rounds given by the caller'
    """
    if isinstance(given, (str, PathLike, Episode)):
        return load(given)
    if isinstance(given, Sequence) and given and not isinstance(given, bytes):
        return Episode("rounds", "rounds given by the caller", tuple(given))
    raise _no_episode(given)


def _no_episode(given: object) -> UsageError:
    ways_out = ["give a name (oct10), the path of an episode folder, or an Episode"]
    if isinstance(given, (Round, Sequence)):
        ways_out.append("give a list of (Round, Outcome): the outcome says what the round needed")
    return UsageError("this is no episode", got=f"{given!r:.200} ({type(given).__name__})", ways_out=ways_out)

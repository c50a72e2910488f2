"""The SHA-256 of an episode: of every number and name in it, whatever file it came from."""

from __future__ import annotations

import hashlib

from adl_opt.rounds.episode import Episode
from adl_opt.rounds.frames import facts_of, tables_of


def episode_sha256(episode: Episode) -> str:
    """Return the SHA-256 of name, source, space and rounds; a stored episode has the same as before.

    Examples
    --------
    >>> from adl_opt.rounds.round import Outcome, Round
    >>> from adl_opt.rounds.tables import Accounts
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a"], pnl=[10.0], equity=[20.0]))
    >>> one, other = (Episode("mine", "made up", [(round_, Outcome(b))]) for b in (3.0, 3.5))
    >>> episode_sha256(one) == episode_sha256(one.in_space()), episode_sha256(one) == episode_sha256(other)
    (True, False)
    """
    found = hashlib.sha256()

    def add(*values: object) -> None:
        found.update(repr(values).encode("utf-8", "surrogatepass"))

    add(episode.name, episode.source, episode.space)
    for round_, outcome in episode.rounds:
        add(sorted((key, str(value)) for key, value in facts_of(round_, outcome).items()), outcome.recorded)
        for name, noun in tables_of(round_, outcome).items():
            for column in () if noun is None else noun.present():
                values = getattr(noun, column)
                add(name, column, values.dtype.kind, values.size)
                text = values.dtype.kind == "U"
                found.update(_joined(values.tolist()) if text else values.tobytes())
    return found.hexdigest()


def _joined(names: list[str]) -> bytes:
    return "\0".join(names).encode("utf-8", "surrogatepass")

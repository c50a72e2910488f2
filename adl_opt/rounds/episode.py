"""Episode: a sequence of rounds with their outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, overload

from adl_opt.answer import SCHEMA
from adl_opt.checks import called_by_name, checked_type, one_of, quoted
from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.contracts import CONTRACTS, SPACES, WEALTH
from adl_opt.rounds.frames import Frames, frames_of, pairs_of
from adl_opt.rounds.round import Outcome, Pair, Round, is_pair
from adl_opt.tabular import Tabular

if TYPE_CHECKING:
    import pandas as pd


@called_by_name
@dataclass(frozen=True, eq=False, repr=False)
class Episode(Tabular):
    """A sequence of rounds with their outcomes, and where they come from.

    ``episode[i]`` is the i-th (Round, Outcome), ``episode[2:5]`` an episode of these rounds only.

    Parameters
    ----------
    name : str
    source : str
        One line: what is published, what is calibrated, what is real.
    rounds : sequence of (Round, Outcome)
        Any sequence; a lazy one may make its rounds on demand.
    space : str, optional
        ``wealth`` or ``contracts``: the space in which the rounds are compared where nothing else is said.
        By default contracts where every round is (:attr:`Round.space`), else wealth; wealth where rounds are
        made on demand.

    Raises
    ------
    InputError
        No round, numbers that do not increase, or windows that overlap.
    UsageError
        Something is not of its type.

    Examples
    --------
    >>> from adl_opt.rounds.tables import Accounts
    >>> accounts = Accounts(id=["a", "b"], pnl=[10.0, 5.0], equity=[20.0, 4.0])
    >>> episode = Episode("mine", "made up", [(Round(deficit=5.0, accounts=accounts), Outcome(3.0))])
    >>> [round_.number for round_, _ in episode + episode]
    [1, 2]
    >>> Episode.from_frames(*episode.to_frames()).rounds[0][0].accounts.pnl
    array([10.,  5.])
    """

    name: str
    source: str
    rounds: Sequence[Pair] = field(repr=False)
    space: str = ""

    def __post_init__(self) -> None:
        for what, value in (("name", self.name), ("source", self.source)):
            checked_type(f"an episode's {what}", value, str, "give a text")
        checked_type(
            "an episode's rounds", self.rounds, Sequence, "give a list of (Round, Outcome)", _FROM_FRAMES
        )
        if len(self.rounds) == 0:
            raise InputError(
                f"episode {self.name!r} has no rounds",
                got="0 rounds",
                ways_out=["give at least one (Round, Outcome)", "check the file or the subset of rounds"],
            )
        if isinstance(self.rounds, (list, tuple)):
            object.__setattr__(self, "rounds", tuple(_checked_pair(k, p) for k, p in enumerate(self.rounds)))
            _check_order(self)
        if not self.space:
            known = isinstance(self.rounds, tuple) and all(r.space == CONTRACTS for r, _ in self.rounds)
            object.__setattr__(self, "space", CONTRACTS if known else WEALTH)
        one_of(f"episode {self.name!r}: space", self.space, SPACES)

    def __len__(self) -> int:
        return len(self.rounds)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.rounds)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Episode: ...
    def __getitem__(self, index: int | slice) -> Pair | Episode:
        """Return one round with its outcome, or an episode of some of them.

        The part of a lazy episode is lazy.  Its name says which rounds of the whole it has, by place.
        """
        if not isinstance(index, slice):
            checked_type("the place of a round", index, int, "episode[0] is the first (Round, Outcome)")
            return self.rounds[index]
        where = range(len(self))[index]
        part = Lazy(self.rounds.__getitem__, where)
        name = f"{self.name}[{':'.join('' if k is None else str(k) for k in _ends(index))}]"
        lazy = not isinstance(self.rounds, tuple)
        rounds = part if lazy and where.step > 0 else tuple(part)
        return Episode(name, self.source, rounds, space=self.space)

    def head(self, n: int = 5) -> Episode:
        """Return an episode of the first n rounds, or of all where there are fewer."""
        checked_type("the number of rounds", n, int, "give a whole number of at least 1")
        return self[: max(n, 0)]

    def in_space(self, space: str = "") -> Episode:
        """Return the episode with every round in a space (:meth:`Round.in_space`), by default its own."""
        space = one_of(f"episode {self.name!r}: space", space or self.space, SPACES)

        def made(k: int) -> Pair:
            round_, outcome = self.rounds[k]
            return round_.in_space(space), outcome

        rounds = Lazy(made, range(len(self)))
        lazy = not isinstance(self.rounds, tuple)
        return Episode(self.name, self.source, rounds if lazy else tuple(rounds), space=space)

    def __add__(self, other: Episode) -> Episode:
        """Return the rounds of this episode and then those of the other.

        The other's round numbers all grow by one constant where they do not come after those of this episode,
        so that its first round follows on the last one here.  In the same way its times all grow by one
        constant where its first window does not come after the last one here.  The source of the sum names
        both constants.
        """
        checked_type("what is added to an episode", other, Episode, "put the rounds into an Episode first")
        first, second = tuple(self.rounds), tuple(other.rounds)
        last, new = first[-1][0].number, second[0][0].number
        step = 0 if new > last else last + 1 - new
        ends, starts = _times(first), _times(second)
        shift = max(max(ends) + 1 - min(starts), 0) if ends and starts else 0
        moved = tuple(_moved(pair, step, shift) for pair in second)
        notes = [f"round numbers + {step}"] * (step > 0) + [f"times + {shift} ms"] * (shift > 0)
        source = f"{self.source}; then {other.source}" + (f" ({', '.join(notes)})" if notes else "")
        space = self.space if self.space == other.space else WEALTH
        return Episode(f"{self.name}+{other.name}", source, first + moved, space=space)

    def __repr__(self) -> str:
        return f"Episode {self.name!r}: {len(self)} rounds in {self.space}"

    def frame(self) -> pd.DataFrame:
        """Return one row per round, indexed by its number; money in USD, NaN where there is no record."""
        import pandas as pd

        rows = [_row(round_, outcome) for round_, outcome in self]
        return pd.DataFrame(rows).set_index("round")

    def to_json(self) -> dict[str, Any]:
        """Return name, source and the rows of :meth:`frame` as plain values; not the accounts."""
        rows = self.frame().reset_index().to_dict("records")
        head = {"schema": SCHEMA, "episode": self.name, "source": self.source, "space": self.space}
        return head | {"rounds": rows}

    def to_frames(self) -> Frames:
        """Return the whole episode as frames: rounds, accounts, positions, flow, gaps.

        :meth:`from_frames` makes the same rounds of them again, to the last bit.
        """
        return frames_of(self)

    @classmethod
    def from_frames(
        cls,
        rounds: pd.DataFrame,
        accounts: pd.DataFrame,
        positions: pd.DataFrame | None = None,
        flow: pd.DataFrame | None = None,
        gaps: pd.DataFrame | None = None,
        *,
        name: str = "frames",
        source: str = "",
        space: str = "",
        extra: str = "ignore",
    ) -> Episode:
        """Build an episode from frames that a column ``round`` ties together.

        Every column may be named as in CSV files (``pnl``, ``wave``, ``coin``) or as in frames (``pnl_usd``),
        and may be the index or a level of it.

        Parameters
        ----------
        rounds : pandas.DataFrame
            One row per round, in order: ``round``, ``deficit``, ``needed`` (USD); optional ``start_ms``,
            ``end_ms``, ``recorded_haircut`` (USD), ``recorded_max_burden``, ``reference_burden``, of which
            single values may be lacking.
        accounts : pandas.DataFrame
            ``round`` and the columns of :class:`Accounts`.  A round without rows has no accounts.
        positions : pandas.DataFrame, optional
            ``round``, ``id`` (or ``account``: the id of the account) and the columns of :class:`Positions`.
        flow, gaps : pandas.DataFrame, optional
            ``round`` and the columns of :class:`Flow` and :class:`Gaps`.
        name, source : str
            What is said of the episode.  A source that is left out names the columns that were left aside.
        space : str, optional
            As of :class:`Episode`.
        extra : {'ignore', 'refuse'}
            What happens to columns that are not known; near misses of a lacking column are refused always.

        Raises
        ------
        InputError
            A column or value is refused, a row belongs to no round, or a position to no account of its round.
        UsageError
            Something is no frame.

        Notes
        -----
        An optional column counts as left out in a round where it has no value at all.  In a round where it
        has some values it must have all.

        Examples
        --------
        >>> import pandas as pd
        >>> rounds = pd.DataFrame({"round": [1, 2], "deficit": [5.0, 3.0], "needed": [2.0, 1.0]})
        >>> accounts = pd.DataFrame({"round": [1, 1, 2], "id": ["a", "b", "a"], "pnl": [9.0, 1.0, 7.0]})
        >>> episode = Episode.from_frames(rounds, accounts.assign(equity=9.0), name="mine")
        >>> [round_.capacity_usd for round_, _ in episode]
        [10.0, 7.0]
        """
        given = {"rounds": rounds, "accounts": accounts, "positions": positions, "flow": flow, "gaps": gaps}
        pairs, left = pairs_of(given, extra=extra)
        aside = f"; left aside: {', '.join(left)}" if left else ""
        return cls(name, source or f"frames of the caller{aside}", pairs, space=space)


_FROM_FRAMES = "pandas frames are read by Episode.from_frames"


class Lazy(Sequence[Pair]):
    """Rounds that are made when they are asked for, the same at every time.

    ``make`` takes a place in ``where`` and returns its (Round, Outcome).
    """

    def __init__(self, make: Callable[[int], Pair], where: range) -> None:
        self.make, self.where = make, where

    def __len__(self) -> int:
        return len(self.where)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Pair]: ...
    def __getitem__(self, index: int | slice) -> Pair | Sequence[Pair]:
        """Return one round with its outcome, or some of them, still to be made."""
        where = self.where[index]
        return Lazy(self.make, where) if isinstance(where, range) else self.make(where)


def _ends(index: slice) -> list[Any]:
    return [index.start, index.stop] + ([] if index.step is None else [index.step])


def _checked_pair(place: int, pair: Any) -> Pair:
    if not is_pair(pair):
        raise UsageError(
            "an episode is made of pairs (Round, Outcome)",
            got=f"item {place}: {type(pair).__name__}: {quoted(pair)}",
            ways_out=["write (round_, Outcome(needed=...)) for each round", _FROM_FRAMES],
        )
    return pair[0], pair[1]


def _times(pairs: Sequence[Pair]) -> list[int]:
    return [t for r, o in pairs for t in (r.start_ms, o.end_ms) if t is not None]


def _moved(pair: Pair, step: int, shift: int) -> Pair:
    """Return a round with a larger number and later times."""
    round_, outcome = pair
    start, end = (None if t is None else t + shift for t in (round_.start_ms, outcome.end_ms))
    number = round_.number + step
    return replace(round_, number=number, start_ms=start), replace(outcome, end_ms=end)


def _row(round_: Round, outcome: Outcome) -> dict[str, float]:
    return {
        "round": round_.number,
        "accounts": len(round_.accounts),
        "positions": len(round_.positions or ()),
        "markets": len(round_.flow or ()),
        "deficit_usd": round_.deficit,
        "needed_usd": outcome.needed,
        "capacity_usd": round_.capacity_usd,
        "recorded_haircut_usd": outcome.recorded.haircut if outcome.recorded else math.nan,
    }


def _check_order(episode: Episode) -> None:
    for (before, ended), (round_, _) in pairwise(episode.rounds):
        if round_.number <= before.number:
            raise InputError(
                f"episode {episode.name!r}: round numbers must increase",
                got=f"round {round_.number} after round {before.number}",
                ways_out=["sort the rounds by time", "give each round its own number"],
            )
        start, end = round_.start_ms, ended.end_ms
        if start is not None and end is not None and start <= end:
            raise InputError(
                f"episode {episode.name!r}: rounds overlap in time",
                got=f"round {round_.number}: start {start} ms, the one before ends {end} ms",
                ways_out=["correct the windows of the rounds table", "merge the two rounds"],
            )

"""Episode: a sequence of rounds with their outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA
from adl_opt.errors import InputError
from adl_opt.rounds.round import Outcome, Round

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Episode:
    """A sequence of rounds with their outcomes, and where they come from.

    Parameters
    ----------
    name : str
    source : str
        One line: what is published, what is calibrated, what is real.
    rounds : sequence of (Round, Outcome)
        Any sequence; a lazy one may make its rounds on demand.

    Raises
    ------
    InputError
        No round, numbers that do not increase, or windows that overlap.
    """

    name: str
    source: str
    rounds: Sequence[tuple[Round, Outcome]] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.rounds) == 0:
            raise InputError(
                f"episode {self.name!r} has no rounds",
                got="0 rounds",
                ways_out=["give at least one (Round, Outcome)", "check the file or the subset of rounds"],
            )
        if isinstance(self.rounds, (list, tuple)):
            object.__setattr__(self, "rounds", tuple(self.rounds))
            _check_order(self)

    def __len__(self) -> int:
        return len(self.rounds)

    def __iter__(self) -> Iterator[tuple[Round, Outcome]]:
        return iter(self.rounds)

    def frame(self) -> pd.DataFrame:
        """Return one row per round, indexed by its number; money in USD, NaN where there is no record."""
        import pandas as pd

        rows = [_row(round_, outcome) for round_, outcome in self]
        return pd.DataFrame(rows).set_index("round")

    def to_json(self) -> dict[str, Any]:
        """Return name, source and the rows of :meth:`frame` as plain values; not the accounts."""
        rows = self.frame().reset_index().to_dict("records")
        return {"schema": SCHEMA, "episode": self.name, "source": self.source, "rounds": rows}


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
    last_number, last_end = None, None
    for round_, outcome in episode.rounds:
        if last_number is not None and round_.number <= last_number:
            raise InputError(
                f"episode {episode.name!r}: round numbers must increase",
                got=f"round {round_.number} after round {last_number}",
                ways_out=["sort the rounds by time", "give each round its own number"],
            )
        if last_end is not None and round_.start_ms is not None and round_.start_ms <= last_end:
            raise InputError(
                f"episode {episode.name!r}: rounds overlap in time",
                got=f"round {round_.number}: start {round_.start_ms} ms, the one before ends {last_end} ms",
                ways_out=["correct the windows of the rounds table", "merge the two rounds"],
            )
        last_number, last_end = round_.number, outcome.end_ms

"""Rounds as people have them in hand: a Round, a table, a round of an episode, an episode, a list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adl_opt.checks import checked_usd
from adl_opt.datasets.csv.accounts import read_round
from adl_opt.datasets.episodes import load
from adl_opt.errors import UsageError
from adl_opt.naming import episode_and_number, unknown_name
from adl_opt.programs.priced import in_legs
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import revealed
from adl_opt.rounds.round import Information, Outcome, Round, is_pair

GIVEN = "given here"
"""Source of rounds that the caller hands over."""


@dataclass(frozen=True, eq=False)
class Asked:
    """Rounds, each with the budget that is asked for as its ``needed``.

    Parameters
    ----------
    episode : Episode
    alone : bool
        One round by itself, not an episode or a list.
    information : Information
        What the budgets rest on: ``EX_POST`` where they are what was needed.
    """

    episode: Episode
    alone: bool
    information: Information

    def in_space(self, space: str | None) -> Asked:
        """Return the rounds in a space, by default that of their episode; a round alone stays as it is.

        Raises
        ------
        LackError
            A round lacks the space.
        """
        return replace(self, episode=self.episode.in_space(space or ""))

    def in_legs(self) -> Asked:
        """Return the rounds as programs take them: in contracts at prices as reckoned, or as revealed.

        Raises
        ------
        LackError
            A round lacks what its prices are made of.
        """
        known = self.information is not Information.START_OF_ROUND
        pairs = [
            (r if r.space == WEALTH else in_legs(r, revealed(r, o) if known else None), o)
            for r, o in self.episode.in_space()
        ]
        made = Episode(self.episode.name, self.episode.source, pairs, space=self.episode.space)
        return replace(self, episode=made)

    def one(self, what: str = "one round is meant", *ways_out: str) -> tuple[Round, float]:
        """Return the one round and its budget, USD; say ``what`` an episode is refused for."""
        round_, outcome = self.episode.rounds[0]
        if not self.alone:
            name = f"{self.episode.name}:{round_.number}"
            raise UsageError(
                what, got=self.episode.name, ways_out=[f"name one of its rounds: {name}", *ways_out]
            )
        return round_, outcome.needed


def as_rounds(
    given: object,
    budget: float | Sequence[float] | None = None,
    deficit: float | None = None,
    *,
    where: str = "solve",
) -> Asked:
    """Return the rounds that are meant, with their budgets.

    Parameters
    ----------
    given : Round, (Round, Outcome), str, path, Episode, or an iterable of rounds or pairs
        A text is the path of a table of accounts, ``EPISODE:NUMBER``, or an episode's name or folder.
    budget : float or sequence of float, optional
        USD.  By default what the rounds needed, where that is known; of a list of rounds, one for each.
    deficit : float, optional
        D, USD, of a round from a table; by default the budget.
    where : str
        The function that asks, for messages.

    Raises
    ------
    UsageError
        Something else, an unknown name or number, a budget that is missing, or one that has no place.
    InputError
        A table or a folder is refused.

    Examples
    --------
    >>> asked = as_rounds("oct10:28")
    >>> asked.one()[0].number, asked.information.value
    (28, 'ex-post')
    """
    if isinstance(given, (str, os.PathLike)):
        return _named(str(given), budget, deficit, where)
    if isinstance(given, Round):
        return _alone(given, None, budget, deficit, where)
    if isinstance(given, Episode):
        return _episode(given, budget, deficit)
    if isinstance(given, Iterable):
        listed = tuple(given)
        if is_pair(listed):
            return _alone(listed[0], listed[1], budget, deficit, where)
        if listed and all(isinstance(each, Round) for each in listed):
            return _list(listed, budget, deficit)
        if listed and all(is_pair(each) for each in listed):
            return _episode(Episode("rounds", GIVEN, listed), budget, deficit)
    raise UsageError(
        f"{where}: no rounds are given",
        got=f"{type(given).__name__}: {given!r:.80}",
        ways_out=[
            "a Round, or a list of rounds",
            "a pair (Round, Outcome), or a list of pairs",
            "the path of a table of accounts, EPISODE:NUMBER such as oct10:28, or an episode",
        ],
    )


def _named(text: str, budget: float | Sequence[float] | None, deficit: float | None, where: str) -> Asked:
    name, number = episode_and_number(text)
    if number is not None:
        episode = load(name)
        found = {r.number: (r, o) for r, o in episode}
        if number not in found:
            raise unknown_name(f"round of {name}", str(number), map(str, found))
        return _alone(*found[number], budget, deficit, where, episode.space)
    if text.endswith(".csv") or (os.path.exists(text) and not os.path.isdir(text)):
        needed = _budget(budget, text, where)
        round_ = read_round(Path(text), deficit=needed if deficit is None else deficit)
        return _alone(round_, None, needed, None, where)
    return _episode(load(text), budget, deficit)


def _alone(
    round_: Round,
    outcome: Outcome | None,
    budget: float | Sequence[float] | None,
    deficit: float | None,
    where: str,
    space: str = "",
) -> Asked:
    if deficit is not None:
        raise UsageError(
            "a round that is given whole has its deficit",
            got=f"deficit = {deficit!r}",
            ways_out=["drop --deficit (in Python: deficit=)"],
        )
    known = outcome is not None and budget is None
    if outcome is None or budget is not None:
        outcome = Outcome(needed=_budget(budget, f"round {round_.number}", where))
    information = Information.EX_POST if known else Information.START_OF_ROUND
    return Asked(Episode("round", GIVEN, [(round_, outcome)], space=space), True, information)


def _budget(budget: float | Sequence[float] | None, what: str, where: str) -> float:
    if budget is None:
        raise UsageError(
            f"{where}: a round without an outcome needs a budget",
            got=what,
            ways_out=["give --budget USD (in Python: budget=)"],
        )
    if isinstance(budget, Sequence) and not isinstance(budget, str) and len(budget) == 1:
        budget = budget[0]
    return checked_usd(where, "budget", budget)


def _episode(episode: Episode, budget: float | Sequence[float] | None, deficit: float | None) -> Asked:
    if budget is not None or deficit is not None:
        number = episode.rounds[0][0].number
        raise UsageError(
            "every round of an episode has its own needed budget and deficit",
            got=f"budget = {budget!r}, deficit = {deficit!r}",
            ways_out=["drop it", f"name one round: {episode.name}:{number}"],
        )
    return Asked(episode, False, Information.EX_POST)


def _list(rounds: Sequence[Round], budget: object, deficit: float | None) -> Asked:
    """Take rounds without outcomes, with one budget for each."""
    amounts = list(budget) if isinstance(budget, Iterable) and not isinstance(budget, str) else []
    if len(amounts) != len(rounds) or deficit is not None:
        raise UsageError(
            "each round of a list needs its budget, and has its deficit",
            got=f"{len(rounds)} rounds, budget = {budget!r:.80}, deficit = {deficit!r}",
            ways_out=["give one budget for each round", "give pairs (Round, Outcome), which have them"],
        )
    pairs = [
        (r, Outcome(needed=checked_usd("solve", "budget", b))) for r, b in zip(rounds, amounts, strict=True)
    ]
    return Asked(Episode("rounds", GIVEN, pairs), False, Information.START_OF_ROUND)

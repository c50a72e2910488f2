"""Accounts of your own venue, one CSV table a round, as an episode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from adl_opt.datasets.csv.accounts import read_round
from adl_opt.datasets.csv.tables import read_by_round
from adl_opt.datasets.store.folder import save_episode
from adl_opt.errors import InputError, UsageError
from adl_opt.files import as_paths
from adl_opt.locks import keeps_inputs
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.contradictions import CENT, NEAR
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Flow, Gaps


@keeps_inputs("out")
def import_accounts(
    files: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None = None,
    deficit: Sequence[float] = (),
    needed: Sequence[float] | None = None,
    overwrite: bool = False,
    flow: str | PathLike[str] | None = None,
    gaps: str | PathLike[str] | None = None,
) -> tuple[Episode, str]:
    r"""Build an episode from tables of accounts: id, pnl, equity, and optional columns, one file a round.

    Parameters
    ----------
    files : sequence of path
        CSV tables in order of time (see :func:`adl_opt.datasets.csv.accounts.read_accounts`).
    out : path, optional
        Episode folder to write; it gives the episode its name.  Without it the first file does.
    deficit, needed : sequence of float
        D and B of each round, USD >= 0, one for each file.  B may be left out where there are gaps: it is
        their sum.
    overwrite : bool
        Replace an episode that is in ``out``.
    flow : path, optional
        CSV of what had to be closed, one row per market or loser: ``round`` (1 is the first file; it may be
        left out where there is one), ``market``, ``side`` of the losers, ``quantity`` in contracts, ``mark``,
        and where they are known ``bankruptcy``, ``close`` and the other columns of
        :class:`~adl_opt.Flow`.  With the sides, and side, entry and mark of
        the positions, the rounds are in contracts.
    gaps : path, optional
        CSV of what the execution revealed: ``round``, ``market``, ``side``, ``quantity``, ``gap`` in USD.

    Returns
    -------
    Episode, str
        The text says what was read, one line a round.

    Raises
    ------
    UsageError
        Another number of amounts than of files, or ``out`` is already there.
    InputError
        A table or an amount is refused, with file, line and column; tables contradict each other.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = path.write_text("id,pnl,equity\na,50,100\nb,30,90\n")
    >>> episode, report = import_accounts([path], deficit=[20], needed=[12])
    >>> print(report)
    round 1: 2 accounts, capacity 80.00 USD, D 20.00, B 12.00
    """
    tables = as_paths(files)
    found = None if gaps is None else read_by_round(gaps, Gaps, len(tables))
    if needed is None and found is not None:
        needed = [math.fsum(of_round.gap) for of_round, _ in found]
    for what, amounts in (("deficit", deficit), ("needed", needed or ())):
        if len(amounts) != len(tables):
            raise UsageError(
                f"each round needs its {what}",
                got=f"{len(tables)} tables, {len(amounts)} x {what}",
                ways_out=[f"give --{what} once for each table, in the same order"],
            )
    flows = [None] * len(tables) if flow is None else read_by_round(flow, Flow, len(tables))
    rounds = []
    for k, (csv, d, b) in enumerate(zip(tables, deficit, needed or (), strict=True)):
        of_round = None if found is None else found[k][0]
        _refuse_other_sum(k + 1, b, of_round)
        round_ = read_round(csv, deficit=d, number=k + 1, flow=flows[k])
        rounds.append((round_, Outcome(needed=b, gaps=of_round)))
    read = [*tables, *(Path(table) for table in (flow, gaps) if table is not None)]
    source = f"accounts of {', '.join(file.name for file in read)}; deficit and needed budget as given"
    name = Path(out).name if out is not None else tables[0].stem if tables else "accounts"
    episode = Episode(name, source, rounds)
    if out is not None:
        save_episode(episode, out, overwrite=overwrite)
    lines = (
        f"round {round_.number}: {len(round_.accounts)} accounts, capacity {round_.capacity_usd:,.2f} USD, "
        f"D {round_.deficit:,.2f}, B {outcome.needed:,.2f}{_contracts(round_)}"
        for round_, outcome in episode
    )
    return episode, "\n".join(lines)


def _contracts(round_: Round) -> str:
    if round_.space != CONTRACTS:
        return ""
    return f"; in contracts: {len(round_.positions or ())} positions, {len(round_.flow or ())} rows of flow"


def _refuse_other_sum(number: int, needed: float, gaps: Gaps | None) -> None:
    """Refuse a needed budget that is not the sum of the gaps of its round, to a cent."""
    if gaps is not None and not abs(math.fsum(gaps.gap) - needed) <= CENT + NEAR * abs(needed):
        raise InputError(
            f"round {number}: the needed budget is not the sum of its gaps",
            got=f"needed = {needed}, the gaps add up to {math.fsum(gaps.gap)}",
            ways_out=["leave --needed out: it is their sum", "correct the table of gaps"],
        )

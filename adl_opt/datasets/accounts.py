"""Accounts of your own venue, one CSV table a round, as an episode."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from adl_opt.datasets.csv.accounts import read_round
from adl_opt.datasets.store.folder import save_episode
from adl_opt.errors import UsageError
from adl_opt.files import as_paths
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome


def import_accounts(
    files: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None = None,
    deficit: Sequence[float] = (),
    needed: Sequence[float] = (),
    overwrite: bool = False,
) -> tuple[Episode, str]:
    r"""Build an episode from tables of accounts: id, pnl, equity, and optional columns, one file a round.

    Parameters
    ----------
    files : sequence of path
        CSV tables in order of time (see :func:`adl_opt.datasets.csv.accounts.read_accounts`).
    out : path, optional
        Episode folder to write; it gives the episode its name.  Without it the first file does.
    deficit, needed : sequence of float
        D and B of each round, USD >= 0, one for each file.
    overwrite : bool
        Replace an episode that is in ``out``.

    Returns
    -------
    Episode, str
        The text says what was read, one line a round.

    Raises
    ------
    UsageError
        Another number of amounts than of files, or ``out`` is already there.
    InputError
        A table or an amount is refused.

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
    for what, amounts in (("deficit", deficit), ("needed", needed)):
        if len(amounts) != len(tables):
            raise UsageError(
                f"each round needs its {what}",
                got=f"{len(tables)} tables, {len(amounts)} x {what}",
                ways_out=[f"give --{what} once for each table, in the same order"],
            )
    rounds = [
        (read_round(csv, deficit=d, number=k), Outcome(needed=b))
        for k, (csv, d, b) in enumerate(zip(tables, deficit, needed, strict=True), start=1)
    ]
    source = f"accounts of {', '.join(table.name for table in tables)}; deficit and needed budget as given"
    name = Path(out).name if out is not None else tables[0].stem if tables else "accounts"
    episode = Episode(name, source, rounds)
    if out is not None:
        save_episode(episode, out, overwrite=overwrite)
    lines = (
        f"round {round_.number}: {len(round_.accounts)} accounts, capacity {round_.capacity_usd:,.2f} USD, "
        f"D {round_.deficit:,.2f}, B {outcome.needed:,.2f}"
        for round_, outcome in episode
    )
    return episode, "\n".join(lines)

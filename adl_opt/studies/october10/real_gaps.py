"""An episode with real markets in the place of its own: flow and gaps by coin, from a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from adl_opt.datasets.csv.rounds_table import GapsTable, read_gaps
from adl_opt.errors import InputError
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Flow, Gaps


def with_gaps(episode: Episode, path: str | PathLike[str]) -> Episode:
    """Return the episode with the flow and the gaps of a CSV file, everything else as it was.

    Parameters
    ----------
    episode : Episode
    path : path
        CSV with ``wave``, ``coin``, ``qty_contracts``, ``gap_per_contract_usd`` and ``avg_price_usd``.

    Returns
    -------
    Episode
        The needed budgets stay those of the episode.  The mean price stands in for the mark at the start:
        it moves a hint by the price's own move within the round, a few percent.

    Raises
    ------
    InputError
        A column or a round is missing, or a value is refused.
    """
    table = read_gaps(path)
    lacking = [
        name
        for name, values in (("qty_contracts", table.quantity), ("avg_price_usd", table.mark))
        if values is None
    ]
    missing = sorted({r.number for r, _ in episode} - set(table.number.tolist()))
    if lacking or missing:
        raise InputError(
            f"{Path(path).name} does not hold the flow of the episode {episode.name!r}",
            got=f"no column {', '.join(lacking)}" if lacking else f"no row of rounds {missing}",
            ways_out=["give one row for each round and coin, with quantity and mean price"],
        )
    note = f"{episode.source}; markets replaced by {Path(path).name}"
    return Episode(f"{episode.name}+gaps", note, list(_replaced(episode, table)), space=episode.space)


def _replaced(episode: Episode, table: GapsTable) -> Iterator[tuple[Round, Outcome]]:
    assert table.quantity is not None  # noqa: S101
    assert table.mark is not None  # noqa: S101
    for round_, outcome in episode:
        rows = np.flatnonzero(table.number == round_.number)
        market, quantity = table.market[rows], table.quantity[rows]
        flow = Flow(market=market, quantity=quantity, mark=table.mark[rows])
        gaps = Gaps(market=market, quantity=quantity, gap=table.gap_per_contract[rows] * quantity)
        yield replace(round_, flow=flow), replace(outcome, gaps=gaps)

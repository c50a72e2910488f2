"""``import book``: from raw exports of a warehouse to an episode in contracts, reconciled to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.store.folder import check_target, save_episode
from adl_opt.datasets.warehouse.closing import RoundClosing, find_closing
from adl_opt.datasets.warehouse.config import BookConfig, read_config
from adl_opt.datasets.warehouse.holdings import Holdings, find_holdings
from adl_opt.datasets.warehouse.keys import Keys
from adl_opt.datasets.warehouse.reconcile import Compared, reconciled
from adl_opt.datasets.warehouse.sheets import STDIN, Sheet, read_sheet
from adl_opt.datasets.warehouse.sniff import sniffed
from adl_opt.datasets.warehouse.terms import MarketTerms, find_assets, find_terms
from adl_opt.errors import InputError, UsageError
from adl_opt.files import as_paths, write_text
from adl_opt.rounds.columns import Ints
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.flows import flow_by_side
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Positions
from adl_opt.tabular import Noun

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 12
"""So many markets and sides are printed: those that needed most."""


@dataclass(frozen=True, eq=False)
class BookReport(Noun):
    """What was read, what it amounts to, and how it agrees with the venue's own figures; it prints itself.

    Parameters
    ----------
    rounds : list of str
        One line a round.
    cells : pandas.DataFrame
        By round, market and side of the losers: contracts, deficit, what the fund paid, needed; USD.
    reconciliation : pandas.DataFrame
        By figure and cause: rows, difference and largest difference, USD.
    notes : list of str
        What is lacking, and what was left aside.
    """

    rounds: list[str]
    cells: pd.DataFrame
    reconciliation: pd.DataFrame
    notes: list[str]

    def __str__(self) -> str:
        money = "{:,.2f}".format
        shown, notes = self.cells, self.notes
        if len(shown) > SHOWN:
            shown = shown.sort_values("needed_usd", ascending=False, kind="stable").head(SHOWN).sort_index()
            notes = [f"{len(self.cells) - SHOWN} rows by market and side with less are not shown", *notes]
        tables = [
            frame.to_string(index=False, float_format=money)
            for frame in (shown, self.reconciliation)
            if len(frame)
        ]
        return "\n\n".join(["\n".join(self.rounds), *tables, *(["\n".join(notes)] if notes else [])])


def import_book(
    files: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str] | None = None,
    *,
    sniff: bool = False,
    overwrite: bool = False,
    first_round: int = 1,
) -> tuple[Episode, BookReport] | str:
    r"""Build an episode in contracts from the raw exports of a venue's warehouse.

    Parameters
    ----------
    files : path, or paths with ``sniff``
        The configuration (TOML), or the exports that a first configuration is written for.
    out : path, optional
        Episode folder to write; with ``sniff`` the file of the configuration.
    sniff : bool
        Write a first configuration, with its guesses and doubts marked, in place of an episode.
    overwrite : bool
        Replace an episode that is in ``out``.
    first_round : int
        Number of the first round: a shadow that runs every night needs numbers that go on.

    Returns
    -------
    Episode, BookReport
        With ``sniff`` the text of the configuration.

    Raises
    ------
    InputError
        A cell, a name or a figure is refused: with file, row, column, value and ways out.
    UsageError
        Several configurations, or ``out`` is already there.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "marks.csv"
    >>> _ = path.write_text("symbol;mark_price\nBTC;60.000,50\n")
    >>> print(import_book(path, sniff=True).splitlines()[3])
    [marks]
    """
    paths = as_paths(files)
    if sniff:
        text = sniffed(paths)
        if out is not None:
            write_text(Path(out), text)
        return text
    if len(paths) != 1:
        raise UsageError(
            "a book has one configuration",
            got=f"{len(paths)} files",
            ways_out=["give one file of TOML", "write one for these files: --sniff"],
        )
    if out is not None:
        check_target(out, overwrite=overwrite)
    config = read_config(paths[0])
    config = config if out is None else replace(config, name=Path(out).name)
    episode, report = _built(config, first_round)
    if out is not None:
        save_episode(episode, out, overwrite=overwrite)
    return episode, report


def _built(config: BookConfig, first_round: int) -> tuple[Episode, BookReport]:
    import pandas as pd

    piped = [table for table, of in config.tables.items() if STDIN in of.files]
    if len(piped) > 1:
        ways_out = ["write all but one to files"]
        raise UsageError(
            "one table can come from the standard input", got=", ".join(piped), ways_out=ways_out
        )
    sheets = {table: read_sheet(of, config.path.parent) for table, of in config.tables.items()}
    keys = Keys.find(sheets)
    made = [_round(sheets, keys, k, config, first_round + k) for k in range(len(keys.names))]
    rounds = [(one.round, one.outcome) for one in made]
    files = ", ".join(dict.fromkeys(file for sheet in sheets.values() for file in sheet.files))
    source = config.source or f"book of {files}; {config.path.name}"
    episode = Episode(config.name or config.path.stem, source, rounds)
    compared = [figure for one in made for figure in one.compared]
    cells = [{"round": one.round.number, **cell} for one in made for cell in one.cells]
    report = BookReport(
        rounds=[one.line for one in made],
        cells=pd.DataFrame(cells),
        reconciliation=reconciled(compared, config.tolerance_usd, config.accept),
        notes=[
            *_lacking([one.round for one in made]),
            *(
                f"table {table}: columns left aside: {', '.join(sheet.aside)}"
                for table, sheet in sheets.items()
                if sheet.aside
            ),
        ],
    )
    return episode, report


def _lacking(rounds: Sequence[Round]) -> Iterator[str]:
    """Warn of what the accounts lack, and of the rules that need it."""
    if any(round_.accounts.margin is None for round_ in rounds):
        rules = [n for n, rule in ALLOCATIONS.items() if "margin" in getattr(rule, "needs_of_account", ())]
        yield (
            f"warning: no maintenance margin: {', '.join(rules)} need it and will be left out; map "
            "maintenance_rate (share of the notional, for every market held) under [contracts.columns], or "
            "margin (USD) under [accounts.columns]"
        )


@dataclass(frozen=True, eq=False)
class _Made:
    round: Round
    outcome: Outcome
    compared: list[Compared]
    cells: list[dict[str, Any]]
    line: str


def _round(sheets: Mapping[str, Sheet], keys: Keys, k: int, config: BookConfig, number: int) -> _Made:
    assets = find_assets(sheets, keys, k)
    terms = find_terms(sheets, keys, k, assets)
    holdings = find_holdings(sheets, keys, k, terms, assets, config.rules)
    closing = find_closing(sheets, keys, k, terms, holdings, config.rules)
    kept, left = _remaining(holdings, closing)
    held = holdings.held
    with _shown(sheets, holdings.account_rows[kept], held.rows[left]):
        accounts = _accounts(sheets["accounts"], holdings, closing, terms, kept)
        round_ = Round(
            deficit=closing.deficit,
            accounts=accounts,
            positions=_positions(sheets["positions"], holdings, closing, terms, kept, left),
            flow=closing.flow,
            number=number,
            start_ms=keys.start_ms[k],
        )
    if config.rules.losers == "by side":
        round_ = replace(round_, flow=flow_by_side(round_))
    needed = float(closing.gaps.gap.sum())
    outcome = Outcome(needed=needed, gaps=closing.gaps, recorded=closing.recorded)
    gone = len(holdings.place) - kept.size
    line = (
        f"round {number} ({keys.names[k]}): {len(accounts)} accounts, {left.size} positions, "
        f"{len(closing.flow)} liquidations; {gone} accounts left with their last position; "
        f"D {closing.deficit:,.2f}, B {needed:,.2f}, U {round_.capacity_usd:,.2f} USD"
    )
    return _Made(round_, outcome, [*holdings.compared, *closing.compared], closing.cells, line)


def _remaining(holdings: Holdings, closing: RoundClosing) -> tuple[Ints, Ints]:
    """Return the accounts and the positions that stay: no account all of whose positions are liquidated."""
    held, n = holdings.held, len(holdings.place)
    left = np.flatnonzero(held.lots > closing.taken)
    had, has = (np.bincount(held.account[rows], minlength=n) > 0 for rows in (slice(None), left))
    return np.flatnonzero(has | ~had), left


def _accounts(
    sheet: Sheet, holdings: Holdings, closing: RoundClosing, terms: MarketTerms, kept: Ints
) -> Accounts:
    held, n = holdings.held, len(holdings.place)
    stays = 1.0 - closing.taken / held.lots
    rows = holdings.account_rows[kept]
    equity = holdings.equity - held.by_account(holdings.backing * (1.0 - stays), n)
    notional = held.by_account(held.notional * stays, n)
    made: dict[str, Any] = {}
    rate = terms.maintenance[held.market]
    if "margin" in sheet.columns:
        made["margin"] = np.nan_to_num(sheet.columns["margin"][rows])
    elif not np.isnan(rate).any():
        made["margin"] = held.by_account(held.notional * stays * rate, n)[kept]
    if "exempt" in sheet.columns:
        made["exempt"] = np.array([word or 0 for word in sheet.columns["exempt"][rows]], dtype=np.int64)
    for key in ("cap", "cohort_cap"):
        if key in sheet.columns:
            own = sheet.columns[key][rows]
            made[key] = np.where(np.isnan(own), LARGEST_USD, own)
    for key in ("owner", "cohort"):
        if key in sheet.columns:
            ids = sheet.columns["id"][rows]
            made[key] = np.where(sheet.columns[key][rows] == "", ids, sheet.columns[key][rows])
    capital = equity[kept]
    leverage = np.where(capital > 0, notional[kept] / np.where(capital > 0, capital, 1.0), 0.0)
    return Accounts(
        id=sheet.columns["id"][rows],
        pnl=held.by_account(held.pnl * stays, n)[kept],
        equity=capital,
        notional=notional[kept],
        leverage=leverage,
        **made,
    )


def _positions(
    sheet: Sheet, holdings: Holdings, closing: RoundClosing, terms: MarketTerms, kept: Ints, left: Ints
) -> Positions:
    held = holdings.held
    place = np.full(len(holdings.place), -1)
    place[kept] = np.arange(kept.size)
    lots = (held.lots - closing.taken)[left]
    hedge = np.nan_to_num(sheet.get("hedge", 0.0).astype(np.float64)[held.rows[left]]).astype(np.int64)
    pairs = np.stack([held.account[left], hedge])
    _, code, count = np.unique(pairs, axis=1, return_inverse=True, return_counts=True)
    market, stays = held.market[left], lots / held.lots[left]
    names = np.array(list(terms.place) or [""], dtype=np.str_)
    return Positions(
        account=place[held.account[left]],
        market=names[market],
        lots=lots,
        side=held.side[left],
        entry=held.entry[left],
        mark=terms.mark[market],
        notional=held.notional[left] * stays,
        lot_size=terms.lot_size[market],
        kind=terms.kind[market],
        multiplier=terms.multiplier[market],
        settlement_rate=terms.rate[market],
        margin_mode=held.mode[left],
        isolated_margin=held.margin[left] * stays,
        hedge=np.where(count[code.ravel()] > 1, hedge, 0),
    )


@contextmanager
def _shown(sheets: Mapping[str, Sheet], accounts: Ints, positions: Ints) -> Iterator[None]:
    """Name file, row and column where the tables of a round are refused."""
    try:
        yield
    except InputError as error:
        noun, name, at = error.cell or ("", "", 0)
        rows = {"accounts": accounts, "positions": positions}.get(noun)
        if rows is None:
            raise
        place = sheets[noun].place(name, int(rows[at]))
        raise InputError(error.what, got=f"{place}: {error.got}", ways_out=error.ways_out) from error

"""The embedded episode: published figures exactly, calibration within stated limits, same bits."""

import csv
import hashlib
import math
import os
from pathlib import Path

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.draws import read_figures
from adl_opt.datasets.oct10 import draw_oct10, load_oct10, oct10_rounds

FIGURES = read_figures("oct10_rounds.csv")
MARKETS = read_figures("oct10_markets.csv")
COUNTED = {7: 15, 9: 36, 12: 54, 17: 44, 21: 16, 25: 6, 28: 18}
SHORT_LOSERS = {(21, "BTC"), (21, "ENA"), (21, "SUI"), (25, "AI16Z")}
DATA = os.environ.get("ADL_OPT_DATA")


@pytest.fixture
def oct10():
    return load_oct10()


def test_published_figures_are_carried_exactly(oct10):
    for row, (round_, outcome) in zip(FIGURES, oct10, strict=True):
        assert round_.number == int(row["wave"])
        assert round_.deficit == float(row["deficit_usd"])
        assert round_.capacity_usd == float(row["capacity_usd"])
        assert math.fsum(round_.accounts.equity) == pytest.approx(float(row["winners_equity_usd"]), abs=0.01)
        assert outcome.needed == float(row["needed_usd"])
        assert outcome.recorded.haircut == float(row["production_usd"])
        assert math.fsum(outcome.gaps.gap) == pytest.approx(outcome.needed, rel=1e-12)
        assert math.fsum(round_.flow.notional) == pytest.approx(float(row["closed_notional_usd"]), abs=0.005)
        assert len(round_.flow) == len(outcome.gaps) == int(row["n_coins"])


def test_the_closed_notional_is_the_exact_one(oct10):
    assert math.fsum(float(row["closed_notional_usd"]) for row in FIGURES) == pytest.approx(
        1_419_098_187.72, abs=0.005
    )
    assert math.fsum(v for r, _ in oct10 for v in r.flow.notional) == pytest.approx(
        1_419_098_187.72, abs=0.005
    )


def test_markets_are_the_published_ones_to_the_last_digit(oct10):
    rows = iter(MARKETS)
    for round_, outcome in oct10:
        flow, gaps = round_.flow, outcome.gaps
        for k in range(len(flow)):
            row = next(rows)
            assert (round_.number, str(flow.market[k])) == (int(row["wave"]), row["coin"])
            assert flow.quantity[k] == gaps.quantity[k] == float(row["qty_contracts"])
            assert flow.mark[k] == float(row["mean_adl_price_usd"])
            assert gaps.gap[k] == float(row["gap_usd"])
            assert gaps.gap[k] / gaps.quantity[k] == pytest.approx(
                float(row["gap_per_contract_usd"]), rel=1e-12
            )
            assert flow.side[k] == (-1 if (round_.number, row["coin"]) in SHORT_LOSERS else 1)
    assert next(rows, None) is None


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA is not set")
def test_the_embedded_markets_are_those_of_the_reference():
    path = Path(DATA) / "oct10-real" / "coin_notional_exact.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    with path.open() as file:
        reference = list(csv.DictReader(file))
    assert len(reference) == len(MARKETS) == 728
    for theirs, ours in zip(reference, MARKETS, strict=True):
        for name in ("wave", "coin", "qty_contracts", "gap_per_contract_usd", "mean_adl_price_usd"):
            assert theirs[name] == ours[name]


def test_the_flow_can_be_closed_against_accounts_with_capacity(oct10):
    for round_, _ in oct10:
        held, flow = round_.positions, round_.flow
        pays = round_.accounts.capacity[held.account] > 0
        for market, side, quantity in zip(flow.market, flow.side, flow.quantity, strict=True):
            rows = pays & (held.market == market) & (held.side == -side)
            assert (held.lots * held.lot_size)[rows].sum() > quantity * (1 - 1e-9)


def test_marks_move_between_rounds_by_the_published_prices(oct10):
    marks = {}
    for round_, _ in oct10:
        for market, mark in zip(round_.flow.market.tolist(), round_.flow.mark.tolist(), strict=True):
            marks.setdefault(market, []).append(mark)
        held = dict(zip(round_.positions.market.tolist(), round_.positions.mark.tolist(), strict=True))
        assert all(held[m] == marks[m][-1] for m in round_.flow.market.tolist())
    assert len(marks["BTC"]) == 3
    assert len(set(marks["BTC"])) == len(marks["BTC"])


def test_counts_of_accounts(oct10):
    sizes = {r.number: len(r.accounts) for r, _ in oct10}
    assert {k: sizes[k] for k in COUNTED} == COUNTED
    fills = {int(row["wave"]): int(row["n_fills"]) for row in FIGURES}
    unknown = [k for k in sizes if k not in COUNTED]
    grows = sorted(unknown, key=fills.get)
    assert [sizes[k] for k in grows] == sorted(sizes[k] for k in unknown)
    assert 19_000 < sum(sizes.values()) < 21_000


def test_capacities_are_heavy_tailed_and_some_accounts_have_none(oct10):
    for round_, _ in oct10:
        u = np.sort(round_.accounts.capacity)
        if u.size > 500:
            assert u[-u.size // 100 :].sum() > 0.5 * u.sum()  # the top 1 % hold most
            assert np.median(u) < 0.05 * u.mean()
            assert 0.2 < np.mean(u == 0) < 0.5
            assert np.mean(round_.positions.side == -1) > 0.6  # short bias
            assert np.any(round_.positions.pnl < 0)


def test_a_few_large_accounts_come_back_round_after_round(oct10):
    ids = [set(r.accounts.id.tolist()) for r, _ in oct10]
    for t in range(1, len(ids)):
        if len(ids[t]) > 30:
            assert ids[t] & set.union(*ids[:t])
    assert 16_000 < len(set.union(*ids)) <= 19_337
    top = [
        r.accounts.id[np.argsort(-r.accounts.capacity)[:10]].tolist()
        for r, _ in oct10
        if len(r.accounts) > 500
    ]
    often = [sum(name in names for names in top) for name in {name for names in top for name in names}]
    assert max(often) >= 4


def test_positions_are_whole_lots_and_explain_the_pnl_of_accounts(oct10):
    for round_, _ in oct10:
        held = np.bincount(round_.positions.account, round_.positions.pnl, minlength=len(round_.accounts))
        assert np.allclose(held, round_.accounts.pnl, rtol=1e-6, atol=1e-3)
        assert round_.positions.lots.min() >= 1


def test_other_seeds_keep_what_is_published():
    for (mine, _), (other, _) in zip(load_oct10(), draw_oct10(7), strict=True):
        assert mine.capacity_usd == pytest.approx(other.capacity_usd, abs=1e-3)
        assert mine.flow.quantity.tolist() == other.flow.quantity.tolist()
        assert len(mine.accounts) == len(other.accounts)
        assert mine.accounts.capacity.tolist() != other.accounts.capacity.tolist()


def test_same_bits_everywhere():
    """The hash of all money of the episode: a change of generator, seed or platform shows here."""
    digest = hashlib.sha256()
    for round_, outcome in load_oct10.__wrapped__():
        for array in (
            round_.accounts.pnl,
            round_.accounts.equity,
            round_.accounts.capacity,
            outcome.gaps.gap,
        ):
            digest.update(np.round(array, 6).astype("<f8").tobytes())
        digest.update("".join(round_.accounts.id.tolist()).encode())
    assert digest.hexdigest()[:16] == EXPECTED


EXPECTED = "c3bbdcfc282d8516"


def test_source_line_says_what_is_what(oct10):
    assert "published:" in oct10.source
    assert "calibrated:" in oct10.source


def test_embedded_rounds_table_joins_real_rows():
    table = oct10_rounds()
    assert len(table) == 16
    assert table.production_max_burden[0] == 1.0


def test_load_by_name_takes_no_parameters():
    with pytest.raises(adl.UsageError):
        adl.load("oct10(seed=3)")

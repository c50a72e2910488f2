"""The embedded episode: published figures exactly, calibration within stated limits, same bits."""

import hashlib
import math

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.draws import read_figures
from adl_opt.datasets.oct10 import load_oct10, oct10_rounds

FIGURES = read_figures("oct10_rounds.csv")
COUNTED = {7: 15, 9: 36, 12: 54, 17: 44, 21: 16, 25: 6, 28: 18}


def test_published_figures_are_carried_exactly(oct10):
    for row, (round_, outcome) in zip(FIGURES, oct10, strict=True):
        assert round_.number == int(row["wave"])
        assert round_.deficit == float(row["deficit_usd"])
        assert round_.capacity_usd == float(row["capacity_usd"])
        assert outcome.needed == float(row["needed_usd"])
        assert outcome.recorded.haircut == float(row["production_usd"])
        assert math.fsum(outcome.gaps.gap) == outcome.needed
        assert math.fsum(round_.flow.notional) == pytest.approx(float(row["closed_notional_usd"]), abs=1e-6)
        assert len(round_.flow) == len(outcome.gaps) == int(row["n_coins"])


def test_counts_of_accounts(oct10):
    sizes = {r.number: len(r.accounts) for r, _ in oct10}
    assert {k: sizes[k] for k in COUNTED} == COUNTED
    fills = {int(row["wave"]): int(row["n_fills"]) for row in FIGURES}
    unknown = [k for k in sizes if k not in COUNTED]
    grows = sorted(unknown, key=fills.get)
    assert [sizes[k] for k in grows] == sorted(sizes[k] for k in unknown)
    assert 19_000 < sum(sizes.values()) < 21_000


def test_calibration(oct10):
    ratio = np.concatenate([r.accounts.equity / r.accounts.pnl for r, _ in oct10])
    p10, median, p90 = np.quantile(ratio, [0.1, 0.5, 0.9])
    assert p10 == pytest.approx(2.3, rel=0.05)
    assert median == pytest.approx(4.4, rel=0.05)
    assert p90 == pytest.approx(15.0, rel=0.05)
    leverage = np.concatenate([r.accounts.leverage for r, _ in oct10])
    knots = {float(q["quantile"]): float(q["leverage"]) for q in read_figures("oct10_account_quantiles.csv")}
    for q in (0.3, 0.5, 0.8, 0.9):
        assert np.quantile(leverage, q) == pytest.approx(knots[q], rel=0.1)
    positions = sum(len(r.positions) for r, _ in oct10)
    assert positions / ratio.size == pytest.approx(1.6, abs=0.1)


def test_capacities_are_heavy_tailed(oct10):
    for round_, _ in oct10:
        u = np.sort(round_.accounts.capacity)
        if u.size > 500:
            assert u[-u.size // 100 :].sum() > 0.5 * u.sum()  # the top 1 % hold most
            assert np.median(u) < 0.05 * u.mean()


def test_accounts_persist(oct10):
    ids = [set(r.accounts.id.tolist()) for r, _ in oct10]
    for t in range(1, len(ids)):
        if len(ids[t]) > 30:
            assert ids[t] & set.union(*ids[:t])
    assert 16_000 < len(set.union(*ids)) < 19_337


def test_a_few_markets_carry_most_and_gaps_differ(oct10):
    round_, outcome = oct10.rounds[0]
    notional = np.sort(round_.flow.notional)[::-1]
    assert notional[:5].sum() > 0.5 * notional.sum()
    relative = outcome.gaps.gap / round_.flow.notional
    assert relative.max() > 3 * relative.min() > 0


def test_positions_are_whole_lots_within_accounts(oct10):
    for round_, _ in oct10:
        held = np.bincount(round_.positions.account, round_.positions.pnl, minlength=len(round_.accounts))
        assert np.allclose(held, round_.accounts.pnl, rtol=1e-9)
        assert round_.positions.lots.min() >= 1


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


EXPECTED = "b3842efd0485a286"


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

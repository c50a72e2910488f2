"""How near the drawn accounts are to real ones, and that the real figures are those of the rows."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from adl_opt.datasets import calibration
from adl_opt.datasets.calibration import REAL, account_figures, bands, concentration
from adl_opt.datasets.hyperreplay.importer import import_hyperreplay
from adl_opt.datasets.oct10 import SEED, draw_oct10

DATA = os.environ.get("ADL_OPT_DATA")


def test_concentration_by_hand():
    found = concentration(np.array([0.0, 1.0, 1.0, 2.0, -5.0]))
    assert found["top-1 share"] == 0.5
    assert found["top-10 share"] == 1.0
    assert found["Herfindahl index"] == pytest.approx(6 / 16)
    assert found["Gini"] == pytest.approx(2 / 12)  # (-2 1 + 0 1 + 2 2) / (3 4)
    assert concentration(np.full(1000, 3.0))["Gini"] == pytest.approx(0.0)


def test_bands_hold_most_real_figures():
    found = bands(seeds=12)
    assert len(found) == len(REAL) == 38
    assert set(found["rows"]) == {"fitted", "held out"}
    assert (found["low"] <= found["high"]).all()
    shares = found.groupby("rows")["inside"].mean()
    assert shares["fitted"] > 0.6
    assert shares["held out"] > 0.4
    concentrated = found[
        found["where"].isin(["17", "21", "25"]) & found["figure"].isin(["top-1 share", "Gini"])
    ]
    assert concentrated["inside"].all()


def test_a_calibration_that_is_off_is_seen(monkeypatch, capsys):
    """Accounts that are all alike in size are outside most bands: the check fails, and says so."""
    monkeypatch.setattr(calibration, "bands", lambda: bands(seeds=2).assign(inside=False))
    assert calibration._main(["--check"]) == 1
    assert "fitted: 0 of" in capsys.readouterr().out
    assert calibration._main([]) == 2


def test_a_seed_gives_the_same_figures_again():
    assert calibration.draw_figures(SEED) == calibration.draw_figures(SEED)


def test_positions_on_the_losers_side_are_not_in_the_flow():
    round_ = draw_oct10(SEED).rounds[0][0]
    held = round_.positions
    closed = calibration._in_flow(round_)
    assert closed.any()
    assert (held.side[closed] == -1).all()
    assert np.isin(held.market[closed], round_.flow.market).all()


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the rows")
def test_the_real_figures_are_those_of_the_rows(late_rounds):
    episode, _ = import_hyperreplay(late_rounds)
    ours = {str(round_.number): account_figures(round_) for round_, _ in episode}
    for real in REAL:
        if real.where in ours:
            assert ours[real.where][real.figure] == pytest.approx(real.value, abs=6e-4), real


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the rows")
@pytest.mark.parametrize("market", ["BTC", "SOL"])
def test_the_real_figures_of_markets_are_those_of_the_positions(market):
    path = Path(DATA) / "oct10-real" / "btc_sol_positions.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    with path.open() as file:
        rows = [r for r in csv.DictReader(file) if r["asset"] == market and r["was_adl"] == "True"]
    found = concentration(np.array([float(r["absolute_pnl"]) for r in rows if r["side"] == "SHORT"]))
    for real in REAL:
        if real.where == market:
            assert found[real.figure] == pytest.approx(real.value, abs=6e-4)

"""October 10 by the second: sixty bursts that add up to the sixteen rounds, and what is left between them."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import adl_opt as adl

SECONDS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 15, 11, 6, 5, 4, 5]
DATA = os.environ.get("ADL_OPT_DATA")


@pytest.fixture(scope="module")
def oct10():
    return adl.load("oct10")


@pytest.fixture(scope="module")
def bursts(oct10):
    """The bursts of each round."""
    found: dict[int, list] = {round_.number: [] for round_, _ in oct10}
    for round_, outcome in adl.load("oct10-bursts"):
        found[round_.number // 100].append((round_, outcome))
    return found


def test_sixty_bursts_in_order_within_their_rounds(oct10, bursts):
    assert [len(found) for found in bursts.values()] == SECONDS
    for round_, outcome in oct10:
        found = bursts[round_.number]
        assert [b.number for b, _ in found] == [100 * round_.number + k + 1 for k in range(len(found))]
        assert (found[0][0].start_ms, found[-1][1].end_ms) == (round_.start_ms, outcome.end_ms)
        assert all(b.start_ms // 1000 == o.end_ms // 1000 for b, o in found)


def test_bursts_add_up_to_their_rounds(oct10, bursts):
    for round_, outcome in oct10:
        found = bursts[round_.number]
        assert math.fsum(o.needed for _, o in found) == pytest.approx(outcome.needed, abs=0.005)
        assert math.fsum(b.deficit for b, _ in found) == pytest.approx(round_.deficit, abs=0.005)
        closed, gaps = {}, {}
        for burst, revealed in found:
            assert math.fsum(revealed.gaps.gap) == pytest.approx(revealed.needed, abs=0.005)
            for market, contracts in zip(burst.flow.market.tolist(), burst.flow.quantity, strict=True):
                closed[market] = closed.get(market, 0.0) + contracts
            for market, usd in zip(revealed.gaps.market.tolist(), revealed.gaps.gap, strict=True):
                gaps[market] = gaps.get(market, 0.0) + usd
        for market, contracts, usd in zip(
            round_.flow.market.tolist(), round_.flow.quantity, outcome.gaps.gap, strict=True
        ):
            assert closed[market] == pytest.approx(contracts, rel=1e-12)
            assert gaps[market] == pytest.approx(usd, rel=1e-12, abs=1e-9)


def test_what_earlier_bursts_closed_is_gone(oct10, bursts):
    for round_, _ in oct10:
        found = [b for b, _ in bursts[round_.number]]
        assert found[0].capacity_usd == round_.capacity_usd
        assert all(b.accounts.id.tolist() == round_.accounts.id.tolist() for b in found)
        for before, after in pairwise(found):
            assert after.capacity_usd < before.capacity_usd
            assert (after.positions.lots <= before.positions.lots).all()
            assert after.accounts.equity.tolist() == before.accounts.equity.tolist()
        last = found[-1]
        held = last.positions
        for market, side, quantity in zip(
            last.flow.market.tolist(), last.flow.side, last.flow.quantity, strict=True
        ):
            rows = (held.market == market) & (held.side == -side)
            assert held.quantity[rows].sum() >= quantity * (1 - 1e-9)
        pnl = np.bincount(held.account, held.pnl, minlength=len(last.accounts))
        assert np.allclose(pnl, last.accounts.pnl, rtol=1e-6, atol=1e-3)


def test_production_is_there_where_a_round_is_one_burst(oct10, bursts):
    for round_, outcome in oct10:
        recorded = [o.recorded for _, o in bursts[round_.number]]
        assert recorded == ([outcome.recorded] if len(recorded) == 1 else [None] * len(recorded))


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the rows")
def test_contracts_by_notional_are_near_the_real_ones(bursts):
    """The contracts of the late rounds are public by fill."""
    name = "adl_detailed_analysis_REALTIME.late-rounds.csv"
    fills = pd.read_csv(Path(str(DATA)) / "hyperreplay" / name)
    fills["second"] = fills.time // 1000
    real = fills.groupby(["second", "coin"]).adl_size.sum()
    late = [burst for number in (17, 21, 25, 28) for burst, _ in bursts[number]]
    ours = {
        (burst.start_ms // 1000, market): quantity
        for burst in late
        for market, quantity in zip(burst.flow.market.tolist(), burst.flow.quantity, strict=True)
    }
    assert ours.keys() == set(real.index)
    off = np.abs([ours[key] / real[key] - 1.0 for key in ours])
    assert off.max() < 0.15  # the second's own mean price is not the round's
    assert np.quantile(off, 0.95) < 0.055

"""Who reacts to a haircut, when, and how much of it comes back; and where those figures come from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adl_opt.datasets.draws import read_figures
from adl_opt.studies.simulation.accounts import LOT, draw_world
from adl_opt.studies.simulation.behaviour import Habits, after_haircuts, undo
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import CENTS, NEVER, check_books

REAL = Settings(accounts=6, markets=1, steps=2, reactions="oct10")
DATA = os.environ.get("ADL_OPT_DATA")


def reactions() -> pd.DataFrame:
    return pd.DataFrame(read_figures("oct10_reactions.csv")).astype(float)


def test_the_shares_are_those_that_were_measured():
    table = reactions().sum()
    assert table.users == 19_337
    assert round(table.undo_60s / table.users, 3) == 0.028
    assert round(table.undo_300s / table.users, 3) == 0.055


def test_an_account_reacts_by_its_size_and_in_its_time():
    world = draw_world(REAL, np.random.default_rng(0))
    world.cash[:] = np.array([50, 500, 5e3, 5e4, 5e5, 5e6]) * CENTS  # one of each size
    table = reactions()
    minute, five = table.undo_60s / table.users, table.undo_300s / table.users
    for draw, steps in (
        (minute * 0.49, 3),
        (minute * 0.999, 6),
        (minute * 0.51 + five * 0.49, 18),
        (five * 0.999, 30),
    ):
        world.whim[:, 1] = draw
        assert Habits.of(world, REAL).returns.tolist() == [steps] * 6
    world.whim[:, 1] = five * 1.001
    assert (Habits.of(world, REAL).returns == NEVER).all()
    world.whim[:, 0] = table.trade_60s / table.users * 0.999
    habits = Habits.of(world, REAL)
    assert habits.withdraws.tolist() == [6] * 6
    assert habits.share.tolist() == table.undone_share.tolist()


def test_a_share_is_bought_back_when_it_is_due_and_not_before():
    world = draw_world(REAL, np.random.default_rng(0))
    world.cash[:] = 10**9
    habits = Habits(np.full(6, NEVER), np.array([3, *[NEVER] * 5]), np.full(6, 0.5))
    side = int(np.sign(world.lots[0, 0]) or 1)
    world.pending[:2, 0] = 8 * side  # the second account will not undo
    money, before = world.ledger(), int(world.lots[0, 0])
    after_haircuts(world, np.array([0, 1]), np.array([LOT]), habits, step=10)
    traded = [undo(world, np.array([LOT]), np.ones(1), REAL, habits, step) for step in (11, 12, 13, 14)]
    assert traded == [0, 0, 4, 0]
    assert world.lots[0, 0] - before == 4 * side
    assert not world.pending.any()
    check_books(world, money, 14)


def test_a_withdrawal_comes_when_it_is_due():
    world = draw_world(REAL, np.random.default_rng(0))
    world.cash[:] = 10**9
    habits = Habits(np.array([0, 2, *[NEVER] * 4]), np.full(6, NEVER), np.ones(6))
    world.lots[:, 0] = world.cost[:, 0] = [1, -1, 1, -1, 1, -1]  # nobody leaves
    for step, gone in ((5, 1), (6, 1), (7, 2)):
        after_haircuts(
            world, np.array([0, 1, 2] if step == 5 else [], dtype=int), np.array([LOT]), habits, step
        )
        assert np.count_nonzero(~world.supplies) == gone


@pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the rows")
def test_the_table_is_counted_from_the_users():
    folder = Path(str(DATA))
    users = pd.read_csv(folder / "oct10-real" / "analysis" / "per_user_reaction_metrics.csv").merge(
        pd.read_csv(
            folder / "hyperreplay" / "adl_by_user_REALTIME.csv", usecols=["user", "account_value_realtime"]
        )
    )
    table = reactions()
    least = table.least_value_usd.to_numpy()
    users["size"] = np.searchsorted(least, users.account_value_realtime, side="right").clip(1) - 1
    undone, traded = (
        [users[f"{kind}_{s}000ms"] > 0 for s in (60, 300)]
        for kind in (
            "mean_undo_frac",
            "share_any_nonadl_fill",
        )
    )
    users["undo_60s"], users["undo_300s"] = undone
    users["trade_60s"], users["trade_300s"] = (seen & ~undone[1] for seen in traded)
    counts = users.groupby("size")[["undo_60s", "undo_300s", "trade_60s", "trade_300s"]].sum()
    assert (counts == table[counts.columns]).all(axis=None)
    assert users.groupby("size").size().tolist() == table.users.tolist()
    share = users[undone[1]].groupby("size").mean_undo_frac_300000ms.mean()
    assert share.to_numpy() == pytest.approx(table.undone_share.to_numpy(), abs=5e-5)

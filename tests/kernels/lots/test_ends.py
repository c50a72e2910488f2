"""Instances of little accounts beside big ones, on which a search by small steps would not come to an end."""

import numpy as np
import pytest

from adl_opt.kernels import minmax_lots
from adl_opt.testing.policies import make_round


@pytest.mark.parametrize("seed", range(40))
def test_it_ends_and_is_proven(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    pnl = np.where(rng.random(n) < 0.4, rng.integers(1, 500, n), rng.integers(1, 10**10, n)) / 100
    ratio = rng.choice([0.0, 0.25, 1.0, 4.4], n)
    round_ = make_round(pnl, pnl * ratio, rng.integers(1, 60, n), seed)
    held = round_.positions
    for share in (1e-9, 0.013, 0.5, 0.999, 1.0, 1.3):
        result = minmax_lots(
            round_.accounts.capacity, held.account, held.lot_value, held.lots, share * round_.capacity_usd
        )
        assert result.certify().ok
        assert result.gap == 0.0

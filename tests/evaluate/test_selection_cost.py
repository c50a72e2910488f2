"""What fewer payers cost in burden."""

import dataclasses
from itertools import pairwise

import pytest

from adl_opt.datasets.oct10 import load_oct10
from adl_opt.errors import InputError
from adl_opt.evaluate.selection_cost import accounts_versus_burden


def test_fewer_accounts_cost_burden():
    round_, outcome = load_oct10().in_space().rounds[8]
    counts = [3, 10, 50, 200]
    rows = accounts_versus_burden(round_, outcome.needed, counts)
    assert [row.accounts for row in rows] == counts
    assert all(row.paying <= row.accounts and row.shortfall_usd == 0 for row in rows)
    assert all(row.lower_bound <= row.max_burden <= row.lower_bound * (1 + 2e-9) for row in rows)
    assert all(before.lower_bound > after.max_burden for before, after in pairwise(rows))
    with pytest.raises(InputError):
        accounts_versus_burden(round_, outcome.needed, [-1])
    with pytest.raises(InputError):
        accounts_versus_burden(dataclasses.replace(round_, positions=None), 1.0, [1])

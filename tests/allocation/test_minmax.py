"""Answers over lots are kept: the same columns are searched once, whichever round they stand in."""

from dataclasses import replace

import numpy as np
import pytest

from adl_opt.allocation import minmax
from adl_opt.allocation.minmax import solve_lots
from tests.programs.cases import make_round


def test_a_round_that_is_made_again_is_not_searched_again():
    first, again = make_round(3, 5, positions=8), make_round(3, 5, positions=8)
    needed = 0.4 * first.capacity_usd
    for base in ("capacity", "equity"):
        found = solve_lots(first, needed, base)
        assert solve_lots(again, needed, base) is found
        assert found.certify().ok
        with pytest.raises(ValueError, match="read-only"):
            found.lots[0] = 7


@pytest.mark.parametrize("column", ["lots", "lot_value", "account", "capacity", "equity", "asked", "nodes"])
def test_another_problem_is_another_answer(column):
    round_ = make_round(3, 5, positions=8)
    needed, nodes, held, accounts = 0.4 * round_.capacity_usd, 10**6, round_.positions, round_.accounts
    kept = solve_lots(round_, needed, "equity", nodes)
    if column in ("lots", "lot_value"):
        held = replace(held, **{column: 2 * getattr(held, column)})
    elif column == "account":
        held = replace(held, account=(held.account + 1) % len(accounts))
    elif column in ("capacity", "equity"):
        factor = 0.9 if column == "capacity" else 2.0
        accounts = replace(accounts, **{column: factor * getattr(accounts, column)})
    asked = needed / 2 if column == "asked" else needed
    other = replace(round_, accounts=accounts, positions=held)
    found = solve_lots(other, asked, "equity", 10**5 if column == "nodes" else nodes)
    assert found is not kept
    fresh = minmax.minmax_lots(
        accounts.capacity, held.account, held.lot_value, held.lots, asked, base=accounts.equity
    )
    np.testing.assert_array_equal(found.lots, fresh.lots)
    assert found.z == fresh.z

"""Scenarios from an episode's own past and from files: nothing of the future, and no silent repair."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adl_opt.datasets.scenarios import moves_so_far, read_moves
from adl_opt.errors import InputError
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow


def episode(marks):
    """Return rounds whose flow has these marks of A and B."""
    accounts = Accounts(id=["a"], pnl=[10.0], equity=[10.0])
    flows = [Flow(market=["A", "B"], quantity=[1.0, 1.0], mark=mark) for mark in marks]
    rounds = [
        (Round(deficit=1.0, accounts=accounts, flow=flow, number=t), Outcome(0.5))
        for t, flow in enumerate(flows, 1)
    ]
    return Episode("mine", "made up", rounds)


def test_only_what_is_known_when_the_round_begins():
    marks = [[100.0, 10.0], [90.0, 10.0], [99.0, 11.0], [1.0, 1.0]]
    told = moves_so_far(episode(marks), 2, ["B", "A"], mirrored=False)
    assert told.moves == pytest.approx(np.array([[0.0, -9.9], [1.1, 9.9]]))
    other = moves_so_far(episode([*marks[:3], [500.0, 0.1]]), 2, ["B", "A"], mirrored=False)
    assert np.array_equal(told.moves, other.moves)
    with pytest.raises(InputError, match="two times"):
        moves_so_far(episode(marks), 0, ["A"])
    with pytest.raises(InputError, match="no mark"):
        moves_so_far(episode(marks), 2, ["A", "C"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_of_moves(tmp_path, suffix):
    path = tmp_path / f"moves.{suffix}"
    columns = {"note": [1.0, 2.0], "B": [-0.5, 0.5], "A": [0.1, -0.1], "chance": [0.25, 0.75]}
    if suffix == "csv":
        rows = zip(*columns.values(), strict=True)
        path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    else:
        pq.write_table(pa.table(columns), path)
    told = read_moves(path, ["A", "B"], [100.0, 10.0])
    assert told.moves == pytest.approx(np.array([[10.0, -5.0], [-10.0, 5.0]]))
    assert told.chance.tolist() == [0.25, 0.75]
    assert told.source == f"file moves.{suffix}"
    with pytest.raises(InputError, match="C"):
        read_moves(path, ["A", "C"], [1.0, 1.0])


def test_files_that_hold_no_moves_are_refused(tmp_path):
    path = tmp_path / "moves.csv"
    path.write_text("A\n-1.5\n")
    with pytest.raises(InputError, match="above -1"):
        read_moves(path, ["A"], [1.0])
    broken = tmp_path / "moves.parquet"
    broken.write_text("no parquet")
    with pytest.raises(InputError, match=r"moves\.parquet"):
        read_moves(broken, ["A"], [1.0])
    pq.write_table(pa.table({"A": ["x"]}), broken)
    with pytest.raises(InputError, match=r"moves\.parquet"):
        read_moves(broken, ["A"], [1.0])

"""Scenarios from an episode's own past and from files: nothing of the future, and no silent repair."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adl_opt.datasets.scenarios import moves_so_far, read_covariance, read_moves, scenario_source
from adl_opt.errors import AdlOptError, InputError, UsageError
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.rounds.tables import Accounts, Flow
from tests.rounds.books import small_book


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


@pytest.fixture
def moved():
    """Return the marks before a round of one market whose mark has fallen from 125 to 100."""
    return [{"XBT": 125.0}], small_book(
        [10], side="short", entry=120.0, mark=100.0, losers="long", quantity=5.0, bankruptcy=103.0
    )


def test_sources_by_name(moved):
    marks, round_ = moved
    assert scenario_source(None).of(marks, round_).moves.ravel() == pytest.approx([-20.0, 25.0])
    assert (
        scenario_source("past(seed=3)").of([], round_).source.startswith("64 draws of a normal law, seed 3")
    )
    drawn = scenario_source("drawn(volatility=0.3, count=200, seed=5)").of(marks, round_)
    assert "200 draws of a normal law, seed 5, volatility 0.3" in drawn.source
    assert np.log1p(drawn.moves / 100.0).std() == pytest.approx(0.3, rel=0.2)
    again = scenario_source("drawn(volatility=0.3, count=200, seed=5)").of(marks, round_)
    assert np.array_equal(drawn.moves, again.moves)


def test_a_covariance_from_a_file(moved, tmp_path):
    file = tmp_path / "cov.csv"
    file.write_text("market,XBT,ETH\nETH,0.5,1.0\nXBT,0.04,0.5\n")
    assert read_covariance(file, ["XBT", "ETH"]).tolist() == [[0.04, 0.5], [0.5, 1.0]]
    drawn = scenario_source(f"drawn(covariance={file}, count=400)").of(*moved)
    assert np.log1p(drawn.moves / 100.0).std() == pytest.approx(0.2, rel=0.1)
    assert "covariance cov.csv" in drawn.source
    file.write_text("market,XBT,ETH\nETH,0.5,1.0\n")
    with pytest.raises(InputError, match="no row"):
        read_covariance(file, ["XBT", "ETH"])


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("drawn(colour=1)", "colour"),
        ("drawn(count=1)", "count"),
        ("past(correlation=2)", "correlation"),
        ("nothing-there", "neither a file nor a name"),
    ],
)
def test_sources_that_are_none_are_refused(given, word):
    with pytest.raises(AdlOptError, match=word) as refused:
        scenario_source(given)
    assert refused.value.ways_out


def test_scenarios_of_rounds_in_wealth_are_refused():
    with pytest.raises(UsageError, match="rounds in contracts"):
        scenario_source("past", "wealth")
    assert scenario_source(None, "wealth").past

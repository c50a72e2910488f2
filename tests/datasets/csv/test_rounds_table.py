from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.datasets.csv.rounds_table import GapsTable, RoundsTable, read_gaps, read_rounds
from adl_opt.errors import InputError
from tests.datasets.conftest import attempted, refused

HEAD = "wave,t_start_ms,t_end_ms,deficit_usd,needed_usd"
FIRST = "1,1760000000000,1760000001000,20,3"


def test_every_column_is_read(write):
    path = write(
        "round,t_start_ms,t_end_ms,deficit,needed_usd,production_usd,production_max_burden,"
        "reference_burden,n_fills,n_winners\n"
        "1,1760000000000,1760000001000,20,3,5,0.5,0.25,4,\n"
        "4,1760000010000,1760000010000,7.5,1,2,1,0,1,\n",
        "days.csv",
    )
    table = read_rounds(path)
    assert table.file == "days.csv"
    assert table.number.tolist() == [1, 4]
    assert table.start_ms.tolist() == [1760000000000, 1760000010000]
    assert table.end_ms.tolist() == [1760000001000, 1760000010000]
    assert table.deficit.tolist() == [20.0, 7.5]
    assert table.needed.tolist() == [3.0, 1.0]
    assert table.production.tolist() == [5.0, 2.0]
    assert table.production_max_burden.tolist() == [0.5, 1.0]
    assert table.reference_burden.tolist() == [0.25, 0.0]
    assert table.n_fills.tolist() == [4, 1]


def test_optional_columns_may_be_absent(write):
    table = read_rounds(write("wave,t_start_ms,t_end_ms,needed_usd\n1,1760000000000,1760000001000,3\n"))
    names = ("deficit", "production", "production_max_burden", "reference_burden", "n_fills")
    assert table.missing(*names) == list(names)


def test_times_fall_in_windows_with_both_ends():
    table = RoundsTable(number=[1, 2], start_ms=[10, 30], end_ms=[20, 30], needed=[1, 1])
    assert table.window_of([9, 10, 15, 20, 21, 29, 30, 31]).tolist() == [-1, 0, 0, 0, -1, -1, 1, -1]
    none = RoundsTable(number=[], start_ms=[], end_ms=[], needed=[])
    assert none.window_of([1]).tolist() == [-1]


BAD = {
    "seconds": (f"{HEAD}\n1,1760000000,1760000001,20,3", "wrong time unit", "seconds", "'t_start_ms'"),
    "microseconds": (f"{HEAD}\n1,1760000000000,1760000001000000,20,3", "microseconds", "'t_end_ms'"),
    "nanoseconds": (f"{HEAD}\n1,1760000000000000000,1760000001000,20,3", "nanoseconds", "line 2"),
    "ends before start": (f"{HEAD}\n1,1760000001000,1760000000000,20,3", "before the start", "line 2"),
    "overlap": (f"{HEAD}\n{FIRST}\n2,1760000001000,1760000002000,1,1", "overlap", "line 3", "1760000001000"),
    "round twice": (f"{HEAD}\n{FIRST}\n1,1760000010000,1760000011000,1,1", "twice", "line 3", "'wave'"),
    "not sorted": (f"{HEAD}\n{FIRST}\n0,1760000010000,1760000011000,1,1", "increasing", "line 3"),
    "negative deficit": (f"{HEAD}\n1,1760000000000,1760000001000,-20,3", "at least 0", "'deficit_usd'"),
    "blank needed": (f"{HEAD}\n1,1760000000000,1760000001000,20,", "blank", "'needed_usd'", "line 2"),
    "no needed": ("wave,t_start_ms,t_end_ms\n1,1760000000000,1760000001000", "missing needed"),
    "wave and round": (f"round,{HEAD}\n1,{FIRST}", "given twice", "'round'", "'wave'"),
    "half a round": (f"{HEAD}\n1.5,1760000000000,1760000001000,20,3", "whole", "'1.5'"),
    "half a millisecond": (f"{HEAD}\n1,1760000000000.5,1760000001000,20,3", "whole", "'t_start_ms'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rounds_table(write, case):
    content, *words = BAD[case]
    refused(lambda: read_rounds(write(content + "\n")), InputError, "file.csv", *words)


def test_a_table_in_memory_is_checked_too():
    values = {"number": [1, 2], "start_ms": [10, 20], "end_ms": [20, 30], "needed": [1, 1]}
    refused(lambda: RoundsTable(**values), InputError, "overlap", "row 1")


def test_gaps(write):
    path = write("wave,coin,qty_contracts,gap_per_contract_usd\n1,NA,2,0.5\n1,X,4,0.25\n2,X,1,0\n")
    gaps = read_gaps(path)
    assert gaps.market.tolist() == ["NA", "X", "X"]
    assert gaps.by_market(1) == {"NA": 0, "X": 1}
    assert gaps.by_market(3) == {}
    assert gaps.quantity.tolist() == [2.0, 4.0, 1.0]
    assert read_gaps(write("round,coin,gap_per_contract\n1,X,1\n")).quantity is None


def test_bad_gaps(write):
    twice = "wave,coin,gap_per_contract_usd\n1,X,1\n2,X,1\n1,X,2\n"
    refused(lambda: read_gaps(write(twice)), InputError, "twice", "round 1", "'X'", "lines 2 and 4")
    negative = "wave,coin,gap_per_contract_usd\n1,X,-1\n"
    refused(lambda: read_gaps(write(negative)), InputError, "at least 0", "line 2", "'-1'")


CELL = st.sampled_from(
    ["1", "2", "1760000000000", "1760000001000", "1760000002000", "", "x", "-1", "1e9", "nan"]
)
ROWS = st.lists(st.lists(CELL, min_size=5, max_size=5), max_size=3)
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.one_of(st.binary(max_size=60), ROWS.map(lambda rows: "\n".join(map(",".join, rows)).encode())))
def test_any_rows_give_a_table_or_a_refusal(write, tail):
    rounds = write(HEAD.encode() + b"\n" + tail, "rounds.csv")
    gaps = write(b"wave,coin,gap_per_contract_usd,qty_contracts,x\n" + tail, "gaps.csv")
    assert isinstance(attempted(lambda: read_rounds(rounds)), RoundsTable | None)
    assert isinstance(attempted(lambda: read_gaps(gaps)), GapsTable | None)


def test_what_a_round_revealed_has_a_record_only_where_production_is_known():
    values = {"number": [1], "start_ms": [10], "end_ms": [20], "needed": [5.0]}
    bare = RoundsTable(**values).outcome(0, None)
    assert (bare.needed, bare.end_ms, bare.gaps, bare.recorded) == (5.0, 20, None, None)
    known = RoundsTable(**values, production=[7.0], reference_burden=[0.5]).outcome(0, None).recorded
    assert (known.haircut, known.reference_burden) == (7.0, 0.5)
    assert math.isnan(known.max_burden)

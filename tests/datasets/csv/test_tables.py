from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adl_opt.checks import LONGEST_TEXT
from adl_opt.datasets.csv.tables import read_table
from adl_opt.errors import InputError
from tests.datasets.conftest import attempted, refused


def read(path):
    table = read_table(path, required=("id", "pnl"), spellings={"id": ("id",), "pnl": ("pnl", "pnl_usd")})
    return table, table.text("id"), table.column("pnl", "usd")


def test_text_stays_text_and_lines_are_those_of_the_file(write):
    path = write('id,pnl_usd,x\nNA,1,\n\nnull,-2.5,\n"0\n07",1e3,z\n0x10,+.5,\n')
    table, ids, pnl = read(path)
    assert ids.tolist() == ["NA", "null", "0\n07", "0x10"]
    assert pnl.tolist() == [1.0, -2.5, 1000.0, 0.5]
    assert table.lines.tolist() == [2, 4, 5, 7]
    assert table.spelled["pnl"] == "pnl_usd"
    assert "x" in table
    assert len(table) == 4


def test_byte_order_mark_crlf_and_padded_headers_are_accepted(write):
    _, ids, pnl = read(write(b"\xef\xbb\xbfid , pnl\r\n\xc3\xa9, 2 \r\n"))
    assert (ids.tolist(), pnl.tolist()) == (["é"], [2.0])


BAD = {
    "empty": (b"", "empty", "0 bytes"),
    "blank only": (b" \n\n", "empty", "3 bytes"),
    "header only": (b"id,pnl\n", "no rows"),
    "missing column": (b"id,profit\na,1\n", "missing pnl", "id, profit"),
    "missing, wrong separator": (b"id;pnl\na;1\n", "missing id, pnl", "commas"),
    "not UTF-8": (b"id,pnl\n\xff\xfe,1\n", "UTF-8", "line 2", "0xff"),
    "UTF-16": ("id,pnl\na,1\n".encode("utf-16"), "UTF-8", "line 1"),
    "a NUL": (b"id,pnl\na\x00,1\n", "NUL", "line 2"),
    "too many fields": (b"id,pnl\na,1\nb,2,3\n", "line 3", "3 fields", "2"),
    "too few fields": (b"id,pnl\na\n", "line 2", "1 fields"),
    "open quote": (b'id,pnl\n"a,1\n', "malformed", "line 2"),
    "giant field": (b"id,pnl\n" + b"a" * 200_000 + b",1\n", "malformed", "line 2"),
    "header twice": (b"id,pnl,id\na,1,b\n", "given twice", "'id'"),
    "both spellings": (b"id,pnl,pnl_usd\na,1,1\n", "given twice", "'pnl'", "'pnl_usd'"),
    "column without a name": (b",id,pnl\n0,a,1\n", "no name", "column 1 of 3"),
    "blank id": (b"id,pnl\na,1\n  ,1\n", "blank", "line 3", "'id'"),
    "padded id": (b"id,pnl\na ,1\n", "blank", "line 2", "'a '"),
    "long id": (b"id,pnl\n" + b"a" * (LONGEST_TEXT + 1) + b",1\n", "longer than", "line 2", "257 characters"),
    "blank number": (b"id,pnl\na,1\nb,\nc,\n", "blank", "line 3", "'pnl'", "1 more"),
    "NaN": (b"id,pnl\na,nan\n", "finite", "line 2", "'nan'"),
    "infinite": (b"id,pnl\na,1\nb,-inf\n", "finite", "line 3", "'-inf'"),
    "overflow": (b"id,pnl\na,1e999\n", "finite", "'1e999'"),
    "not a number": (b"id,pnl\na,1\n\nb,12 USD\n", "not a number", "line 4", "'pnl'", "'12 USD'"),
    "underscores": (b"id,pnl\na,1_000\n", "not a number", "'1_000'"),
    "other digits": ("id,pnl\na,١٢\n".encode(), "not a number", "line 2"),
    "absurd amount": (b"id,pnl\na,1e16\n", "larger than 1e+15", "'1e16'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused_with_its_place(write, case):
    content, *words = BAD[case]
    refused(lambda: read(write(content)), InputError, "file.csv", *words)


def test_missing_file_folder_and_impossible_path(tmp_path):
    refused(lambda: read(tmp_path / "none.csv"), InputError, "does not exist", "none.csv")
    refused(lambda: read(tmp_path), InputError, "is a folder")
    refused(lambda: read("a\0b"), InputError, "cannot be read")


@pytest.mark.parametrize(
    ("cell", "kind", "why"),
    [("-1", "usd+", "at least 0"), ("-1", "ratio+", "at least 0"), ("0", "usd>0", "above 0")],
)
def test_bounds_of_kinds(write, cell, kind, why):
    table = read_table(write(f"v\n{cell}\n"), required=["v"])
    refused(lambda: table.column("v", kind), InputError, why, "line 2", repr(cell))


@pytest.mark.parametrize(("cell", "why"), [("1.5", "whole"), ("-1", "least 0"), ("9007199254740994", "2^53")])
def test_whole_numbers(write, cell, why):
    table = read_table(write(f"v\n3.0\n{cell}\n"), required=["v"])
    refused(lambda: table.column("v", "count"), InputError, why, "line 3", repr(cell))
    assert read_table(write("v\n3.0\n"), required=["v"]).column("v", "count").tolist() == [3]


@pytest.mark.parametrize(
    ("cell", "unit", "way"),
    [
        ("1760130964", "seconds", "multiply the column by 1000"),
        ("1760130964831000", "microseconds", "divide the column by 1000"),
        ("1760130964831123456", "nanoseconds", "divide the column by 1,000,000"),
    ],
)
def test_wrong_time_unit_is_named_with_its_conversion(write, cell, unit, way):
    table = read_table(write(f"t\n1760130964831\n{cell}\n"), required=["t"])
    refused(lambda: table.times("t"), InputError, "wrong time unit", unit, way, "line 3", cell)
    assert read_table(write("t\n1760130964831\n"), required=["t"]).times("t").dtype == np.int64


def test_unknown_columns_come_with_near_matches(write):
    path = write("id,pln,zzz\na,1,2\n")
    known = {"id": ("id",), "pnl": ("pnl",)}
    words = "'pln' (did you mean 'pnl'?)", "'zzz'", "known columns: id, pnl"
    refused(lambda: read_table(path, known, required=["id"], extra="refuse"), InputError, *words)


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.one_of(st.binary(max_size=80), st.binary(max_size=80).map(lambda tail: b"id,pnl\n" + tail)))
def test_any_bytes_give_a_table_or_a_refusal(write, content):
    path = write(content)
    if found := attempted(lambda: read(path)):
        _, ids, pnl = found
        assert ids.size == pnl.size > 0
        assert np.isfinite(pnl).all()


def test_loaders_import_neither_pandas_nor_pyarrow():
    code = (
        "import sys, adl_opt.datasets.hyperreplay.importer, adl_opt.datasets.csv.accounts\n"
        "import adl_opt.datasets.store.folder\n"
        "print([name for name in ('pandas', 'pyarrow', 'cvxpy', 'highspy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

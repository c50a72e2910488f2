"""No input takes more memory or time than its size explains, and nothing printed steers a terminal."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.table import Table

from adl_opt import checks, reading
from adl_opt.errors import AdlOptError, Spelled
from adl_opt.reports.terminal.console import PlainConsole
from benchmarks.attack.inputs import ESCAPE, csvs, faults, measured

DEEP = reading.DEEPEST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": {"b": 1, "c": 2, "b": 3}}', "the key 'b' is given twice"),
        ("[NaN]", "no number of JSON"),
        ("[" * (DEEP + 1) + "]" * (DEEP + 1), "nested deeper than 64"),
        ('{"a":' * 200_000, "nested deeper"),
        ("9" * 5000, "4300"),
        (b'"\xff"', "utf-8"),
        ("[1,", "line 1"),
    ],
)
def test_json_that_can_be_read_in_two_ways_or_wants_too_much(text, why):
    with pytest.raises(ValueError, match=why):
        reading.plain_json(text)


def test_json_is_what_it_says():
    assert reading.plain_json("[" * DEEP + "]" * DEEP)
    assert reading.plain_json(b'\xef\xbb\xbf{"a": "\\u00e9"}') == {"a": "\N{LATIN SMALL LETTER E WITH ACUTE}"}
    brackets = ["[" * 500, '"[[', "{" * 500]
    assert reading.plain_json(repr(brackets).replace("'", '"').replace('""', '"\\"')) == brackets
    dense = "[" + "0," * 100_000 + "0]"
    assert len(reading.plain_json(dense)) == 100_001
    with pytest.raises(ValueError, match="values"):
        reading.plain_json(dense, unpacked=True)


@pytest.mark.parametrize("cut", [1, 2, 7, 100])
def test_lines_do_not_depend_on_the_pieces(cut):
    data = b"one\n\ntwo two two\n" + b"x" * 30 + b"\nlast"
    pieces = [data[k : k + cut] for k in range(0, len(data), cut)]
    wanted = [(1, b"one", False), (2, b"", False), (3, b"two two two", False), (4, None, False)]
    assert list(reading.split_lines(iter(pieces), 20)) == [*wanted, (5, b"last", True)]
    assert list(reading.split_lines(iter([b"y" * 21]), 20)) == [(1, None, True)]
    assert list(reading.split_lines(iter([b"a\n"]), 20)) == [(1, b"a", False)]


def test_toml_is_small_and_flat(tmp_path):
    path = tmp_path / "a.toml"
    for text, why in {
        "a = " + "[" * 100 + "]" * 100: "nested",
        "[" + ".".join("a" * 2000) + "]": "a key or a number",
        "#" * (reading.LARGEST_TOML + 1): "more than",
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=why):
            reading.toml_file(path)
    path.write_text("a = [1, 2]\n")
    assert reading.toml_file(path) == ("a = [1, 2]\n", {"a": [1, 2]})


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"x": np.zeros(1_000_000)}, "1,000,000 rows in"),
        ({"x": ["y" * 20_000_000]}, "unpack to"),
        ({"x": ["y" * 1000] * 100_000}, "unpack to"),
    ],
)
def test_parquet_that_is_small_on_the_disk_only(tmp_path, columns, why):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", compression="zstd")
    assert (tmp_path / "a.parquet").stat().st_size < 20_000
    with pytest.raises(ValueError, match=why):
        reading.parquet_table(tmp_path / "a.parquet")


def test_parquet_comes_back(tmp_path):
    table = pa.table({"id": ["a", "b", "a"], "x": [1.0, None, 3.0], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert reading.parquet_table(tmp_path / "a.parquet").equals(table)
    some = reading.parquet_table((tmp_path / "a.parquet").read_bytes(), lambda schema: ["n", "id"])
    assert some.equals(table.select(["n", "id"]))


def test_one_long_id_does_not_widen_all_others():
    def refuse(wrong, why):
        if wrong.any():
            raise ValueError(why)

    most = checks.LONGEST_TEXT
    assert checks.text_array(["a", "b" * most], refuse).dtype.itemsize == 4 * most
    with pytest.raises(ValueError, match="longer than 256"):
        checks.text_array(["a" * (most + 1)], refuse)
    many = ["a"] * (checks.FREE_CHARACTERS // 64)
    with pytest.raises(ValueError, match="are short"):
        checks.text_array([*many, "b" * most], refuse)


def test_a_stream_and_a_console_spell_out_what_steers():
    plain, drawn = io.StringIO(), io.StringIO()
    print(f"{ESCAPE}\nnext\tline \N{GREEK SMALL LETTER ALPHA}", file=Spelled(plain))
    assert plain.getvalue() == "\\x1b]0;title\\x07\\x1b[2J\\x9b31m\nnext\tline \N{GREEK SMALL LETTER ALPHA}\n"
    table = Table(f"head{ESCAPE}", title=ESCAPE)
    table.add_row(f"[red]{ESCAPE}\ud800")
    PlainConsole(file=drawn, force_terminal=True, width=200).print(table, ESCAPE, style="red")
    text = drawn.getvalue()
    assert "\x1b[31m" in text  # its own colour
    for odd in ("\x07", "\x1b]", "\x1b[2J", "\x9b", "\ud800"):
        assert odd not in text
    assert "[red]\\x1b]0;title" in text


def test_a_message_is_never_long():
    error = AdlOptError("what", got="x" * 10**6, ways_out=["y"])
    assert len(str(error)) < 10_000
    assert "(1,000,007 characters)" in str(error)


def test_some_hostile_inputs(tmp_path):
    """A share of ``python -m benchmarks.attack inputs``."""
    (tmp_path / "a.csv").write_text(csvs()["one-long-id-of-many"])
    for arguments in (["solve", str(tmp_path / "a.csv"), "--budget", "1"], ["verify", f"./{ESCAPE}"]):
        assert faults(**measured(arguments, None, tmp_path)) == []

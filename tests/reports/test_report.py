"""Files: whole or not at all, and nothing that a spreadsheet would run."""

import os

import pandas as pd
import pytest

from adl_opt import files
from adl_opt.errors import AdlOptError
from adl_opt.tabular import to_csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_active_text_is_quoted_and_numbers_are_not(text):
    made = to_csv(pd.DataFrame({"id": [text], "usd": [-1.5]}), index=False)
    assert made.splitlines()[0] == "id,usd"
    assert "'" + text[0] in made
    assert made.rstrip().endswith(",-1.5")


def test_unknown_figures_are_null():
    assert files.to_json({"a": float("nan"), "b": [1.0, float("inf")]}).split() == [
        "{",
        '"a":',
        "null,",
        '"b":',
        "[",
        "1.0,",
        "null",
        "]",
        "}",
    ]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    files.write_text(path, "old")

    def broken(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(AdlOptError, match="cannot be written"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]

"""Tables for papers, pages, spreadsheets and notebooks."""

import io
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.errors import UsageError
from adl_opt.tabular import MOST_ROWS, Tabular


class Made(Tabular):
    def __init__(self, rows):
        self.rows = rows

    def frame(self):
        names = [f"<b>|{k}" for k in range(self.rows)]
        return pd.DataFrame({"name": names, "loss_usd": 1234.5}).set_index("name")


def test_a_notebook_shows_at_most_forty_rows_and_says_how_many_more():
    text = Made(100)._repr_html_()
    assert text.count("<tr>") == MOST_ROWS + 1
    assert "60 more rows" in text
    assert "<b>" not in text
    assert "text-align:right'>1,234.50<" in text
    assert "more rows" not in Made(3)._repr_html_()


def test_latex_has_a_label_and_stands_across_both_columns():
    text = Made(1).to_latex(caption="c", label="tab:mine", wide=True)
    assert text.startswith(r"\begin{table*}")
    assert text.endswith("\\caption{c}\n\\label{tab:mine}\n\\end{table*}\n")
    assert "label" not in Made(1).to_latex()
    with pytest.raises(UsageError, match="label"):
        Made(1).to_latex(label="50%")


def test_benchmarks_are_a_table():
    found = adl.optimum("synthetic(accounts=3, rounds=2)", "pro-rata").benchmarks
    text = found.to_latex(["name", "gap_usd"])
    assert "whole-lots-optimum" in text
    assert len(found.frame()) == len(found) > 3
    assert repr(found).startswith("Benchmarks(fractional-optimum=")


def test_markdown_keeps_its_columns():
    head, rule, row = Made(1).to_markdown().splitlines()
    assert (head, rule) == ("| name | loss, USD |", "| --- | ---: |")
    assert row == r"| <b>\|0 | 1,234.50 |"


def test_columns_are_chosen_in_order_and_unknown_ones_refused():
    result = adl.replay("oct10", ["pro-rata", "production"])
    (head, *_) = result.to_markdown(["total_usd", "covered_rounds"]).splitlines()
    assert head == "| policy | total, USD | covered rounds |"
    with pytest.raises(UsageError, match="no such column") as refused:
        result.to_latex(["totl"])
    assert "total_usd" in str(refused.value)


def test_parquet_and_csv_have_the_frame():
    result = adl.replay("oct10", ["pro-rata", "production"])
    back = pd.read_parquet(io.BytesIO(result.to_parquet()))
    assert back["total_usd"].tolist() == result.frame()["total_usd"].tolist()
    assert re.split(r"[,\n]", result.to_csv(["total_usd"]))[:2] == ["policy", "total_usd"]


@pytest.mark.parametrize(("fmt", "start"), [("latex", r"\begin{table}"), ("md", "| name |")])
def test_a_command_prints_latex_and_markdown(fmt, start):
    assert CliRunner().invoke(app, ["policies", "--format", fmt]).stdout.startswith(start)


def test_nouns_say_themselves_in_a_line_and_show_a_table():
    episode = adl.load("oct10")
    round_, outcome = episode[0]
    for noun in (episode, round_, outcome, round_.accounts, round_.positions, round_.flow, outcome.gaps):
        said = repr(noun)
        assert "\n" not in said
        assert len(said) < 250, said
        assert noun._repr_html_().count("<tr>") <= MOST_ROWS + 1
    assert repr(episode) == "Episode 'oct10': 16 rounds in wealth"
    shown = round_.accounts._repr_html_()
    assert f"{round_.accounts.capacity.max():,.2f}" in shown
    assert f"{round_.accounts.capacity.min():,.2f}" not in shown

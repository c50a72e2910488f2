"""Narrow terminals: figures are shown whole, whatever the width."""

import io
import re

import pytest
from rich.console import Console

import adl_opt as adl
from adl_opt.evaluate.optimum import optimum
from adl_opt.reports.terminal import tables
from adl_opt.reports.terminal.show import print_tables
from adl_opt.reports.text import usd


def printed(item, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(tables.whole(item(console) if callable(item) else item, console))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_amount_of_a_replay_is_cut(width):
    result = adl.replay("oct10", ["production", "hyperliquid-side-adjusted", "constant(0)"])
    text = printed(lambda console: tables.fitted(result, console), width)
    assert "…" not in text
    for p in result.policies:
        assert usd(p.total_usd) in text
        assert p.information.value in text
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", [40, 60, 200])
def test_no_amount_of_the_optima_is_cut(width):
    found = optimum(adl.load("synthetic(accounts=50, rounds=3, seed=1)"), ["pro-rata", "constant(0)"])
    text = "".join(printed(table, width) for table in tables.optimum_tables(found))
    assert "…" not in text
    for b in found.benchmarks:
        assert re.search(re.escape(usd(b.objective_usd)), text)
    assert "worst shortfall $" in text


def test_print_of_a_result_is_the_table_of_the_command(capsys):
    result = adl.replay("synthetic(accounts=10, rounds=2)", ["pro-rata", "constant(0)"])
    print_tables(result)
    told = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert str(result).splitlines() == told
    assert any("constant(theta=0)/pro-rata" in line for line in told)


def test_a_result_is_text_in_a_notebook_too(monkeypatch):
    result = adl.replay("synthetic(accounts=10, rounds=2)", ["pro-rata"])
    told = str(result)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(result) == told

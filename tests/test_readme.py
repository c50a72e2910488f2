"""The README is true: its table is the program's, its code runs, its links lead somewhere."""

import re

import pytest

import adl_opt as adl
from adl_opt.policy.lineup import HINTED, UNHINTED
from tests.readme import FIGURE, README, TABLES, figure, shown

TEXT = README.read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_the_programs(name):
    assert shown(name) == TABLES[name][1](), "run: make readme"


@pytest.mark.parametrize("block", range(len(PYTHON)))
def test_the_python_blocks_run(block, capsys):
    exec(compile(PYTHON[block], f"README block {block}", "exec"), {"__name__": "readme"})
    assert "oct10: 16 rounds" in capsys.readouterr().out


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert "://" in target or (README.parent / target).exists(), target


def test_the_figure_shows_the_policies_that_are_drawn_today():
    kept, made = (re.findall(r">([^<>]*)</text>", svg.decode()) for svg in (FIGURE.read_bytes(), figure()))
    assert sorted(kept) == sorted(made), "run: make readme"
    for name in (*UNHINTED, *HINTED, "production", "pro-rata", "min-max-lots"):
        assert any(label.startswith(adl.make_policy(name).name) for label in kept), name


def test_the_gaps_that_are_named_are_those_of_the_program():
    found = adl.optimum(adl.load("oct10"), ["production"], switches=3)
    tracking = {b.name: b.tracking_usd for b in found.benchmarks}
    named = [tracking[n] for n in ("best-fixed", "best-switching(K=3)")]
    for amount in [*named, found.result.policies[0].tracking_usd]:
        assert f"${amount:,.0f}" in TEXT

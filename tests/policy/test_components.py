"""Every learner says its domain, regulariser, step and theorem, and the table of components reads them."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from adl_opt.allocation import ALLOCATIONS, AllocationRule
from adl_opt.cli.app import main
from adl_opt.policy.components import (
    COLUMNS,
    DECLARED,
    components,
    learner_classes,
)
from adl_opt.severity import LEARNERS, SEVERITIES, Hedge

MADE = Path(__file__).parents[2] / "docs" / "generated.py"


@pytest.mark.parametrize("kind", learner_classes(), ids=lambda kind: kind.name)
def test_every_learner_declares_itself(kind):
    for name in DECLARED:
        said = getattr(kind, name)
        assert isinstance(said, str), name
        assert 1 <= len(said) <= 120, name
    assert "[0" in kind.domain or "<=" in kind.domain
    for own in ("regulariser", "step", "theorem"):  # its own words, or those of the family it belongs to
        owner = next(base for base in kind.__mro__ if own in vars(base))
        assert owner not in (AllocationRule, object)


def test_all_that_learn_are_in_the_table():
    names = [row["learner"] for row in components()]
    assert len(names) == len(set(names))
    assert {*LEARNERS, "hinted", "hedged-hints", Hedge.name} <= set(names)
    stateful = {n for n, rule in ALLOCATIONS.items() if rule().start() is not None}
    assert {"mirror-descent-euclid", "mirror-descent-kl", "ftrl-haircuts", "cumulative-burden"} <= stateful
    assert stateful <= set(names)
    assert {n for n, made in SEVERITIES.items() if made in learner_classes()} <= set(names)


def test_page_and_command_have_the_same_rows(monkeypatch, capsys):
    page = runpy.run_path(str(MADE))["components_page"]()
    assert all(f"| `{row['learner']}` |" in page for row in components())
    assert page.count("\n| `") == len(components())
    monkeypatch.setattr(sys, "argv", ["adl-opt", "components", "--format", "json"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    assert json.loads(capsys.readouterr().out)["learners"] == components().rows
    monkeypatch.setattr(sys, "argv", ["adl-opt", "components"])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert all(column in out for column in COLUMNS if column != "what")

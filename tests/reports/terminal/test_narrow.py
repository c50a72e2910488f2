"""Narrow terminals: figures are shown whole, whatever the width."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

import adl_opt as adl
from adl_opt.answer import Listing
from adl_opt.datasets.book import invented_book
from adl_opt.evaluate.optimum import optimum
from adl_opt.health import Health, HealthCheck
from adl_opt.reports.terminal import tables
from adl_opt.reports.terminal.catalogue import BEDS
from adl_opt.reports.terminal.console import PlainConsole
from adl_opt.reports.terminal.show import FITTED, TABLES, print_on, print_tables
from adl_opt.reports.text import usd
from adl_opt.studies.sweeps.plan import Plan


def printed(item, width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(tables.whole(item(console) if callable(item) else item, console))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_amount_of_a_replay_is_cut(answers, width):
    result = answers["replay"]
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


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return what every command with a table shows, of small inputs."""
    out = tmp_path_factory.mktemp("narrow")
    episode, book = (
        adl.load("synthetic(accounts=30, rounds=2)"),
        invented_book(accounts=30, markets=2, seed=1),
    )
    names = ["ftrl-exact/pro-rata", "constant(0.5)"]
    plan = {"policies": ["pro-rata", "constant(0.5)"], "scenarios": ["no-deficit"], "seeds": 2}
    solved = adl.solve(episode[0], model="min-max-lots", proof=out / "proof.json")
    account = str(book.rounds[0][0].accounts.id[int(np.argmax(book.rounds[0][0].accounts.capacity))])
    return {
        "show": adl.load("oct10"),
        "replay": adl.replay("oct10", ["production", "hyperliquid-side-adjusted", "ftrl-exact"]),
        "replay in contracts": adl.replay(book, ["pro-rata"]),
        "published": adl.published(),
        "optimum in contracts": optimum(book, ["pro-rata"], space="contracts"),
        "solve": solved,
        "solve an episode": adl.solve(episode, model="cumulative-fairness"),
        "verify": adl.verify(out / "proof.json"),
        "export": adl.export(episode[0], "min-max-lp", out / "model.mps"),
        "policies": adl.policies(),
        "components": adl.components(),
        "models": adl.models(),
        "venues": adl.venues(),
        "doctor": Health((HealthCheck("a check with a long name", True, "/a/long/path" * 9),)),
        "study": adl.study(episode, policies=names, episodes=2),
        "beds": Listing("beds", "bed", [dict.fromkeys(BEDS, "a long word, 1,234,567.89")]),
        "theory": adl.theory(rounds=256, tries=3),
        "frontier": adl.frontier(episode),
        "scenarios": adl.scenarios(),
        "simulate": adl.simulate("flash-crash", ["pro-rata"]),
        "feedback": adl.feedback(["pro-rata"], ["flash-crash"], seeds=2),
        "sweep": adl.sweep(Plan(**plan), out / "sweep"),
        "recommend": adl.recommend(book, policies=names, stress="seeds=1"),
        "next": adl.next_in_line(book),
        "explain": adl.explain(book[0], account, "pro-rata"),
        "vectors": adl.vectors("pro-rata", count=2),
    }


def test_every_answer_with_a_table_is_here(answers):
    shown = {kind.__name__ for answer in answers.values() for kind in type(answer).__mro__}
    assert set(TABLES) <= shown


def test_no_money_of_any_command_is_cut_at_40_60_or_80_columns(answers):
    def text(answer, width):
        console = PlainConsole(width=width, file=io.StringIO(), color_system=None)
        print_on(answer, console)
        return console.file.getvalue()

    for name, answer in answers.items():
        whole = set(re.findall(r"-?[\d,]+\.\d\d\b", text(answer, 2_000)))
        for width in (40, 60, 80):
            said = text(answer, width)
            assert "…" not in said, name
            assert max(map(len, said.splitlines())) <= width, name
            assert not re.search(r"\de\+\d", said), name
            found = set(re.findall(r"-?[\d,]+\.\d\d\b", said))
            assert found <= whole, (name, width)
            assert found == whole or type(answer).__name__ in FITTED, (name, width)


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

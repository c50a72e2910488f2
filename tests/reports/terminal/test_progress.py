"""The progress bar: on a terminal and in a notebook, and nowhere else."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import pytest

import adl_opt as adl
from adl_opt.answer import showing
from adl_opt.reports.terminal import progress
from adl_opt.studies.simulation.settings import Settings

EPISODE = "synthetic(accounts=3, rounds=2)"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.0)


@pytest.fixture
def terminal(at_once, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def calls(**more):
    yield "replay", lambda: adl.replay(EPISODE, "pro-rata", **more)
    yield "solve", lambda: adl.solve(EPISODE, model="min-max-lp", **more)
    yield "simulate", lambda: adl.simulate(Settings(accounts=20, steps=5), "pro-rata", **more)


def test_a_script_whose_stderr_is_no_terminal_is_silent(at_once, capfd):
    for _, call in calls():
        call()
    assert capfd.readouterr() == ("", "")


def test_a_terminal_shows_each_call_by_its_name(terminal):
    for name, call in calls():
        with redirect_stderr(terminal):
            call()
        drawn = terminal.getvalue()
        assert name in drawn
        assert "100%" in drawn
        terminal.seek(terminal.truncate(0))


def test_a_call_within_another_shows_no_bar_of_its_own(terminal):
    with redirect_stderr(terminal), showing("outer", True) as advance:
        adl.replay(EPISODE, "pro-rata")
        advance(1, 1)
    assert "outer" in terminal.getvalue()
    assert "replay" not in terminal.getvalue()


def test_a_short_call_and_one_that_is_told_so_are_silent(terminal, monkeypatch):
    with redirect_stderr(terminal):
        for _, call in calls(progress=False):
            call()
        monkeypatch.setattr(progress, "SECONDS", 60.0)
        for _, call in calls():
            call()
    assert terminal.getvalue() == ""


def test_a_function_gets_the_steps_and_nothing_is_drawn(terminal):
    steps: list[tuple[int, int]] = []
    for _, call in calls(progress=lambda *step: steps.append(step)):
        with redirect_stderr(terminal):
            call()
        assert steps[-1][0] == steps[-1][1] > 0
        steps.clear()
    assert terminal.getvalue() == ""


def test_what_a_script_prints_into_a_pipe_stays_in_the_pipe(terminal):
    pipe = io.StringIO()
    with redirect_stderr(terminal), redirect_stdout(pipe), showing("rounds", True) as advance:
        advance(1, 2)
        print("a row")
    assert pipe.getvalue() == "a row\n"
    assert "a row" not in terminal.getvalue()


def test_an_error_takes_the_bar_away_and_later_calls_show_theirs(terminal):
    def fail():
        with redirect_stderr(terminal), showing("rounds", True) as advance:
            advance(1, 2)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert terminal.getvalue().rstrip().endswith("\x1b[2K")
    with redirect_stderr(terminal), showing("again", True) as advance:
        advance(1, 2)
    assert "again" in terminal.getvalue()


def test_a_notebook_shows_it_in_its_cell_until_the_end(at_once, monkeypatch):
    shown: list[dict[str, str]] = []
    cell = SimpleNamespace(update=lambda data, raw: shown.append(data))
    monkeypatch.setattr(progress, "_notebook", lambda: lambda data, **_: cell)
    with showing("<b>", True) as advance:
        advance(3, 4)
    assert shown[0]["text/plain"] == "<b>: 3 of 4"
    assert "value='3' max='4'" in shown[0]["text/html"]
    assert "<b>" not in shown[0]["text/html"]
    assert shown[-1] == {"text/plain": ""}

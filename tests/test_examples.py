"""Every example runs, and the worked extension stays short."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXECUTE = """
import sys, nbclient, nbformat
book = nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=60).execute()
print(*(kind for cell in book.cells for out in cell.get("outputs", []) for kind in out.get("data", ["text"])))
"""
"""Run a notebook in a process of its own and print the kinds of its outputs."""
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_it_runs(path, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "Agg")  # no window
    if "__main__" not in path.read_text():
        runpy.run_path(str(path))
        assert capsys.readouterr().out
        return
    run = [sys.executable, path]  # its workers import it again
    made = subprocess.run(run, capture_output=True, text=True, timeout=120, env=_with_root(), check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout


@pytest.mark.parametrize("package", ["vectorbt", "nautilus_trader"])
def test_a_backtester_that_is_installed_is_deleveraged(package, monkeypatch, capsys):
    known = [sys.executable, "-c", f"import {package}"]
    if subprocess.run(known, capture_output=True, check=False).returncode:
        pytest.skip(f"{package} is not installed, or not as its own dependencies want it")
    test_it_runs(ROOT / "examples" / f"backtest_{package}.py", monkeypatch, capsys)


def test_the_book_beside_a_backtest_closes_what_gains():
    made = runpy.run_path(str(ROOT / "examples" / "backtest_book.py"))
    prices = made["falling"]()
    for lots, gains in ((-30, True), (30, False)):
        book, left = made["Others"]("full-deficit/bitmex", 100.0), lots
        for mark in prices[1:]:
            closed, price = book.closes(float(mark), left, 100.0, 500.0 + left * (float(mark) - 100.0))
            left += closed
            assert closed == 0 or (gains and mark < price < 100.0)
        assert (left > lots) is gains


def test_an_example_is_a_notebook_that_runs_and_shows_its_figure(tmp_path):
    for needed in ("sphinx_gallery", "ipykernel", "nbclient"):
        pytest.importorskip(needed)
    run = [sys.executable, ROOT / "docs" / "notebooks.py", tmp_path]
    subprocess.run(run, check=True, capture_output=True, env=_with_root())
    assert sorted(p.stem for p in tmp_path.iterdir()) == [p.stem for p in EXAMPLES]
    run = [sys.executable, "-c", EXECUTE, tmp_path / "01_one_round.ipynb"]
    made = subprocess.run(run, capture_output=True, text=True, check=True, env=_with_root()).stdout
    assert made.split() == ["text", "text", "text", "text/plain", "image/png"]


def test_your_own_model_takes_less_than_60_lines():
    assert len((ROOT / "examples" / "05_your_own_model.py").read_text().splitlines()) < 60


def _with_root():
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}

"""Every example runs, and the worked extension stays short."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_it_runs(path):
    made = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=120, env=_with_root(), check=False
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout


def test_your_own_model_takes_less_than_60_lines():
    assert len((ROOT / "examples" / "05_your_own_model.py").read_text().splitlines()) < 60


def _with_root():
    import os

    return os.environ | {"PYTHONPATH": str(ROOT)}

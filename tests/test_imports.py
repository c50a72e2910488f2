"""What an import loads, and what the command line loads before it is asked for anything."""

import os
import subprocess
import sys

import pytest

from adl_opt.kernels.lots.engine import SWITCH

HEAVY = ("cvxpy", "highspy", "pandas", "scipy", "matplotlib", "plotly", "pyarrow", "hypothesis")
PROBE = "import sys; {code}; print(' '.join(m for m in {heavy} if m in sys.modules))"

HELP = """
import sys
sys.argv = ["adl-opt", "--help"]
try:
    from adl_opt.cli.app import main
    main()
except SystemExit:
    pass
"""


def loaded(code):
    out = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code, heavy=HEAVY)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, SWITCH: "0"},  # numba, where it is installed, brings scipy
    )
    return out.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import adl_opt",
        "import adl_opt as adl; adl.make_policy('binance')",
        "import adl_opt as adl; adl.load('oct10')",
        "import adl_opt as adl; adl.replay(adl.load('oct10'), ['production', 'pro-rata', 'min-max-lots'])",
        HELP,
    ],
    ids=["import", "policy", "load", "replay", "help"],
)
def test_nothing_heavy_is_loaded(code):
    if "\n" in code:
        code = f"exec({code!r})"
    assert loaded(code) == []


def test_public_names_all_load():
    import adl_opt

    for name in adl_opt.__all__:
        assert getattr(adl_opt, name) is not None
    assert set(adl_opt.__all__) <= set(dir(adl_opt))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = adl_opt.nonsense

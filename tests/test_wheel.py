"""The wheel works away from the repository, names what it imports, and writes nothing where it should not."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from adl_opt.catalogue import model_names

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Folder of the scripts of an environment with the wheel in it, and what it needs lent by this one.

    ``make matrix`` installs what the wheel needs from an index; here that would cost more than it shows.
    """
    base = tmp_path_factory.mktemp("wheel")
    run = {"check": True, "capture_output": True, "text": True, "cwd": base}
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", base, ROOT], **run)
    venv.create(base / "env", with_pip=False)
    scripts = base / "env" / ("Scripts" if os.name == "nt" else "bin")
    wheel = next(base.glob("adl_opt-*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", "--no-deps", "--no-compile", wheel], **run)
    places = {"base": str(base / "env"), "platbase": str(base / "env")}
    lent = Path(sysconfig.get_path("purelib", "venv", vars=places)) / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib"))
    return scripts


def call(installed, folder, *args):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ADL_OPT"))}
    return subprocess.run(
        [installed / "adl-opt", *args], cwd=folder, env=clean, capture_output=True, text=True, timeout=300
    )


def test_replay_and_doctor_run_from_the_wheel(installed, tmp_path):
    made = call(
        installed, tmp_path, "replay", "oct10", "--policy", "production", "--format", "json", "--out", "out"
    )
    assert made.returncode == 0, made.stderr
    assert round(json.loads(made.stdout)["policies"][0]["tracking_usd"], 2) == 53782490.53
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
    made = call(installed, tmp_path, "models", "--format", "json")
    assert len(json.loads(made.stdout)["models"]) == len(model_names()), made.stderr
    made = call(installed, tmp_path, "doctor")
    assert made.returncode == 0, made.stdout + made.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"out"}


def test_the_wheel_holds_the_figures_and_the_type_marker(installed):
    script = "import adl_opt, pathlib; p = pathlib.Path(adl_opt.__file__).parent; print(p)"
    out = subprocess.run(
        [installed / "python", "-I", "-c", script], capture_output=True, text=True, check=True
    )
    package = Path(out.stdout.strip())
    assert ROOT not in package.parents
    assert (package / "py.typed").exists()
    for name in ("report.html.j2", "report.css", "report.js"):
        assert (package / "reports" / "html" / name).exists()
    assert (package / "_models" / "leximin" / "golden.json").exists()
    assert (package / "datasets" / "data" / "SOURCES.md").exists()


def test_what_is_imported_is_declared(installed):
    (metadata,) = installed.parent.glob("**/adl_opt-*.dist-info/METADATA")
    declared = set(re.findall(r"^Requires-Dist: ([a-z\d-]+)", metadata.read_text(encoding="utf-8"), re.M))
    brought = {"clarabel": "cvxpy", "scipy": "cvxpy", "markupsafe": "jinja2"}
    line = re.compile(r"^ *(?:import|from) ([a-z]\w*)(?= import|[.]|$| as )", re.M)
    for path in (ROOT / "adl_opt").rglob("*.py"):
        for name in set(line.findall(path.read_text(encoding="utf-8"))) - sys.stdlib_module_names:
            assert name == "adl_opt" or brought.get(name, name) in declared, (path, name)

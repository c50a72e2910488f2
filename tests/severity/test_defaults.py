"""The frozen defaults: one file, the date and the hash that it states, and no other copy in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import adl_opt.severity
from adl_opt.severity import make_hint, make_severity
from adl_opt.severity.defaults import FROZEN, STATED, default, frozen_defaults, hash_of_defaults

PRICES = {"under", "over"}
"""What a learner's loss weighs: the question, and no default of a method."""


def test_the_hash_in_the_file_is_that_of_the_defaults() -> None:
    right = hash_of_defaults()
    assert right == STATED, (
        f"a default was changed: give defaults.toml today's date, then the hash {hash_of_defaults()!r}, "
        "and list what moved in the changelog"
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", FROZEN)
    assert frozen_defaults() == {"date": FROZEN, "sha256": right}


def test_no_severity_or_hint_has_a_default_number_of_its_own() -> None:
    found = []
    for path in Path(adl_opt.severity.__path__[0]).rglob("*.py"):
        for class_ in (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ClassDef)):
            found += [f"{path.name}: {class_.name}.{name}" for name in _numbers(class_) if name not in PRICES]
    assert found == []


def _numbers(class_: ast.ClassDef) -> list[str]:
    """Return the fields of a class, and the parameters of its __init__, whose default is a literal number."""
    fields = [n for n in class_.body if isinstance(n, ast.AnnAssign) and "ClassVar" not in ast.unparse(n)]
    pairs = [(ast.unparse(n.target), n.value) for n in fields]
    for made in (n for n in class_.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"):
        named, spec = made.args.args, made.args
        pairs += [(a.arg, v) for a, v in zip(named[::-1], spec.defaults[::-1], strict=False)]
        pairs += [(a.arg, v) for a, v in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)]
    return [n for n, v in pairs if isinstance(v, ast.Constant) and isinstance(v.value, (int, float))]


def test_what_is_made_has_the_defaults_of_the_file() -> None:
    assert make_severity("hinted").reach == default("hinted", "reach")  # type: ignore[attr-defined]
    assert make_severity("risk-control").alpha == default("coverage", "alpha")  # type: ignore[attr-defined]
    assert make_hint("fixed-gap").prior == default("hint", "prior")
    assert make_severity("hinted(coin-betting, log-gap)").label() == "hinted(coin-betting, log-gap)"

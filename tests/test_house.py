"""The house: no import circle of any kind, short chains and files, one place for each public name."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import adl_opt

ROOT = Path(adl_opt.__file__).parent
MODULES = {
    ".".join(("adl_opt", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
    if "_models" not in path.parts
}
LONGEST_CHAIN, LONGEST_FILE, MOST_AT_ROOT = 16, 320, 14
TWICE = {
    "solve": "a program in programs, and whatever people have in hand in evaluate",
}
"""Public names that stand in several files, and why."""


@cache
def imports() -> dict[str, dict[str, set[str]]]:
    """Return {module: {"top" | "function" | "type": modules that it imports}}."""
    return {module: _imports_of(module, path) for module, path in MODULES.items()}


def _imports_of(module: str, path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)

    def visit(node: ast.AST, kind: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = kind
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                inner = "function"
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                inner = "type"
            if isinstance(child, ast.Import):
                targets = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}: imports are absolute in this package"
                targets = [f"{child.module}.{alias.name}" for alias in child.names]
            else:
                targets = []
            for target in targets:
                known = target if target in MODULES else target.rpartition(".")[0]
                if known in MODULES and known != module:
                    found[inner].add(known)
            visit(child, inner)

    visit(ast.parse(path.read_text(encoding="utf-8")), "top")
    return found


@pytest.mark.parametrize("kinds", [("top",), ("top", "function"), ("top", "function", "type")])
def test_no_import_circle(kinds):
    graph = {module: set().union(*(of[kind] for kind in kinds)) for module, of in imports().items()}
    TopologicalSorter(graph).prepare()  # raises CycleError and names the circle


def test_chains_of_imports_are_short():
    @cache
    def depth(module: str) -> tuple[int, tuple[str, ...]]:
        below = [depth(target) for target in imports()[module]["top"]]
        length, chain = max(below, default=(-1, ()))
        return length + 1, (module, *chain)

    length, chain = max(depth(module) for module in MODULES)
    assert length <= LONGEST_CHAIN, " -> ".join(chain)


def test_files_are_short_and_few_stand_at_the_root():
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES.values()}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}
    assert sum(path.parent == ROOT for path in MODULES.values()) <= MOST_AT_ROOT


def test_a_public_name_stands_in_one_file():
    places: dict[str, list[str]] = defaultdict(list)
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module)
    twice = {name: sorted(modules) for name, modules in places.items() if len(modules) > 1}
    assert set(twice) == set(TWICE), twice

"""The documentation is true: code runs, commands exist, links lead somewhere, words are the field's."""

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.reports.figures.style import rendered

ROOT = Path(__file__).parents[1]
MADE = {"components.md", "commands.md", "models.md", "venues.md"}
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.name not in MADE and "_build" not in p.parts)
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
WRONG = {
    r"hair[ -]cut": "haircut",
    r"auto deleverag|autodeleverag(?!ing[-\"]| as|ing as)": "auto-deleverag...",
    r"regulariz": "regularis...",
    r"optimiz(?!e-)": "optimis...",
    r"\bsolvancy|\binsolvant": "solvency",
    r"over-shoot|under-shoot": "overshoot",
    r"mark-out": "markout",
    r"pro rata": "pro-rata",
}
ALLOWED = ("autodeleveraging-analysis", "Autodeleveraging as Online Learning")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page"}
    for block in blocks(page, "python"):
        exec(compile(block, name(page), "exec", dont_inherit=True), space)
    assert capsys.readouterr().out


PAPER = r"""\documentclass{article}
\usepackage{graphicx}
\begin{document}
\input{table}
\noindent\includegraphics[width=\linewidth]{figure}
\end{document}
"""


def test_five_lines_lead_from_data_frames_to_a_paper(tmp_path, monkeypatch):
    """The table and the figure of the first page are compiled as they are written."""
    monkeypatch.chdir(tmp_path)
    (block,) = (b for b in blocks(ROOT / "docs" / "start.md", "python") if "to_latex" in b)
    exec(compile(block, "start.md", "exec", dont_inherit=True), {"adl": adl})
    lines = [line for line in block.splitlines() if line and "import " not in line]
    assert len(lines) == 5
    table = Path("table.tex").read_text()
    assert table.count(r"\begin{") == table.count(r"\end{") == 2
    assert table.count(r"\\") == 3, "a row of headings and one for each policy"
    assert Path("figure.pdf").read_bytes().startswith(b"%PDF")
    if shutil.which("pdflatex"):
        Path("paper.tex").write_text(PAPER)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout[-1500:]
        assert "Overfull" not in run.stdout


def commands():
    for page in TEXTS:
        text = page.read_text(encoding="utf-8")
        for line in re.findall(r"adl-opt ([a-z][^`\n|]*)", text):
            yield pytest.param(line, id=f"{page.name}: {line[:60]}")


COMMANDS = get_command(app)


@pytest.mark.parametrize("line", list(commands()))
def test_every_command_and_option_that_is_named_exists(line):
    at, words = COMMANDS, line.split("#")[0].split()
    while words and hasattr(at, "commands"):
        assert words[0].rstrip(",.;:)") in at.commands, line
        at = at.commands[words.pop(0).rstrip(",.;:)")]
    options = {o for p in getattr(at, "params", []) for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words)):
        assert option in options, f"{line}: {option}"


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_links_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert "://" in target or (page.parent / target).exists(), target


def test_every_page_is_in_the_contents():
    contents = re.findall(r"```\{toctree\}\n(.*?)```", (ROOT / "docs" / "index.md").read_text(), re.DOTALL)
    listed = {line for part in contents for line in part.splitlines() if not line.startswith(":")}
    listed -= {"examples/index", *(page.removesuffix(".md") for page in MADE)}
    assert listed == {str(p.relative_to(ROOT / "docs").with_suffix("")) for p in PAGES} - {"index"}


@pytest.mark.parametrize("page", TEXTS, ids=name)
def test_words_are_the_fields_and_the_houses(page):
    text = page.read_text(encoding="utf-8")
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    for wrong, right in WRONG.items():
        found = re.search(wrong, text, re.IGNORECASE)
        assert found is None, f"{found[0]!r} on {name(page)}: write {right}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_amounts_have_a_unit_and_equations_exist(page):
    text = page.read_text(encoding="utf-8")
    for number in re.findall(r"eq\. (\d+)", text):
        assert 1 <= int(number) <= 40
    for number in re.findall(r"Prop\. (\d+)", text):
        assert 1 <= int(number) <= 11
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for amount in re.findall(r"(?<![\d$])\d{1,3}(?:,\d{3})+\.\d\d(?! *(?:USD|MUSD))", prose):
        assert f"{amount} USD" in prose, amount


def rooms_in_order():
    """The rooms of the architecture page, by row, top first."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## The rooms")[1].split("\n## ")[0]
    return [re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1]) for row in table.splitlines() if "|" in row]


def test_the_architecture_page_has_every_room_below_those_that_it_may_import():
    listed = [room for row in rooms_in_order() for room in row]
    places = (ROOT / "adl_opt").iterdir()
    rooms = {p.stem for p in places if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert sorted(listed) == sorted(rooms - {"__init__", "__main__"})
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (c["layers"] for c in pyproject["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    height = {name: -k for k, layer in enumerate(layers) for name in re.findall(r"adl_opt\.(\w+)", layer)}
    assert [height[room] for room in listed] == sorted(height[room] for room in listed)


@pytest.mark.parametrize("page", [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"], ids=name)
def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"(?<![\w/.*<>])(?:\w+/)*\w+\.(?:py|pyi|md|toml|json)\b", text):
        assert any(
            (root / path).exists() for root in (ROOT, ROOT / "adl_opt", ROOT / "models" / "leximin")
        ), path


def test_the_reference_has_every_public_name_once():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    face = text.split(".. currentmodule:: adl_opt\n")[1].split(".. currentmodule::")[0]
    listed = re.findall(r"^(?: +|\.\. autoclass:: )([A-Za-z]\w*)$", face, re.MULTILINE)
    assert sorted(listed) == sorted(set(adl.__all__) - {"__version__"})


NAMING = [p for p in TEXTS if p.name != "CHANGELOG.md"] + sorted((ROOT / "adl_opt").rglob("*.py"))
PLUGINS = "adl_opt.policies"
"""The group of entry points, which is no module."""


def exists(dotted):
    at, names = adl, dotted.split(".")[1:]
    for k, part in enumerate(names, start=1):
        if not hasattr(at, part) and part not in getattr(at, "__dataclass_fields__", {}):
            try:
                importlib.import_module(".".join(["adl_opt", *names[:k]]))
            except ModuleNotFoundError:
                return False
        at = getattr(at, part, at)
    return True


def test_every_module_and_name_that_is_spelled_out_exists():
    wrong = {}
    for page in NAMING:
        named = set(re.findall(r"\badl_opt(?:\.\w+)+", page.read_text(encoding="utf-8"))) - {PLUGINS}
        if missing := sorted(dotted for dotted in named if not exists(dotted)):
            wrong[name(page)] = missing
    assert wrong == {}


def test_the_pictures_of_the_concepts_are_those_that_are_drawn_today():
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    pictures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pictures)
    for picture, draw in pictures.PICTURES.items():
        kept = (pictures.FOLDER / f"{picture}.svg").read_text(encoding="utf-8")
        made = rendered(draw(), "svg").decode()
        texts = [re.findall(r">([^<>]*)</text>", svg) for svg in (kept, made)]
        assert texts[0] == texts[1], "run: make readme"


def from_docs(module):
    pytest.importorskip("sphinx_gallery")
    spec = importlib.util.spec_from_file_location(module, ROOT / "docs" / f"{module}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


PAGE = """# A page

```python
import adl_opt as adl

for k in range(32):
    print("line", k)
```

Words.

```python
quiet = adl.replay("synthetic(accounts=10, rounds=3)", ["pro-rata"])
```

```python
quiet.plot.budgets()
```
"""


def test_a_page_shows_what_its_code_prints_and_draws_and_runs_once(tmp_path, monkeypatch):
    shown = from_docs("shown")
    monkeypatch.setattr(shown, "KEPT", tmp_path)
    page = shown.with_outputs(PAGE, "page")
    output = "```{code-block} text\n:class: output\n\nline 0\n"
    assert page.count(output) == page.count("{code-block}") == 1
    assert page.index("import adl_opt") < page.index(output) < page.index("Words.")
    assert "line 29\n... 2 more lines\n```" in page
    (picture,) = re.findall(r"\(/_build/shown/(\w+\.png)\)", page)
    assert page.index("quiet.plot") < page.index(picture)
    assert tmp_path.joinpath(picture).read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr(shown, "run", lambda *_: pytest.fail("the page ran again"))
    assert shown.with_outputs(PAGE, "page") == page

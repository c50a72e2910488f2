"""One public face: every command is a function of ``adl_opt``, which takes what people have in hand."""

import ast
import importlib
import inspect
import json
import pkgutil
import pydoc
from enum import Enum
from pathlib import Path, PurePath

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.answer import SCHEMA
from adl_opt.cli.app import app

ROOT = Path(adl.__file__).parent
FUNCTIONS = [
    name for name in adl.__all__ if name[0].islower() and not name.startswith(("make_", "play", "__"))
]
RENAMED = {
    "show": "load",
    "next": "next_in_line",
    "models show": "load_model",
    "venues show": "venue_card",
    "simulate run": "simulate",
    "simulate feedback": "feedback",
    "simulate scenarios": "scenarios",
}
"""Commands whose function has another name than the command; ``import x`` is ``import_x``."""

PARAMETERS = {
    "option": "solver_options",
    "policy": "policies",
    "scenario": "scenarios",
    "name": "name_or_path",
}
"""Options that can be repeated have the plural's name in Python."""

ONLY_ON_THE_SCREEN = {"fmt", "quiet", "context"}
APART = {
    ("venues show", "name"): "venue_card calls it name",
    ("replay", "model"): "policies takes models",
    ("show", "episode"): "load calls it name_or_path",
    ("simulate run", "figure"): "a figure is drawn above the studies: reports.figures.write.draw_fan",
    ("simulate run", "seeds"): "of the figure",
}


def commands(at=None, words=()):
    at = at or get_command(app)
    if at.callback is not None and words and not (hasattr(at, "commands") and at.no_args_is_help):
        yield " ".join(words), at
    for name, below in getattr(at, "commands", {}).items():
        yield from commands(below, (*words, name))


COMMANDS = dict(commands())


def function_of(command):
    name = RENAMED.get(command, command.replace("import ", "import_").replace("-", "_"))
    return getattr(adl, name)


def plain(value):
    value = value.value if isinstance(value, Enum) else value
    return str(value) if isinstance(value, PurePath) else value


def test_the_walk_sees_every_command():
    assert len(COMMANDS) == 36
    assert {"replay", "models", "models show", "import node-fills", "study", "simulate run"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_a_function_with_the_same_defaults(command):
    made = function_of(command)
    assert callable(made)
    accepted = inspect.signature(made).parameters
    offered = inspect.signature(COMMANDS[command].callback).parameters
    for name, parameter in offered.items():
        if name in ONLY_ON_THE_SCREEN or (command, name) in APART:
            continue
        place = name if name in accepted else PARAMETERS.get(name, name)
        assert place in accepted, f"{command}: {name}"
        if parameter.default is not parameter.empty:
            default = accepted[place].default
            empty = default is inspect.Parameter.empty
            assert not empty, f"{command}: {name} has a default on the command line only"
            assert plain(parameter.default) == plain(default), f"{command}: {name}"


def test_every_function_has_its_command():
    assert {function_of(command).__name__ for command in COMMANDS} == set(FUNCTIONS)


def test_dir_and_help_show_the_names():
    assert set(adl.__all__) == set(dir(adl))
    text = pydoc.plain(pydoc.render_doc(adl))
    for name in set(adl.__all__) - {"__version__"}:
        assert name in text
    assert "lam : float" in pydoc.plain(pydoc.render_doc(adl.replay))


def test_the_names_are_listed_once_for_each_reader():
    """People and checkers of types read other lists than the loader does: all say the same."""
    tree = ast.parse((ROOT / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.name: node.module for node in imports for alias in node.names}
    assert typed == adl._MODULE_OF | {"__version__": "adl_opt.version"}
    assert set(adl.__all__) == set(typed)


def test_functions_stay_functions_whatever_is_imported():
    names = [
        m.name for m in pkgutil.walk_packages([str(ROOT)], "adl_opt.") if not m.name.endswith("__main__")
    ]
    assert len(names) > 100
    for name in names:
        if "._models" not in name:
            importlib.import_module(name)
    for name in FUNCTIONS:
        assert inspect.isfunction(getattr(adl, name)), name
    rooms = {path.stem for path in ROOT.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert not rooms & set(adl.__all__)


JSON = (
    "replay synthetic(accounts=5,rounds=2) --policy pro-rata",
    "published",
    "optimum synthetic(accounts=5,rounds=2) --policy pro-rata",
    "solve oct10:28",
    "solve oct10:28 --model min-max-lp",
    "solve synthetic(accounts=5,rounds=2) --model min-max-lp",
    "show oct10",
    "models",
    "policies",
    "components",
    "doctor",
    "simulate scenarios",
    "simulate run no-deficit --policy pro-rata",
    "simulate feedback --scenario no-deficit --policy pro-rata --seeds 2",
    "theory --rounds 256 --tries 3",
    "study oct10 --episodes 2",
)


@pytest.mark.parametrize("line", JSON)
def test_every_json_says_its_schema(line):
    made = CliRunner().invoke(app, [*line.split(), "--format", "json"])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["schema"] == SCHEMA == 1


def test_a_written_result_says_its_schema(tmp_path):
    adl.replay("synthetic(accounts=5, rounds=2)", "pro-rata", out=tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["schema"] == SCHEMA
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "policies.csv",
        "regret.csv",
        "result.json",
        "rounds.csv",
        "times.json",
    ]


SMALL = "synthetic(accounts=6, rounds=2)"


@pytest.fixture(scope="module")
def small():
    return adl.load(SMALL)


def test_an_episode_by_name_path_or_object_and_one_policy_or_many(small, tmp_path):
    from adl_opt.datasets.store.folder import save_episode

    folder = save_episode(small, tmp_path / "e")
    rule = adl.make_allocation("pro-rata")
    several = [
        adl.replay(SMALL, "pro-rata"),
        adl.replay(str(folder), ["pro-rata"]),
        adl.replay(folder, adl.make_policy("pro-rata")),
        adl.replay(small, rule),
        adl.replay(list(small), (p for p in [rule])),
        adl.optimum(SMALL, "pro-rata").result,
    ]
    tracking = [r.policies[0].tracking_usd for r in several]
    assert len(set(tracking)) == 1
    assert {p.policy for r in several for p in r.policies} == {"pro-rata"}


def test_models_and_severities_are_policies(small):
    model = adl.load_model("min-max-lp")
    result = adl.replay(small, [model, model.program, adl.make_severity("ogd")][::2])
    assert [p.policy for p in result.policies] == ["model:min-max-lp", "ogd/pro-rata"]
    program = adl.RoundProgram(model.program.minimize, model.program.subject_to, name="mine")
    assert adl.replay(small, program).policies[0].policy == "model:mine"


def test_solve_takes_rounds_as_people_have_them(small, tmp_path):
    pairs = list(small)
    round_, outcome = pairs[1]
    needed = outcome.needed
    asked = adl.solve(round_, needed)
    assert asked.to_json()["information"] == "start-of-round"
    known = adl.solve((round_, outcome))
    assert known.to_json()["information"] == "ex-post"
    numbered = adl.solve(f"{SMALL}:{round_.number}")
    for made in (asked, known, numbered):
        assert made.frame().equals(asked.frame())
    path = tmp_path / "accounts.csv"
    path.write_text("id,pnl,equity\na,50,100\nb,30,90\n")
    for given in (path, str(path)):
        assert adl.solve(given, 8.0).frame()["haircut_usd"].tolist() == [5.0, 3.0]
    whole = adl.solve(small, model="min-max-lp")
    for given in (SMALL, pairs):
        assert adl.solve(given, model="min-max-lp").frame().equals(whole.frame())
    listed = adl.solve([r for r, _ in pairs], [o.needed for _, o in pairs], model="min-max-lp")
    assert listed.frame().equals(whole.frame())
    assert whole.facts["information"] == "ex-post"
    assert listed.facts["information"] == "start-of-round"


def test_solve_takes_a_rule_a_model_or_a_program(small):
    round_, outcome = small.rounds[0]
    rule = adl.solve(round_, outcome.needed, policy=adl.make_allocation("min-max"))
    model = adl.solve(round_, outcome.needed, model=adl.load_model("min-max-lp"))
    program = adl.solve(round_, outcome.needed, model=adl.load_model("min-max-lp").program)
    assert rule.facts["max_burden"] == pytest.approx(model.facts["max_burden"], rel=1e-9)
    assert program.frame().equals(model.frame())
    assert "haircut" in str(rule)


def test_export_takes_a_round_and_a_program(small, tmp_path):
    program = adl.load_model("min-max-lp").program
    made = adl.export(small.rounds[0], program, tmp_path / "a.lp", format="lp")
    again = adl.export(f"{SMALL}:1", "min-max-lp", tmp_path / "b.lp", format="lp")
    assert (tmp_path / "a.lp").read_text() == (tmp_path / "b.lp").read_text()
    assert made.objective_unit == again.objective_unit
    assert made.to_json()["needed_usd"] == small.rounds[0][1].needed


def test_an_episode_is_not_exported(tmp_path):
    with pytest.raises(adl.UsageError, match="program of one round"):
        adl.export("oct10", "min-max-lp", tmp_path / "a.mps")


def test_figures_and_report_take_an_object(small, tmp_path):
    pytest.importorskip("plotly")
    assert adl.report(small, tmp_path / "r.html", "pro-rata").stat().st_size > 1000
    drawn = adl.figures(small, tmp_path / "f", ["pro-rata"], formats="svg")
    assert all(path.exists() for path in drawn.files)


def test_answers_print_themselves(small):
    found = adl.optimum(small, "pro-rata")
    assert "pro-rata" in str(found)
    assert "leximin" in str(adl.models())
    assert repr(adl.models()).startswith("17 models: ")
    assert "production" in str(adl.policies())


WRONG = {
    "load": lambda out: adl.load(5),
    "replay an int": lambda out: adl.replay(5),
    "replay nothing": lambda out: adl.replay(None),
    "replay a list of rounds": lambda out: adl.replay([adl.load(SMALL).rounds[0][0]]),
    "policies": lambda out: adl.replay(SMALL, 5),
    "policies in a list": lambda out: adl.replay(SMALL, ["pro-rata", 5.0]),
    "no policy": lambda out: adl.replay(SMALL, []),
    "lambda": lambda out: adl.replay(SMALL, "pro-rata", lam="much"),
    "burden": lambda out: adl.replay(SMALL, "pro-rata", burden=["capacity"]),
    "optimum": lambda out: adl.optimum(5),
    "optimum's path": lambda out: adl.optimum(SMALL, "pro-rata", path_budget="long"),
    "optimum's accounts": lambda out: adl.optimum(SMALL, "pro-rata", accounts="two"),
    "published": lambda out: adl.published("one"),
    "solve": lambda out: adl.solve(5),
    "solve nothing": lambda out: adl.solve([]),
    "solve a mixture": lambda out: adl.solve([adl.load(SMALL).rounds[0], 5]),
    "solve by": lambda out: adl.solve("oct10:28", policy=5),
    "solve by a model": lambda out: adl.solve("oct10:28", model=5),
    "solve with a gap": lambda out: adl.solve("oct10:28", model="min-max-lp", gap="small"),
    "solve without a budget": lambda out: adl.solve(adl.load(SMALL).rounds[0][0]),
    "solve a list without budgets": lambda out: adl.solve([adl.load(SMALL).rounds[0][0]], model="leximin"),
    "export": lambda out: adl.export(5, "min-max-lp", out / "x.mps"),
    "export a model": lambda out: adl.export("oct10:1", 5, out / "x.mps"),
    "export as": lambda out: adl.export("oct10:1", "min-max-lp", out / "x.mps", format=5),
    "load_model": lambda out: adl.load_model(5),
    "beds": lambda out: adl.beds(5),
    "beds' seeds": lambda out: adl.beds(seeds="many"),
    "study": lambda out: adl.study(5),
    "study's episodes": lambda out: adl.study(episodes="many"),
    "report": lambda out: adl.report(5, out / "r.html"),
    "figures": lambda out: adl.figures(5, out),
    "theory": lambda out: adl.theory("long"),
    "simulate": lambda out: adl.simulate(5),
    "simulate policies": lambda out: adl.simulate("no-deficit", 5),
    "simulate a seed": lambda out: adl.simulate("no-deficit", "pro-rata", seed="one"),
    "feedback": lambda out: adl.feedback(5),
    "feedback scenarios": lambda out: adl.feedback("pro-rata", 5),
    "sweep": lambda out: adl.sweep(5, out / "s"),
    "fetch": lambda out: adl.fetch(5),
    "make_policy": lambda out: adl.make_policy(5),
    "make_severity": lambda out: adl.make_severity(5),
    "make_allocation": lambda out: adl.make_allocation(5),
    "make_hint": lambda out: adl.make_hint(5),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_type_is_told_in_three_parts(case, tmp_path):
    with pytest.raises(adl.AdlOptError) as caught:
        WRONG[case](tmp_path)
    error = caught.value
    assert isinstance(error, (adl.UsageError, adl.InputError))
    assert error.what
    assert error.got
    assert error.ways_out

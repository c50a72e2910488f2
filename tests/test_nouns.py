"""What a notebook and a prompt show of every public type: short, aligned, escaped."""

import enum
import inspect
import re
import types
import typing
from pathlib import Path

import pytest

import adl_opt as adl
from adl_opt.tabular import LONGEST, MOST_ROWS, Noun, brief

PLAIN = (Path, str, dict, tuple, typing.get_type_hints(adl.play)["return"])
"""What Python or numpy shows by itself."""


class Named(Noun):
    def __init__(self, name):
        self.name = name


def of_a_function(made):
    """Yield the types that a public function gives back."""
    hint = typing.get_type_hints(inspect.unwrap(made))["return"]
    parts = typing.get_args(hint) if typing.get_origin(hint) in (tuple, types.UnionType) else (hint,)
    for part in parts:
        yield from typing.get_args(part) if typing.get_origin(part) is tuple else (part,)


def test_every_public_type_is_a_table_in_a_notebook():
    shown = set()
    for name in dir(adl):
        made = getattr(adl, name)
        if inspect.isclass(made):
            shown |= set() if issubclass(made, (Exception, enum.Enum)) else {made}
        elif inspect.isroutine(made):
            shown |= {t for t in of_a_function(made) if t not in PLAIN and t != dict[str, typing.Any]}
    assert len(shown) > 40
    assert sorted(t.__name__ for t in shown if not issubclass(t, Noun)) == []


@pytest.fixture(scope="module")
def instances():
    episode = adl.load("synthetic(accounts=60, rounds=2)")
    round_, outcome = episode[0]
    policy, rule = adl.make_policy("ftrl-exact/min-max"), adl.make_allocation("pro-rata")
    solved, shares = adl.solve(episode[0], model="min-max-lots"), ([4.0, 4.0], [0.5, 0.25], [0.5, 0.5])
    return [
        *(episode, round_, outcome, round_.accounts, round_.positions, policy, rule, rule.claims),
        *(policy.severity, policy.severity.bound(*shares), adl.make_hint("log-gap"), adl.Loss()),
        *(rule.allocate(rule.start(), round_, 100.0), solved, solved.solution, adl.policies(), adl.models()),
        *(
            adl.replay(episode, ["pro-rata"]),
            adl.load_model("min-max-lots"),
            adl.load_model("hindsight-path"),
        ),
        *(solved.solution.program, *solved.solution.duals.values(), adl.load("oct10")),
    ]


def test_every_instance_says_itself_in_two_lines_and_shows_forty_rows_at_most(instances):
    for noun in instances:
        said, page = repr(noun), noun._repr_html_()
        assert "\n" not in said
        assert len(said) <= LONGEST, said
        assert 1 <= page.count("<tr>") <= MOST_ROWS + 1, said
        assert not re.search(r"\de\+\d", page), "money is written out"
        cells = re.findall(r"text-align:(left|right)'>([^<]*)</td>", page)
        wrong = [cell for side, cell in cells if re.fullmatch(r"-?[\d,]+\.\d\d", cell) and side == "left"]
        assert wrong == []


def test_a_class_of_a_user_keeps_its_own_words_and_long_values_stay_short():
    class Mine(adl.Policy):
        def __repr__(self):
            return "mine"

    made = Mine(severity=adl.make_severity("full-deficit"), allocation=adl.make_allocation("pro-rata"))
    assert repr(made) == "mine"
    assert brief(list(range(10**6))) == "list of 1,000,000"
    assert len(brief("x" * 10**6)) < LONGEST
    assert "<td" in Named("<script>")._repr_html_()
    assert "<script>" not in Named("<script>")._repr_html_()

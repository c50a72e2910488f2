"""What a table prints can be typed: every label makes the same part again."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from adl_opt.allocation import ALLOCATIONS, make_allocation
from adl_opt.catalogue import load_model, model_names
from adl_opt.errors import UsageError
from adl_opt.policy.online import OnlineProgram
from adl_opt.policy.policy import Policy, as_policies, make_policy
from adl_opt.severity import (
    HINTS,
    LEARNERS,
    SEVERITIES,
    Hedge,
    HedgedHints,
    Hinted,
    HintOnly,
    make_hint,
    make_severity,
)
from adl_opt.studies.october10.lineup import with_hints, without_hints

OTHER = {
    "ogd": {"eta": 0.125},
    "constant": {"theta": 1 / 3},
    "hedge": {"learners": "ftrl-exact | last-value"},
}


def changed(part):
    """Yield the part with each of its numbers a little different, where it allows that."""
    for f in fields(part):
        value = getattr(part, f.name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        for other in (value / 3, value * 1.1, value + 1):
            try:
                yield replace(part, **{f.name: type(value)(other)})
            except UsageError:
                continue


def severities():
    made = [make_severity(n, **OTHER.get(n, {})) for n in SEVERITIES]
    learners = [v for n in LEARNERS for v in changed(make_severity(n))]
    hints = [v for n in HINTS for v in changed(make_hint(n))]
    assert len(learners) > 50
    assert len(hints) > 4
    nested = [Hinted(learner=x, hint=h) for x in learners for h in hints[:2]]
    nested += [Hinted(learner=learners[0], hint=h, reach=10 / 3) for h in hints]
    alone = [HintOnly(hint=h) for h in hints]
    hedged = [HedgedHints(members=(learners[1], nested[0], alone[0], HedgedHints()))]
    hedged.append(HedgedHints(members=(hedged[0], make_severity("full-deficit"))))
    several = [
        Hedge(tuple(x for x in learners[k : k + 9] if (x.under, x.over) == (1, 1))) for k in (0, 20, 40)
    ]
    several += [Hedge((make_severity("ogd", over=2.5), make_severity("ader", over=2.5)), over=2.5)]
    several += [Hedge((several[0], make_severity("last-value"))), Hedge("ogd | ader", prior=0.25)]
    nested += [Hinted(learner=x, hint=h) for x in several for h in hints[:2]]
    return [*made, *learners, *nested, *alone, *hedged, *several]


def test_severities():
    for severity in severities():
        assert make_severity(severity.label()) == severity, severity.label()


def test_policies():
    rules = [make_allocation(n) for n in ALLOCATIONS]
    rules += [v for rule in rules for v in changed(rule)]
    rules.append(make_allocation("ftrl-haircuts", mirror="kl", eta=0.3))
    assert any(rule.label() != rule.name for rule in rules)
    chosen = severities()
    for k, rule in enumerate(rules):
        assert make_allocation(rule.label()) == rule
        policy = Policy(severity=chosen[-1 - 7 * k], allocation=rule)
        again = make_policy(policy.name)
        assert (again.severity, again.allocation, again.name) == (policy.severity, rule, policy.name)


def test_every_label_of_the_study():
    for severity in [*without_hints(), *with_hints()]:
        policy = Policy(severity=severity, allocation=make_allocation("pro-rata"))
        assert make_policy(policy.name) == policy


@pytest.mark.parametrize("name", [n for n in model_names() if load_model(n).kind in ("round", "procedure")])
def test_labels_of_models(name):
    """What ``replay --model`` and OnlineProgram print."""
    for printed in (
        as_policies(load_model(name))[0].name,
        OnlineProgram(name, "ftrl-exact", "market-gap").name,
        OnlineProgram(name, "hedge(ogd | ader(experts=3))").name,
    ):
        again = make_policy(printed)
        assert again.name == printed
        assert again.allocation.title == load_model(name).name


def test_models_with_parameters_and_what_is_no_name():
    printed = OnlineProgram("budget-and-accounts(k=5)", "last-value").name
    assert printed == "last-value/model:budget-and-accounts(k=5)" == make_policy(printed).name
    assert make_policy("model:budget-and-accounts", k=5).name == "model:budget-and-accounts(k=5)"
    for bad, word in (
        ("model:./mine", "--model"),
        ("ogd(eta=0.1)/model:/tmp/mine", "--model"),
        ("model:mine", "unknown model"),
        ("model:best-fixed-severity", "model"),
        ("min-max-ilp", "min-max-lots"),
        ("hedge(ogd)", "at least two"),
        ("hedge(ogd | constant(0.5))", "learners"),
    ):
        with pytest.raises(UsageError) as refused:
            make_policy(bad)
        assert word in str(refused.value)


def test_the_example_of_old():
    name = "hinted(ftrl-exact(prior=0.25), square-root)"
    made = make_severity(name)
    assert made.label() == name
    assert made.learner.prior == 0.25


@pytest.mark.parametrize(
    "bad", ["hinted(ftrl-exact(prior=0.25, square-root)", "hinted(a))b(, c)", "constant(=1)"]
)
def test_brackets_that_do_not_match_are_refused(bad):
    with pytest.raises(UsageError):
        make_severity(bad)

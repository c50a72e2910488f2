"""What a table prints can be typed: every label makes the same part again."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from adl_opt.allocation import ALLOCATIONS, make_allocation
from adl_opt.errors import UsageError
from adl_opt.policy import Policy, make_policy
from adl_opt.severity import (
    HINTS,
    LEARNERS,
    SEVERITIES,
    HedgedHints,
    Hinted,
    HintOnly,
    make_hint,
    make_severity,
)

OTHER = {"ogd": {"eta": 0.125}, "constant": {"theta": 1 / 3}}


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
    return [*made, *learners, *nested, *alone, *hedged]


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

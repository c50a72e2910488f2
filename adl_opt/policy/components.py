"""The learners of the registry: domain, regulariser, step and theorem of each, as its class declares them."""

from __future__ import annotations

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.answer import Listing
from adl_opt.severity.base import SEVERITIES, Severity

DECLARED = ("domain", "regulariser", "step", "theorem")
COLUMNS = ("learner", "part", "what", *DECLARED, "regret", "hint")


def learner_classes() -> list[type[Severity | AllocationRule]]:
    """Return every class of the registry that learns: one with a ``learn`` of its own.

    Examples
    --------
    >>> "cumulative-burden" in [kind.name for kind in learner_classes()]
    True
    """
    severities = [k for k in SEVERITIES.values() if isinstance(k, type) and issubclass(k, Severity)]
    rules = [k for k in ALLOCATIONS.values() if isinstance(k, type) and issubclass(k, AllocationRule)]
    return [
        *(kind for kind in severities if kind.learn is not Severity.learn),
        *(kind for kind in rules if kind.learn is not AllocationRule.learn),
    ]


def components() -> Listing:
    """Return one row for each learner: name, part, first line of its description, what it declares.

    ``regret`` is the kind that its bound is about (static or dynamic), ``hint`` whether it takes one.

    Examples
    --------
    >>> row = components().rows[0]
    >>> row["learner"], row["domain"], row["step"]
    ('ogd', 'theta in [0, 1]', 'eta, or 1/(max G sqrt(t))')
    """
    return Listing("learners", "learner", [_row(kind) for kind in learner_classes()])


def _row(kind: type[Severity | AllocationRule]) -> dict[str, str]:
    declared = {name: str(getattr(kind, name)) for name in DECLARED}
    return {
        "learner": kind.name,
        "part": "severity" if issubclass(kind, Severity) else "allocation",
        "what": (kind.__doc__ or "").strip().splitlines()[0],
        **declared,
        "regret": str(getattr(kind, "kind", "-")),
        "hint": "yes" if getattr(kind, "uses_hint", hasattr(kind, "hint")) else "no",
    }

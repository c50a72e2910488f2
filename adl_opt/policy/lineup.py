"""The lineup: the one list of policies that default rows, tables, figures, report and study draw on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Protocol, TypeVar

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.losses import BASES
from adl_opt.rounds.contracts import SPACES, WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.severity.base import Severity, make_severity

UNHINTED = ("constant(0)", "full-deficit", "follow-the-leader", "ftrl-exact")
HINTED = ("hint-only(fixed-gap)", "hinted(ftrl-exact, fixed-gap)", "hedged-hints", "default")
OBSERVED = ("production", "observed")
BLOCKS = tuple(reversed(Information))
"""The order of the blocks of every list: what a venue can deploy comes first."""

COMPARED = ("hyperliquid-side-adjusted", "pro-rata", "min-max-lots", "production")
"""What stands beside the deployable policies where a figure cannot show all."""


def lineup(base: str = "capacity", space: str = WEALTH) -> list[str]:
    """Return the names of the policies that are compared by default in a space, by information.

    First what a venue can deploy: doing nothing, the full deficit, learners, a hint, a learner with it,
    learners over all hints, and the default, each with pro-rata.  Then every allocation under the oracle
    severity (ex post): how much is right there, so that only who pays differs.  Then what was observed:
    production, and what it took by pro-rata.  Policies of other packages run when they are named.

    Parameters
    ----------
    base : str
        What the min-max rules optimise: the base that burdens are measured against.
    space : {'wealth', 'contracts'}
        Allocations that do not serve it are left out.

    Examples
    --------
    >>> import adl_opt as adl
    >>> lineup()[:4], lineup()[-2:]
    (['constant(0)', 'full-deficit', 'follow-the-leader', 'ftrl-exact'], ['production', 'observed'])
    >>> result = adl.replay("oct10", [*lineup("equity"), "constant(0.5)/binance"])  # one more row
    """
    rules = (_on_base(name, base) for name in ALLOCATIONS if name not in _lacking(space))
    return [*UNHINTED, *HINTED, *rules, *OBSERVED]


def lineup_of(episode: Episode, base: str) -> tuple[list[str], list[str]]:
    """Return the lineup for an episode, and notes on what is left out.

    These are rules that do not serve its space, and hints where nothing has a flow.
    """
    names, lacking = lineup(base, episode.space), _lacking(episode.space)
    notes = [f"left out: {', '.join(lacking)} (they do not serve {episode.space})"] if lacking else []
    if _has_flow(episode):
        return names, notes
    kept = [name for name in names if name not in HINTED]
    return kept, [*notes, *(f"left out: {policy_name(name)} (no round has a flow)" for name in HINTED)]


def silent_hints(episode: Episode, policies: Iterable[WithSeverity]) -> list[str]:
    """Return notes on the policies whose hints have no flow to judge by in any round."""
    if _has_flow(episode):
        return []
    return [
        f"{p.name}: no round has a flow for the hint, so it plays {p.severity.without_flow}"
        for p in policies
        if p.severity.without_flow
    ]


def _lacking(space: str) -> list[str]:
    return [name for name, rule in ALLOCATIONS.items() if space not in getattr(rule, "spaces", SPACES)]


def _has_flow(episode: Episode) -> bool:
    return any(round_.flow is not None for round_, _ in episode)


class WithSeverity(Protocol):
    """What a policy is here: a name and a severity."""

    @property
    def name(self) -> str:
        """Shown in tables."""

    @property
    def severity(self) -> Severity:
        """How much is taken."""


class Informed(Protocol):
    """What has an information class: a policy, or its row in a table."""

    @property
    def information(self) -> Information:
        """What was known."""


Row = TypeVar("Row", bound=Informed)


def in_blocks(rows: Iterable[Row]) -> list[list[Row]]:
    """Return rows in their blocks, in the order of :data:`BLOCKS`; a block without rows is left out.

    Examples
    --------
    >>> from adl_opt.policy.policy import make_policy
    >>> [[p.name for p in block] for block in in_blocks(map(make_policy, ["production", "okx", "ogd"]))]
    [['ogd/pro-rata'], ['okx'], ['production']]
    """
    given = list(rows)
    blocks = [[row for row in given if row.information is known] for known in BLOCKS]
    return [block for block in blocks if block]


def shown(policies: Collection[str]) -> list[str]:
    """Return the policies that a figure with room for few shows, of those that were replayed.

    Policies that are not in the lineup come before those that are, for somebody asked for them; then the
    deployable ones and those of :data:`COMPARED`; then the others, up to as many as these are.

    Parameters
    ----------
    policies : collection of str
        Names as a result has them.

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay("oct10")
    >>> len(result.policies), len(shown(result.by_policy)), shown(result.by_policy)[-1]
    (41, 12, 'production')
    """
    first, known = _names()
    ranks = {name: (name in known) + (name in known and name not in first) for name in policies}
    room = max(len(UNHINTED) + len(HINTED) + len(COMPARED), sum(rank < 1 for rank in ranks.values()))
    kept = set(sorted(policies, key=ranks.__getitem__)[:room])
    return [name for name in policies if name in kept]


@lru_cache(maxsize=1)
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """Return the names in a result of what is shown first, and of the whole lineup, on either base."""
    compared = [_on_base(name, base) for name in COMPARED for base in BASES]
    whole = [name for base in BASES for space in SPACES for name in lineup(base, space)]
    first, known = (
        frozenset(policy_name(name) for name in names) for names in ((*UNHINTED, *HINTED, *compared), whole)
    )
    return first, known


def policy_name(name: str) -> str:
    """Return the name in tables of a policy of the lineup; severities stand there with pro-rata.

    Examples
    --------
    >>> policy_name("okx"), policy_name("constant(0)")
    ('okx', 'constant(theta=0)/pro-rata')
    """
    built_in = name.partition("(")[0] in ALLOCATIONS or name == "production"
    return name if built_in else f"{make_severity(name).label()}/pro-rata"


def _on_base(name: str, base: str) -> str:
    return f"{name}(base={base})" if name in ("min-max", "min-max-lots") and base != "capacity" else name

"""What a policy sees of a round whose flow was known late, and the word that it then carries.

In wealth a policy that does not say that it reads the flow is not given one that was known only once all of
it was closed; one that says so gets it, and is ``whole-round-flow``.  In contracts every policy closes the
flow.
"""

from __future__ import annotations

from typing import Protocol

from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.information import Information
from adl_opt.rounds.round import Round


class Reader(Protocol):
    """What a policy is here."""

    @property
    def information(self) -> Information:
        """What it says that it knows."""

    @property
    def reads_flow(self) -> bool:
        """Whether it reads the flow in wealth."""


def shown_to(policy: Reader, round_: Round) -> Round:
    """Return what a policy that decides without the outcome sees of a round."""
    return round_ if policy.reads_flow or round_.space == CONTRACTS else round_.as_it_began


def information_on(policy: Reader, round_: Round) -> Information:
    """Return what a policy was allowed to know in a round.

    Examples
    --------
    >>> import adl_opt as adl
    >>> rounds, bursts = (adl.load(name).rounds[0][0] for name in ("oct10", "oct10-bursts"))
    >>> hinted = adl.make_policy("hint-only(fixed-gap)")
    >>> information_on(hinted, rounds).value, information_on(hinted, bursts).value
    ('whole-round-flow', 'start-of-round')
    """
    if shown_to(policy, round_).flow is None:
        return policy.information
    return Information.weakest(policy.information, round_.flow_known)

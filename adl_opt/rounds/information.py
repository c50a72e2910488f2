"""What a decision was allowed to know: the word that stands in every table."""

from __future__ import annotations

from enum import StrEnum


class Information(StrEnum):
    """What a decision was allowed to know; the weakest class stands first."""

    OBSERVED = "observed"
    EX_POST = "ex-post"
    WHOLE_ROUND_FLOW = "whole-round-flow"
    START_OF_ROUND = "start-of-round"

    @staticmethod
    def weakest(*given: Information) -> Information:
        """Return the information class of a decision made of several parts: the weakest of them.

        Examples
        --------
        >>> Information.weakest(Information.START_OF_ROUND, Information.WHOLE_ROUND_FLOW).value
        'whole-round-flow'
        """
        return min(given, key=list(Information).index)

    @property
    def without_outcome(self) -> bool:
        """Whether the decision was made without the outcome of its round."""
        return self in FLOW_KNOWN


FLOW_KNOWN = (Information.START_OF_ROUND, Information.WHOLE_ROUND_FLOW)
"""When the flow of a round was known: as the round began, or once all of it was closed."""

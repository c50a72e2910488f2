"""Figures of a policy in service as text of OpenMetrics, for a collector that reads files."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import numpy as np

COUNTED = (
    *("decisions", "outcomes", "asked_usd", "executed_usd"),
    *("haircut_usd", "needed_usd", "overshoot_usd", "undershoot_usd"),
)
"""``executed_usd`` is as reckoned at the mark, ``haircut_usd`` the same as fills turned out."""

_KEPT = 1024
"""Decisions that the quantiles of the time are taken over."""


class Metrics:
    """Counts and sums since this process began, and the time of its last decisions."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.sums = dict.fromkeys(COUNTED, 0.0)
        self.last_round = 0
        self.seconds: deque[float] = deque(maxlen=_KEPT)

    def decided(self, decision: dict[str, Any], seconds: float) -> None:
        """Count a decision."""
        self._add(decisions=1.0, asked_usd=decision["asked_usd"], executed_usd=decision["executed_usd"])
        self.last_round = decision["round"]
        self.seconds.append(seconds)

    def revealed(self, needed: float, haircut: float) -> None:
        """Count an outcome; the haircut is as fills turned out, as a replay measures it."""
        over, under = max(haircut - needed, 0.0), max(needed - haircut, 0.0)
        self._add(
            outcomes=1.0, haircut_usd=haircut, needed_usd=needed, overshoot_usd=over, undershoot_usd=under
        )

    def text(self, pending: int, log_bytes: int) -> str:
        """Return the figures as OpenMetrics, USD and seconds.

        Examples
        --------
        >>> Metrics("full-deficit/pro-rata").text(0, 10).splitlines()[1]
        'adl_shadow_decisions_total{policy="full-deficit/pro-rata"} 0.0'
        """
        label = f"{{policy={json.dumps(self.policy)}}}"
        lines: list[str] = []
        for name, value in self.sums.items():
            lines += [f"# TYPE adl_shadow_{name} counter", f"adl_shadow_{name}_total{label} {value!r}"]
        gauges = {"pending_rounds": pending, "last_round": self.last_round, "log_bytes": log_bytes}
        if self.seconds:
            p50, p99 = np.quantile(list(self.seconds), [0.5, 0.99]).tolist()
            gauges |= {"decision_seconds_p50": p50, "decision_seconds_p99": p99}
        for name, value in gauges.items():
            lines += [f"# TYPE adl_shadow_{name} gauge", f"adl_shadow_{name}{label} {value!r}"]
        return "\n".join([*lines, "# EOF", ""])

    def _add(self, **values: float) -> None:
        for name, value in values.items():
            self.sums[name] += value

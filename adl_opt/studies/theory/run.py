"""All instances in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer
from adl_opt.checks import number_between
from adl_opt.studies.theory.churn import churn_findings
from adl_opt.studies.theory.duality import duality_findings
from adl_opt.studies.theory.estimates import estimates_findings
from adl_opt.studies.theory.finding import Exponent, Finding
from adl_opt.studies.theory.fixed_queue import fixed_queue_findings
from adl_opt.studies.theory.lipschitz import lipschitz_findings
from adl_opt.studies.theory.search import Attempt, attack_bounds
from adl_opt.studies.theory.slip import slip_findings
from adl_opt.studies.theory.streams import streams_findings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Theory(Answer):
    """What was found: figures, growth exponents, and the worst ratio to each bound."""

    rounds: int
    findings: list[Finding]
    exponents: list[Exponent]
    attempts: list[Attempt]

    @property
    def holds(self) -> bool:
        """Whether everything is as predicted and no bound was broken."""
        return (
            all(x.holds for x in self.findings)
            and all(x.holds for x in self.exponents)
            and all(x.holds for x in self.attempts)
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "schema": SCHEMA,
            "rounds": self.rounds,
            "holds": self.holds,
            "findings": [asdict(x) | {"holds": x.holds} for x in self.findings],
            "exponents": [asdict(x) | {"fitted": x.fitted, "holds": x.holds} for x in self.exponents],
            "search": [asdict(x) | {"holds": x.holds} for x in self.attempts],
        }

    def frame(self) -> pd.DataFrame:
        """Return one row per figure, exponent and attempt."""
        import pandas as pd

        rows: list[tuple[str, str, str, int, float, str, float, bool]] = [
            ("figure", x.source, x.quantity, x.rounds, x.measured, x.relation, x.predicted, x.holds)
            for x in self.findings
        ]
        rows += [
            (
                "exponent",
                x.source,
                x.who,
                x.rounds[-1],
                x.fitted,
                "<~" if x.at_most else "~",
                x.predicted,
                x.holds,
            )
            for x in self.exponents
        ]
        rows += [
            ("search", x.theorem, f"largest measured / bound of {x.tried}", 0, x.ratio, "<", 1.0, x.holds)
            for x in self.attempts
        ]
        columns = ["kind", "source", "quantity", "rounds", "measured", "relation", "predicted", "holds"]
        return pd.DataFrame(rows, columns=columns).set_index("kind")


def theory(
    rounds: int = 1024, *, tries: int = 300, progress: Callable[[int, int], None] | None = None
) -> Theory:
    """Measure the paper's instances and attack its bounds.

    Parameters
    ----------
    rounds : int
        The longest horizon T, 256 to 65,536.
    tries : int
        Instances that the search tries for each bound, at least 3.
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    UsageError
        Values out of range.

    Notes
    -----
    Deterministic: all seeds are fixed.

    References
    ----------
    Paper, eq. 18, Props. 1-5 and 8-11.
    """
    number_between("theory: rounds", rounds, 256, 65_536)
    number_between("theory: tries", tries, 3, 1_000_000)
    steps: list[Callable[[], list[Any]]] = [
        lambda: fixed_queue_findings(rounds),
        lipschitz_findings,
        duality_findings,
        lambda: estimates_findings(rounds),
        lambda: churn_findings(rounds),
        lambda: slip_findings(rounds),
        lambda: streams_findings(rounds),
    ]
    made: list[Finding | Exponent] = []
    for k, step in enumerate(steps):
        made += step()
        if progress is not None:
            progress(k + 1, len(steps) + 1)
    return Theory(
        rounds=rounds,
        findings=[x for x in made if isinstance(x, Finding)],
        exponents=[x for x in made if isinstance(x, Exponent)],
        attempts=attack_bounds(tries),
    )

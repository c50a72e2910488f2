"""All instances in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, Progress, showing
from adl_opt.checks import number_between
from adl_opt.losses import Loss, as_loss
from adl_opt.studies.theory.churn import churn_findings
from adl_opt.studies.theory.duality import duality_findings
from adl_opt.studies.theory.estimates import estimates_findings
from adl_opt.studies.theory.finding import Exponent, Finding
from adl_opt.studies.theory.fixed_queue import fixed_queue_findings
from adl_opt.studies.theory.games import games
from adl_opt.studies.theory.lipschitz import lipschitz_findings
from adl_opt.studies.theory.search import Attempt, attack
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
        found: list[Finding | Exponent | Attempt] = [*self.findings, *self.exponents, *self.attempts]
        return all(x.holds for x in found)

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

        rows: list[tuple[object, ...]] = [
            ("figure", x.source, x.quantity, x.rounds, x.measured, x.relation, x.predicted, x.holds)
            for x in self.findings
        ]
        for e in self.exponents:
            relation = "<~" if e.at_most else "~"
            rows.append(("exponent", e.source, e.who, e.rounds[-1], e.fitted, relation, e.predicted, e.holds))
        for a in self.attempts:
            what = f"largest measured / bound of {a.tried}"
            rows.append(("search", a.theorem, what, 0, a.ratio, "<", 1.0, a.holds))
        columns = ["kind", "source", "quantity", "rounds", "measured", "relation", "predicted", "holds"]
        return pd.DataFrame(rows, columns=columns).set_index("kind")


def theory(
    rounds: int = 1024,
    *,
    tries: int = 300,
    loss: Loss | str | None = None,
    progress: Progress = True,
) -> Theory:
    """Measure the paper's instances and attack its bounds.

    Parameters
    ----------
    rounds : int
        The longest horizon T, 256 to 65,536.
    tries : int
        Instances that the search tries for each bound, at least 3.
    loss : Loss or str, optional
        Its ``under`` and ``over`` are the weights of the learners whose bounds are attacked.  The paper's own
        instances and propositions stay as printed, with weights of 1, and theorems know no accounts.
    progress : bool or callable
        A bar where the call takes long, or a function of (steps done, all).

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
    with showing("theory", progress) as advance:
        for done, step in enumerate(steps, start=1):
            made += step()
            advance(done, len(steps) + 1)
    return Theory(
        rounds=rounds,
        findings=[x for x in made if isinstance(x, Finding)],
        exponents=[x for x in made if isinstance(x, Exponent)],
        attempts=[attack(game, tries) for game in games(as_loss(loss)).values()],
    )

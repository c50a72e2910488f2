"""The result of a replay: tables, regret, JSON; it prints itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer, indexed
from adl_opt.evaluate.bounds import envelope_usd, path_length
from adl_opt.evaluate.record import PolicyRound, PolicySummary, summarise
from adl_opt.evaluate.regret import class_regret, severity_regret
from adl_opt.files import to_csv, to_json, write_folder
from adl_opt.losses import asymmetric, empirical, severity_loss, surrogate, target_severity
from adl_opt.rounds.columns import Floats, Text
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd

LAMBDAS = (0.5, 0.75, 1.0, 1.5, 2.0)
MONEY_COLUMNS = ("deficit", "needed", "capacity", "budget", "haircut", "shortfall")


@dataclass(frozen=True, eq=False, kw_only=True)
class Kept:
    """What policies go on from after their last round, in arrays.

    Parameters
    ----------
    accounts : (n,) text
        Ids of the last round.
    policies : dict of (state, burdens)
        By name; the (n,) burdens of the last round are None for a policy that only reads a record.
    """

    accounts: Text
    policies: Mapping[str, tuple[Any, Floats | None]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Answer):
    """Every policy over the same episode.

    Parameters
    ----------
    episode, source : str
        Name of the episode, and what of it is published, calibrated or real.
    lam : float
        Weight lambda of fairness in eq. 23.
    burden : str
        What burdens are measured against: ``capacity`` or ``equity``.
    records : sequence of PolicyRound
        One per policy and round, policies in the order in which they were given.
    notes : sequence of str
        Remarks that belong under the table.
    kept : Kept, optional
        What :attr:`states` is made of.
    """

    episode: str
    source: str
    lam: float
    burden: str
    records: Sequence[PolicyRound] = field(repr=False)
    notes: Sequence[str] = ()
    kept: Kept | None = field(default=None, repr=False)

    def lambda_sweep(self, lambdas: Sequence[float] = LAMBDAS) -> pd.DataFrame:
        """Return each policy's total, USD, for several lambda (eq. 23): one row per policy, a column each.

        Parameters
        ----------
        lambdas : sequence of float
            The paper's range [0.5, 2] by default.
        """
        rows: list[dict[Any, Any]] = [
            {"policy": p.policy, "information": p.information.value} for p in self.policies
        ]
        for lam in lambdas:
            for row, p in zip(rows, replace(self, lam=lam).policies, strict=True):
                row[lam] = p.total_usd
        return indexed(rows, "policy")

    @cached_property
    def states(self) -> Mapping[str, Any]:
        """Plain values to resume from (see :func:`adl_opt.replay`), made when they are first read.

        ``accounts``, the ids of the last round, and ``policies``, each with its ``state`` and last
        ``burdens``; empty where nothing was kept.
        """
        if self.kept is None:
            return {}
        policies = {
            name: {"state": state, "burdens": None if burdens is None else burdens.tolist()}
            for name, (state, burdens) in self.kept.policies.items()
        }
        return {"accounts": self.kept.accounts.tolist(), "policies": policies}

    @cached_property
    def by_policy(self) -> dict[str, list[PolicyRound]]:
        """The records of each policy."""
        grouped: dict[str, list[PolicyRound]] = {}
        for record in self.records:
            grouped.setdefault(record.policy, []).append(record)
        return grouped

    @cached_property
    def _instance(self) -> tuple[list[float], list[float]]:
        rounds = next(iter(self.by_policy.values()))
        return [r.needed for r in rounds], [r.deficit for r in rounds]

    @property
    def path_length(self) -> float:
        """P of Prop. 1, without unit."""
        return path_length(*self._instance)

    @property
    def envelope_usd(self) -> float:
        """The instance envelope of Prop. 1, USD."""
        return envelope_usd(*self._instance)

    @cached_property
    def policies(self) -> list[PolicySummary]:
        """One summary per policy."""
        envelope = self.envelope_usd
        return [summarise(r, lam=self.lam, envelope=envelope) for r in self.by_policy.values()]

    def frame(self) -> pd.DataFrame:
        """Return one row per policy; columns as in the JSON, money in USD."""
        rows = [asdict(p) | {"information": p.information.value} for p in self.policies]
        return indexed(rows, "policy")

    def rounds(self) -> pd.DataFrame:
        """Return one row per policy and round; money in columns ending in ``_usd``."""
        import pandas as pd

        rows = []
        for r in self.records:
            row = asdict(r) | {"information": r.information.value}
            row |= {"tracking": r.tracking, "fairness": r.fairness}
            money = (*MONEY_COLUMNS, "tracking", "fairness")
            rows.append({f"{k}_usd" if k in money else k: v for k, v in row.items()})
        return pd.DataFrame(rows)

    def losses(self, *, under: float = 1.0, over: float = 1.0, fair_usd: float = 1.0) -> pd.DataFrame:
        """Return the paper's losses per policy, summed over rounds, USD: eq. 9, 10, 16 and 23.

        Parameters
        ----------
        under, over : float
            USD of loss per USD of undershoot and overshoot in eq. 9.
        fair_usd : float
            USD per unit of largest burden, the concentration of eq. 9 and 10.
        """
        needed, deficit = self._instance
        target = target_severity(needed, deficit)
        rows = []
        for name, records in self.by_policy.items():
            taken = [r.haircut for r in records]
            worst, reference = ([getattr(r, k) for r in records] for k in ("max_burden", "reference_burden"))
            rows.append(
                {
                    "policy": name,
                    "information": records[0].information.value,
                    "asymmetric_usd": math.fsum(
                        asymmetric(taken, needed, worst, under=under, over=over, fair=fair_usd)
                    ),
                    "surrogate_usd": math.fsum(surrogate(taken, needed, worst, fair=fair_usd)),
                    "severity_usd": math.fsum(
                        severity_loss(target_severity(taken, deficit), target, deficit)
                    ),
                    "empirical_usd": math.fsum(empirical(taken, needed, worst, reference, self.lam)),
                }
            )
        return indexed(rows, "policy")

    def regret(self) -> pd.DataFrame:
        """Return regret per policy, USD: static, dynamic, policy-class (eq. 14) and tracking (eq. 15).

        Static and dynamic regret read budgets as severities in [0, 1]: what exceeds D is not in them, but is
        in tracking.  The class is what was replayed, whatever its information.
        """
        needed, deficit = self._instance
        in_class = class_regret({p.policy: p.total_usd for p in self.policies})
        in_tracking = class_regret({p.policy: p.tracking_usd for p in self.policies})
        rows = []
        for p in self.policies:
            of = severity_regret([r.haircut for r in self.by_policy[p.policy]], needed, deficit)
            rows.append(
                {
                    "policy": p.policy,
                    "information": p.information.value,
                    "severity_loss_usd": of.loss,
                    "static_regret_usd": of.static,
                    "dynamic_regret_usd": of.dynamic,
                    "class_regret_usd": in_class[p.policy],
                    "tracking_regret_usd": in_tracking[p.policy],
                }
            )
        return indexed(rows, "policy")

    @property
    def plot(self) -> Any:
        """The figures of this replay, a :class:`~adl_opt.reports.figures.plots.Plots` (needs matplotlib).

        ``cumulative()``, ``budgets()``, ``envelope()`` and ``order()`` each give a matplotlib figure.
        """
        return import_module("adl_opt.reports.figures.plots").Plots(self)  # by name: it stands above

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; figures that are not known are null."""
        return {
            "schema": SCHEMA,
            "episode": self.episode,
            "source": self.source,
            "rounds": len(self._instance[0]),
            "path_length": self.path_length,
            "envelope_usd": self.envelope_usd,
            "policies": [{k: or_null(v) for k, v in asdict(p).items()} for p in self.policies],
            "lambda": self.lam,
            "burden": self.burden,
            "notes": list(self.notes),
        }

    def write(self, folder: str | PathLike[str]) -> None:
        """Write ``result.json``, ``policies.csv``, ``rounds.csv`` and ``regret.csv`` into a folder."""
        texts = {
            "result.json": to_json(self.to_json()) + "\n",
            "policies.csv": to_csv(self.frame()),
            "rounds.csv": to_csv(self.rounds(), index=False),
            "regret.csv": to_csv(self.regret()),
        }
        write_folder(Path(folder), texts)


def or_null(value: Any) -> Any:
    """Return a figure as JSON has it: None where it is not known."""
    if isinstance(value, Information):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value

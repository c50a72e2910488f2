"""The result of a replay: tables, regret, JSON; it prints itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adl_opt.answer import SCHEMA, Answer, indexed
from adl_opt.errors import UsageError
from adl_opt.evaluate.bounds import envelope_usd, path_length
from adl_opt.evaluate.cohorts import per_account, per_cohort
from adl_opt.evaluate.differences import paired_differences
from adl_opt.evaluate.guarded import Failure
from adl_opt.evaluate.pareto import pareto_front
from adl_opt.evaluate.record import Kept, PolicyRound, PolicySummary, or_null, settles_within, summarise
from adl_opt.evaluate.regret import class_regret, severity_regret
from adl_opt.evaluate.written import write_result
from adl_opt.losses import Loss
from adl_opt.naming import unknown_name
from adl_opt.rounds.contracts import CLOSE, WEALTH

if TYPE_CHECKING:
    import pandas as pd

LAMBDAS = (0.5, 0.75, 1.0, 1.5, 2.0)
MONEY_COLUMNS = (
    *("deficit", "needed", "capacity", "budget", "haircut", "shortfall", "residual"),
    *("uncounted", "future_shortfall"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Answer):
    """Every policy over the same episode.

    Parameters
    ----------
    episode, source : str
        Name of the episode, and what of it is published, calibrated or real.
    loss : Loss
        What every figure is measured in; its base is known.
    records : sequence of PolicyRound
        One per policy and round, policies in the order in which they were given.
    notes : sequence of str
        Remarks that belong under the table.
    kept : Kept, optional
        What :attr:`states` and :meth:`haircuts` are made of.
    space : str
        ``wealth`` or ``contracts``.
    failures : sequence of Failure
        Policies that failed; they are rows of :meth:`frame` and of the JSON, with their ``error``.
    price : str
        What contracts were closed at: ``close``, or ``venue`` for the price of each rule's venue.
    """

    chosen: ClassVar[tuple[str, ...]] = (
        *("policy", "information", "overshoot_usd", "undershoot_usd"),
        *("covered_rounds", "covered_usd_share", "total_usd"),
    )
    episode: str
    source: str
    loss: Loss
    records: Sequence[PolicyRound] = field(repr=False)
    notes: Sequence[str] = ()
    kept: Kept | None = field(default=None, repr=False)
    space: str = WEALTH
    failures: Sequence[Failure] = ()
    price: str = CLOSE

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
            for row, p in zip(rows, replace(self, loss=replace(self.loss, fair=lam)).policies, strict=True):
                row[lam] = p.total_usd
        return indexed(rows, "policy")

    @cached_property
    def states(self) -> Mapping[str, Any]:
        """Plain values to resume from (see :func:`adl_opt.replay`), made when they are first read.

        ``accounts``, the ids of the last round, and ``policies``, each with its ``state`` and last
        ``burdens``; in contracts ``marks``, those of all rounds; empty where nothing was kept.
        """
        if self.kept is None:
            return {}
        policies = {
            name: {"state": state, "burdens": None if burdens is None else burdens.tolist()}
            for name, (state, burdens) in self.kept.policies.items()
        }
        made = {"accounts": self.kept.accounts.tolist(), "policies": policies}
        return made | ({"marks": list(self.kept.marks)} if self.kept.marks else {})

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
        """The instance envelope of Prop. 1, USD: of severities up to D, with the weights of the loss."""
        return envelope_usd(*self._instance, self.loss)

    @property
    def trivial_usd(self) -> float:
        """The worst loss of any severities in [0, 1], USD: it stands beside the envelope."""
        return self.loss.worst(*self._instance)

    @cached_property
    def policies(self) -> list[PolicySummary]:
        """One summary per policy."""
        envelope = self.envelope_usd
        return [summarise(r, loss=self.loss, envelope=envelope) for r in self.by_policy.values()]

    def __getitem__(self, policy: str) -> PolicySummary:
        """Return the summary of one policy."""
        found = {p.policy: p for p in self.policies}
        if policy not in found:
            raise unknown_name("policy of this result:", policy, found)
        return found[policy]

    def haircuts(self, *policies: str) -> pd.DataFrame:
        """Return one row per policy, round and account that could pay, by playing the policies again.

        The columns are those of :func:`adl_opt.evaluate.paid.paid_by_account`.

        Raises
        ------
        UsageError
            An unknown policy, or a result that is no replay.
        """
        return self._replayed.paid(policies)

    @property
    def _replayed(self) -> Kept:
        if self.kept is None:
            raise UsageError(
                "haircuts of single accounts are known of a replay only",
                got=f"a result of {self.source}",
                ways_out=["replay the episode: adl_opt.replay(episode, policies)"],
            )
        return self.kept

    def per_account(self, policy: str) -> pd.DataFrame:
        """Return what each account that could pay paid under a policy, who paid most first.

        ``rounds_paid`` is 0 for who never paid; see :func:`adl_opt.evaluate.cohorts.per_account`.
        """
        return per_account(self._paid(policy))

    def per_cohort(self, policy: str, by: str = "size") -> pd.DataFrame:
        """Return who paid under a policy and who never did, by ``size``, ``side`` or ``leverage``.

        See :func:`adl_opt.evaluate.cohorts.per_cohort`.
        """
        return per_cohort(self._paid(policy), by)

    def per_market(self, policy: str) -> pd.DataFrame:
        """Return who was closed under a policy by market and side, what is left, and hedges that broke.

        In contracts only; see :func:`adl_opt.evaluate.markets.per_market`.
        """
        return self._replayed.markets(policy)

    def _paid(self, policy: str) -> pd.DataFrame:
        paid = self.haircuts(policy)
        if paid.empty and any(math.isnan(r.accounts_touched) for r in self.by_policy[policy]):
            raise UsageError(
                "the record holds no haircut of single accounts",
                got=policy,
                ways_out=["ask for another policy", "hyperliquid-literal is the venue's own queue"],
            )
        return paid

    def differences(self, against: str, column: str = "total_usd", **options: Any) -> pd.DataFrame:
        """Return how much more each policy costs than one of them, with a block-bootstrap interval.

        The options, ``block``, ``draws``, ``level`` and ``seed``, and the columns are those of
        :func:`adl_opt.evaluate.differences.paired_differences`.
        """
        return paired_differences(self.rounds(), against, column, **options)

    def pareto(self, x: str, y: str) -> pd.DataFrame:
        """Return the policies that no other dominates in two columns of :meth:`frame`; less is better.

        See :func:`adl_opt.evaluate.pareto.pareto_front`.
        """
        return pareto_front(self.frame(), x, y)

    def frame(self) -> pd.DataFrame:
        """Return one row per policy; columns as in the JSON, money in USD."""
        return indexed(self._rows(), "policy")

    def _rows(self) -> list[dict[str, Any]]:
        """Return one row per policy, those that failed last."""
        rows = [asdict(p) | {"information": p.information.value} for p in self.policies]
        return rows + [failure.row(PolicySummary.__dataclass_fields__) for failure in self.failures]

    def rounds(self) -> pd.DataFrame:
        """Return one row per policy and round; money in columns ending in ``_usd``."""
        import pandas as pd

        rows = []
        for r in self.records:
            row = asdict(r) | {"information": r.information.value}
            row |= {"tracking": self.tracking_of(r), "fairness": r.fairness, "total": self.total_of(r)}
            money = (*MONEY_COLUMNS, "tracking", "fairness", "total")
            rows.append({f"{k}_usd" if k in money else k: v for k, v in row.items()})
        return pd.DataFrame(rows)

    def tracking_of(self, record: PolicyRound) -> float:
        """Return the loss of one policy in one round without its fairness term, USD."""
        return float(self.loss.tracking(record.haircut, record.needed))

    def total_of(self, record: PolicyRound) -> float:
        """Return the loss of one policy in one round, USD."""
        r = record
        return float(self.loss.total(r.haircut, r.needed, r.max_burden, r.reference_burden))

    def regret(self) -> pd.DataFrame:
        """Return regret per policy, USD: static, dynamic, policy-class (eq. 14) and tracking (eq. 15).

        Static and dynamic regret are those of a learner with the weights of the loss.  They read budgets as
        severities in [0, 1], shares of D: what exceeds D is not in them, but is in tracking.  The class is
        what was replayed, whatever its information.
        """
        needed, deficit = self._instance
        in_class = class_regret({p.policy: p.total_usd for p in self.policies})
        in_tracking = class_regret({p.policy: p.tracking_usd for p in self.policies})
        rows = []
        for p in self.policies:
            taken = [r.haircut for r in self.by_policy[p.policy]]
            of = severity_regret(taken, needed, deficit, self.loss)
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
        They take ``policies``, ``ax`` and ``title``.
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
            "trivial_usd": self.trivial_usd,
            "envelope_informative": self.envelope_usd < self.trivial_usd,
            "policies": [{k: or_null(v) for k, v in row.items()} for row in self._rows()],
            "lambda": self.loss.fair,
            "burden": self.loss.base,
            "loss": asdict(self.loss),
            "notes": list(self.notes),
        }

    def cells(
        self, frame: pd.DataFrame, columns: Sequence[str] | None = None
    ) -> tuple[list[str], list[list[str]], list[bool]]:
        """Return them with the balance, where policies settle within the round."""
        if columns is None and "balance_usd" in frame and settles_within(self.policies):
            columns = [*self.chosen, "balance_usd", "lowest_balance_usd"]
        return super().cells(frame, columns)

    def to_latex(self, columns: Sequence[str] | None = None, caption: str = "", **more: Any) -> str:
        """Return the policy table in LaTeX; by default its caption says the episode and the loss."""
        said = f"{self.episode}, {len(self._instance[0])} rounds; loss: {self.loss}"
        return super().to_latex(columns, caption or said, **more)

    def write(self, folder: str | PathLike[str]) -> None:
        """Write ``result.json``, ``policies.csv``, ``rounds.csv`` and ``regret.csv`` into a folder.

        All but the seconds of ``times.json`` are the same for the same input; :func:`adl_opt.verify` checks.
        """
        tables = {"policies": self.frame(), "rounds": self.rounds(), "regret": self.regret()}
        write_result(Path(folder), self.to_json(), tables, {} if self.kept is None else self.kept.made_of())

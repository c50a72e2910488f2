"""The replay: every policy over the same rounds, each on the information it declares."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from os import PathLike
from typing import Any

import numpy as np

from adl_opt.allocation.contracts import settled
from adl_opt.allocation.minmax import reference_of
from adl_opt.allocation.prices import priced
from adl_opt.allocation.scenarios import ScenarioSource, marks_of
from adl_opt.answer import Progress, showing
from adl_opt.datasets.episodes import as_episode
from adl_opt.datasets.scenarios import scenario_source
from adl_opt.errors import UsageError
from adl_opt.evaluate.check import check_allocation
from adl_opt.evaluate.diagnostics import (
    Common,
    Neighbours,
    PositionReach,
    Sorted,
    gini,
    p99,
    rank_correlation,
)
from adl_opt.evaluate.future import future_shortfall
from adl_opt.evaluate.guarded import Guard
from adl_opt.evaluate.markets import hedges_broken_by, per_market
from adl_opt.evaluate.paid import paid_by_account
from adl_opt.evaluate.prepared import notes_on_contracts, prepared
from adl_opt.evaluate.record import Kept, PolicyRound
from adl_opt.evaluate.result import Result
from adl_opt.evaluate.written import made_of, refuse_replacing
from adl_opt.kernels.risk.scenarios import PriceMoves
from adl_opt.losses import Loss, as_loss, burden_base, share
from adl_opt.policy.lineup import lineup_of, silent_hints
from adl_opt.policy.policy import Policy, Production, as_policies
from adl_opt.policy.sight import information_on
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.columns import Floats
from adl_opt.rounds.contracts import CLOSE, CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.ids import Ids
from adl_opt.rounds.owners import by_owner
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round

RECORDED_NOTE = "production: H and burden as recorded, against the recorded min-max reference"
CONTRACTS_NOTE = "contracts: closed from the other side, valued as revealed; fairness against m* of the pool"
UNKNOWN_NOTE = "production: burdens are recorded on the equity base only, so its fairness is not known here"


def replay(
    episode: Episode | str | PathLike[str] = "oct10",
    policies: str | Policy | Iterable[object] | None = None,
    *,
    loss: Loss | str | None = None,
    lam: float | None = None,
    burden: str | None = None,
    space: str | None = None,
    price: str = CLOSE,
    moves: ScenarioSource | str | PathLike[str] | None = None,
    out: str | PathLike[str] | None = None,
    states: Mapping[str, Any] | None = None,
    progress: Progress = True,
) -> Result:
    """Hold policies against the same episode.

    Parameters
    ----------
    episode : Episode, str or path
        An episode, or what :func:`adl_opt.load` takes.
    policies : one or several of str, Policy, AllocationRule, Severity, Model
        Names (see :func:`adl_opt.make_policy`) or objects; rules and models run under the oracle severity.
        By default those of :func:`~adl_opt.policy.lineup.lineup` that fit the rounds; notes name the others.
    loss : Loss or str, optional
        What every figure is measured in; by default eq. 23 with lambda = 1, on the base that the record of
        the episode is in.  Learners whose own weights are left at 1 learn on this loss.
    lam : float, optional
        Weight lambda of the fairness term: short for ``fair`` of the loss.
    burden : str, optional
        Short for ``base`` of the loss.
    space : {'wealth', 'contracts'}, optional
        A pool of dollars, or contracts by market and side; by default :attr:`Episode.space`.  In contracts
        haircuts are valued at what each contract really gave up, and the reference is that of the pool.
    price : {'close', 'venue'}
        In contracts: every rule closes at ``Flow.close``, or each at the price that its venue's specification
        states; rows say which.  Both close the same share of the flow.
    moves : ScenarioSource, str or path, optional
        In contracts: scenarios of the next move of each market, as
        :func:`adl_opt.datasets.scenarios.scenario_source` takes them: ``past``, ``drawn(volatility=0.2)``, or
        a file.  ``future_shortfall_usd`` and rules that look at risk rest on them.
    out : path, optional
        Folder for ``result.json``, ``policies.csv``, ``rounds.csv`` and ``regret.csv``.
    states : mapping, optional
        ``result.states`` of a replay of the rounds before: they go on from there, bit for bit (JSON too).
    progress : bool or callable
        A bar where the call takes long, or a function of (rounds done, all).

    Returns
    -------
    Result

    Raises
    ------
    UsageError
        Unknown names, two policies of one name, options out of range, or a price in wealth.
    InputError
        A policy needs columns that a round lacks, or does not serve its space; a round lacks the space.
    PolicyError
        Every policy failed.  Where others go on, one that failed is a row with its ``error``, no figures.

    Examples
    --------
    >>> import adl_opt as adl
    >>> result = adl.replay(adl.load("oct10"), ["production", "pro-rata"])
    >>> [f"{p.tracking_usd:,.2f}" for p in result.policies]
    ['53,782,490.53', '0.00']
    """
    refuse_replacing(episode, out)
    episode = as_episode(episode).in_space(space or "")
    asked = as_loss(loss, lam, burden).on(episode)
    base = str(asked.base)
    given, notes = lineup_of(episode, base) if policies is None else (policies, [])
    guard = Guard(policies is None)
    source = scenario_source(moves, episode.space)
    scenarios = None if moves is None else source
    ready = prepared(as_policies(given), asked, price=price, space=episode.space, scenarios=scenarios)
    runs = _runs(ready, states)
    for run in runs:
        with guard.around(run.policy.name, "the start"):
            run.start()
    marks = [] if states is None else list(states.get("marks", ()))
    begun = {run.policy.name: (run.policy, run.state) for run in runs}
    before = Ids.of(np.array([] if states is None else states["accounts"], dtype=np.str_))
    reach = PositionReach()
    with showing("replay", progress) as advance:
        for done, (given_round, outcome) in enumerate(episode.rounds, start=1):
            round_ = by_owner(given_round)
            ahead = source.of(marks, round_) if round_.space == CONTRACTS else None
            seen = _Seen.of(round_, base, before, ahead)
            reach.see(round_, seen.capacity_usd)
            for run in runs:
                if run.policy.name not in guard.out:
                    with guard.around(run.policy.name, f"round {round_.number}"):
                        run.play(round_, outcome, seen)
            runs = guard.left(runs)
            reference = reference_of(round_, outcome, base, seen.capacity)
            for run in runs:
                run.compare(reference)
            before = seen.index
            if ahead is not None:
                marks.append(marks_of(round_))
                origin = f"future shortfall: the last scenarios are {ahead.source}"
            advance(done, len(episode))
    notes += guard.notes() + reach.notes() + silent_hints(episode, (run.policy for run in runs))
    if episode.space == CONTRACTS:
        notes += [CONTRACTS_NOTE, origin, *notes_on_contracts((run.policy, run.records) for run in runs)]
    if any(isinstance(r.policy, Production) for r in runs):
        notes.append(RECORDED_NOTE if base == "equity" else UNKNOWN_NOTE)
    result = Result(
        episode=episode.name,
        source=episode.source,
        space=episode.space,
        price=price,
        loss=asked,
        records=[record for run in runs for record in run.records],
        kept=Kept(
            accounts=before.text,
            policies={r.policy.name: (r.state, getattr(r.burdens, "values", None)) for r in runs},
            marks=tuple(marks),
            paid=partial(paid_by_account, episode, begun, base),
            markets=partial(per_market, episode, begun),
            losers_too=frozenset(r.policy.name for r in runs if not r.policy.positive_pnl_only),
            made_of=partial(made_of, episode, [run.policy for run in runs]),
        ),
        notes=notes,
        failures=guard.failures,
    )
    if out is not None:
        result.write(out)
    return result


@dataclass(frozen=True, eq=False)
class _Seen:
    """What all policies of a round share: burden base, order, accounts met in the round before."""

    base: Floats
    against: str
    capacity: Floats
    capacity_usd: float
    neighbours: Neighbours
    index: Ids
    common: Common
    ahead: PriceMoves | None

    @classmethod
    def of(cls, round_: Round, base: str, before: Ids, ahead: PriceMoves | None) -> _Seen:
        index, capacity = round_.accounts.index, capacity_of(round_)
        total = round_.capacity_usd if capacity is round_.accounts.capacity else exact_sum(capacity)
        return cls(
            base=capacity if base == "capacity" else burden_base(round_, base),
            against=base,
            capacity=capacity,
            capacity_usd=total,
            neighbours=Neighbours.of(capacity),
            index=index,
            common=Common.of(before.common(index), (len(before), len(index))),
            ahead=ahead,
        )


@dataclass(eq=False)
class _Run:
    """One policy on its way through the episode."""

    policy: Policy
    state: Any = None
    records: list[PolicyRound] = field(default_factory=list)
    burdens: Sorted | None = None

    def start(self) -> None:
        if self.state is None:
            self.state = self.policy.start()

    def play(self, round_: Round, outcome: Outcome, seen: _Seen) -> None:
        policy = self.policy
        began = time.perf_counter()
        early = policy.information is Information.START_OF_ROUND
        action = policy.act(self.state, round_) if early else policy.act_ex_post(self.state, round_, outcome)
        if isinstance(action, Allocation):
            self.state = policy.learn(self.state, round_, outcome, action)
        seconds = time.perf_counter() - began
        if isinstance(action, Recorded):
            known = seen.against == "equity"
            figures = asdict(action if known else Recorded(haircut=action.haircut))
        else:
            at = round_ if action.closures is None else priced(round_, policy.closes_at)
            check_allocation(policy.name, at, action, positive_pnl_only=policy.positive_pnl_only is not False)
            action = settled(action, round_, outcome)
            figures = self._measure(action, seen)
            if action.closures is not None and seen.ahead is not None:
                figures["future_shortfall"] = future_shortfall(round_, action.closures, seen.ahead)
                figures["hedges_broken"] = int(np.count_nonzero(hedges_broken_by(round_, action.closures)))
        self.records.append(
            PolicyRound(
                policy=policy.name,
                severity=policy.severity.label(),
                allocation=policy.allocation.label(),
                information=information_on(policy, round_),
                round=round_.number,
                deficit=round_.deficit,
                needed=outcome.needed,
                capacity=seen.capacity_usd,
                accounts=len(round_.accounts),
                seconds=seconds,
                space=round_.space,
                price=policy.closes_at if round_.space == CONTRACTS else "",
                **figures,
            )
        )

    def compare(self, reference: float) -> None:
        """Hold the last round against the min-max reference, unless the record came with its own."""
        last = self.records[-1]
        if not isinstance(self.policy, Production):
            self.records[-1] = replace(last, reference_burden=reference)

    def _measure(self, action: Allocation, seen: _Seen) -> dict[str, float]:
        burdens = share(action.x, seen.base)
        last, self.burdens = self.burdens, Sorted(burdens)
        return {
            "haircut": action.executed,
            "budget": action.asked,
            "shortfall": action.shortfall,
            "residual": action.residual_usd,
            "uncounted": float(action.x[seen.base <= 0.0].sum()),
            "p99_burden": p99(burdens[seen.base > 0]),
            "max_burden": float(np.max(burdens, initial=0.0)),
            "lower_bound": action.lower_bound if action.base == seen.against else math.nan,
            "accounts_touched": int(np.count_nonzero(action.x)),
            "inversions": seen.neighbours.inversions(action.x),
            "pairs": seen.neighbours.pairs,
            "gini": gini(self.burdens),
            "whole_lots": action.lots is not None or not action.x.any(),
            "rank_stability": math.nan if last is None else rank_correlation(last, self.burdens, seen.common),
        }


def _runs(policies: Sequence[Policy], states: Mapping[str, Any] | None) -> list[_Run]:
    names = [p.name for p in policies]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice or not policies:
        raise UsageError(
            "policies must have different names" if twice else "a replay needs at least one policy",
            got=", ".join(twice) or "no policy",
            ways_out=["drop the repetition", "give Policy(..., name=...) a name", "see adl-opt policies"],
        )
    if states is None:
        return [_Run(p) for p in policies]
    kept = states["policies"]
    if missing := [n for n in names if n not in kept]:
        raise UsageError(
            "a replay cannot go on: the states lack a policy",
            got=", ".join(missing),
            ways_out=["replay the rounds before with the same policies", "leave the policy out"],
        )
    runs = [_Run(p, kept[p.name]["state"]) for p in policies]
    for run in runs:
        if (last := kept[run.policy.name]["burdens"]) is not None:
            run.burdens = Sorted(np.array(last))
    return runs

"""Pairs of a loss and an episode, and plain arithmetic on who paid what to hold the library against."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import adl_opt as adl
from adl_opt.evaluate.result import Result
from adl_opt.reports.series.replayed import cumulative_series
from adl_opt.severity import make_severity

PARTS = ("replay", "regret", "learner", "optimum", "study", "series")
LEARNER = "ftrl-exact"
SPLIT = f"{LEARNER}/min-max"
POLICIES = (
    SPLIT,
    "ogd/pro-rata",
    "pro-rata",
    "constant(0.4)/equity-pro-rata",
    "constant(0)",
    "full-deficit/min-max",
)


@dataclass
class Worst:
    """The largest of some figures, and where it was seen."""

    value: float = -math.inf
    seed: int = -1
    compared: int = 0

    def see(self, value: float, seed: int) -> None:
        """Take one figure in; NaN counts as infinite."""
        self.compared += 1
        value = math.inf if math.isnan(value) else value
        if value > self.value:
            self.value, self.seed = value, seed


def drawn(seed: int) -> tuple[adl.Loss, adl.Episode]:
    """Return the pair of a seed."""
    rng = np.random.default_rng([seed, 18])
    under, over = np.exp(rng.uniform(np.log(0.2), np.log(20.0), 2))
    fair = 0.0 if rng.random() < 0.2 else float(np.exp(rng.uniform(np.log(0.1), np.log(5.0))))
    base, limit = rng.choice(["equity", "capacity"]), rng.choice(["capacity", "deficit"])
    if rng.random() < 0.25:
        over = under  # the classes of paths and switches are there for equal weights
    loss = adl.Loss(under=float(under), over=float(over), fair=fair, base=str(base), limit=str(limit))
    lots, size = rng.random() < 0.6, 10.0 ** rng.uniform(0, 7)
    rounds = [_round(rng, number, size, lots) for number in range(1, int(rng.integers(1, 6)) + 1)]
    return loss, adl.Episode(f"drawn-{seed}", "drawn", rounds)


def _round(rng: np.random.Generator, number: int, size: float, lots: bool) -> tuple[adl.Round, adl.Outcome]:
    n = int(rng.integers(1, 7))
    ids = [f"account-{k}" for k in rng.permutation(8)[:n]]
    account = np.sort(np.concatenate([np.arange(n), rng.integers(0, n, rng.integers(0, 3))]))
    have = rng.integers(1, 4 if rng.random() < 0.5 else 10_000, account.size)
    value = size * rng.pareto(1.2, account.size) / have + 1e-3
    positions = adl.Positions(
        account=account, market=[f"m{k}" for k in range(account.size)], lot_value=value, lots=have
    )
    pnl = np.bincount(account, value * have, minlength=n)
    equity = pnl * np.exp(rng.normal(0.5, 1.0, n))
    side, leverage = rng.choice([-1, 1], n), rng.uniform(1.0, 20.0, n)
    accounts = adl.Accounts(
        id=ids, pnl=pnl, equity=equity, capacity=np.minimum(pnl, equity), side=side, leverage=leverage
    )
    there = float(accounts.capacity.sum())
    deficit, needed = there * rng.choice([0.0, 0.1, 0.5, 1.0, 1.5], 2) * rng.uniform(0.2, 1.0, 2)
    round_ = adl.Round(
        deficit=float(deficit), accounts=accounts, positions=positions if lots else None, number=number
    )
    return round_, adl.Outcome(needed=float(needed))


@dataclass(frozen=True)
class Plain:
    """One policy's loss by plain arithmetic, from what each account paid."""

    tracking: float
    fairness: float
    total: float
    static: float
    dynamic: float
    taken: list[float]


def plain(loss: adl.Loss, episode: adl.Episode, taken: list[list[float]], references: list[float]) -> Plain:
    """Return the figures of haircuts, by policy-free arithmetic: round by round, account by account."""
    tracking, fairness, severity, sums = [], [], [], []
    for (round_, outcome), x, m in zip(episode, taken, references, strict=True):
        executed, needed = math.fsum(x), outcome.needed
        sums.append(executed)
        tracking.append(priced(loss, executed - needed))
        against = round_.accounts.capacity if loss.base == "capacity" else round_.accounts.equity
        worst = max(v / float(u) for v, u in zip(x, against, strict=True))
        fairness.append(needed * abs(worst - m))
        d = round_.deficit
        severity.append((d, min(1.0, needed / d) if d else 0.0, min(1.0, executed / d) if d else 0.0))
    own = math.fsum(priced(loss, d * (theta - goal)) for d, goal, theta in severity)
    tried = [0.0, 1.0, *(goal for _, goal, _ in severity)]
    best = min(math.fsum(priced(loss, d * (theta - goal)) for d, goal, _ in severity) for theta in tried)
    track, unfair = math.fsum(tracking), math.fsum(fairness)
    return Plain(track, unfair, track + loss.fair * unfair, own - best, own, sums)


def priced(loss: adl.Loss, above: float) -> float:
    """Return the loss of an amount that is too much (above 0) or too little (below)."""
    return loss.over * above if above > 0 else -loss.under * above


def judged(seed: int) -> Iterator[tuple[str, float]]:
    """Yield (part, relative difference) of every figure of a pair."""
    loss, episode = drawn(seed)
    whole = all(r.positions is not None for r, _ in episode)
    names = [*POLICIES, *(["min-max-lots", "full-deficit/min-max-lots"] if whole else [])]
    result = adl.replay(episode, names, loss=loss)
    references = [r.reference_burden for r in next(iter(result.by_policy.values()))]
    found = adl.optimum(episode, names, loss=loss)
    frame, regret, total = result.frame(), result.regret(), found.frame()
    nothing = loss.under * math.fsum(o.needed for _, o in episode)
    scale = max(nothing, loss.over * math.fsum(r.capacity_usd for r, _ in episode), 1e-6)
    by_name = {}
    for policy in (adl.make_policy(name).on(loss) for name in names):
        by_name[policy.name] = plain(loss, episode, acted(policy, episode), references)
    for name, figures in by_name.items():
        size = max(scale, abs(figures.total))
        for column in ("total", "tracking", "fairness"):
            yield "replay", abs(getattr(figures, column) - frame.loc[name, f"{column}_usd"]) / size
        for column in ("static", "dynamic"):
            yield "regret", abs(getattr(figures, column) - regret.loc[name, f"{column}_regret_usd"]) / size
        yield "optimum", abs(figures.total - total.loc[name, "total_usd"]) / size
        if total.loc[name, "domain"] != "beyond-limit":
            yield "gap", -total.loc[name, "gap_to_optimum_usd"] / max(nothing, abs(figures.total), 1e-6)
    yield (
        "learner",
        _learnt(loss, episode, by_name[SPLIT].taken, regret.loc[SPLIT, "static_regret_usd"]) / scale,
    )
    best = {b.name: b for b in found.benchmarks}
    fixed = _best_fixed(loss, episode)
    yield "optimum", abs(best["best-fixed"].objective_usd - fixed) / scale
    for kind in ("fractional", "whole-lots", "depleting"):
        if (optimum := best.get(f"{kind}-optimum")) is not None:
            yield kind, (optimum.objective_usd - optimum.bound_usd) / max(nothing, 1e-6)
    yield from _shown(result, scale)
    yield from _studied(loss, episode, scale)


def acted(policy: adl.Policy, episode: adl.Episode) -> list[list[float]]:
    """Return what each account pays in each round, USD, without the replay."""
    state, taken = policy.start(), []
    for round_, outcome in episode:
        early = policy.information is adl.Information.START_OF_ROUND
        action = policy.act(state, round_) if early else policy.act_ex_post(state, round_, outcome)
        state = policy.learn(state, round_, outcome, action)
        taken.append(action.x.tolist())
    return taken


def _learnt(loss: adl.Loss, episode: adl.Episode, taken: list[float], said: float) -> float:
    """Return by how much a learner's own regret of what was executed differs from that of the replay."""
    deficit = np.array([r.deficit for r, _ in episode])
    needed = np.array([o.needed for _, o in episode])
    some = np.maximum(deficit, 1e-300)
    goal, theta = (np.where(deficit > 0, np.minimum(v / some, 1.0), 0.0) for v in (needed, np.array(taken)))
    return abs(make_severity(LEARNER).on(loss).regret(deficit, goal, theta) - said)


def _best_fixed(loss: adl.Loss, episode: adl.Episode) -> float:
    """Return the least loss of a fixed share of the deficits, every candidate tried."""
    tried = [0.0, 1.0, *(min(1.0, o.needed / r.deficit) for r, o in episode if r.deficit > 0)]
    return min(math.fsum(priced(loss, theta * r.deficit - o.needed) for r, o in episode) for theta in tried)


def _shown(result: Result, scale: float) -> Iterator[tuple[str, float]]:
    """Yield the differences of the report's cumulative curves; policies that do the same share one."""
    for chart in cumulative_series(result, list(result.by_policy)).charts:
        ends = {n: float(list(c.y)[-1]) for c in chart.curves for n in re.split(r" = | \(", c.label)}
        for row in result.policies:
            end = ends[row.policy]
            yield "series", abs(end - getattr(row, f"{chart.title}_usd")) / max(scale, abs(row.total_usd))


def _studied(loss: adl.Loss, episode: adl.Episode, scale: float) -> Iterator[tuple[str, float]]:
    """Yield the differences of the study's rows to plain arithmetic on the same policies."""
    study = adl.study(episode, episodes=2, loss=loss)
    for block in (b for b in study.blocks if b.severities):  # the others are no severities of their own
        references = [r.reference_burden for r in next(iter(block.result.by_policy.values()))]
        rule = adl.make_allocation("pro-rata")
        for row, severity in zip(block.rows, block.severities, strict=True):
            taken = acted(adl.Policy(severity=severity, allocation=rule), episode)
            figures = plain(loss, episode, taken, references)
            size = max(scale, abs(figures.total))
            for said, true in (
                (row.total_usd, figures.total),
                (row.tracking_usd, figures.tracking),
                (row.static_regret_usd, figures.static),
                (row.dynamic_regret_usd, figures.dynamic),
            ):
                yield "study", abs(said - true) / size

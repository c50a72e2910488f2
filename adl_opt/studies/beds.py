"""Test beds: the same frozen defaults on rounds of many kinds, each of which can refuse a rule.

Two are October 10 in rounds and in bursts.  Three are tied to the prior of the hints, at a tenth, once and
ten times its notional.  Five are not (:mod:`adl_opt.datasets.synthetic_needs`).  The others are the scenarios
of the simulator, in a closed loop: what is taken changes the rounds that follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from adl_opt.answer import Listing, Progress, showing
from adl_opt.checks import whole_between
from adl_opt.datasets.episodes import load
from adl_opt.datasets.synthetic import Synthetic
from adl_opt.datasets.synthetic_needs import NEEDS
from adl_opt.errors import UsageError
from adl_opt.evaluate.record import scored
from adl_opt.losses import Loss, as_loss
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Information
from adl_opt.severity.hints.models import HINTS
from adl_opt.studies.october10.lineup import budgets_of
from adl_opt.studies.simulation.run import Start, run_policy
from adl_opt.studies.simulation.scenarios import SCENARIOS

WITHOUT = "ftrl-exact/pro-rata"
"""The rule without hints that every other is held against."""

EPISODES = ("oct10", "oct10-bursts")
SYNTHETIC: dict[str, dict[str, Any]] = {
    **{f"synthetic, flow x {factor:g}": {"flow": factor} for factor in (0.1, 1.0, 10.0)},
    **{f"synthetic, {kind}": {"needs": kind} for kind in NEEDS[1:]},
}
SIMULATED = tuple(name for name in SCENARIOS if name != "no-deficit")
"""Every scenario in which anything is needed."""


def beds(
    policies: str | Policy | Iterable[object] | None = None,
    *,
    seeds: int = 20,
    seed: int = 0,
    loss: Loss | str | None = None,
    progress: Progress = True,
) -> Listing:
    """Play severities in every test bed, each with the same frozen defaults.

    Parameters
    ----------
    policies : one or several, optional
        Policies that decide at the start of the round, as for :func:`adl_opt.replay`; by default
        ``recommended``.  ``ftrl-exact`` and each hint at its word are always there, to compare with.
    seeds : int
        Episodes in each synthetic or simulated bed, from 1 to 100,000.
    seed : int
        The first seed.
    loss : Loss or str, optional
        What is measured, and what learners learn on; the fairness term does not enter.
    progress : bool or callable
        A bar where the call takes long, or a function of (beds done, all).

    Returns
    -------
    Listing
        A row for each bed and policy: tracking_usd (the loss), overshoot_usd, undershoot_usd, covered_rounds,
        covered_usd_share, needed_usd, rounds, and against_best: the loss over the better of ``ftrl-exact``
        and the best hint of that bed, which is known in hindsight only.

    Raises
    ------
    UsageError
        A policy that is given the outcome, or a number out of range.

    Examples
    --------
    >>> len(SYNTHETIC), len(SIMULATED)
    (8, 9)
    """
    whole_between("beds: seeds", seeds, 1, 100_000)
    whole_between("beds: seed", seed, 0, 2**62)
    asked = as_loss(loss)
    hints = [f"hint-only({name})" for name in HINTS]
    chosen = [p.on(asked) for p in as_policies([WITHOUT, *hints]) + as_policies(policies or "recommended")]
    chosen = list({p.name: p for p in chosen}.values())
    compared = {WITHOUT, *(f"{hint}/pro-rata" for hint in hints)}
    _check_early(chosen)
    rows: list[dict[str, Any]] = []
    places = (*EPISODES, *SYNTHETIC, *SIMULATED)
    with showing("test beds", progress) as advance:
        for k, name in enumerate(places):
            if name in EPISODES:
                played = _replayed(chosen, [load(name).in_space(WEALTH)])
            elif name in SYNTHETIC:
                drawn = (Synthetic(accounts=2, seed=n, **SYNTHETIC[name]) for n in range(seed, seed + seeds))
                played = _replayed(chosen, (d.episode() for d in drawn))
            else:
                played = _simulated(chosen, name, range(seed, seed + seeds), asked)
            found = [_row(name, p.name, played[p.name], asked) for p in chosen]
            best = min(row["tracking_usd"] for row in found if row["policy"] in compared)
            for row in found:
                ratio = round(row["tracking_usd"] / best, 4) if best > 0.0 else None
                rows.append(row | {"against_best": ratio})
            advance(k + 1, len(places))
    return Listing("beds", "bed", rows)


Played = dict[str, list[tuple[float, float]]]
"""Of each policy H and B of every round, USD."""


def _replayed(policies: Sequence[Policy], episodes: Iterable[Episode]) -> Played:
    played: Played = {p.name: [] for p in policies}
    for episode in episodes:
        rounds = list(episode)
        for p in policies:
            taken = budgets_of(p.severity, rounds)
            played[p.name] += [(h, o.needed) for h, (_, o) in zip(taken, rounds, strict=True)]
    return played


def _simulated(policies: Sequence[Policy], name: str, seeds: range, loss: Loss) -> Played:
    played: Played = {p.name: [] for p in policies}
    settings = SCENARIOS[name].settings
    for seed in seeds:
        start = Start.draw(settings, seed)
        for p in policies:
            run = run_policy(p, settings, seed=seed, start=start, loss=loss)
            played[p.name] += [(row["haircut_usd"], row["needed_usd"]) for row in run.rounds]
    return played


def _row(bed: str, policy: str, rounds: list[tuple[float, float]], loss: Loss) -> dict[str, Any]:
    taken, needed = np.array(rounds).reshape(-1, 2).T
    nothing = np.zeros(needed.size)
    found = scored(loss, taken, needed, nothing, nothing)
    kept = ("tracking_usd", "overshoot_usd", "undershoot_usd", "covered_rounds", "covered_usd_share")
    head = {"bed": bed, "policy": policy, "rounds": needed.size, "needed_usd": round(math.fsum(needed), 2)}
    return head | {name: round(found[name], 6 if name.endswith("share") else 2) for name in kept}


def _check_early(policies: Sequence[Policy]) -> None:
    late = [p.name for p in policies if p.information is not Information.START_OF_ROUND]
    if late:
        raise UsageError(
            "test beds are for policies that decide at the start of the round",
            got=", ".join(late),
            ways_out=["name a severity, such as default or ftrl-exact", "adl-opt sweep, for other policies"],
        )

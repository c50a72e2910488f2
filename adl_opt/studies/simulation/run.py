"""The closed loop: marks move, accounts are liquidated, a policy takes haircuts, the market remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.minmax import reference_of
from adl_opt.answer import SCHEMA, Answer
from adl_opt.checks import whole_between
from adl_opt.errors import UsageError
from adl_opt.evaluate.markets import broken_hedges
from adl_opt.evaluate.record import scored
from adl_opt.losses import Loss, as_loss, burden, burden_base
from adl_opt.policy.policy import Policy, as_policies
from adl_opt.rounds.columns import Floats, Ints
from adl_opt.rounds.contracts import CONTRACTS, WEALTH
from adl_opt.studies.simulation.accounts import LOT, draw_world
from adl_opt.studies.simulation.adl import carry_out, decide, show_round, touched
from adl_opt.studies.simulation.behaviour import Habits, after_haircuts, undo, withdraw
from adl_opt.studies.simulation.book import slopes, steepness
from adl_opt.studies.simulation.liquidation import liquidate
from adl_opt.studies.simulation.paths import check_path, draw_path
from adl_opt.studies.simulation.settings import Settings
from adl_opt.studies.simulation.world import CENTS, World, check_books

if TYPE_CHECKING:
    import pandas as pd


METRICS = (
    *("rounds", "deficit_usd", "needed_usd", "haircut_usd", "tracking_usd", "fairness_usd", "total_usd"),
    *("overshoot_usd", "undershoot_usd", "covered_rounds", "covered_usd_share", "worst_shortfall_usd"),
    *("cvar_shortfall_usd", "coverage_proven_95", "max_burden", "accounts_paid", "accounts_left"),
    *("accounts_liquidated", "impact_cost_usd", "slope_path", "fund_end_usd", "uncovered_usd"),
    *(
        "withdrawn_usd",
        "money_created_usd",
        "residual_usd",
        "hedges_broken",
        "balance_usd",
        "lowest_balance_usd",
    ),
)
"""Every figure of an episode."""


@dataclass(frozen=True, eq=False)
class Start:
    """What all policies of a seed share: the books at the start and the path of the prices."""

    world: World
    path: Floats

    @classmethod
    def draw(cls, settings: Settings, seed: int, path: npt.ArrayLike | None = None) -> Start:
        """Draw accounts and path, each from a stream of its own, so that one does not move the other.

        ``path`` holds prices of your own, (steps + 1, markets), for ``Settings(path="given")``.
        """
        if (path is None) == (settings.path == "given"):
            raise UsageError(
                "a path is given exactly when the settings say path = 'given'",
                got=f"path = {settings.path!r}, array {'missing' if path is None else 'given'}",
                ways_out=["pass the array with Settings(path='given')", "choose jump, crash or grind"],
            )
        whole_between("simulation: seed", seed, 0, 2**63)
        people, prices = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
        world = draw_world(settings, people)
        return cls(world, draw_path(settings, prices) if path is None else check_path(path, settings))

    def check(self, settings: Settings) -> None:
        """Raise a UsageError unless these books and this path are of the size that the settings say."""
        found = (*self.world.lots.shape, *self.path.shape)
        wanted = (settings.accounts, settings.markets, settings.steps + 1, settings.markets)
        if found != wanted:
            raise UsageError(
                "the start was drawn for other settings",
                got=f"accounts, markets, rows and markets of the path: {found}, the settings say {wanted}",
                ways_out=["draw it from these settings: Start.draw(settings, seed)", "leave start out"],
            )


@dataclass(frozen=True, eq=False)
class Run(Answer):
    """A simulated episode: one row per ADL round, and its totals (money in USD)."""

    policy: str
    information: str
    rounds: list[dict[str, float]]
    totals: dict[str, float]
    space: str = WEALTH

    def frame(self) -> pd.DataFrame:
        """Return one row per ADL round."""
        import pandas as pd

        return pd.DataFrame(self.rounds)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        head = {"schema": SCHEMA, "policy": self.policy, "information": self.information, "space": self.space}
        return head | {"totals": self.totals, "rounds": self.rounds}


def run_policy(
    policy: str | Policy,
    settings: Settings | None = None,
    *,
    seed: int = 0,
    start: Start | None = None,
    loss: Loss | str | None = None,
) -> Run:
    """Run a policy in a simulated market.

    Parameters
    ----------
    policy : str or Policy
    settings : Settings, optional
    seed : int
        Same seed, same bits; the accounts, the path and what accounts would do are those of the seed,
        whatever the policy: runs are paired.
    start : Start, optional
        ``Start.draw(settings, seed)``, to share it between policies; with prices of your own it is
        ``Start.draw(settings, seed, prices)``.  It is not changed.
    loss : Loss or str, optional
        As for :func:`adl_opt.replay`; its base is capacity unless said, for nothing is on record.

    Returns
    -------
    Run

    Raises
    ------
    ConservationError
        The books do not balance after a step (that would be a fault of the simulator).
    UsageError, PolicyError
        The policy cannot play, or breaks the rules of a round; the start is of other settings; a price runs
        beyond what 64 bits of cents can hold.

    Notes
    -----
    O(accounts x markets) a step.  Money is in integer cents and positions in whole lots.

    Examples
    --------
    >>> run = run_policy("pro-rata", Settings(accounts=100, steps=10), seed=1)
    >>> run.totals["money_created_usd"]
    0.0
    """
    settings = Settings() if settings is None else settings
    (chosen,) = as_policies(policy)
    if settings.space == CONTRACTS and not chosen.positive_pnl_only:  # no simulated account pays beyond it
        chosen = replace(chosen, positive_pnl_only=True, name=f"{chosen.name} (winners only)")
    asked = as_loss(loss)
    asked = replace(asked, base=asked.base or "capacity")
    begin = start or Start.draw(settings, seed)
    begin.check(settings)
    loop = _Loop(chosen.on(asked), settings, begin.world.copy(), begin.path, asked)
    for step in range(1, settings.steps + 1):
        loop.step(step)
    return Run(chosen.name, chosen.information.value, loop.rounds, loop.totals(), settings.space)


@dataclass(eq=False)
class _Loop:
    policy: Policy
    settings: Settings
    world: World
    path: Floats
    loss: Loss
    rounds: list[dict[str, float]] = field(default_factory=list)
    liquidated: int = 0
    impact_cost: int = 0

    def __post_init__(self) -> None:
        self.state = self.policy.start()
        self.habits = Habits.of(self.world, self.settings)
        self.money = self.world.ledger()
        self.before = self.last = slopes(self.world)
        self.moved = 0.0
        self.highest = self.world.highest

    def mark(self, step: int) -> Ints:
        """Return (m,) cents per lot, at least one: the path, with what impact left in the price."""
        with np.errstate(over="ignore"):
            price = np.rint(LOT * self.path[max(step, 0)] * np.exp(self.world.drift))
        if not (price <= self.highest).all():
            market = int(np.argmin(price <= self.highest))
            raise UsageError(
                f"simulation, step {step}: a price is beyond what the books can count in cents",
                got=f"market {market}: {price[market] / LOT:g} times the start, "
                f"at most {self.highest / LOT:g}",
                ways_out=["give a path that rises less", "choose fewer accounts or less leverage"],
            )
        return np.asarray(np.maximum(price, 1), dtype=np.int64)

    def step(self, step: int) -> None:
        world, settings = self.world, self.settings
        steep = steepness(world, self.before, settings.feedback)
        seen, true = self.mark(step - settings.lag), self.mark(step)
        withdraw(world, seen, step)
        undo(world, true, steep, settings, self.habits, step)
        done = liquidate(world, seen, true, steep, settings)
        if done is not None:
            self.liquidated += done.accounts
            self.impact_cost += done.cost
            if done.deficit > 0 or done.needed > 0:
                shown = show_round(world, seen, done, len(self.rounds) + 1, step, settings.space)
                action, self.state = decide(self.policy, self.state, shown)
                held = world.lots[shown.rows]
                taken = carry_out(world, seen, shown, action)
                broken = _broken(held, world.lots[shown.rows])
                paid = shown.rows[touched(shown, action)]
                left = after_haircuts(world, paid, seen, self.habits, step)
                now = slopes(world)
                self.moved += math.fsum(np.nan_to_num(np.abs(now - self.last)) / now.size)
                self.last = np.where(np.isnan(now), self.last, now)
                base, needed = str(self.loss.base), done.needed / CENTS
                worst = float(np.max(burden(action.x, burden_base(shown.round, base)), initial=0.0))
                row = {"round": len(self.rounds) + 1, "step": step, "deficit_usd": done.deficit / CENTS}
                row |= {"needed_usd": needed, "haircut_usd": taken / CENTS}
                row |= {"capacity_usd": shown.round.capacity_usd, "max_burden": worst}
                reference = reference_of(shown.round, shown.outcome, base, shown.round.accounts.capacity)
                row |= {"reference_burden": reference}
                row |= {"accounts_paid": paid.size}
                row |= {"accounts_left": left, "steepness": float(steep.mean())}
                row |= {"residual_usd": action.residual_usd, "hedges_broken": broken}
                self.rounds.append(row)
        check_books(world, self.money, step)

    def totals(self) -> dict[str, float]:
        """Return the figures of the whole episode."""
        return summed_rounds(self.rounds, self.loss) | {
            "accounts_liquidated": float(self.liquidated),
            "impact_cost_usd": self.impact_cost / CENTS,
            "slope_path": self.moved,
            "fund_end_usd": self.world.fund / CENTS,
            "uncovered_usd": -self.world.loss / CENTS,
            "withdrawn_usd": self.world.withdrawn / CENTS,
            "money_created_usd": (self.world.ledger() - self.money) / CENTS,
        }


def _broken(held: Ints, left: Ints) -> int:
    """Return how many accounts hold both sides, (k, m) lots, of which one side only was closed."""
    account, market = np.nonzero(held)
    closed = np.abs(held - left)[account, market]
    broken = broken_hedges(account, np.sign(held)[account, market], closed, held.shape[0])
    return int(np.count_nonzero(broken))


def summed_rounds(rounds: list[dict[str, float]], loss: Loss) -> dict[str, float]:
    """Return sums over rounds.

    Examples
    --------
    >>> summed_rounds([], Loss())["needed_usd"]
    0.0
    """
    names = ("haircut_usd", "needed_usd", "max_burden", "reference_burden")
    amounts = (np.array([r[name] for r in rounds]) for name in names)
    summed = ("deficit_usd", "needed_usd", "accounts_paid", "accounts_left", "residual_usd", "hedges_broken")
    made = {name: math.fsum(r[name] for r in rounds) for name in summed}
    return {"rounds": float(len(rounds))} | made | scored(loss, *amounts)

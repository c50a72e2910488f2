"""What a simulated market is drawn from: every knob, its unit and its range in one table."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from adl_opt.checks import number_between, one_of, whole_between
from adl_opt.rounds.contracts import SPACES, WEALTH

PATHS = ("jump", "crash", "grind", "given")
IMPACTS = ("linear", "square-root")
RATES = "rates"
REACTIONS = (RATES, "oct10")


def _knob(default: float, low: float, high: float) -> Any:
    """Return a field with a default and a range; a whole default takes whole numbers only."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The knobs of a simulated episode; no value is fitted to the needed budgets of October 10.

    Parameters
    ----------
    accounts, markets, steps, majors : int
        Accounts, markets, steps of the path, and how many of the markets are majors: they move
        ``MAJOR_BETA`` times as much in jumps and crashes, and need a quarter of the maintenance margin.
    leverage : float
        Factor on the leverage drawn from the October 10 quantiles.
    long_share : float
        Probability that a position is long.
    whale : float
        Share of the long side of the first market that one account holds, at ten times its collateral.
    path : str
        ``jump`` (jump-diffusion), ``crash`` (the shape of October 10), ``grind``, or ``given`` (an array).
    volatility, correlation : float
        Deviation of a step's log return, and its correlation between markets.
    jump_rate, jump_mean, jump_deviation : float
        Probability of a joint jump in a step, mean and deviation of its log size (``jump``).
    drop, rebound : float
        Fall of the price from start to trough, and the share of it won back (``crash``, ``grind``).
    impact : str
        ``linear`` or ``square-root``.
    depth : float
        Share of a market's open interest whose sale at once moves the price by 1 %.
    resilience : float
        Share of the pressure on the book that goes away in a step.
    slices : int
        In how many pieces a step's liquidations are executed.
    permanent : float
        Share of the impact that stays in the mark.
    fund : float
        Insurance fund at the start, as a share of all collateral.
    lag : int
        Steps by which the venue's marks are late.
    feedback : float
        Strength of the feedback of who was closed into later liquidity (Prop. 11): 0 none, 1 in full.
    slope_spread : float
        Ratio of the steepest to the flattest account's slope, a_max / a_min.
    reactions : str
        ``rates``: haircut accounts react by the next two, at once and in full.  ``oct10``: as the users of
        October 10 did, by size of account and time.
    withdraw, undo : float
        Probability that a haircut account withdraws its free collateral, or buys back what was closed.
    hedged : float
        Share of the accounts that hedge: two markets or more, long and short in turn, of one size each.
    space : str
        ``wealth``: haircuts come from a pool of dollars, and close gaining positions.  ``contracts``: what is
        liquidated is closed against positions of the other side of its market.

    Raises
    ------
    UsageError
        A value is out of range.

    Examples
    --------
    >>> Settings(drop=0.6).drop
    0.6
    """

    accounts: int = _knob(300, 4, 100_000)
    markets: int = _knob(6, 1, 200)
    steps: int = _knob(40, 1, 100_000)
    majors: int = _knob(2, 0, 200)
    leverage: float = _knob(5.0, 0.01, 100.0)
    long_share: float = _knob(0.5, 0.05, 0.95)
    whale: float = _knob(0.0, 0.0, 0.95)
    path: str = "crash"
    volatility: float = _knob(0.01, 0.0, 0.5)
    correlation: float = _knob(0.6, 0.0, 1.0)
    jump_rate: float = _knob(0.05, 0.0, 1.0)
    jump_mean: float = _knob(-0.05, -0.9, 0.9)
    jump_deviation: float = _knob(0.05, 0.0, 1.0)
    drop: float = _knob(0.5, 0.0, 0.95)
    rebound: float = _knob(0.5, 0.0, 1.0)
    impact: str = "linear"
    depth: float = _knob(0.01, 1e-6, 1e6)
    resilience: float = _knob(0.5, 0.0, 1.0)
    slices: int = _knob(4, 1, 1000)
    permanent: float = _knob(0.2, 0.0, 1.0)
    fund: float = _knob(0.001, 0.0, 1.0)
    lag: int = _knob(0, 0, 1000)
    feedback: float = _knob(1.0, 0.0, 1.0)
    slope_spread: float = _knob(3.0, 1.0, 100.0)
    reactions: str = RATES
    withdraw: float = _knob(0.0, 0.0, 1.0)
    undo: float = _knob(0.0, 0.0, 1.0)
    hedged: float = _knob(0.0, 0.0, 1.0)
    space: str = WEALTH

    def __post_init__(self) -> None:
        for knob in fields(self):
            if "range" in knob.metadata:
                check = whole_between if isinstance(knob.default, int) else number_between
                check(f"simulation: {knob.name}", getattr(self, knob.name), *knob.metadata["range"])
        one_of("simulation: path", self.path, PATHS)
        one_of("simulation: reactions", self.reactions, REACTIONS)
        one_of("simulation: impact", self.impact, IMPACTS)
        one_of("simulation: space", self.space, SPACES)

    def in_space(self, space: str | None) -> Self:
        """Return the same settings in a space; None leaves it."""
        return self if space is None else replace(self, space=space)

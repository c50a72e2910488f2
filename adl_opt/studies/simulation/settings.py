"""What a simulated market is drawn from: every knob, its unit and its range in one table."""

from __future__ import annotations

from dataclasses import dataclass

from adl_opt.checks import number_between, one_of, whole_between

PATHS = ("jump", "crash", "grind", "given")
IMPACTS = ("linear", "square-root")
WHOLE = {"accounts": (4, 100_000), "markets": (1, 200), "steps": (1, 100_000), "majors": (0, 200)}
WHOLE |= {"slices": (1, 1000), "lag": (0, 1000)}
RANGES = {
    "leverage": (0.01, 100.0),
    "long_share": (0.05, 0.95),
    "whale": (0.0, 0.95),
    "volatility": (0.0, 0.5),
    "correlation": (0.0, 1.0),
    "jump_rate": (0.0, 1.0),
    "jump_mean": (-0.9, 0.9),
    "jump_deviation": (0.0, 1.0),
    "drop": (0.0, 0.95),
    "rebound": (0.0, 1.0),
    "depth": (1e-6, 1e6),
    "resilience": (0.0, 1.0),
    "permanent": (0.0, 1.0),
    "fund": (0.0, 1.0),
    "feedback": (0.0, 1.0),
    "slope_spread": (1.0, 100.0),
    "withdraw": (0.0, 1.0),
    "undo": (0.0, 1.0),
}


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
    withdraw, undo : float
        Probability that a haircut account withdraws its free collateral, or buys back what was closed.

    Raises
    ------
    UsageError
        A value is out of range.

    Examples
    --------
    >>> Settings(drop=0.6).drop
    0.6
    """

    accounts: int = 300
    markets: int = 6
    steps: int = 40
    majors: int = 2
    leverage: float = 5.0
    long_share: float = 0.5
    whale: float = 0.0
    path: str = "crash"
    volatility: float = 0.01
    correlation: float = 0.6
    jump_rate: float = 0.05
    jump_mean: float = -0.05
    jump_deviation: float = 0.05
    drop: float = 0.5
    rebound: float = 0.5
    impact: str = "linear"
    depth: float = 0.01
    resilience: float = 0.5
    slices: int = 4
    permanent: float = 0.2
    fund: float = 0.001
    lag: int = 0
    feedback: float = 1.0
    slope_spread: float = 3.0
    withdraw: float = 0.0
    undo: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in WHOLE.items():
            whole_between(f"simulation: {name}", getattr(self, name), low, high)
        for name, (lowest, highest) in RANGES.items():
            number_between(f"simulation: {name}", getattr(self, name), lowest, highest)
        one_of("simulation: path", self.path, PATHS)
        one_of("simulation: impact", self.impact, IMPACTS)

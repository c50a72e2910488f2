"""Named scenarios: settings of the simulator, and what each is for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from adl_opt.answer import Listing, indexed
from adl_opt.naming import unknown_name
from adl_opt.studies.simulation.settings import Settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scenario:
    """A named market, and the question that it answers."""

    name: str
    purpose: str
    settings: Settings


_LONG_FALL = Settings(path="jump", steps=120, jump_rate=0.08, jump_mean=-0.1, leverage=6.0, depth=0.005)

_ALL = (
    Scenario(
        "flash-crash",
        "a fall by 60 % in the shape of October 10: who pays when everything comes at once",
        Settings(path="crash", drop=0.6, leverage=8.0, depth=0.005),
    ),
    Scenario(
        "slow-grind",
        "the same fall without a jump: a book in step with the sales needs little ADL, so overshoot shows",
        Settings(path="grind", drop=0.6, rebound=0.0, steps=80, resilience=0.8, leverage=8.0),
    ),
    Scenario(
        "single-whale",
        "one account holds 60 % of the longs of a market: one deficit, many payers",
        Settings(path="crash", drop=0.5, whale=0.6, depth=0.005),
    ),
    Scenario(
        "correlated-majors",
        "joint jumps of markets that are nearly one: winners in one are losers in none",
        Settings(path="jump", majors=4, correlation=0.95, jump_rate=0.1, jump_mean=-0.3, leverage=10.0),
    ),
    Scenario(
        "thin-alts",
        "many small markets with thin books: execution, not the mark, makes the hole",
        Settings(path="crash", markets=16, majors=0, drop=0.5, depth=0.001, resilience=0.2, leverage=5.0),
    ),
    Scenario(
        "oracle-lag",
        "the venue's marks are three steps late: the deficit it sees is below what it needs",
        Settings(path="crash", drop=0.6, lag=3, leverage=8.0),
    ),
    Scenario(
        "repeated-rounds",
        "a long fall where 30 % of those who pay withdraw and 30 % buy back, far above what was measured",
        replace(_LONG_FALL, withdraw=0.3, undo=0.3, slope_spread=9.0),
    ),
    Scenario(
        "oct10-reactions",
        "the same fall, where accounts react as users did on October 10: 2.8 % buy back within a minute",
        replace(_LONG_FALL, reactions="oct10", slope_spread=9.0),
    ),
    Scenario(
        "no-deficit",
        "a calm market with a full fund: whoever takes anything here takes it for nothing",
        Settings(path="jump", volatility=0.002, jump_rate=0.0, leverage=1.0, depth=0.1, fund=0.05),
    ),
    Scenario(
        "square-root-book",
        "the flash crash with square-root impact: what hangs on the law of impact",
        Settings(path="crash", drop=0.6, leverage=8.0, depth=0.005, impact="square-root"),
    ),
)
SCENARIOS = {s.name: s for s in _ALL}


class Scenarios(Listing):
    """The named scenarios: name, purpose, settings."""

    def frame(self) -> pd.DataFrame:
        """Return one row per scenario; each setting has its column."""
        rows = [{"scenario": row["name"], "purpose": row["purpose"]} | row["settings"] for row in self]
        return indexed(rows, "scenario")


def scenarios() -> Scenarios:
    """Return the scenarios of the simulator, and what each is for.

    Examples
    --------
    >>> scenarios().rows[0]["name"]
    'flash-crash'
    """
    return Scenarios("scenarios", "name", [asdict(s) for s in _ALL])


def scenario(name: str) -> Scenario:
    """Return a scenario by name.

    Raises
    ------
    UsageError
        The name is not known; near ones are suggested.

    Examples
    --------
    >>> scenario("no-deficit").settings.fund
    0.05
    """
    if not isinstance(name, str) or name not in SCENARIOS:
        raise unknown_name("scenario", str(name), SCENARIOS)
    return SCENARIOS[name]

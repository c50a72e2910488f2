"""The nouns: Round (what the venue sees), Outcome (what it learns after), Episode, Allocation.

The information barrier is the type: a :class:`Round` holds nothing that is known only after it.  Money: USD.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from adl_opt.checks import called_by_name, checked_time, checked_type, checked_usd, one_of
from adl_opt.errors import LackError
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.columns import Floats, Ints, refuse_row
from adl_opt.rounds.contracts import CONTRACTS, SPACES, WEALTH
from adl_opt.rounds.contradictions import refuse_contradictions, refuse_other_caps
from adl_opt.rounds.information import FLOW_KNOWN
from adl_opt.rounds.information import Information as Information  # it is one of the nouns
from adl_opt.rounds.pool import gaining
from adl_opt.rounds.recorded import Recorded as Recorded  # the same
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from adl_opt.tabular import Noun, Tabular

if TYPE_CHECKING:
    import pandas as pd


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Round(Tabular):
    """What a venue sees when it must act: deficit, accounts, positions, flow.

    Parameters
    ----------
    deficit : float
        D, USD >= 0 (eq. 4).
    accounts : Accounts
    positions : Positions, optional
    flow : Flow, optional
    number : int
        The round's number in its episode.
    start_ms : int, optional
        Time of its first fill, milliseconds since the epoch, UTC.
    flow_known : Information
        ``start-of-round``, or ``whole-round-flow`` where the flow was known only once all of it was closed.

    Examples
    --------
    >>> round_ = Round(deficit=5.0, accounts=Accounts(id=["a"], pnl=[10.0], equity=[40.0]))
    >>> round_.capacity_usd
    10.0
    """

    deficit: float
    accounts: Accounts
    positions: Positions | None = None
    flow: Flow | None = None
    number: int = 1
    start_ms: int | None = None
    flow_known: Information = Information.START_OF_ROUND

    def __post_init__(self) -> None:
        checked_type("a round's number", self.number, (int, np.integer), "give a whole number")
        where = f"round {self.number}"
        optional = ((self.positions, Positions), (self.flow, Flow))
        for table, kind in ((self.accounts, Accounts), *((t, k) for t, k in optional if t is not None)):
            ways_out = f"give {kind.__name__}(...)", "a pandas frame is read by Round.from_frame"
            checked_type(f"{where}: {kind.__name__.lower()}", table, kind, *ways_out)
        checked_time(f"{where}: start_ms", self.start_ms)
        known = Information(one_of(f"{where}: flow_known", self.flow_known, FLOW_KNOWN))
        object.__setattr__(self, "flow_known", known)
        checked_usd(where, "deficit", self.deficit)
        refuse_other_caps(self.accounts)
        if self.positions is not None and len(self.positions):
            beyond = self.positions.account >= len(self.accounts)
            refuse_row("positions", "account", self.positions.account, beyond, "points at no account")
            refuse_contradictions(self.space, self.accounts, self.positions, self.flow)

    @cached_property
    def space(self) -> str:
        """``contracts`` where flow has sides and positions have side, entry and mark; else ``wealth``."""
        held = self.positions
        sided = self.flow is not None and self.flow.side is not None
        known = held is not None and not held.missing("side", "entry", "mark")
        return CONTRACTS if sided and known else WEALTH

    def in_space(self, space: str) -> Self:
        """Return the round in a space: in wealth, losing positions and the sides of the flow are left out.

        Raises
        ------
        LackError
            The round lacks what a round in contracts has.
        """
        if one_of("a space", space, SPACES) == self.space:
            return self
        if space == CONTRACTS or self.positions is None:
            sides = "give the flow its side, and the positions side, entry and mark"
            raise LackError(
                "a round is not in contracts",
                got=f"round {self.number}: its space is wealth",
                ways_out=[sides, 'choose space="wealth" (--space wealth)'],
            )
        flow = None if self.flow is None else replace(self.flow, side=None)
        return replace(self, positions=gaining(self.positions), flow=flow)

    @cached_property
    def as_it_began(self) -> Self:
        """The round without a flow that was not known as it began."""
        late = self.flow is not None and self.flow_known is not Information.START_OF_ROUND
        return replace(self, flow=None) if late else self

    @cached_property
    def capacity_usd(self) -> float:
        """U, USD: the sum of all capacities, summed without rounding error."""
        return exact_sum(self.accounts.capacity)

    def frame(self) -> pd.DataFrame:
        """Return the accounts as a frame, one row each."""
        return self.accounts.frame()

    def __repr__(self) -> str:
        held = f"{len(self.accounts):,} accounts with a capacity of {self.capacity_usd:,.2f} USD"
        return f"Round {self.number} in {self.space}: deficit {self.deficit:,.2f} USD, {held}"

    @classmethod
    def from_frame(
        cls,
        accounts: pd.DataFrame,
        *,
        deficit: float,
        positions: pd.DataFrame | None = None,
        flow: pd.DataFrame | None = None,
        number: int = 1,
        start_ms: int | None = None,
        extra: str = "ignore",
    ) -> Round:
        """Build a round from a frame of accounts, and frames of positions and flow where there are any.

        Parameters
        ----------
        accounts, positions, flow : pandas.DataFrame
            As for :meth:`Accounts.from_frame`, :meth:`Positions.from_frame` and :meth:`Flow.from_frame`.
        deficit : float
            D, USD >= 0.
        number, start_ms : int, optional
        extra : {'ignore', 'refuse'}
            What happens to columns that the tables do not have.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"pnl": [10.0, 5.0], "equity": [40.0, 4.0]}, index=["a", "b"])
        >>> Round.from_frame(frame, deficit=5.0).capacity_usd
        14.0
        """
        made = Accounts.from_frame(accounts, extra=extra)
        return cls(
            deficit=deficit,
            accounts=made,
            positions=None if positions is None else Positions.from_frame(positions, extra=extra, of=made),
            flow=None if flow is None else Flow.from_frame(flow, extra=extra),
            number=number,
            start_ms=start_ms,
        )


@called_by_name
@dataclass(frozen=True, eq=False)
class Outcome(Tabular):
    """What a round reveals once it is over.

    Parameters
    ----------
    needed : float
        B, USD >= 0: the ex post needed budget (eq. 6).
    gaps : Gaps, optional
    recorded : Recorded, optional
    end_ms : int, optional
        Time of the last fill, milliseconds since the epoch, UTC.
    """

    needed: float
    _: KW_ONLY
    gaps: Gaps | None = None
    recorded: Recorded | None = None
    end_ms: int | None = None

    def __post_init__(self) -> None:
        checked_usd("outcome", "needed", self.needed)
        way = "a pandas frame of gaps is read by Outcome.from_frame"
        checked_type("outcome: gaps", self.gaps, (Gaps, type(None)), "give Gaps(...) or leave it out", way)
        way = "give Recorded(haircut=...) or leave it out"
        checked_type("outcome: recorded", self.recorded, (Recorded, type(None)), way)
        checked_time("outcome: end_ms", self.end_ms)

    def frame(self) -> pd.DataFrame:
        """Return the gaps as a frame, one row per market; empty where there are none."""
        nothing = Gaps(market=np.empty(0, dtype=np.str_), quantity=np.empty(0), gap=np.empty(0))
        return (self.gaps or nothing).frame()

    @classmethod
    def from_frame(cls, gaps: pd.DataFrame, *, needed: float | None = None, extra: str = "ignore") -> Outcome:
        """Build an outcome from a frame of gaps; the needed budget is their sum unless it is given.

        The frame and ``extra`` are as for :meth:`Gaps.from_frame`.
        """
        made = Gaps.from_frame(gaps, extra=extra)
        return cls(needed=math.fsum(made.gap) if needed is None else needed, gaps=made)


Pair = tuple[Round, Outcome]


def is_pair(given: object) -> bool:
    """Say whether something is a Round with its Outcome, as a tuple or a list."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        return False
    return isinstance(given[0], Round) and isinstance(given[1], Outcome)


@called_by_name
@dataclass(frozen=True, eq=False, kw_only=True)
class Allocation(Noun):
    """Who pays what in one round.

    Parameters
    ----------
    x : (n,) USD
        Haircut of each account, 0 <= x <= u.
    asked : float
        USD that the severity asked for.
    lots : (m,) int, optional
        Whole lots closed of each position, for rules on the lot grid.
    lower_bound : float
        Proven lower bound on the largest burden for what is asked, for rules that optimise it; NaN otherwise.
    base : str
        What that burden is measured against: ``capacity`` or ``equity``.
    closures : Closures, optional
        In contracts: which lots are closed against which row of the flow.

    Notes
    -----
    The arrays become read-only; what they hold is checked against the round where the policy is replayed.
    """

    x: Floats
    asked: float
    lots: Ints | None = None
    lower_bound: float = math.nan
    base: str = "capacity"
    closures: Closures | None = None

    def __post_init__(self) -> None:
        for name in ("x", "lots"):
            if getattr(self, name) is not None:
                view = np.asarray(getattr(self, name)).view()
                view.setflags(write=False)
                object.__setattr__(self, name, view)

    def frame(self, round_: Round) -> pd.DataFrame:
        """Return one row per account of the round: id, capacity_usd, haircut_usd."""
        import pandas as pd

        accounts = round_.accounts
        columns = {"id": accounts.id.astype(object), "capacity_usd": accounts.capacity}
        return pd.DataFrame(columns | {"haircut_usd": self.x})

    @cached_property
    def executed(self) -> float:
        """H, USD: the sum of the haircuts, summed without rounding error."""
        return exact_sum(self.x)

    @property
    def shortfall(self) -> float:
        """USD asked for that the haircuts do not cover (named, never an error)."""
        return max(self.asked - self.executed, 0.0)

    @property
    def residual(self) -> dict[tuple[str, str], float]:
        """Contracts that were to be closed and are not, by (market, losers' side); empty in wealth."""
        return {} if self.closures is None else self.closures.residual()

    @property
    def residual_usd(self) -> float:
        """USD that the residual would have brought; in wealth the shortfall."""
        return self.shortfall if self.closures is None else self.closures.residual_usd

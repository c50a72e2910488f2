"""Every event of an import, by kind: what became of it, and what it moved."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

MOST_KINDS = 100
"""Most kinds that are told apart; further ones are ``other``."""


@dataclass
class Kind:
    """Events of one kind; ``equity_usd`` is what they moved, summed over all accounts."""

    applied: int = 0
    in_snapshot: int = 0
    without_effect: int = 0
    refused: int = 0
    equity_usd: float = 0.0

    @property
    def read(self) -> int:
        """All of them."""
        return self.applied + self.in_snapshot + self.without_effect + self.refused


@dataclass
class Tally:
    """Counts by kind, in the order in which kinds were first met.

    Parameters
    ----------
    kinds : dict of str to Kind
    refusals : dict of str to str
        The kind of a misc event that was refused, by each user that it names.
    start_usd, end_usd : float
        Equity of all accounts at the snapshot and after the last event; both 0 without a snapshot.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add("Funding", "applied", usd=-2.0)
    >>> tally.add("Funding", "refused")
    >>> tally.rows()
    [{'kind': 'Funding', 'read': 2, 'applied': 1, 'in_snapshot': 0, 'without_effect': 0, 'refused': 1, \
'equity_usd': -2.0}]
    """

    kinds: dict[str, Kind] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    start_usd: float = 0.0
    end_usd: float = 0.0

    def add(self, kind: str, what: str, count: int = 1, usd: float = 0.0) -> None:
        """Count events: ``what`` is a count of :class:`Kind`."""
        found = self.kinds.get(kind)
        if found is None:
            kind = kind if len(self.kinds) < MOST_KINDS else "other"
            found = self.kinds.setdefault(kind, Kind())
        setattr(found, what, getattr(found, what) + count)
        found.equity_usd += usd

    def rows(self) -> list[dict[str, int | float | str]]:
        """Return one row for each kind."""
        return [{"kind": name, "read": kind.read, **asdict(kind)} for name, kind in self.kinds.items()]

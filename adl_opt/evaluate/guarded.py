"""A policy that fails in a replay becomes a row with its error; the others go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from adl_opt.errors import AdlOptError, LackError, PolicyError
from adl_opt.policy.guest import in_one_line

if TYPE_CHECKING:
    from adl_opt.policy.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A policy that could not go on.

    Parameters
    ----------
    policy : str
    error : str
        Kind of error, round and reason, in one line.
    """

    policy: str
    error: str

    def row(self, columns: Iterable[str]) -> dict[str, Any]:
        """Return its row in a table of policies: no figures, and the error."""
        return dict.fromkeys(columns) | {"policy": self.policy, "error": self.error}


class HasPolicy(Protocol):
    """What plays a policy."""

    policy: Policy


Played = TypeVar("Played", bound=HasPolicy)


@dataclass(eq=False)
class Guard:
    """Calls policies, and keeps what befell those that failed.

    Parameters
    ----------
    lenient : bool
        A policy that needs columns which the rounds lack is left out with a note, and is no error.
    """

    lenient: bool
    lacking: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    first: AdlOptError | None = None
    out: set[str] = field(default_factory=set)

    @contextmanager
    def around(self, policy: str, place: str) -> Iterator[None]:
        """Guard a call to a policy; one that fails is among those that are :attr:`out`.

        Raises
        ------
        LackError
            The policy needs columns that the rounds lack, and the guard is not lenient.
        """
        try:
            yield
        except LackError as lack:
            if not self.lenient:
                raise
            self.out.add(policy)
            self.lacking.setdefault(lack.got, []).append(policy)
        except (Exception, SystemExit) as error:  # whatever the code of a policy may do
            made = error if isinstance(error, AdlOptError) else _failed(policy, place, error)
            text = in_one_line(f"{type(error).__name__} in {place}: {made.what}; {made.got}")
            self.out.add(policy)
            self.failures.append(Failure(policy=policy, error=text))
            self.first = self.first or made

    def notes(self) -> list[str]:
        """Return remarks for the table: who was left out for what is missing, and who failed."""
        return [
            *(f"left out: {', '.join(policies)} ({got})" for got, policies in self.lacking.items()),
            *(f"failed: {failure.policy}: {failure.error}" for failure in self.failures),
        ]

    def left(self, runs: list[Played]) -> list[Played]:
        """Return those that are not out; raise the first error, if it left none at all."""
        made = [run for run in runs if run.policy.name not in self.out]
        if not made and self.first is not None:
            raise self.first
        return made


def _failed(policy: str, place: str, error: BaseException) -> PolicyError:
    made = PolicyError(
        f"policy {policy!r} failed in {place}",
        got=in_one_line(f"{type(error).__name__}: {error}"),
        ways_out=["correct its code", "leave the policy out"],
    )
    made.__cause__ = error
    return made

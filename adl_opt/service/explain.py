"""Why me: what was taken of an account, by which rule, and what would have spared it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adl_opt.allocation.cells import Cell
from adl_opt.answer import SCHEMA, Answer
from adl_opt.errors import UsageError
from adl_opt.files import new_file, to_json
from adl_opt.locks import keeps_inputs
from adl_opt.naming import unknown_name
from adl_opt.policy.sight import information_on
from adl_opt.proofs.sums import exact_sum
from adl_opt.rounds.contracts import WEALTH
from adl_opt.rounds.pots import capacity_of
from adl_opt.rounds.round import Allocation, Information
from adl_opt.service.changed import Change, changes_of
from adl_opt.service.situation import Given, Situation, is_deleveraged, situation_of
from adl_opt.service.standing import Place, bound_by, places_of
from adl_opt.service.words import sentences

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Explanation(Answer):
    """What happened to one account in one round, and why.

    Parameters
    ----------
    account, round, policy, information, source
        Whose, where, and by which rule on what it knew.
    asked_usd, executed_usd : float
    payers, accounts : int
        So many of so many accounts gave something up.
    taken_usd, reckoned_usd, capacity_usd : float
        Of this account.  In contracts ``reckoned_usd`` is at the mark, as when it was decided, and
        ``taken_usd`` as fills turned out, where the outcome is known.
    bound_by : str
        What limited it: ``capacity``, ``cap``, ``budget``, ``share``, ``position``, ``no-capacity``,
        ``not-reached``, ``other-side``, ``exempt`` or ``nothing-asked``.
    next_dollar_usd : float or None
        What it would pay of one more dollar that is asked for; None on lots and in contracts.
    places : list of dict
        Rank, score with its inputs, who stood before and after; in contracts market, lots and price too.
    changes : list of Change
        The smallest leverage, size and PNL that would have spared it.
    sentences : list of str
        The same in plain words.
    """

    account: str
    round: int
    policy: str
    information: Information
    source: str
    asked_usd: float
    executed_usd: float
    payers: int
    accounts: int
    taken_usd: float
    reckoned_usd: float
    capacity_usd: float
    bound_by: str
    next_dollar_usd: float | None
    places: list[Place]
    changes: list[Change]
    sentences: list[str]

    def frame(self) -> pd.DataFrame:
        """Return one row for each place where the account stood."""
        import pandas as pd

        facts = {k: v for k, v in asdict(self).items() if k not in ("places", "changes", "sentences")}
        return pd.DataFrame([facts | place for place in self.places or [{}]])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, **asdict(self)}

    def __str__(self) -> str:
        return "\n".join(self.sentences)


@dataclass(frozen=True, kw_only=True)
class Explained(Answer):
    """Explanations of all accounts of a round, and the file of lines of JSON where they were written."""

    explanations: list[Explanation]
    path: str | None

    def frame(self) -> pd.DataFrame:
        """Return the rows of all explanations."""
        import pandas as pd

        return pd.concat([each.frame() for each in self.explanations], ignore_index=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, "explanations": [asdict(each) for each in self.explanations]}

    def __str__(self) -> str:
        if self.path is not None:
            return f"wrote {self.path}: {len(self.explanations)} accounts"
        return "\n\n".join(map(str, self.explanations))


@keeps_inputs("out")
def explain(
    round_: Given,
    account: str | None = None,
    policy: object = None,
    *,
    everything: bool = False,
    out: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Explanation | Explained:
    """Explain what was taken of an account, and what would have spared it.

    Parameters
    ----------
    round_ : Round, (Round, Outcome), or str
        ``EPISODE:NUMBER`` such as ``oct10:28``, or ``DIR:NUMBER`` with the folder of a shadow's log.
    account : str, optional
        Its id.
    policy : Policy, str or path, optional
        By default the policy of the log, else ``pro-rata``.
    everything : bool
        Explain every account of the round.
    out : path, optional
        File of lines of JSON for that, one for each account.
    progress : callable, optional
        Called with (accounts done, accounts in all).

    Raises
    ------
    UsageError
        No round is meant, no account has the id, or both or neither of an account and all of them are asked
        for.
    InputError
        The round, the folder or the log is refused, or the policy lacks a column.

    Notes
    -----
    A change is searched downward in sixteen steps, then between the last that does not spare the account and
    the first that does.  It is reported after the round was run again with it.  What the severity asks for
    stays as it was where it does not depend on the account.

    Examples
    --------
    >>> import adl_opt as adl
    >>> accounts = adl.Accounts(id=["a", "b"], pnl=[30.0, 10.0], equity=[40.0, 90.0], margin=[8.0, 1.0])
    >>> round_ = adl.Round(deficit=20.0, accounts=accounts)
    >>> made = explain(round_, "a", "full-deficit/binance")
    >>> made.taken_usd, made.places[0]["rank"], made.bound_by
    (20.0, 1, 'budget')
    >>> print(made.sentences[1])
    Account a gave up 20.00 USD, 66.7 % of its capacity of 30.00 USD.
    """
    if everything == (account is not None):
        ways_out = ["name one account", "or all of them: --all (in Python: everything=True)"]
        raise UsageError("one account is explained, or all", got=f"account {account!r}", ways_out=ways_out)
    if out is not None and not everything:
        way = "leave it out, or explain all accounts: --all"
        raise UsageError("a file is for all accounts", got=str(out), ways_out=[way])
    case = situation_of(round_, policy)
    ids = case.round_.accounts.id.tolist()
    reckoned, cells = case.watched()
    actions = case.revealed(reckoned), reckoned
    if account is not None:
        if account not in ids:
            raise _not_there(case, account, ids)
        return _explained(case, actions, cells, ids.index(account))
    made = []
    for place in range(len(ids)):
        made.append(_explained(case, actions, cells, place))
        if progress is not None:
            progress(place + 1, len(ids))
    if out is not None:
        with new_file(Path(out)) as file:
            for each in made:
                file.write(json.dumps(json.loads(to_json(each.to_json()))).encode() + b"\n")
    return Explained(explanations=made, path=None if out is None else str(out))


def _not_there(case: Situation, account: str, ids: list[str]) -> UsageError:
    """Return the refusal of an id that is not in the round: of one that was there before, or of none."""
    if not any(account in before.accounts.id for before in case.before):
        made = unknown_name(f"account of {case.source}:", account, ids if len(ids) <= 1000 else ids[:20])
        made.ways_out += (_LEFT,) if case.round_.flow is not None else ()
        return made
    last = next(r.number for r in reversed(case.before) if account in r.accounts.id)
    got = f"{account!r} was there until round {last}"
    return UsageError(f"the account left before {case.source}", got=got, ways_out=[_LEFT])


_LEFT = (
    "an account whose whole position was liquidated has left the round: it is one of those that lost, "
    "its contracts are in the flow, and nothing was taken of it for others"
)


def _explained(
    case: Situation, actions: tuple[Allocation, Allocation], cells: list[Cell], account: int
) -> Explanation:
    """Explain one account; the actions are the one that was revealed, and the same as reckoned."""
    action, reckoned = actions
    accounts = case.round_.accounts
    places = places_of(case, action, cells, account)
    changes = changes_of(case, account) if is_deleveraged(action, account) else []
    facts: dict[str, Any] = {
        "account": str(accounts.id[account]),
        "round": int(case.round_.number),
        "policy": case.policy.name,
        "asked_usd": float(action.asked),
        "executed_usd": exact_sum(action.x),
        "payers": int(np.count_nonzero(action.x)),
        "accounts": len(accounts),
        "taken_usd": float(action.x[account]),
        "reckoned_usd": float(reckoned.x[account]),
        "capacity_usd": float(capacity_of(case.round_)[account]),
        "bound_by": bound_by(case, action, account, places),
    }
    return Explanation(
        **facts,
        information=information_on(case.policy, case.round_),
        source=case.source,
        next_dollar_usd=_next_dollar(case, action, account),
        places=places,
        changes=changes,
        sentences=sentences(facts, places, changes),
    )


def _next_dollar(case: Situation, action: Allocation, account: int) -> float | None:
    rule = case.policy.allocation
    if case.round_.space != WEALTH or action.lots is not None:
        return None
    if rule.information is not Information.START_OF_ROUND:
        return None
    more = rule.allocate(case.state[1], case.round_, action.asked + 1.0)
    return float(more.x[account] - action.x[account])

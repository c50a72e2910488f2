"""What a misc event moves: both dialects, as moves of cash to a margin.

The node writes ``Funding: {"deltas": [{"user", "coin", "funding_amount"}]}`` and ``LedgerUpdate: {"users",
"delta": {"type", ...}}``; recordings that were made over write ``usd`` for the amount, ``UserAccountValue``
(the equity from then on), and ``UserNonFundingLedgerUpdate: {"user", "delta": {"Deposit": {"usd"}}}``.

Each type has a rule here, or is known to move nothing on a margin, or is refused: where its money comes from
or goes to is not known.  A withdrawal takes its fee beside its amount, and so does a transfer from who sends.
A dex of others counts in its own collateral, a unit of which is taken as a dollar.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adl_opt.datasets.node_fills.decode import number_of
from adl_opt.datasets.node_fills.margins import cross_margin, text_of, user_text

Delta = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CashMove:
    """USD that come to a user's cross margin on a dex.

    With a coin it is funding, and comes to the margin of that position.  ``whole``: it is the new equity.
    """

    user: str
    usd: float
    dex: str = ""
    coin: str = ""
    whole: bool = False

    @property
    def cross(self) -> str:
        """The name of the cross margin."""
        return cross_margin(self.user, self.dex)


def moves_of(inner: dict[str, Any]) -> list[CashMove]:
    """Return what a misc event moves, funding aside; nothing where it moves no margin.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It cannot be read, or it moves money in a way that is not known.

    Examples
    --------
    >>> moves_of({"LedgerUpdate": {"users": ["a"], "delta": {"type": "deposit", "usdc": "5"}}})
    [CashMove(user='a', usd=5.0, dex='', coin='', whole=False)]
    """
    kind = kind_of(inner)
    if kind == "UserAccountValue":
        body = inner["UserAccountValue"]
        value = _usd(body, "accountValue", "account_value")
        return [CashMove(user_text(body["user"]), value, whole=True)]
    if kind in _NOTHING:
        return []
    name, _, form = kind.partition("/")
    if name not in _LEDGERS or form not in _RULES:
        raise ValueError("is of a kind that is not known")
    body = inner[name]
    delta = body["delta"] if form in KINDS else {**body["delta"][form], "user": body["user"]}
    return _RULES[form](delta, body.get("users") or [])


def kind_of(inner: dict[str, Any]) -> str:
    """Return the kind of a misc event, with the type of its delta.

    Examples
    --------
    >>> kind_of({"LedgerUpdate": {"users": [], "delta": {"type": "send"}}}), kind_of({"CDeposit": {}})
    ('LedgerUpdate/send', 'CDeposit')
    """
    if not isinstance(inner, dict):
        raise ValueError("is no object of a kind")
    name = next((key for key in inner if key not in ("time", "hash")), "nothing")
    delta = inner[name].get("delta") if name in _LEDGERS and isinstance(inner[name], dict) else None
    if not isinstance(delta, dict):
        return name
    form = delta["type"] if isinstance(delta.get("type"), str) else next(iter(delta), "nothing")
    return f"{name}/{form}"


def users_of(value: object, deep: int = 4) -> list[str]:
    """Return the users that an event names, as far as they can be read so many objects deep."""
    if not isinstance(value, dict) or not deep:
        return []
    found = [value.get(key) for key in ("user", "destination", "vault")]
    found += value["users"] if isinstance(value.get("users"), list) else []
    for part in value.values():
        found += users_of(part, deep - 1)
    return [user for user in found if isinstance(user, str)]


def vault_of(inner: dict[str, Any], moves: list[CashMove]) -> str:
    """Return the vault that an event names and moves money of, blank if none."""
    body = inner.get("LedgerUpdate")
    vault = body["delta"].get("vault") if isinstance(body, dict) and moves else None
    return next((move.user for move in moves if move.user == vault), "")


def funding_of(delta: Delta) -> CashMove:
    """Return what one account pays or gets of funding.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError
        It cannot be read.

    Examples
    --------
    >>> funding_of({"user": "a", "coin": "BTC", "funding_amount": "-1.5"}).usd
    -1.5
    """
    coin = "" if delta.get("coin") is None else text_of(delta["coin"])
    return CashMove(
        user_text(delta["user"]), _usd(delta, "funding_amount", "usd", "usdDelta", "amount"), coin=coin
    )


def _deposit(delta: Delta, users: list[Any]) -> list[CashMove]:
    return [CashMove(_user(delta, users), _usd(delta, "usdc", "usd"))]


def _withdraw(delta: Delta, users: list[Any]) -> list[CashMove]:
    return [CashMove(_user(delta, users), -_usd(delta, "usdc", "usd") - _fee(delta))]


def _class_transfer(delta: Delta, users: list[Any]) -> list[CashMove]:
    to_perp = delta["toPerp"]
    if type(to_perp) is not bool:
        raise ValueError("has a toPerp that is neither true nor false")
    amount = _usd(delta, "usdc", "amount")
    dex = text_of(delta["dex"]) if delta.get("dex") else ""
    return [CashMove(_user(delta, users), amount if to_perp else -amount, dex)]


def _transfer(delta: Delta, users: list[Any]) -> list[CashMove]:
    amount = _usd(delta, "usdc")
    return [
        CashMove(user_text(delta["user"]), -amount - _fee(delta)),
        CashMove(user_text(delta["destination"]), amount),
    ]


def _send(delta: Delta, users: list[Any]) -> list[CashMove]:
    """Return what leaves a dex and what comes to one; ``spot`` is none, blank the venue's own."""
    amount, source, target = _usd(delta, "amount"), _dex(delta["sourceDex"]), _dex(delta["destinationDex"])
    user, receiver = user_text(delta["user"]), user_text(delta["destination"])
    if not _in_usdc(delta) and "" in (source, target):
        raise ValueError("brings another token than USDC to the venue's own perpetuals")
    made = [] if source is None else [CashMove(user, -amount - _fee(delta), source)]
    return made if target is None else [*made, CashMove(receiver, amount, target)]


def _vault_in(delta: Delta, users: list[Any]) -> list[CashMove]:
    vault, amount = user_text(delta["vault"]), _usd(delta, "usdc")
    return [CashMove(_user(delta, users, vault), -amount - _fee(delta)), CashMove(vault, amount)]


def _vault_out(delta: Delta, users: list[Any]) -> list[CashMove]:
    """Return a withdrawal (the leader's commission leaves the vault too) or a distribution."""
    vault, amount = user_text(delta["vault"]), _usd(delta, "netWithdrawnUsd", "usdc", "requestedUsd")
    left = amount + (_usd(delta, "commission") if delta.get("commission") is not None else 0.0)
    return [CashMove(_user(delta, users, vault), amount), CashMove(vault, -left)]


def _rewards(delta: Delta, users: list[Any]) -> list[CashMove]:
    if not _in_usdc(delta):
        return []  # paid in a token, to the spot balance
    return [CashMove(_user(delta, users), _usd(delta, "usdc", "amount"))]


def _gas(delta: Delta, users: list[Any]) -> list[CashMove]:
    if _in_usdc(delta):
        raise ValueError("takes USDC from a balance that it does not name")
    return []


def _unplaced(delta: Delta, users: list[Any]) -> list[CashMove]:
    raise ValueError("moves money between balances that it does not name")


KINDS: dict[str, Callable[[Delta, list[Any]], list[CashMove]]] = {
    "deposit": _deposit,
    "withdraw": _withdraw,
    "internalTransfer": _transfer,
    "subAccountTransfer": _transfer,
    "accountClassTransfer": _class_transfer,
    "perpDexClassTransfer": _class_transfer,
    "send": _send,
    "vaultCreate": _vault_in,
    "vaultDeposit": _vault_in,
    "vaultWithdraw": _vault_out,
    "vaultDistribution": _vault_out,
    "vaultLeaderCommission": _deposit,
    "rewardsClaim": _rewards,
    **dict.fromkeys(("accountActivationGas", "deployGasAuction", "gossipPriorityGasAuction"), _gas),
    **dict.fromkeys(("borrowLend", "hip3LiquidatorDeposit", "activateDexAbstraction"), _unplaced),
}
"""What each type of a LedgerUpdate moves."""

_RULES = KINDS | {"Deposit": _deposit, "Withdraw": _withdraw, "Transfer": _deposit}
_LEDGERS = ("LedgerUpdate", "UserNonFundingLedgerUpdate")
_NOTHING = frozenset(
    {
        *("CDeposit", "CWithdrawal", "Delegation", "ValidatorRewards"),
        *(f"{name}/{form}" for name in _LEDGERS for form in ("spotTransfer", "spotGenesis")),
        *(f"{name}/{form}" for name in _LEDGERS for form in ("cStakingTransfer", "liquidation")),
    }
)
"""Kinds that move nothing on a margin: spot balances, staked tokens, what is only told."""


def _usd(body: Delta, *names: str) -> float:
    for name in names:
        if body.get(name) is not None:
            return number_of(body[name], name)
    raise KeyError(names[0])


def _in_usdc(delta: Delta) -> bool:
    """Say whether an event is in USDC: it says so (``USDC`` or ``USDC:0x...``), or names no token."""
    return str(delta.get("token") or "USDC").partition(":")[0] == "USDC"


def _fee(delta: Delta) -> float:
    return number_of(delta["fee"], "fee") if delta.get("fee") is not None else 0.0


def _user(delta: Delta, users: list[Any], vault: str = "") -> str:
    """Return whom an event is about: the user it names, or its only user that is not the vault."""
    if delta.get("user") is not None:
        return user_text(delta["user"])
    found = sorted({user_text(user) for user in users} - {vault})
    if len(found) != 1:
        raise ValueError(f"names {len(found)} users where one is wanted")
    return found[0]


def _dex(value: object) -> str | None:
    if value == "":
        return ""
    return None if value == "spot" else text_of(value)

"""What markets there are, and which margin a position stands on.

A perpetual is named ``BTC``, or ``dex:COIN`` where others deployed it; each dex has a margin of its own.  An
isolated position has one too.  So the margins of a user 0xabc are ``0xabc`` (the venue's own perpetuals),
``0xabc@xyz`` (the dex xyz) and ``0xabc#BTC`` (an isolated position in BTC).
"""

from __future__ import annotations

import re

from adl_opt.checks import LONGEST_TEXT

SPOT, OUTCOME, PERPETUAL = "spot", "outcome token", "perpetual"
VENUE = "hyperliquid:"
"""What snapshots write before the name of every market, also before ``xyz:TSLA``."""

_BETWEEN = re.compile("[@#]")


def kind_of_market(coin: object) -> str:
    """Return ``spot`` (``@107``, ``PURR/USDC``), ``outcome token`` (``#1890``) or ``perpetual``.

    Examples
    --------
    >>> [kind_of_market(coin) for coin in ("@107", "PURR/USDC", "#1890", "BTC", "xyz:TSLA")]
    ['spot', 'spot', 'outcome token', 'perpetual', 'perpetual']
    """
    if isinstance(coin, str):
        if coin[:1] == "@" or "/" in coin:
            return SPOT
        if coin[:1] in ("#", "+"):
            return OUTCOME
    return PERPETUAL


def dex_of(coin: str) -> str:
    """Return the dex of a perpetual, blank for the venue's own.

    Examples
    --------
    >>> dex_of("xyz:TSLA"), dex_of("BTC")
    ('xyz', '')
    """
    return coin.partition(":")[0] if ":" in coin else ""


def cross_margin(user: str, dex: str = "") -> str:
    """Return the name of a user's cross margin on a dex.

    Examples
    --------
    >>> cross_margin("0xabc"), cross_margin("0xabc", "xyz")
    ('0xabc', '0xabc@xyz')
    """
    return f"{user}@{dex}" if dex else user


def isolated_margin(user: str, coin: str) -> str:
    """Return the name of the margin of an isolated position.

    Examples
    --------
    >>> isolated_margin("0xabc", "BTC")
    '0xabc#BTC'
    """
    return f"{user}#{coin}"


def user_of(margin: str) -> str:
    """Return whose a margin is.

    Examples
    --------
    >>> user_of("0xabc"), user_of("0xabc@xyz"), user_of("0xabc#xyz:TSLA")
    ('0xabc', '0xabc', '0xabc')
    """
    return _BETWEEN.split(margin, maxsplit=1)[0]


def user_text(value: object) -> str:
    """Return a user: text that can be printed, without ``@`` and ``#``, which stand in names of margins.

    Raises
    ------
    ValueError
        It is none.
    """
    user = text_of(value)
    if "@" in user or "#" in user:
        raise ValueError("has a user with @ or # in its name")
    return user


def text_of(value: object) -> str:
    """Return a user or a coin: text that can be printed, without blanks around it.

    Raises
    ------
    ValueError
        It is none.
    """
    if type(value) is not str or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
        raise ValueError("has a user or coin that is no text")
    if value != value.strip():
        raise ValueError("has a user or coin that begins or ends with a blank")
    return value

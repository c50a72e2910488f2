"""Times of the stream in milliseconds since the epoch, UTC, whatever unit they come in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = (("s", 1e9, 1000, 1), ("ms", 1e12, 1, 1), ("us", 1e15, 1, 1000), ("ns", 1e18, 1, 1_000_000))
LATEST = 4
"""A number is a time of a unit between 1 and 4 units of 10^9 s: from 2001 to 2096."""


def milliseconds(value: object) -> tuple[int, str]:
    """Return a time in ms since the epoch, and the unit it came in (``iso``, ``s``, ``ms``, ``us``, ``ns``).

    A text is ISO 8601 with up to nine decimals (without a zone: UTC), a number in s, ms, us or ns.  Parts of
    a millisecond are cut off.  The four ranges do not overlap, so the unit of a number is certain for every
    time between 2001 and 2096.

    Raises
    ------
    ValueError
        It is none of these.

    Examples
    --------
    >>> milliseconds("2025-10-10T21:16:04.831123456"), milliseconds(1760130964831123)
    ((1760130964831, 'iso'), (1760130964831, 'us'))
    """
    if isinstance(value, str) and (match := _ISO.fullmatch(value)):
        return _of_iso(match), "iso"
    if isinstance(value, str) and re.fullmatch(r"\d{1,20}(\.\d{1,9})?", value, re.ASCII):
        value = float(value) if "." in value else int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        for unit, least, times, per in _UNITS:
            if least <= value < LATEST * least:
                whole = isinstance(value, int)
                return int(value * times // per) if whole else int(value * times / per), unit
    raise ValueError("has a time that is none: ISO 8601 or a number in s, ms, us or ns")


def iso(ms: int) -> str:
    """Return a time in ms as text.

    Examples
    --------
    >>> iso(1760130964831)
    '2025-10-10T21:16:04.831Z'
    """
    return f"{_EPOCH + timedelta(milliseconds=ms):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _of_iso(match: re.Match[str]) -> int:
    parts = match.groups()
    moment = datetime(*(int(part) for part in parts[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
    if parts[7]:
        shift = timedelta(hours=int(parts[8]), minutes=int(parts[9]))
        moment = moment - shift if parts[7] == "+" else moment + shift
    whole = (moment - _EPOCH) // timedelta(seconds=1)
    return whole * 1000 + int((parts[6] or "0")[:3].ljust(3, "0"))

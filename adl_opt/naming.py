"""Named parts: making a severity, an allocation or a policy from its name and parameters.

The grammar of a name is ``name`` or ``name(value, key=value)``; values are numbers, plain words or names in
turn, which whoever takes them reads: ``hinted(ftrl-exact(prior=0.25), market-gap)``.
Nothing is evaluated.
"""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from adl_opt.errors import AdlOptError, UsageError

T = TypeVar("T")
Value = float | int | str

_CALL = re.compile(r"^\s*([A-Za-z][A-Za-z0-9_-]*)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_NUMBER = re.compile(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")


def parse_call(text: str) -> tuple[str, list[Value], dict[str, Value]]:
    """Split ``name(0.5, seed=7)`` into its name, positional and keyword values.

    Examples
    --------
    >>> parse_call("constant(0.5)")
    ('constant', [0.5], {})
    >>> parse_call("dydx-random(seed=7)")
    ('dydx-random', [], {'seed': 7})
    """
    match = _CALL.match(text) if isinstance(text, str) else None
    if match is None:
        raise UsageError(
            "a name is not of the form name or name(value, key=value)",
            got=repr(text),
            ways_out=["write a name in kebab-case, such as pro-rata", "quote it in a shell: 'constant(0.5)'"],
        )
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    for item in split_outside(match[2], ",") if (match[2] or "").strip() else ():
        equals = "=" in item.partition("(")[0]
        key, value = (piece.strip() for piece in item.split("=", 1)) if equals else ("", item)
        key = key.replace("-", "_")
        if not value or (equals and not key) or key in keywords or value.count("(") != value.count(")"):
            raise UsageError(
                f"the parameters of {match[1]!r} cannot be read",
                got=f"{item!r} in {text!r}",
                ways_out=["give each parameter once, as value or key=value, with commas between"],
            )
        if equals:
            keywords[key] = _value(value)
        else:
            positional.append(_value(value))
    return match[1], positional, keywords


def episode_and_number(text: str) -> tuple[str, int | None]:
    """Split EPISODE:NUMBER into the episode and the number of its round; None where no number is given.

    The number is what follows the last colon, if it is all digits.  If a file or a folder has the whole text
    as its name, the text is not split.

    Examples
    --------
    >>> episode_and_number("oct10:28"), episode_and_number("synthetic(seed=1)"), episode_and_number("C:/mine")
    (('oct10', 28), ('synthetic(seed=1)', None), ('C:/mine', None))
    """
    episode, _, number = text.rpartition(":")
    is_number = number.isascii() and number.isdecimal() and len(number) <= 18
    if not (episode and is_number) or os.path.lexists(text):
        return text, None
    return episode, int(number)


def split_outside(text: str, separator: str) -> list[str]:
    """Split a text at a separator wherever it stands outside all brackets, and strip the parts.

    Examples
    --------
    >>> split_outside("a(b, c), d", ",")
    ['a(b, c)', 'd']
    """
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _value(text: str) -> Value:
    if not _NUMBER.match(text):
        return text.strip("'\"")
    whole = not set(text) & set(".eE") and len(text) < 400  # above, it is beyond every float
    return int(text) if whole else float(text)


def make_by_name(kind: str, table: Mapping[str, Callable[..., T]], text: str, params: Mapping[str, Any]) -> T:
    """Make the part that a name and parameters call for.

    Parameters
    ----------
    kind : str
        What the part is, for messages.
    table : mapping of name to factory
    text : str
        The name, or a call such as ``constant(0.5)``.
    params : mapping
        Further keyword parameters.

    Raises
    ------
    UsageError
        The name or a parameter is not known, one is missing, or its value is refused.
    """
    name, positional, keywords = parse_call(text)
    if name not in table:
        raise unknown_name(kind, name, table)
    factory = table[name]
    accepted = list(inspect.signature(factory).parameters.values())
    names = [p.name for p in accepted]
    if len(positional) > len(names):
        raise UsageError(
            f"{kind} {name!r} takes {len(names)} parameters at most",
            got=f"{len(positional)} values: {positional}",
            ways_out=[f"parameters: {', '.join(names) or 'none'}"],
        )
    by_place = dict(zip(names, positional, strict=False))
    if twice := sorted((set(by_place) & set(keywords)) | ((set(by_place) | set(keywords)) & set(params))):
        raise UsageError(
            f"{kind} {name!r} is given a parameter twice",
            got=", ".join(twice),
            ways_out=["give each parameter once: in the name, or as a keyword"],
        )
    given = {**by_place, **keywords, **params}
    for key in given:
        if key not in names:
            raise unknown_name(f"parameter of {kind} {name!r}:", key, names)
    needed = [p.name for p in accepted if p.default is p.empty and p.name not in given]
    if needed:
        raise UsageError(
            f"{kind} {name!r} needs a parameter that has no default",
            got=f"missing {', '.join(needed)}",
            ways_out=[f"write {name}({', '.join(f'{n}=...' for n in needed)})"],
        )
    try:
        return factory(**given)
    except AdlOptError:
        raise
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{kind} {name!r} refuses its parameters",
            got=", ".join(f"{k} = {v!r}" for k, v in given.items()),
            ways_out=[str(error)],
        ) from error


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown name, with near matches first."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    ways = [f"did you mean {' or '.join(near)}?"] if near else []
    return UsageError(
        f"unknown {kind} {name!r}", got=name, ways_out=[*ways, f"known: {', '.join(known) or 'none'}"]
    )

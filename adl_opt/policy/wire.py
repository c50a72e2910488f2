"""How a guest process answers: JSON and plain arrays, so that reading an answer runs no code.

What goes to a guest is pickled, for a guest may trust this process.  What comes back is not: unpickling runs
code that the sender chose.
"""

from __future__ import annotations

import base64
import json
from typing import IO, Any

import numpy as np

from adl_opt.reading.bounded import plain_json
from adl_opt.rounds.closures import Closures
from adl_opt.rounds.round import Allocation, Recorded

LONGEST = 1 << 28
"""Bytes of the longest message, 256 MiB."""

_ARRAYS = {"x": "<f8", "lots": "<i8"}
_OF_CLOSURES = {
    **dict.fromkeys(("position", "row", "lots", "account"), "<i8"),
    **dict.fromkeys(("contracts", "wanted", "given_up"), "<f8"),
}


def send(file: IO[bytes], message: bytes) -> None:
    """Write one message: its length, then its bytes."""
    file.write(len(message).to_bytes(8, "little") + message)
    file.flush()


def receive(file: IO[bytes]) -> bytes:
    """Read one message.

    Raises
    ------
    EOFError
        The other side is gone.
    ValueError
        The message is longer than :data:`LONGEST`.
    """
    head = file.read(8)
    if len(head) < 8:
        raise EOFError
    size = int.from_bytes(head, "little")
    if size > LONGEST:
        raise ValueError(f"an answer of {size} bytes")
    message = file.read(size)
    if len(message) < size:
        raise EOFError
    return message


def action_to_json(action: object) -> dict[str, Any]:
    """Return what a policy answered, as plain values.

    Raises
    ------
    TypeError, ValueError
        It is neither an Allocation nor a Recorded, or its arrays are no numbers.
    """
    if isinstance(action, Recorded):
        return {"recorded": [action.haircut, action.max_burden, action.reference_burden]}
    if not isinstance(action, Allocation):
        raise TypeError(f"a policy returns an Allocation, and this one returned {type(action).__name__}")
    plain: dict[str, Any] = {"asked": float(action.asked), "lower_bound": float(action.lower_bound)}
    plain |= {"base": str(action.base)}
    plain |= {k: _packed(getattr(action, k), kind) for k, kind in _ARRAYS.items()}
    if action.closures is not None:
        inner = {k: _packed(getattr(action.closures, k), kind) for k, kind in _OF_CLOSURES.items()}
        plain["closures"] = inner | {"cells": [list(cell) for cell in action.closures.cells]}
    return plain


def action_of_json(plain: dict[str, Any]) -> Allocation | Recorded:
    """Return what :func:`action_to_json` made plain; raises if it is something else."""
    if "recorded" in plain:
        haircut, worst, reference = map(float, plain["recorded"])
        return Recorded(haircut=haircut, max_burden=worst, reference_burden=reference)
    if not 0.0 <= float(plain["asked"]) < float("inf"):
        raise ValueError(f"a budget of {plain['asked']!r}")
    closures = None
    if (inner := plain.get("closures")) is not None:
        arrays = {k: _unpacked(inner[k], kind) for k, kind in _OF_CLOSURES.items()}
        closures = Closures(cells=tuple((str(m), str(s)) for m, s in inner["cells"]), **arrays)
    return Allocation(
        **{k: _unpacked(plain[k], kind) for k, kind in _ARRAYS.items()},
        asked=float(plain["asked"]),
        lower_bound=float(plain["lower_bound"]),
        base=str(plain["base"]),
        closures=closures,
    )


def to_message(plain: dict[str, Any]) -> bytes:
    """Return plain values as a message."""
    return json.dumps(plain).encode()


def of_message(message: bytes) -> dict[str, Any]:
    """Return the plain values of a message; raises if it is none."""
    plain = plain_json(message, infinite=True)
    if not isinstance(plain, dict):
        raise TypeError("an answer that is no table of values")
    return plain


def _packed(values: Any, kind: str) -> str | None:
    if values is None:
        return None
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise TypeError(f"an array of shape {array.shape} and type {array.dtype}, where numbers are due")
    exact = array.astype(kind)
    if not np.array_equal(exact, array, equal_nan=array.dtype.kind == "f"):
        raise ValueError("lots are whole numbers")
    return base64.b64encode(exact.tobytes()).decode()


def _unpacked(text: str | None, kind: str) -> Any:
    return None if text is None else np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)

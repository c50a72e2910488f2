"""Seals: what a result is made of, and the SHA-256 by which it knows itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from adl_opt.proofs.check import digest

SEAL_OF_HTML = "<!-- SHA-256 of all above: "
"""What a report ends with, before its SHA-256."""


def sha256_of(content: str | bytes) -> str:
    """Return the SHA-256 of a text, as UTF-8, or of bytes."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def sealed(
    document: Mapping[str, Any], made_of: Mapping[str, Any], files: Mapping[str, str | bytes]
) -> dict[str, Any]:
    """Return a document with what it is made of, the SHA-256 of the files beside it, and its own.

    Parameters
    ----------
    document, made_of : mapping
        Plain values, as JSON gives them back.
    files : mapping
        Contents by name.
    """
    hashes = {name: sha256_of(content) for name, content in files.items()}
    made = {**document, "made_of": dict(made_of), "files": hashes}
    return made | {"sha256": digest(made)}


def sealed_text(document: Mapping[str, Any]) -> str:
    """Return the one text that a file of a sealed document may hold."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def fault_of(document: Mapping[str, Any], file: bytes, files: Mapping[str, bytes]) -> str | None:
    """Return why a sealed document or the files beside it are not as they were written; None if they are.

    Parameters
    ----------
    document : mapping
    file : bytes
        What it was read from.  Its SHA-256 is that of its content, so its bytes are held against the text
        that its content has: a bit that leaves the content the same (``1e-05``, ``1E-05``) is found as well.
    files : mapping
        The contents of those beside it that are there, by name.
    """
    if document.get("sha256") != digest(dict(document)):
        return "the SHA-256 of the document is not that of its content"
    if file != sealed_text(document).encode():
        return "the document is not written as its content is"
    for name, wanted in document["files"].items():
        content = files.get(name)
        if content is None:
            return f"{name} is missing"
        if sha256_of(content) != wanted:
            return f"{name} is not the file that was written"
    return None

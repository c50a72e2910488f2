"""Which public files there are: repository, pinned commit, licence, size and hash of each."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

BASE = "https://raw.githubusercontent.com"
"""Where the files are, as BASE/repository/commit/path."""

EVENTS = ("oct10",)
"""Events with public files."""

MEBI = 2**20
CAP_CORE, CAP_RAW = 64 * MEBI, 256 * MEBI
"""Most bytes that are taken of a file whose size is not published."""

ATTRIBUTION = {
    "ConejoCapital/HyperReplay": "Powered by HyperReplay - (c) ConejoCapital",
    "pluriholonomic/autodeleveraging-analysis": "code and data of arXiv 2602.15182",
}


@dataclass(frozen=True, kw_only=True)
class PublicFile:
    """One public file, pinned.

    Parameters
    ----------
    repository, commit, licence, path : str
    size : int or None
        Bytes, where published.
    sha256, git_blob : str
        One of them is given: SHA-256 of the content, or the id that git gives it.
    group : str
        ``core``, or ``raw`` for the large ones.
    """

    repository: str
    commit: str
    licence: str
    path: str
    size: int | None
    sha256: str
    git_blob: str
    group: str

    @property
    def place(self) -> Path:
        """Where it lies in the folder: repository's name, then its path there."""
        return Path(self.repository.split("/")[1], *self.path.split("/"))

    @property
    def cap(self) -> int:
        """Most bytes that are taken."""
        return self.size or (CAP_RAW if self.group == "raw" else CAP_CORE)

    def url(self, base: str = BASE) -> str:
        """Return its address."""
        return f"{base.rstrip('/')}/{self.repository}/{self.commit}/{self.path}"

    def verify(self, path: Path) -> str:
        """Return what is wrong with the file at a path: an empty text if it is this public file."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"{size:,} bytes, not {self.size:,}"
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(usedforsecurity=False)
        if not self.sha256:
            digest.update(b"blob %d\0" % size)
        with path.open("rb") as file:
            while chunk := file.read(MEBI):
                digest.update(chunk)
        found, pinned = digest.hexdigest(), self.sha256 or self.git_blob
        kind = "SHA-256" if self.sha256 else "git blob"
        return "" if found == pinned else f"{kind} {found}, not {pinned}"


def public_files(event: str = "oct10", *, everything: bool = False) -> list[PublicFile]:
    """Return the public files of an event, the large raw ones only with ``everything``.

    Examples
    --------
    >>> len(public_files()), len(public_files(everything=True))
    (10, 19)
    """
    text = files("adl_opt.datasets.fetch").joinpath(f"{event}.csv").read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(text.splitlines()):
        size = row.pop("bytes")
        rows.append(PublicFile(size=int(size) if size else None, **row))
    return [row for row in rows if everything or row.group == "core"]

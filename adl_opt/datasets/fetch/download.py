"""Fetching the public files of an event: bounded, resumed where one broke off, verified before named."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.checks import one_of
from adl_opt.datasets.fetch.registry import ATTRIBUTION, BASE, EVENTS, MEBI, PublicFile, public_files
from adl_opt.errors import AdlOptError
from adl_opt.files import take_name
from adl_opt.tabular import Noun

TIMEOUT_S = 30
START_S, SLOWEST = 60.0, 1 << 16
"""A file may take so many seconds, and one more for so many of the bytes that it may have."""

OK, PARTIAL, RANGE_REFUSED = 200, 206, 416


class FetchError(AdlOptError):
    """A public file cannot be fetched, or is not the pinned one (exit code 1).

    ``report`` says what became of every file, where several were asked for.
    """

    report: FetchReport | None = None


@dataclass(frozen=True, kw_only=True)
class FetchReport(Noun):
    """What a fetch found; print it.

    Parameters
    ----------
    folder : Path
    states : dict of PublicFile to str
        ``fetched``, ``there`` (it was there already) or ``FAILED``.
    """

    folder: Path
    states: dict[PublicFile, str]

    def __str__(self) -> str:
        sources = dict.fromkeys((file.repository, file.licence) for file in self.states)
        lines = [f"{name}: {licence}. {ATTRIBUTION[name]}" for name, licence in sources]
        lines += [f"{state:8s}{self.folder / file.place}" for file, state in self.states.items()]
        if "FAILED" in self.states.values():
            return "\n".join(lines)
        lines.append(f"next: adl-opt import oct10 {self.folder} --out EPISODE")
        if raw := next((file for file in self.states if ".lz4.part-" in file.path), None):
            parts = (self.folder / raw.place).with_suffix(".part-*")
            lines.append(f"or:   adl-opt import node-fills {parts} --out EPISODE")
        return "\n".join(lines)


def fetch(
    event: str = "oct10",
    *,
    everything: bool = False,
    dir: str | PathLike[str] = "oct10-data",
    base: str = "",
    progress: Callable[[str, int, int], None] | None = None,
) -> FetchReport:
    """Fetch the public files of an event: pinned commits, verified; what is there already is kept.

    Every file is tried, whatever became of the one before.

    Parameters
    ----------
    event : str
        ``oct10``.
    everything : bool
        The large raw files too.
    dir : path
        Folder where the files are laid.
    base : str
        A mirror; the public address by default.
    progress : callable, optional
        Called with (name of the file, bytes done, bytes in all or the most that are taken).

    Returns
    -------
    FetchReport
        Printing it gives licences, attributions, and what became of each file.

    Raises
    ------
    FetchError
        Files are missing: it says which and why, and the others are there.
    UsageError
        An unknown event.
    """
    one_of("fetch: event", event, EVENTS)
    folder, errors = Path(dir), list[FetchError]()
    states: dict[PublicFile, str] = {}
    for file in public_files(event, everything=everything):
        advance = None if progress is None else partial(progress, file.place.name)
        try:
            states[file] = fetch_file(file, folder, base or BASE, advance)
        except FetchError as error:
            states[file] = "FAILED"
            errors.append(error)
    report = FetchReport(folder=folder, states=states)
    if not errors:
        return report
    failure = FetchError(
        f"{len(errors)} of {len(states)} files are missing; the others are there",
        got="\n".join(map(str, errors)),
        ways_out=["run it again: what is there is kept"],
    )
    failure.report = report
    raise failure


def fetch_file(
    file: PublicFile, folder: Path, base: str, progress: Callable[[int, int], None] | None = None
) -> str:
    """Fetch one file unless it is there; return ``fetched`` or ``there``.

    Raises
    ------
    FetchError
        No network, a refusal of the server, a file too long, cut off, or of another hash; or another file has
        the target's name.
    """
    target = folder / file.place
    if target.exists():
        if wrong := file.verify(target):
            raise FetchError(
                f"{file.path}: another file bears its name",
                got=f"{target}: {wrong}",
                ways_out=["remove it and run the command again", "choose another --dir"],
            )
        return "there"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + START_S + file.cap / SLOWEST
        _in_time(until, partial(_download, file, target, file.url(base), progress, until))
    except TimeoutError as error:
        got = "the server is too slow"
        raise _not_fetched(file, target, file.url(base), got, "run it again: it goes on") from error
    except OSError as error:
        raise FetchError(
            f"{file.path}: cannot be written",
            got=f"{target}: {error}",
            ways_out=["check your rights and the space on the disk", "choose another --dir"],
        ) from error
    return "fetched"


def _in_time(until: float, work: Callable[[], None]) -> None:
    """Work in a thread, which is left alone when its time is over: a socket waits anew for every byte.

    Raises
    ------
    TimeoutError
        It has not ended in time.
    """
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # raised again by the caller
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(until - time.monotonic(), 0.0))
    if not ended:
        raise TimeoutError
    if ended[0] is not None:
        raise ended[0]


def _download(
    file: PublicFile,
    target: Path,
    url: str,
    progress: Callable[[int, int], None] | None,
    until: float,
) -> None:
    """Stream a file to a part beside its target; the part takes the target's name once it is verified.

    A part that is there is resumed.  Its name has the pinned hash in it, so that only the same file is.
    """
    import requests

    part = target.with_name(f".{target.name}.{(file.sha256 or file.git_blob)[:32]}.part")
    failed = partial(_not_fetched, file, target, url)
    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-"} if done else {}
    headers["Accept-Encoding"] = "identity"
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == RANGE_REFUSED:
                if file.verify(part):
                    part.unlink()
                    raise failed("what was fetched before does not go on", "run it again")
            elif answer.status_code not in (OK, PARTIAL):
                raise failed(f"HTTP {answer.status_code} {answer.reason}")
            elif wrong := _stream(answer, part, done, file.cap, progress, until):
                raise failed(wrong)
    except requests.RequestException as error:
        raise failed(f"no connection, or it broke off: {error}", "run it again") from error
    if wrong := file.verify(part):
        short = file.size is not None and part.stat().st_size < file.size
        if not short:
            part.unlink()
        raise failed(wrong, *(["run it again: it goes on where it broke off"] if short else []))
    take_name(part, target)


def _stream(
    answer: Any,
    part: Path,
    done: int,
    cap: int,
    progress: Callable[[int, int], None] | None,
    until: float,
) -> str:
    """Write an answer to the part, never beyond the cap; return what is wrong, or an empty text."""
    done = done if answer.status_code == PARTIAL else 0
    length = answer.headers.get("Content-Length") or ""
    expected = int(length) if length.isascii() and length.isdecimal() else 0
    if done + expected > cap:
        return f"{done + expected:,} bytes, more than the {cap:,} that are taken"
    with part.open("ab" if done else "wb") as sink:
        for chunk in answer.iter_content(MEBI // 4):
            if time.monotonic() > until:
                raise TimeoutError
            done += len(chunk)
            if done > cap:
                sink.close()
                part.unlink()
                return f"more than the {cap:,} bytes that are taken"
            sink.write(chunk)
            if progress is not None:
                progress(done, cap)
    return ""


def _not_fetched(file: PublicFile, target: Path, url: str, got: str, *ways_out: str) -> FetchError:
    by_hand = f"get it by hand: open {url} in a browser, save it as {target}, then run it again"
    elsewhere = f"look for the file at github.com/{file.repository} and keep that name"
    return FetchError(
        f"{file.path}: not fetched", got=f"{url}: {got}", ways_out=[*ways_out, by_hand, elsewhere]
    )

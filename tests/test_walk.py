"""The walk of the main job: how far it is from ``adl.replay`` to the numeric loops.

Every call of a function of ``adl_opt.kernels`` during a replay is looked at, with the functions of the
package that wait for it.  Their number, the public call included, is the depth in frames; the files that they
stand in are the files that a reader must open on the way.  Nothing is counted that only runs at import.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import adl_opt as adl

ROOT = Path(adl.__file__).parent
MOST_FRAMES = 12
MOST_FILES = 30
MOST_BEFORE = 5


def walk(policies: list[str] | None = None) -> tuple[list[str], set[str]]:
    """Return the deepest chain of functions, outermost first, and all files on such chains."""
    inside: dict[Any, str | None] = {}
    deepest: list[str] = []
    files: set[str] = set()

    def place(frame: FrameType) -> str | None:
        code = frame.f_code
        if code not in inside:
            path = Path(code.co_filename)
            inside[code] = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else None
        return inside[code]

    def look(frame: FrameType | None, event: str, _: object) -> None:
        nonlocal deepest
        if event != "call" or frame is None or not (place(frame) or "").startswith("kernels/"):
            return
        chain = []
        while frame is not None:
            if (file := place(frame)) is not None:
                chain.append(f"{file}: {frame.f_code.co_name}")
                files.add(file)
            frame = frame.f_back
        deepest = max(deepest, chain[::-1], key=len)

    episode = adl.load("oct10")
    adl.replay(episode, policies)  # whatever is imported or compiled first is no part of the walk
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        adl.replay(episode, policies)
    finally:
        sys.setprofile(before)
    return deepest, files


@pytest.fixture(scope="module")
def walked() -> tuple[list[str], set[str]]:
    return walk()


def test_the_main_job_goes_through_few_files(walked):
    assert len(walked[1]) <= MOST_FILES, "\n".join(sorted(walked[1]))


def test_the_way_to_the_kernels_is_short(walked):
    deepest = walked[0]
    assert deepest[0] == "evaluate/replay.py: replay"
    before = [place for place in deepest if not place.startswith("kernels/")]
    assert len(before) <= MOST_BEFORE, "\n".join(deepest)


def test_the_main_job_is_few_frames_deep(walked):
    assert len(walked[0]) <= MOST_FRAMES, "\n".join(walked[0])

"""Invented files on disk, and the check that an error has its three parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from adl_opt.errors import AdlOptError


@pytest.fixture
def write(tmp_path):
    """Return a function that writes text or bytes to a file of this test and gives its path."""

    def write(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refused(call, error: type[AdlOptError], *words: str) -> AdlOptError:
    """Check that the call raises exactly this error, with three parts that name all these words."""
    with pytest.raises(error) as caught:
        call()
    found = caught.value
    assert type(found) is error
    assert found.what
    assert found.got
    assert found.ways_out
    assert all(found.ways_out)
    for word in words:
        assert word in str(found), f"{word!r} is not in:\n{found}"
    return found


def attempted(call):
    """Return what the call gives, or None when it raises a complete AdlOptError; nothing else may happen."""
    try:
        return call()
    except AdlOptError as error:
        found = error
    assert found.what
    assert found.got
    assert found.ways_out
    return None

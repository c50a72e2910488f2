"""Files and folders appear whole or not at all, whatever breaks, and what is left over is cleared away."""

import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from adl_opt import files
from adl_opt.errors import AdlOptError, UsageError
from adl_opt.files import new_file, new_folder, write_folder, write_text
from adl_opt.locks import keeps_inputs, only_one, recover_folder, writing_in

TOKEN = "0123456789abcdef" * 2
BROKEN = [OSError(28, "No space left on device"), RuntimeError("bug"), KeyboardInterrupt()]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


KILLED = """
import sys
from pathlib import Path
from benchmarks.attack.kills import QUICK, kills
print(kills(Path(sys.argv[1]), 4, *(kind.__name__ for kind in QUICK), "sweep"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_writer_that_is_killed_leaves_the_old_or_the_new(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    rows = eval(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(rows) == 8
    for row in rows:
        states = {"whole"} if row["writer"] == "sweep" else {"old", "new!", "each file old or new!"}
        assert set(row["found"]) <= states, row
        assert {"whole", "new!"} & set(row["found"]), row
        assert row["calls"] > 5, row


@pytest.mark.parametrize("error", BROKEN, ids=repr)
@pytest.mark.parametrize("there", [False, True])
def test_a_stream_that_breaks_leaves_no_trace(tmp_path, error, there):
    path = tmp_path / "out"
    if there:
        write_text(path, "old")

    def breaks():
        with new_file(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(AdlOptError if isinstance(error, OSError) else type(error)):
        breaks()
    assert names(tmp_path) == (["out"] if there else [])
    assert not there or path.read_text() == "old"


@pytest.mark.parametrize("error", BROKEN, ids=repr)
def test_a_folder_that_breaks_leaves_no_trace(tmp_path, error):
    def fill(text, error=None):
        with new_folder(tmp_path / "e") as fresh:
            (fresh / "a").write_text(text)
            if error is not None:
                raise error

    fill("old")
    with pytest.raises(AdlOptError if isinstance(error, OSError) else type(error)):
        fill("half", error)
    assert names(tmp_path) == ["e"]
    assert (tmp_path / "e" / "a").read_text() == "old"


@pytest.mark.parametrize("call", ["fsync", "replace", "rename"])
@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("among_others", [False, True])
def test_several_texts_wait_for_one_another(tmp_path, monkeypatch, call, place, among_others):
    write_folder(tmp_path / "d", {"a": "old", "b": "old"})
    if among_others:
        (tmp_path / "d" / "mine").write_text("old")
    calls, real = [], getattr(os, call)

    def fails(*args):
        calls.append(args)
        if len(calls) == place:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, call, fails)
    try:
        write_folder(tmp_path / "d", {"a": "new", "b": "new"})
    except AdlOptError:
        pass
    else:  # a folder alone is renamed, files among others are replaced
        assert len(calls) < place
    assert names(tmp_path) == ["d"]
    assert names(tmp_path / "d") == ["a", "b", *(["mine"] if among_others else [])]
    if len(calls) >= place and (call, place) != ("replace", 2):  # the second one comes after the first
        assert {path.read_text() for path in (tmp_path / "d").iterdir()} == {"old"}


def test_what_is_not_a_plain_file_is_never_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe"):
        with pytest.raises(UsageError, match="not a plain file"):
            write_text(tmp_path / name, "x")
        with pytest.raises(UsageError, match="not a plain file"):
            write_folder(tmp_path, {"other": "x", name: "x"})
    assert names(tmp_path) == ["folder", "link", "pipe"]


@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "file/below"])
def test_a_place_that_cannot_be(tmp_path, name):
    (tmp_path / "file").write_text("x")
    with pytest.raises(AdlOptError, match="cannot be written") as caught:
        write_text(tmp_path / name, "x")
    assert caught.value.ways_out
    assert names(tmp_path) == ["file"]


def test_a_text_that_is_no_unicode(tmp_path):
    with pytest.raises(AdlOptError, match="cannot be written"):
        write_text(tmp_path / "a", "\ud800")
    assert names(tmp_path) == []


def test_permissions_are_the_umasks_or_those_of_the_file_before(tmp_path):
    path, umask = tmp_path / "a", os.umask(0o027)
    try:
        write_text(path, "one")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        write_text(path, "two")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(umask)


def test_what_a_kill_left_goes_with_the_next_write_unless_another_is_at_work(tmp_path):
    left, mine = tmp_path / f".a.{TOKEN}.tmp", tmp_path / ".a.tmp"
    folder = tmp_path / f".a.{TOKEN[::-1]}.tmp"
    folder.mkdir()
    for path in (left, mine, folder / "x"):
        path.write_text("half")
    with writing_in(tmp_path, lambda nobody: None):
        write_text(tmp_path / "a", "one")
        assert names(tmp_path) == sorted([left.name, mine.name, folder.name, "a"])
        for path in (left, folder / "x", folder):
            os.utime(path, (1.0, 1.0))
        write_text(tmp_path / "a", "two")  # nobody writes for a day
        assert names(tmp_path) == [".a.tmp", "a"]
    left.write_text("half")
    write_text(tmp_path / "a", "three")
    assert names(tmp_path) == [".a.tmp", "a"]


def test_a_reader_between_the_two_renames_waits_for_the_writer(tmp_path, monkeypatch):
    folder, rename = tmp_path / "e", os.rename
    with new_folder(folder) as fresh:
        (fresh / "a").write_text("old")
    readers = []

    def with_a_reader(source, target):
        rename(source, target)
        if not folder.exists():
            readers.append(threading.Thread(target=recover_folder, args=(folder,)))
            readers[0].start()
            time.sleep(0.1)

    monkeypatch.setattr(os, "rename", with_a_reader)
    with new_folder(folder) as fresh:
        (fresh / "a").write_text("new")
    readers[0].join(timeout=10)
    assert (folder / "a").read_text() == "new"
    assert names(tmp_path) == ["e"]


def test_nothing_is_written_into_the_folder_of_an_episode(tmp_path):
    (tmp_path / "episode.toml").write_text("x")
    for write in (write_text, lambda path, text: write_folder(path.parent, {path.name: text})):
        with pytest.raises(UsageError, match="folder of an episode"):
            write(tmp_path / "report.html", "x")
    assert names(tmp_path) == ["episode.toml"]


def test_only_one_is_at_work(tmp_path):
    lock = tmp_path / ".lock"
    with only_one(lock), pytest.raises(UsageError, match="another process"), only_one(lock):
        pass
    with only_one(tmp_path / ".lock"):
        assert names(tmp_path) == [".lock"]
    assert names(tmp_path) == []


def test_a_folder_that_is_swapped_keeps_all_permissions(tmp_path):
    write_folder(tmp_path / "d", {"a": "old", "b": "old"})
    (tmp_path / "d").chmod(0o750)
    (tmp_path / "d" / "b").chmod(0o600)
    write_folder(tmp_path / "d", {"a": "new", "b": "new", "c": "new"})
    assert stat.S_IMODE((tmp_path / "d").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "d" / "b").stat().st_mode) == 0o600


def test_an_output_never_replaces_an_input(tmp_path):
    @keeps_inputs("out", "proof")
    def work(given, out, proof=None, late=None):
        if late is not None:
            late()

    def among():
        write_folder(tmp_path / "among", {"b": "new"})

    (tmp_path / "episode").mkdir()
    file = tmp_path / "episode" / "a.csv"
    write_text(file, "x")
    write_folder(tmp_path / "among", {"mine": "x"})
    (tmp_path / "same").symlink_to(file)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "among" / "mine")
    for given, out in (
        (file, file),
        (str(file), tmp_path / "same"),
        ([tmp_path / "same"], str(file)),
        (f"{tmp_path}/episode:3", tmp_path / "episode" / "new"),
        (tmp_path / "episode", tmp_path / "episode" / "below" / "new"),
    ):
        with pytest.raises(UsageError, match="output"):
            work(given, out)
    with pytest.raises(UsageError, match="two outputs"):
        work("oct10", tmp_path / "new", str(tmp_path / "new"))
    with pytest.raises(UsageError, match="its own input"):
        work(tmp_path / "elsewhere", "-", late=lambda: write_text(tmp_path / "among" / "mine", "new"))
    with pytest.raises(UsageError, match="an input in it"):
        work(tmp_path / "among" / "mine", "-", late=among)
    work(file, tmp_path, tmp_path / "new")
    work("oct10", file, "-")
    work(file, None, late=among)
    assert (tmp_path / "among" / "mine").read_text() == file.read_text() == "x"


def test_one_path_several_or_none():
    assert files.as_paths(None) == files.as_paths(()) == []
    assert [str(path) for path in files.as_paths(["a", "b"])] == ["a", "b"]

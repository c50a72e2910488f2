"""Fetch: against a server on loopback that breaks in every way a server breaks."""

import hashlib
import http.server
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from adl_opt.datasets.fetch import download, registry
from adl_opt.datasets.fetch.download import FetchError, fetch, fetch_file
from adl_opt.datasets.fetch.registry import PublicFile, public_files
from adl_opt.errors import UsageError

BODY = bytes(range(256)) * 4000


def blob(body):
    return hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False).hexdigest()


def named(body=BODY, **more):
    facts = {
        "repository": "someone/something",
        "commit": "c0ffee",
        "licence": "MIT",
        "path": "out/gap_ms=5000/file.csv",
        "size": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "git_blob": "",
        "group": "core",
    }
    return PublicFile(**(facts | more))


class Server(http.server.ThreadingHTTPServer):
    """Answers every address with ``body``; ``mode`` says how it breaks."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.mode, self.seen = BODY, "well", []
        self.killed = threading.Event()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Range")))
        mode, body, start = self.server.mode, self.server.body, 0
        if mode == "404":
            return self.send_error(404)
        asked = self.headers.get("Range")
        if asked and mode != "no ranges":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        if mode != "no length":
            length = "many" if mode == "length of words" else str(len(body) - start)
            self.send_header("Content-Length", length)
        self.end_headers()
        if mode == "drip":
            while not self.server.killed.wait(0.05):
                self.wfile.write(b"x")
            return None
        end = len(body) // 2 if mode in ("cut", "stall") else len(body)
        self.wfile.write(body[start:end])
        if mode == "stall":
            self.server.killed.wait(30)
        return None

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def part_of(file, folder):
    """Return the one part of a file that is there, or where a run with this hash would put it."""
    name = f".{file.place.name}.{(file.sha256 or file.git_blob)[:32]}.part"
    return (folder / file.place).with_name(name)


def files_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("kind", ["sha256", "git_blob"])
def test_a_file_is_fetched_verified_and_kept(server, tmp_path, kind):
    file = named() if kind == "sha256" else named(sha256="", git_blob=blob(BODY), size=None)
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert (tmp_path / file.place).read_bytes() == BODY
    assert files_in(tmp_path) == ["something/out/gap_ms=5000/file.csv"]
    assert server.seen == [("/someone/something/c0ffee/out/gap_ms=5000/file.csv", None)]
    assert fetch_file(file, tmp_path, server.base) == "there"
    assert len(server.seen) == 1


def test_a_server_that_gives_byte_by_byte_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "START_S", 0.2)
    monkeypatch.setattr(download, "SLOWEST", 1 << 30)
    file, server.mode, began = named(), "drip", time.monotonic()
    with pytest.raises(FetchError, match="too slow") as caught:
        fetch_file(file, tmp_path, server.base)
    assert time.monotonic() - began < 5
    assert "run it again" in caught.value.ways_out[0]
    server.killed.set()


def test_a_length_that_is_no_number_is_not_believed(server, tmp_path):
    server.mode = "length of words"
    file = named()
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert (tmp_path / file.place).read_bytes() == BODY


@pytest.mark.parametrize("kind", ["sha256", "git_blob"])
def test_another_content_never_bears_the_name(server, tmp_path, kind):
    file = named() if kind == "sha256" else named(sha256="", git_blob=blob(BODY), size=None)
    server.body = BODY[:-1] + b"x"
    with pytest.raises(FetchError, match="not fetched") as error:
        fetch_file(file, tmp_path, server.base)
    assert "not " + (file.sha256 or file.git_blob) in error.value.got
    assert any("by hand" in way for way in error.value.ways_out)
    assert files_in(tmp_path) == []


def test_a_cut_answer_goes_on_where_it_broke_off(server, tmp_path):
    file = named()
    server.mode = "cut"
    with pytest.raises(FetchError, match="not fetched") as error:
        fetch_file(file, tmp_path, server.base)
    assert "run it again" in error.value.ways_out[0]
    assert not (tmp_path / file.place).exists()
    part = part_of(file, tmp_path)
    have = part.stat().st_size
    assert 0 < have < len(BODY)
    server.mode = "well"
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert server.seen[-1][1] == f"bytes={have}-"
    assert (tmp_path / file.place).read_bytes() == BODY
    assert files_in(tmp_path) == ["something/out/gap_ms=5000/file.csv"]


KILLED = """
import sys
from pathlib import Path
from adl_opt.datasets.fetch.download import fetch_file
from tests.datasets.fetch.test_fetch import named
fetch_file(named(), Path(sys.argv[1]), sys.argv[2])
"""


def test_a_fetch_that_is_killed_goes_on_where_it_was(server, tmp_path):
    file, server.mode = named(), "stall"
    part, patience = part_of(file, tmp_path), time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path), server.base]) as process:
        while not (part.exists() and part.stat().st_size) and time.monotonic() < patience:
            time.sleep(0.01)
        process.kill()
    server.killed.set()
    have = part.stat().st_size
    assert 0 < have < len(BODY)
    assert list(part.parent.iterdir()) == [part]
    server.mode = "well"
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert server.seen[-1][1] == f"bytes={have}-"
    assert (tmp_path / file.place).read_bytes() == BODY
    assert files_in(tmp_path) == ["something/out/gap_ms=5000/file.csv"]


def test_the_part_of_another_version_is_not_gone_on_with(server, tmp_path):
    file, other = named(), named(BODY[::-1])
    assert part_of(file, tmp_path) != part_of(other, tmp_path)
    part_of(other, tmp_path).parent.mkdir(parents=True)
    part_of(other, tmp_path).write_bytes(b"of another version")
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert server.seen[-1][1] is None


def test_an_event_is_fetched_file_by_file(server, tmp_path, monkeypatch):
    here = {"repository": "ConejoCapital/HyperReplay"}
    wanted = [named(**here, path=name) for name in ("a.csv", "b.csv")]
    monkeypatch.setattr(download, "public_files", lambda event, everything: wanted)
    told = []
    report = fetch(dir=tmp_path, base=server.base, progress=lambda *args: told.append(args))
    assert told[-1] == ("b.csv", len(BODY), len(BODY))
    assert list(report.states.values()) == ["fetched", "fetched"]
    assert "HyperReplay: MIT. Powered by HyperReplay" in str(report)
    assert f"next: adl-opt import oct10 {tmp_path}" in str(report)
    (tmp_path / wanted[0].place).write_text("another")
    with pytest.raises(FetchError, match="1 of 2 files are missing") as error:
        fetch(dir=tmp_path, base=server.base)
    assert "bears its name" in error.value.got
    assert list(error.value.report.states.values()) == ["FAILED", "there"]
    with pytest.raises(UsageError, match="event"):
        fetch("nov11", dir=tmp_path)


def test_a_server_without_ranges_starts_again(server, tmp_path):
    file = named()
    part = part_of(file, tmp_path)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"old rubbish")
    server.mode = "no ranges"
    assert fetch_file(file, tmp_path, server.base) == "fetched"
    assert (tmp_path / file.place).read_bytes() == BODY


def test_rubbish_before_the_break_is_found_and_dropped(server, tmp_path):
    file = named()
    part = part_of(file, tmp_path)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"old rubbish")
    with pytest.raises(FetchError, match="not fetched"):
        fetch_file(file, tmp_path, server.base)
    assert files_in(tmp_path) == []
    assert fetch_file(file, tmp_path, server.base) == "fetched"


@pytest.mark.parametrize("mode", ["well", "no length"])
def test_no_more_than_the_cap_is_taken(server, tmp_path, mode, monkeypatch):
    monkeypatch.setattr(registry, "CAP_CORE", 100_000)
    file = named(sha256="", git_blob=blob(BODY), size=None)
    server.mode = mode
    with pytest.raises(FetchError, match="not fetched") as error:
        fetch_file(file, tmp_path, server.base)
    assert "100,000" in error.value.got
    assert files_in(tmp_path) == []


def test_a_missing_page_and_a_missing_network(server, tmp_path):
    server.mode = "404"
    with pytest.raises(FetchError) as error:
        fetch_file(named(), tmp_path, server.base)
    assert "HTTP 404" in error.value.got
    with pytest.raises(FetchError) as error:
        fetch_file(named(), tmp_path, "http://127.0.0.1:9")
    assert "no connection" in error.value.got
    assert files_in(tmp_path) == []


def test_another_file_under_the_name_is_not_touched(server, tmp_path):
    target = tmp_path / named().place
    target.parent.mkdir(parents=True)
    target.write_text("mine")
    with pytest.raises(FetchError, match="bears its name"):
        fetch_file(named(), tmp_path, server.base)
    assert target.read_text() == "mine"
    assert server.seen == []


def test_every_public_file_has_one_hash_and_a_place_of_its_own():
    files = public_files(everything=True)
    assert len({f.place for f in files}) == len(files)
    for file in files:
        assert (len(file.sha256) == 64) != (len(file.git_blob) == 40)
        assert len(file.commit) == 40
        assert file.licence


def test_the_real_table_that_is_here_verifies(late_rounds):
    (file,) = (f for f in public_files() if f.place.name == "adl_by_user_REALTIME.csv")
    assert file.verify(late_rounds.parent / file.place.name) == ""
    assert "bytes" in replace(file, size=1).verify(late_rounds.parent / file.place.name)

"""Each trouble of real files: handled, told, and never at the cost of what is whole."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import lz4.frame
import pytest
from typer.testing import CliRunner

from adl_opt.cli.app import app
from adl_opt.datasets.node_fills.importer import import_node_fills
from adl_opt.datasets.node_fills.lines import UnpackLimits
from adl_opt.errors import InputError, UsageError

from ..conftest import refused
from .test_by_hand import FILLS, SNAPSHOT

LINES = FILLS.read_bytes().splitlines(keepends=True)
BLOCKS = [json.loads(line) for line in LINES]


def text(blocks) -> bytes:
    return b"".join(json.dumps(block).encode() + b"\n" for block in blocks)


def paid(outcome):
    return outcome.recorded.haircut, outcome.recorded.max_burden


def facts(episode):
    """What the hand-computed test checks, in one value."""
    return [
        (
            r.start_ms,
            r.accounts.id.tolist(),
            r.accounts.equity.tolist(),
            r.deficit,
            o.needed,
            o.recorded.haircut,
        )
        for r, o in episode
    ]


@pytest.fixture(scope="module")
def whole():
    return facts(import_node_fills([FILLS], clearinghouse=[SNAPSHOT])[0])


def read(path, **options):
    return import_node_fills([path], clearinghouse=[SNAPSHOT], **options)


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_lz4_frames_give_the_same(write, whole, frames):
    step = 6 // frames
    packed = b"".join(lz4.frame.compress(b"".join(LINES[i : i + step])) for i in range(0, 6, step))
    episode, report = read(write(packed, "a.json"))  # known by its first bytes, not by its name
    assert facts(episode) == whole
    assert report.unused == 0


def test_a_cut_lz4_frame_is_told_and_the_rest_stands(write, whole):
    first, second = lz4.frame.compress(b"".join(LINES[:5])), lz4.frame.compress(LINES[5])
    told = []
    episode, report = read(write(first + second[:-30], "cut.lz4"), tell=told.append)
    assert facts(episode) == whole[:1]
    assert [line for line in told if "LZ4 frame that ends early: the file is cut" in line] == told
    assert "cut.lz4 has an LZ4 frame that ends early" in episode.source
    # blocks of 64 KiB: what came before the cut is read, and its last line is cut
    many = [
        BLOCKS[5]
        | {"block_number": 1000 + n, "events": [], "local_time": random.Random(n).randbytes(500).hex()}
        for n in range(300)
    ]
    packed = lz4.frame.compress(b"".join(LINES) + text(many), block_size=4)
    episode, report = read(write(packed[: len(packed) // 2], "cut2.lz4"))
    assert facts(episode) == whole
    assert "is a line that is cut" in report.troubles
    assert "ends early" in report.troubles
    assert report.unused == 2


def test_a_damaged_lz4_frame_and_bytes_after_it(write, whole):
    packed = lz4.frame.compress(b"".join(LINES))
    episode, report = read(write(packed + b"what is this", "tail.lz4"))
    assert facts(episode) == whole
    assert "bytes after its LZ4 frame" in report.troubles
    damaged = bytearray(lz4.frame.compress(b"".join(LINES[:5])) + packed)
    damaged[-200:-100] = bytes(100)
    damaged[len(damaged) - len(packed) + 4 : len(damaged) - len(packed) + 10] = b"\xff" * 6
    _, report = read(write(bytes(damaged), "damaged.lz4"))
    assert report.unused == 1


def test_a_cut_last_line(write, whole):
    episode, report = read(write(b"".join(LINES)[:-20], "cut.json"))
    assert facts(episode) == whole[:1]
    assert "cut.json:6 is a line that is cut" in report.troubles
    episode, report = read(write(b"".join(LINES)[:-1], "whole.json"))  # only the line's end lacks
    assert (facts(episode), report.unused) == (whole, 0)


def test_blocks_seen_twice(write, whole):
    doubled = b"".join(line * 2 for line in LINES)
    episode, report = read(write(doubled, "twice.json"))
    assert (facts(episode), report.unused) == (whole, 6)
    assert "twice.json:2 is a block seen before (block 700)" in report.troubles
    episode, report = import_node_fills([FILLS, FILLS], clearinghouse=[SNAPSHOT])
    assert (facts(episode), report.unused) == (whole, 6)
    other = text([BLOCKS[1] | {"events": [], "block_time": BLOCKS[2]["block_time"]}])
    episode, report = read(write(b"".join(LINES) + other, "other.json"))
    assert facts(episode) == whole
    assert "other.json:7 has the number of another block: the first stays (block 701)" in report.troubles


def test_blocks_out_of_order(write, whole):
    shuffled = random.Random(3).sample(LINES, 6)
    assert shuffled != LINES
    episode, report = read(write(b"".join(shuffled), "shuffled.json"))
    assert (facts(episode), report.unused) == (whole, 0)
    assert "blocks out of order were put back" in episode.source
    later = [BLOCKS[5] | {"block_number": 800 + n, "events": []} for n in range(100)]
    late = b"".join(LINES[:2] + LINES[3:]) + text(later) + LINES[2]
    episode, report = read(write(late, "late.json"))
    assert len(episode) == 2
    assert "late.json:106 is a block that comes too late (702 after 8" in report.troubles


def test_time_that_runs_back(write, whole):
    back = [dict(block) for block in BLOCKS]
    back[4]["block_time"] = "2025-10-10T21:16:03.300"  # 100 ms before block 3: lifted to its time
    episode, report = read(write(text(back), "back.json"))
    assert [o.needed for _, o in episode] == [8.0, 2.0]
    assert "1 blocks whose time ran back a little" in str(report)
    back[4]["block_time"] = "2025-10-10T20:16:03.300"
    _, report = read(write(text(back), "far.json"))
    assert "far.json:5 has a time that runs back against the block numbers" in report.troubles


UNITS = {"s": 1e-3, "ms": 1, "us": 1000, "ns": 1_000_000}


def test_mixed_time_units(write, whole):
    from adl_opt.datasets.node_fills.times import milliseconds

    blocks = json.loads(json.dumps(BLOCKS))
    for place, block in enumerate(blocks):
        unit = list(UNITS)[place % 4]
        ms = milliseconds(block["block_time"])[0]
        block["block_time"] = ms / 1000 if unit == "s" else int(ms * UNITS[unit])
        for _, fill in block["events"]:
            fill["time"] = str(fill["time"] * 1000) if place % 2 else fill["time"]
    episode, report = read(write(text(blocks), "units.json"))
    assert (facts(episode), report.unused) == (whole, 0)
    assert report.counts["blocks with times in s"] == 2
    assert report.counts["blocks with times in us"] == 4  # one of block_time, three of fills
    assert "2 blocks with times in s" in episode.source
    blocks[0]["events"][0][1]["time"] += 5000
    _, report = read(write(text(blocks), "off.json"))
    assert report.counts["fills off their block's clock"] == 1


def changed(place, **fields):
    block = json.loads(LINES[1])
    block["block_number"] += 1000
    block["block_time"] = "2025-10-10T21:16:20"
    block["events"][place][1] |= fields
    return json.dumps(block).encode()


BAD = {
    "not JSON": (b'{"block', "is not JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "is not UTF-8"),
    "a list": (b"[1]", "is no JSON object"),
    "deep": (b'{"events": ' + b"[" * 100_000, "nested deeper than 64"),
    "no number": (b'{"block_time": "2025-10-10T21:16:04", "events": []}', "has no block_number"),
    "number as text": (b'{"block_number": "7", "events": []}', "has no block_number"),
    "no events": (b'{"block_number": 900}', "has no list of events"),
    "no time": (b'{"block_number": 900, "events": []}', "has a time that is none"),
    "impossible date": (b'{"block_number": 9, "block_time": "2025-13-10T21:16:04", "events": []}', "month"),
    "event of three": (b'{"block_number": 900, "block_time": 1760130969, "events": [[1, 2, 3]]}', "event 1"),
    "price 0": (changed(0, px="0"), "px is not above 0"),
    "price NaN": (changed(0, px="nan"), "px is not finite"),
    "price as list": (changed(0, px=[1]), "px is no number"),
    "underscore": (changed(0, sz="1_0"), "sz is no number"),
    "side": (changed(0, side="X"), "side is neither A nor B"),
    "no liquidation": (changed(0, liquidation=None), "without liquidation"),
    "opens": (changed(0, startPosition="-3"), "does not close its startPosition"),
    "closes too much": (changed(0, startPosition="1"), "does not close its startPosition"),
    "no closedPnl": (changed(0, closedPnl=None), "without closedPnl"),
    "coin": (changed(0, coin=7), "user or coin that is no text"),
    "time of a fill": (changed(0, time="soon"), "has a time that is none"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_listed_by_number(write, whole, case):
    line, why = BAD[case]
    told = []
    episode, report = read(write(LINES[0] + line + b"\n" + b"".join(LINES[1:]), "bad.json"), tell=told.append)
    assert facts(episode)[:2] == whole
    assert report.unused == 1
    assert len(told) == 1
    assert told[0].startswith("bad.json:2 ")
    assert why in told[0]
    assert told[0] in episode.source


def test_decompression_is_bounded(write):
    bomb = write(lz4.frame.compress(bytes(20 << 20)), "bomb.lz4")
    refused(lambda: read(bomb, limits=UnpackLimits(slack=1 << 20)), InputError, "unpacks to more", "8 : 1")
    refused(lambda: read(bomb, limits=UnpackLimits(total=1 << 20)), InputError, "1048576 bytes")
    told, limits = [], UnpackLimits(line=1 << 20, slack=64 << 20)
    refused(lambda: read(bomb, limits=limits, tell=told.append), InputError, "no ADL fill")
    assert told == ["bomb.lz4:1 is longer than 1048576 bytes"]


def test_a_long_line_is_passed_over(write, whole):
    long = LINES[0] + b"x" * 9000 + b"\n" + b"".join(LINES[1:]) + b"y" * 9000
    episode, report = read(write(long, "long.json"), limits=UnpackLimits(line=4000))
    assert facts(episode) == whole
    assert "long.json:2 is longer than 4000 bytes; long.json:8 is longer" in report.troubles


def test_files_that_are_none(write, tmp_path):
    refused(lambda: read(write(b"a\nb\nc\n", "x.json")), InputError, "most lines are no blocks", "x.json:1")
    refused(lambda: read(write(b"", "x.json")), InputError, "no ADL fill")
    refused(lambda: read(write(LINES[0], "x.json")), InputError, "no ADL fill", "1 lines, 4 fills")
    refused(lambda: read(tmp_path / "none.json"), InputError, "does not exist")
    refused(lambda: read(tmp_path), InputError, "is a folder")
    refused(lambda: import_node_fills([]), UsageError, "no file")
    refused(lambda: import_node_fills([FILLS], misc=[FILLS]), UsageError, "without a snapshot")
    refused(lambda: import_node_fills([FILLS], markout_ms=6000), UsageError, "6000 ms")
    refused(lambda: import_node_fills([FILLS], markout_ms=-1), UsageError, "-1")
    refused(lambda: import_node_fills([FILLS], adl_prices="x"), UsageError, "adl_prices")


@pytest.mark.parametrize("content", ["", "{", "7", "[]", '{"a": 1}', '[{"market_name"'])
def test_snapshots_that_are_none(write, content):
    path = write(content, "snap.json")
    refused(
        lambda: import_node_fills([FILLS], clearinghouse=[path]), InputError, "not a clearinghouse snapshot"
    )


def test_bad_parts_of_a_snapshot_are_told(write):
    data = json.loads(SNAPSHOT.read_text())
    data["account_values"] += [{"user": "x", "account_value": "nan"}, 7]
    data["positions"][0]["positions"] += [
        {"user": "y"},
        {"user": "z", "size": "1", "entry_price": "1", "notional_size": "0"},
    ]
    episode, report = import_node_fills([FILLS], clearinghouse=[write(json.dumps(data), "snap.json")])
    assert report.unused == 4
    assert len(episode) == 2


def test_hours_in_sequence(tmp_path, whole):
    names = {
        "node_fills_20251010_23.json": LINES[5:],
        "node_fills_20251010_9.json": LINES[:2],
        "node_fills_20251010_10.json": LINES[2:5],
    }
    for name, lines in names.items():
        (tmp_path / name).write_bytes(b"".join(lines))
    episode, report = import_node_fills([tmp_path / name for name in names], clearinghouse=[SNAPSHOT])
    assert facts(episode) == whole
    assert [name[-7:-5] for name in report.files] == ["_9", "10", "23"]
    assert "hours are missing between node_fills_20251010_10.json and node_fills_20251010_23" in str(report)


def test_hours_over_midnight_and_names_that_carry_none(tmp_path, whole):
    def told(*names):
        for name, lines in zip(names, (LINES[:3], LINES[3:]), strict=True):
            (tmp_path / name).write_bytes(b"".join(lines))
        return str(import_node_fills([tmp_path / name for name in names], clearinghouse=[SNAPSHOT])[1])

    assert "missing" not in told("node_fills_20251010_23.json", "node_fills_20251011_0.json")
    assert "hours are missing" in told("node_fills_20251010_23.json", "node_fills_20251011_01.json")
    assert "missing" not in told("node_fills_20259999_23.json", "node_fills_20251011_77.json")


def test_parts_of_a_file_are_read_as_one(tmp_path, whole):
    packed = lz4.frame.compress(b"".join(LINES))
    cuts = [0, 100, 101, len(packed)]
    names = [f"node_fills_20251010_21.lz4.part-a{letter}" for letter in "abc"]
    for name, (low, high) in zip(names, pairwise(cuts), strict=True):
        (tmp_path / name).write_bytes(packed[low:high])
    paths = [tmp_path / name for name in names]
    for order in (paths, paths[::-1]):
        episode, report = import_node_fills(order, clearinghouse=[SNAPSHOT])
        assert facts(episode) == whole
        assert report.files == ("node_fills_20251010_21.lz4",)
        assert report.unused == 0
    for some in (paths[1:], [paths[0], paths[2]], [*paths, paths[0]]):
        refused(lambda some=some: import_node_fills(some), InputError, "parts are missing", "part-a")
    (tmp_path / names[1]).unlink()
    refused(lambda: import_node_fills(paths), InputError, "part-ab: the file does not exist")


def test_what_a_snapshot_says_twice_is_told(write, whole):
    data = json.loads(SNAPSHOT.read_text())
    first = data["positions"][0]["positions"][0]
    data["positions"][0]["positions"].append(first | {"size": "9", "notional_size": "900"})
    data["account_values"] += [{"user": "ann", "account_value": "7"}, {"user": "bob", "account_value": "500"}]
    path = write(json.dumps(data), "snap.json")
    episode, report = import_node_fills([FILLS], clearinghouse=[path])
    assert facts(episode) == whole
    assert report.unused == 2
    assert "a second position of an account in a market: the first stands (BTC, ann)" in report.troubles
    assert "a second account value of an account: the first stands (ann)" in report.troubles


def test_the_command_lists_and_strict_refuses(write, tmp_path):
    path = write(b"".join(LINES) + b"{}\n", "bad.json")
    args = ["import", "node-fills", str(path), "--out", str(tmp_path / "e")]
    told = CliRunner().invoke(app, [*args, "--strict"])
    assert isinstance(told.exception, InputError)
    assert "--strict was given" in str(told.exception)
    assert not (tmp_path / "e").exists()
    told = CliRunner().invoke(app, args)
    assert told.exit_code == 0
    assert told.stderr == "not used: bad.json:7 has no block_number\n"
    assert (tmp_path / "e" / "episode.toml").exists()


def test_a_block_on_several_lines_is_one_block(write, whole):
    parts = []
    for block in BLOCKS:  # one event a line, the envelope is repeated
        parts += [block | {"events": [event]} for event in block["events"]]
    episode, report = read(write(text(parts), "split.json"))
    assert (facts(episode), report.unused) == (whole, 0)
    assert f"{len(parts) - len(BLOCKS)} lines went on with the block of an earlier line" in report.notes
    again = [part | {"local_time": "2025-10-10T21:17:00"} for part in parts]
    episode, report = read(write(text(parts + again), "again.json"))
    assert (facts(episode), report.unused) == (whole, len(parts))
    whole_too = [BLOCKS[1] | {"events": BLOCKS[1]["events"][:1]}, BLOCKS[1]]
    episode, report = read(write(text([BLOCKS[0], *whole_too, *BLOCKS[2:]]), "partly.json"))
    assert facts(episode) == whole
    assert "has events that an earlier line of its block has (1 fills, block 701)" in report.troubles


def test_thousands_of_lines_of_one_block(write, whole):
    empty = [BLOCKS[1] | {"events": [], "n": n} for n in range(5000)]
    episode, report = read(write(text([BLOCKS[0], *empty, *BLOCKS[1:]]), "many.json"))
    assert facts(episode) == whole
    assert report.unused == 0


def test_files_named_by_the_hour_alone(tmp_path, whole):
    for name, lines in {"9.lz4": LINES[:3], "10.lz4": LINES[3:]}.items():
        (tmp_path / name).write_bytes(lz4.frame.compress(b"".join(lines)))
    episode, report = import_node_fills([tmp_path / "10.lz4", tmp_path / "9.lz4"], clearinghouse=[SNAPSHOT])
    assert facts(episode) == whole
    assert report.notes[0] == "the files were put in the order of their hours"

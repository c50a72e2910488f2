"""Hostile inputs of at most 1 MB for every reader, each in a process of its own: seconds, memory, messages.

No reader may take more than 256 MiB or 10 seconds, end in a traceback, or print a control character.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import adl_opt as adl
from adl_opt.datasets.store.folder import save_episode

MEBIBYTES, SECONDS, SIZE = 256.0, 10.0, 1_000_000
ESCAPE = "\x1b]0;title\x07\x1b[2J\x9b31m"

Case = tuple[list[str], bytes | None]
"""Arguments of a command, and its standard input."""


def _filled(unit: str, size: int = SIZE) -> str:
    return unit * (size // len(unit.encode()))


def _block(events: str) -> str:
    return f'{{"block_time":"2025-10-10T21:16:00","block_number":1,"events":[{events}]}}'


def _nested(opening: str, closing: str, size: int = SIZE) -> str:
    count = size // (len(opening) + len(closing))
    return opening * count + "0" + closing * count


def jsons() -> dict[str, str]:
    """Return JSON texts of at most 1 MB that want much memory or time, or can be read in two ways."""
    return {
        "lists": "[" + _filled("[],") + "[]]",
        "objects": "[" + _filled('{"a":0},') + "{}]",
        "keys": "{" + ",".join(f'"{k:x}":{{}}' for k in range(90_000)) + "}",
        "deep-lists": _nested("[", "]"),
        "deep-objects": '{"a":' * 160_000 + "0" + "}" * 160_000,
        "one-number": "9" * SIZE,
        "exponent": '{"number":1e' + "9" * 100_000 + "}",
        "one-text": '{"' + "\N{GRINNING FACE}" * (SIZE // 4 - 4) + '":0}',
        "same-key": "{" + _filled('"a":0,') + '"a":1}',
        "escapes": json.dumps({ESCAPE: ESCAPE}),
        "bare-escapes": '{"' + ESCAPE + '":0}',
        "floats": "[" + _filled("1e9,") + "1]",
        "texts": "[" + _filled('"ab",') + "1]",
    }


def csvs() -> dict[str, str]:
    """Return CSV texts of at most 1 MB."""
    head, row = "id,pnl,equity\n", "{:x},1,1\n"
    rows = "".join(row.format(k) for k in range(SIZE // 10))
    return {
        "rows": head + rows,
        "one-id": head + "x" * (SIZE - 30) + ",1,1\n",
        "one-long-id-of-many": head + "y" * 250 + ",1,1\n" + rows,
        "columns": "id,pnl,equity," + ",".join(f"c{k}" for k in range(SIZE // 14)) + "\n",
        "columns-wide": "id,pnl,equity"
        + _filled(",", SIZE // 2)
        + "\na,1,1"
        + _filled(",", SIZE // 2)
        + "\n",
        "blank-lines": head + _filled("\n"),
        "quotes": head + _filled('"'),
        "quoted-lines": head + '"' + _filled("\n") + '",1,1\n',
        "commas": head + _filled(","),
        "one-number": head + "a," + "9" * SIZE + ",1\n",
        "numbers-of-other-scripts": head + _filled("a,\N{ARABIC-INDIC DIGIT ONE},1\n"),
        "escapes": head + f"{ESCAPE},1,1\n",
        "header-escapes": f"id,pnl,{ESCAPE}\na,1,1\n",
        "short-rows": "id,pnl,equity\n" + _filled("a\n"),
    }


def _lz4(text: bytes) -> bytes:
    return bytes(lz4.frame.compress(text, compression_level=3))


def _bomb(unit: bytes, size: int = 240 * SIZE) -> bytes:
    return _lz4(unit * (size // len(unit)))


def fills() -> dict[str, bytes]:
    """Return files of node fills, plain and LZ4, of at most 1 MB."""
    event = (
        '["0xa",{"coin":"BTC","px":"1","sz":"1","side":"B","startPosition":"0","closedPnl":"0","fee":"0",'
        '"tid":%d,"time":1760130960000}],'
    )
    plain = {f"json-{name}": text.encode() for name, text in jsons().items()}
    plain |= {
        "events": _block(_filled("[],") + "[]").encode(),
        "ids": _block("".join(event.replace("0xa", f"{k:x}") % k for k in range(6000))[:-1]).encode(),
        "coins": _block("".join(event.replace("BTC", f"{k:x}") % k for k in range(6000))[:-1]).encode(),
        "one-id": _block((event.replace("0xa", "x" * (SIZE - 1000)) % 1)[:-1]).encode(),
        "lines": b"{}\n" * (SIZE // 3),
        "blank-lines": b"\n" * SIZE,
        "blocks": (_block("") + "\n").encode() * (SIZE // 80),
        "numbers": b"".join(
            (_block((event % k)[:-1]).replace('er":1', f'er":{2**62 - k}') + "\n").encode()
            for k in range(4000)
        ),
    }
    packed = {
        "lz4-lists": _bomb(b"[],"),
        "lz4-line": _lz4(_block("[]," * 20_000_000 + "[]").encode()),
        "lz4-lines": _bomb(b"{}\n"),
        "lz4-blocks": _bomb((_block((event % 1)[:-1]) + "\n").encode()),
        "lz4-zeros": _bomb(b"\0"),
        "lz4-frames": _lz4(b"") * (SIZE // len(_lz4(b""))),
        "lz4-cut": _bomb(b"{}\n")[:1000],
    }
    return plain | packed


def snapshots() -> dict[str, bytes]:
    """Return clearinghouse snapshots of at most 1 MB."""
    rows = ",".join(f'{{"user":"{k:x}","account_value":1}}' for k in range(25_000))
    return {f"json-{name}": text.encode() for name, text in jsons().items()} | {
        "accounts": f"[{rows}]".encode(),
        "lz4-lists": _bomb(b"[],"),
        "lz4-text": _lz4(b'["' + "\N{GRINNING FACE}".encode() * 15_000_000 + b'"]'),
        "lz4-accounts": _lz4(b"[" + b'{"user":"a","account_value":1},' * 2_000_000 + b"0]"),
    }


def tomls() -> dict[str, str]:
    """Return TOML of at most 1 MB: a plan, or the policy in service."""
    return {
        "nested": "a = " + "[" * 400_000 + "]" * 400_000,
        "inline": "a = " + "{b=" * 200_000 + "0" + "}" * 200_000,
        "tables": "[" + ".".join("a" for _ in range(SIZE // 2)) + "]",
        "many-tables": "".join(f"[a{k:x}]\n" for k in range(SIZE // 9)),
        "dotted": "".join(f"a.b{k:x}.c=1\n" for k in range(SIZE // 15)),
        "arrays": "".join("[[a]]\n" for _ in range(SIZE // 6)),
        "lists": "a = [" + _filled("[],") + "]",
        "number": "a = " + "9" * SIZE,
        "escapes": f"a = '{ESCAPE}'\n",
        "escaped-key": 'policy = "pro-rata"\n"\\u001b[2J" = 1\n',
        "many-policies": "policies = [" + _filled('"pro-rata",') + ']\nscenarios=["no-deficit"]\nseeds=1\n',
        "many-seeds": 'policies = ["pro-rata"]\nscenarios = ["no-deficit"]\nseeds = 999999999999\n',
    }


def _table(path: Path, columns: dict[str, Any], **more: Any) -> Path:
    pq.write_table(pa.table(columns), path, **{"compression": "zstd"} | more)
    return path


def _episode_of(folder: Path, table: str, columns: Callable[[pa.Table], pa.Table]) -> Path:
    """Save an episode, and put another table into it, with the SHA-256 that the manifest then has."""
    from hashlib import sha256

    save_episode(adl.load("synthetic(accounts=3, rounds=1)"), folder)
    path, manifest = folder / f"{table}.parquet", folder / "episode.toml"
    before = sha256(path.read_bytes()).hexdigest()
    pq.write_table(columns(pq.read_table(path)), path, compression="zstd")
    text = manifest.read_text().partition("\n[manifest]")[0]
    manifest.write_text(text.replace(before, sha256(path.read_bytes()).hexdigest()))
    return folder


def _repeated(count: int) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.take(pa.array(np.zeros(count, dtype=np.int64)))


def _renamed(text: str) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("id")
        names = table.column(place).to_pylist()
        return table.set_column(place, table.schema.field(place), pa.array([text, *names[1:]]))

    return change


def _numbered(text: str, count: int) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        table = _repeated(count)(table)
        place = table.schema.get_field_index("id")
        return table.set_column(
            place, table.schema.field(place), pa.array([text, *(f"{k:x}" for k in range(count - 1))])
        )

    return change


def folders(folder: Path) -> dict[str, Path]:
    """Write episode folders whose tables are small on the disk."""
    made = {
        "rows": ("accounts", _repeated(20_000_000)),
        "rounds": ("rounds", _repeated(20_000_000)),
        "one-id": ("accounts", _renamed("x" * 50_000_000)),
        "one-long-id-of-many": ("accounts", _numbered("x" * 250, 200_000)),
        "escapes": ("accounts", _renamed(ESCAPE)),
    }
    return {name: _episode_of(folder / name, *change) for name, change in made.items()}


def _thrift_bomb() -> bytes:
    return b"PAR1" + b"\x19\xfc\xff\xff\xff\x0f" * 1000 + struct.pack("<I", 6000) + b"PAR1"


def cases(folder: Path) -> Iterable[tuple[str, Case]]:
    """Yield the name of each case, and its command; files are written as they are needed."""

    def file(name: str, content: str | bytes) -> str:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    out = str(folder / "out")
    line = b'{"block_time":"2025-10-10T21:16:00","block_number":1,"events":[]}\n'
    accounts = file("accounts.csv", "id,pnl,equity\na,50,100\nb,30,90\n")
    for name, text in csvs().items():
        yield f"csv accounts {name}", (["solve", file("a.csv", text), "--budget", "1"], None)
        flow = ["--flow", file("b.csv", text), "--deficit", "1", "--needed", "1", "--out", out]
        yield f"csv flow {name}", (["import", "accounts", accounts, *flow], None)
        yield f"csv moves {name}", (["next", "synthetic(rounds=1)", "--moves", file("m.csv", text)], None)
        yield f"csv haircuts {name}", (["import", "hyperreplay", file("h.csv", text), "--out", out], None)
    for name, content in fills().items():
        yield f"fills {name}", (["import", "node-fills", file("f", content), "--out", out], None)
    for name, content in snapshots().items():
        more = ["--clearinghouse", file("s", content), "--out", out]
        yield f"snapshot {name}", (["import", "node-fills", file("f", line), *more], None)
    good = file("good-snapshot", '[{"user":"a","account_value":1}]')
    for name, text in jsons().items():
        more = ["--clearinghouse", good, "--misc", file("misc", text), "--out", out]
        yield f"misc {name}", (["import", "node-fills", file("f", line), *more], None)
        yield f"proof {name}", (["verify", file("proof.json", text)], None)
        (folder / "result").mkdir(exist_ok=True)
        yield f"result {name}", (["verify", file("result/result.json", text)], None)
        model = ["--model", "min-max-lp", "--budget", "1"]
        yield f"answer {name}", (["certify-point", accounts, file("answer", text), *model], None)
        shadow = ["shadow", "full-deficit/pro-rata", "--state", str(folder / f"state-{name}")]
        yield f"shadow line {name}", (shadow, text.encode() + b"\n")
        table = '{"kind":"round","round":{"deficit":1,"accounts":' + text + "}}\n"
        yield f"shadow accounts {name}", (shadow, table.encode())
        yield (
            f"shadow log {name}",
            (["shadow", "full-deficit/pro-rata", "--verify", file("log-1.jsonl", text + "\n")], None),
        )
    yield (
        "shadow endless line",
        (["shadow", "full-deficit/pro-rata", "--state", str(folder / "state")], b" " * SIZE),
    )
    for name, text in tomls().items():
        (folder / "episode").mkdir(exist_ok=True)
        yield f"episode toml {name}", (["show", file("episode/episode.toml", text).rpartition("/")[0]], None)
        yield f"sweep plan {name}", (["sweep", file("plan.toml", text), "--out", out], None)
        yield f"policy toml {name}", (["shadow", file("policy.toml", text), "--state", out], b"")
    for name, path in folders(folder).items():
        yield f"episode {name}", (["show", str(path)], None)
    many = np.zeros(20_000_000)
    moves = str(_table(folder / "moves.parquet", {"BTC": many, "ETH": many}))
    yield "parquet moves", (["next", "synthetic(rounds=1)", "--moves", moves], None)
    wide = str(_table(folder / "wide.parquet", {f"c{k}": [0.0] for k in range(8000)}))
    yield "parquet columns", (["next", "synthetic(rounds=1)", "--moves", wide], None)
    thrift = file("thrift.parquet", _thrift_bomb())
    yield "parquet footer", (["next", "synthetic(rounds=1)", "--moves", thrift], None)
    yield "name of a file", (["verify", f"./{ESCAPE}"], None)
    yield "name of a policy", (["replay", "oct10", "--policy", ESCAPE], None)
    yield "name of an option", (["replay", "oct10", f"--{ESCAPE}"], None)
    yield "name of a command", ([ESCAPE], None)
    yield "number of digits", (["replay", "oct10", "--policy", f"constant({'9' * 5000})"], None)
    yield "card", (["models", "show", _model(folder)], None)


def _model(folder: Path) -> str:
    (folder / "model").mkdir()
    (folder / "model" / "model.md").write_text(f"# {ESCAPE}\n")
    (folder / "model" / "model.py").write_text("")
    return str(folder / "model")


def measured(arguments: list[str], given: bytes | None, folder: Path) -> dict[str, Any]:
    """Run a command in a process of its own; return exit code, seconds of work, MiB, and what it prints."""
    memory = folder / "memory"
    memory.unlink(missing_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-c", _MEASURED, str(memory), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        text = child.communicate(given or b"", timeout=12 * SECONDS)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        text = child.communicate()[0]
    kibibytes, seconds = map(float, memory.read_text().split()) if memory.exists() else (math.inf, math.inf)
    return {"code": child.returncode, "seconds": seconds, "mebibytes": kibibytes / 1024, "text": text}


_MEASURED = """
import atexit, pathlib, re, sys, time
out = pathlib.Path(sys.argv.pop(1))
status = pathlib.Path("/proc/self/status")
atexit.register(
    lambda: out.write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] + f" {time.process_time()}")
)
from adl_opt.cli.app import main
main()
"""


def faults(code: int, seconds: float, mebibytes: float, text: bytes) -> list[str]:
    """Return what is wrong with a run."""
    shown = text.decode("utf-8", "replace")
    odd = sorted({hex(ord(c)) for c in shown if not c.isprintable() and c not in "\n\t"})
    return [
        *([f"exit {code}"] if code not in (0, 1, 2) else []),
        *(["traceback"] if "Traceback" in shown else []),
        *([f"control characters {odd}"] if odd else []),
        *(["more than 256 MiB"] if mebibytes > MEBIBYTES else []),
        *(["more than 10 s"] if seconds > SECONDS else []),
        *(["a message of more than 200 kB"] if code and len(shown) > 200_000 else []),
    ]


def hostile_inputs(folder: Path, *only: str) -> list[dict[str, Any]]:
    """Give readers hostile inputs, all or those with a word in their name; return a row for each fault."""
    rows, count, slowest, largest = [], 0, 0.0, 0.0
    for name, (arguments, given) in cases(folder):
        if not only or any(word in name for word in only):
            got = measured(arguments, given, folder)
            count, slowest = count + 1, max(slowest, got["seconds"])
            largest = max(largest, got["mebibytes"])
            facts = {"seconds": round(got["seconds"], 1), "MiB": f"{got['mebibytes']:.0f}"}
            last = got["text"].decode("utf-8", "replace").strip()[-150:]
            if wrong := faults(**got):
                rows.append({"input": name, "wrong": ", ".join(wrong), **facts, "says": ascii(last)})
                print(rows[-1], file=sys.stderr, flush=True)
    said = f"{count} inputs"
    return [
        *rows,
        {"input": "all", "wrong": "", "seconds": round(slowest, 1), "MiB": round(largest), "says": said},
    ]

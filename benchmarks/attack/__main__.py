"""``python -m benchmarks.attack plugins``: one campaign, as a table."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.attack.bits import bits
from benchmarks.attack.inputs import hostile_inputs
from benchmarks.attack.kills import kills
from benchmarks.attack.plugins import attack
from benchmarks.attack.rounds import hostile_rounds

if __name__ == "__main__":
    campaigns = {"bits": bits, "inputs": hostile_inputs, "kills": kills}
    campaigns |= {"plugins": attack, "rounds": hostile_rounds}
    with tempfile.TemporaryDirectory() as folder:
        rows = campaigns[sys.argv[1]](Path(folder), *sys.argv[2:])
    print("|", " | ".join(rows[0]), "|")
    print("|", " | ".join("---" for _ in rows[0]), "|")
    for row in rows:
        print("|", " | ".join(str(value).replace("|", "/") for value in row.values()), "|")

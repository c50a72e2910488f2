"""The table of the README is the output of the program: this writes it anew (``make readme``)."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- replay -->\n```\n)(.*?)(```\n<!-- /replay -->)", re.DOTALL)


def table() -> str:
    """Return what ``make replay`` prints, trailing blanks aside."""
    out = subprocess.run(
        [sys.executable, "-m", "adl_opt", "replay", "oct10"], capture_output=True, text=True, check=True
    ).stdout
    return "\n".join(line.rstrip() for line in out.rstrip().splitlines()) + "\n"


def shown() -> str:
    """Return the table as it stands in the README."""
    return BLOCK.search(README.read_text(encoding="utf-8"))[2]


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(lambda m: m[1] + table() + m[3], text), encoding="utf-8")

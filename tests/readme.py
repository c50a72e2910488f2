"""The table and the figure of the README are the program's: this writes them anew (``make readme``)."""

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


FIGURE = README.parent / "docs" / "cumulative.svg"


def figure() -> bytes:
    """Return the figure: the policies of the table that a figure has room for."""
    import adl_opt as adl
    from adl_opt.reports.figures.style import rendered

    return rendered(adl.replay("oct10").plot.cumulative(), "svg")


if __name__ == "__main__":
    FIGURE.write_bytes(figure())
    text = README.read_text(encoding="utf-8")
    README.write_text(BLOCK.sub(lambda m: m[1] + table() + m[3], text), encoding="utf-8")

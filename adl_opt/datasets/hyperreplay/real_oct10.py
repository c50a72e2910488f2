"""October 10, 2025 from the public files of a folder (``adl-opt fetch oct10``, or laid there by hand)."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path

from adl_opt.datasets.fetch.registry import public_files
from adl_opt.datasets.hyperreplay.importer import import_hyperreplay
from adl_opt.datasets.hyperreplay.report import ImportReport
from adl_opt.datasets.oct10 import oct10_rounds
from adl_opt.errors import InputError
from adl_opt.locks import keeps_inputs
from adl_opt.rounds.episode import Episode

FILLS = "adl_detailed_analysis_REALTIME"
GAPS = "two_pass_wave_coin_gap_per_contract.csv"


@keeps_inputs("out")
def import_oct10(
    folder: str | PathLike[str], out: str | PathLike[str] | None = None, overwrite: bool = False
) -> tuple[Episode, ImportReport]:
    """Build the real episode of October 10, 2025 from the public files that a folder holds.

    Parameters
    ----------
    folder : path
        With ``adl_detailed_analysis_REALTIME*.csv`` (the canonical rows, or a part of them) and, if it is
        there, ``two_pass_wave_coin_gap_per_contract.csv``; anywhere below it.
    out : path, optional
        Episode folder to write.
    overwrite : bool
        Replace an episode that is in ``out``.

    Returns
    -------
    Episode, ImportReport
        The report ends with what is missing, one line each.

    Raises
    ------
    InputError
        No folder, no canonical rows, two files that could be meant, a file of another hash, or a value that
        is refused.
    UsageError
        ``out`` is already there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            "the folder of public files is not there",
            got=str(folder),
            ways_out=["adl-opt fetch oct10 --dir DIR"],
        )
    fills, gaps = _one(folder, f"{FILLS}*.csv"), _one(folder, GAPS)
    if fills is None:
        raise InputError(
            f"{folder.name}: no rows of ADL fills",
            got=f"{folder}: no {FILLS}*.csv in it or below",
            ways_out=["adl-opt fetch oct10 --dir DIR", "get the file by hand and lay it there"],
        )
    episode, report = import_hyperreplay(fills, out, None, gaps, overwrite)
    missing = [] if gaps else [f"no {GAPS}: the outcomes have no gaps by market"]
    table = set(oct10_rounds().number.tolist())
    if without := sorted(table - set(report.fills)):
        missing.append(f"no rows of rounds {', '.join(map(str, without))}: they are not in the episode")
    named = [file for file in public_files() if file.place.name == fills.name]
    if all(file.verify(fills) for file in named):
        missing.append(f"{fills.name} is not the pinned file as a whole: its hash was not verified")
    return episode, replace(report, notes=(*report.notes, *(f"missing: {line}" for line in missing)))


def _one(folder: Path, pattern: str) -> Path | None:
    found = sorted(path for path in folder.rglob(pattern) if path.is_file())
    if len(found) > 1:
        raise InputError(
            f"{folder.name}: more than one file could be meant",
            got=", ".join(map(str, found[:4])),
            ways_out=[
                "keep one of them there",
                "adl-opt import hyperreplay FILE, which takes the file you name",
            ],
        )
    return found[0] if found else None

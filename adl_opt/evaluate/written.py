"""The files of a replay: the same for the same input, and sealed by what they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.files import to_json, write_folder
from adl_opt.locks import keeps_inputs
from adl_opt.proofs.seals import sealed, sealed_text
from adl_opt.rounds.digest import episode_sha256
from adl_opt.rounds.episode import Episode
from adl_opt.tabular import to_csv
from adl_opt.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.policy.policy import Policy


def made_of(episode: Episode, policies: Sequence[Policy]) -> dict[str, Any]:
    """Return what a replay is made of, as plain values: SHA-256 of the episode, parts of each policy."""
    parts = {p.name: [p.severity.label(), p.allocation.label()] for p in policies}
    return {"episode_sha256": episode_sha256(episode), "policies": parts}


@keeps_inputs("out")
def refuse_replacing(episode: object, out: object) -> None:
    """Refuse an output that would replace the episode."""


def write_result(
    folder: Path, plain: dict[str, Any], tables: Mapping[str, pd.DataFrame], origin: Mapping[str, Any]
) -> None:
    """Write ``result.json``, a CSV for each table, and ``times.json``, as one.

    Parameters
    ----------
    folder : path
    plain : dict
        The JSON of the result.
    tables : dict of name to frame
    origin : mapping
        As :func:`made_of` gives it.
    """
    times = {row["policy"]: row.pop("seconds") for row in plain["policies"]}
    texts = {}
    for name, frame in tables.items():
        lasting = frame.drop(columns="seconds", errors="ignore")
        texts[f"{name}.csv"] = to_csv(lasting, index=frame.index.name is not None)
    seal = sealed(json.loads(to_json(plain)), {"adl_opt": __version__, **origin}, texts)
    texts["result.json"] = sealed_text(seal)
    write_folder(folder, texts | {"times.json": to_json({"seconds": times}) + "\n"})

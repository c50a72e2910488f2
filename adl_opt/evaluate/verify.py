"""Check what this package has written: proofs by the checker that stands alone, all else by its SHA-256."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer
from adl_opt.datasets.store.folder import MANIFEST, load_episode
from adl_opt.errors import AdlOptError, InputError, ProofRefused
from adl_opt.locks import recover_folder
from adl_opt.proofs.check import Refused, check, number
from adl_opt.proofs.seals import SEAL_OF_HTML, fault_of, sha256_of
from adl_opt.reading.bounded import file_bytes, plain_json
from adl_opt.rounds.digest import episode_sha256

if TYPE_CHECKING:
    import pandas as pd


_GIVE = "give a proof, or the folder of an episode, a replay --out or a sweep, or a report"


@dataclass(frozen=True, kw_only=True)
class Verified(Answer):
    """A proof that was accepted, or a thing that is as it was written.

    Parameters
    ----------
    path : str
    claim : str
        What is proven, in words.
    bound, objective : float or None
        No feasible point costs less than the bound; a point costs at most the objective.  None where the
        proof does not say.
    about : dict
        What the writer says of the proof.  It is not checked.
    """

    path: str
    claim: str
    bound: float | None
    objective: float | None
    about: dict[str, Any]

    def frame(self) -> pd.DataFrame:
        """Return one row."""
        import pandas as pd

        row = {"path": self.path, "bound": self.bound, "objective": self.objective, "claim": self.claim}
        return pd.DataFrame([row])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"schema": SCHEMA, "accepted": True, **asdict(self)}

    def __str__(self) -> str:
        facts = "".join(f"\n  {key}: {value}" for key, value in self.about.items())
        head = "\nstated by the writer, not checked:" if facts else ""
        return f"accepted: {self.claim}{head}{facts}"


def verify(path: str | PathLike[str]) -> Verified:
    """Check that a proof, an episode, a result, a sweep or a report is as it was written.

    A proof is checked in fractions: nothing of a solver, and no rounding, plays a part.  All else is held
    against the SHA-256 that it carries.

    Parameters
    ----------
    path : path
        A proof file, JSON, as ``solution.proof.write(path)`` or ``adl-opt solve ... --proof FILE`` writes it;
        an episode folder; the folder of ``adl-opt replay --out`` or its ``result.json``; the folder of a
        sweep; or an HTML report.

    Returns
    -------
    Verified

    Raises
    ------
    ProofRefused
        The file is a proof, and does not prove its claim.
    AdlOptError
        It is not as it was written.
    InputError
        It cannot be read, or is nothing that this package has written.

    Examples
    --------
    >>> import tempfile, adl_opt as adl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = adl.replay("synthetic(accounts=5, rounds=1)", "pro-rata", out=folder + "/out")
    ...     print(verify(folder + "/out").claim)
    a result of synthetic-0, as it was written
    """
    path = Path(path)
    recover_folder(path)
    if (path / MANIFEST).exists():
        return _episode(path)
    if (path / "sweep.json").exists():
        return _sweep(path)
    if (path / "result.json").exists():
        return _result(path)
    if path.name == "result.json":
        return _result(path.parent)
    return _report(path) if path.suffix == ".html" else _proof(path)


def _episode(path: Path) -> Verified:
    try:
        episode = load_episode(path)
    except InputError as error:
        raise _not_intact(path, f"{error.what}; {error.got}") from error
    return _intact(path, f"an episode of {len(episode)} rounds", {"sha256": episode_sha256(episode)})


def _result(folder: Path) -> Verified:
    document = _held(folder / "result.json")
    return _intact(folder, f"a result of {document.get('episode')}", document["made_of"])


def _sweep(folder: Path) -> Verified:
    """Check the parts, and the tables where the sweep has ended."""
    facts = _held(folder / "sweep.json")
    parts = sorted((folder / "parts").glob("part-*.parquet"))
    for part in parts:
        if part.stem.rpartition("-")[2] != sha256_of(part.read_bytes()):
            raise _not_intact(folder, f"{part.name} is not the file that was written")
    if not (folder / "results.json").exists():
        return _intact(folder, f"a sweep that has not ended, {len(parts)} of {facts['chunks']} parts", facts)
    document = _held(folder / "results.json")
    if document["made_of"].get("plan") != facts.get("plan") or len(parts) != facts.get("chunks"):
        raise _not_intact(folder, "its tables are of another plan, or parts are missing")
    return _intact(folder, f"a sweep of {len(parts)} parts", document["made_of"])


def _report(path: Path) -> Verified:
    try:
        above, mark, seal = file_bytes(path).decode().rpartition(SEAL_OF_HTML)
    except (OSError, ValueError) as error:
        raise InputError("the report cannot be read", got=f"{path}: {error}", ways_out=[_GIVE]) from error
    if not mark:
        raise InputError("the report has no seal", got=str(path), ways_out=[_GIVE])
    if seal != f"{sha256_of(above)} -->\n":
        raise _not_intact(path, "the SHA-256 of the report is not that of its content")
    return _intact(path, "a report", {})


def _held(path: Path) -> dict[str, Any]:
    """Return a sealed document; it and the files beside it are held against their SHA-256."""
    folder = path.parent
    try:
        data = file_bytes(path)
        document = dict(plain_json(data))
        names = [name for name in document["files"] if "/" not in name and (folder / name).is_file()]
        fault = fault_of(document, data, {name: (folder / name).read_bytes() for name in names})
        dict(document["made_of"])
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise _not_intact(path, f"it cannot be read: {error!r}") from error
    if fault is not None:
        raise _not_intact(folder, fault)
    return document


def _intact(path: Path, what: str, about: dict[str, Any]) -> Verified:
    return Verified(
        path=str(path), claim=f"{what}, as it was written", bound=None, objective=None, about=about
    )


def _not_intact(path: Path, why: str) -> AdlOptError:
    ways_out = ["make it again", "take an older copy"]
    return AdlOptError("it is not as it was written", got=f"{path}: {why}", ways_out=ways_out)


def _proof(path: Path) -> Verified:
    try:
        data = file_bytes(path)
        document = plain_json(data, infinite=True)
        claim = check(document, data)
        ends = [document["claim"].get(name) for name in ("bound", "objective")]
    except Refused as error:
        ways_out = ["solve again with --proof FILE"]
        raise ProofRefused(
            "the proof does not prove its claim", got=f"{path}: {error}", ways_out=ways_out
        ) from error
    except Exception as error:  # whatever a file may hold
        ways_out = [_GIVE, "check a .vipr file by viprchk"]
        raise InputError("the file is not a proof", got=f"{path}: {error!r}", ways_out=ways_out) from error
    bound, objective = (None if end is None else float(number(end)) for end in ends)
    return Verified(
        path=str(path), claim=claim, bound=bound, objective=objective, about=dict(document["about"])
    )

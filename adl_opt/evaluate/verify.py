"""Check a proof file by the checker that stands alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adl_opt.answer import SCHEMA, Answer
from adl_opt.errors import InputError, ProofRefused
from adl_opt.proofs.check import Refused, check, number

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Verified(Answer):
    """A proof that was accepted.

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
        return f"accepted: {self.claim}{facts}"


def verify(file: str | PathLike[str]) -> Verified:
    """Check a proof file: nothing of a solver, and no rounding, plays a part.

    Parameters
    ----------
    file : path
        JSON, as ``solution.proof.write(path)`` or ``adl-opt solve ... --proof FILE`` writes it.

    Returns
    -------
    Verified

    Raises
    ------
    ProofRefused
        The file is a proof, and does not prove its claim.
    InputError
        The file cannot be read, or is not a proof.
    """
    path = Path(file)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        claim = check(document)
        ends = [document["claim"].get(name) for name in ("bound", "objective")]
    except Refused as error:
        ways_out = ["solve again with --proof FILE"]
        raise ProofRefused(
            "the proof does not prove its claim", got=f"{path}: {error}", ways_out=ways_out
        ) from error
    except Exception as error:  # whatever a file may hold
        ways_out = ["give a file that solve --proof wrote", "check a .vipr file by viprchk"]
        raise InputError("the file is not a proof", got=f"{path}: {error!r}", ways_out=ways_out) from error
    bound, objective = (None if end is None else float(number(end)) for end in ends)
    return Verified(
        path=str(path), claim=claim, bound=bound, objective=objective, about=dict(document["about"])
    )

"""The document of a policy that runs in service: TOML with policy, parameters, loss, version and hash."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.checks import checked_type, quoted
from adl_opt.errors import InputError, UsageError
from adl_opt.files import write_text
from adl_opt.losses import Loss, as_loss
from adl_opt.naming import unknown_name
from adl_opt.policy.policy import Policy, as_policies, make_policy
from adl_opt.reading.bounded import toml_file
from adl_opt.service.wire import compact, sha256
from adl_opt.severity.base import make_severity
from adl_opt.tabular import Noun
from adl_opt.version import __version__

KEYS = ("policy", "parameters", "loss", "version", "hash")
PARTS = ("severity", "allocation")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class PolicyDocument(Noun):
    """What a policy in service is made of.

    Parameters
    ----------
    policy : str
        A name, as :func:`adl_opt.make_policy` takes it.
    parameters : dict
        Of the one part that is named; of a name of two parts ``severity`` and ``allocation``, a dict each.
    loss : str
        What its learners learn on, as :meth:`adl_opt.Loss.parse` reads it.
    version : str
        Version of adl_opt that wrote the document.

    Examples
    --------
    >>> document = PolicyDocument(policy="constant/pro-rata", parameters={"severity": {"theta": 0.5}})
    >>> document.make().name
    'constant(theta=0.5)/pro-rata'
    """

    policy: str
    parameters: dict[str, Any] = field(default_factory=dict)
    loss: str = ""
    version: str = __version__

    def values(self) -> dict[str, Any]:
        """Return policy, parameters, loss and version: what the hash is of."""
        return {name: getattr(self, name) for name in KEYS[:-1]}

    @property
    def hash(self) -> str:
        """SHA-256 of policy, parameters, loss and version as compact JSON with sorted keys."""
        return sha256(json.dumps(self.values(), sort_keys=True, separators=(",", ":"), allow_nan=False))

    def make(self) -> Policy:
        """Return the policy on its loss.

        Raises
        ------
        UsageError
            Unknown names or parameters.
        """
        severity, slash, allocation = self.policy.partition("/")
        if not slash or self.policy.startswith("model:"):
            made = make_policy(self.policy, **self.parameters)
        else:
            if strange := sorted(self.parameters.keys() - set(PARTS)):
                raise unknown_name("table of parameters", strange[0], PARTS)
            of_severity, of_allocation = (self.parameters.get(part, {}) for part in PARTS)
            rule = make_policy(allocation, **of_allocation).allocation
            made = Policy(severity=make_severity(severity, **of_severity), allocation=rule)
        return made.on(as_loss(self.loss or None))

    def text(self, note: str = "") -> str:
        """Return the document as TOML, under a note as its first line."""
        top = {"policy": self.policy, "loss": self.loss, "version": self.version, "hash": self.hash}
        lines = [f"{name} = {json.dumps(value)}" for name, value in top.items()]
        head = [f"# {note}"] if note else []
        return "\n".join([*head, *lines, *_table("parameters", self.parameters)]) + "\n"

    def write(self, path: str | PathLike[str], note: str = "") -> None:
        """Write the document, whole or not at all."""
        write_text(Path(path), self.text(note))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> PolicyDocument:
        """Read a document; its hash is checked where it has one.

        Raises
        ------
        InputError
            No TOML, a key that is not known or lacking, or a hash that is not that of the document.
        """
        path = Path(path)
        try:
            given = toml_file(path)[1]
        except (OSError, ValueError) as error:
            ways_out = ["give a TOML file with policy, parameters, loss, version and hash"]
            raise InputError(
                "the policy file cannot be read", got=f"{path}: {error}", ways_out=ways_out
            ) from error
        if strange := [key for key in given if key not in KEYS]:
            raise InputError(
                f"{path.name}: there are keys that are not known",
                got=", ".join(map(quoted, strange)),
                ways_out=[f"known keys: {', '.join(KEYS)}"],
            )
        stated = given.pop("hash", None)
        kinds = {f.name: dict if f.name == "parameters" else str for f in fields(cls)}
        wrong = [name for name, value in given.items() if not isinstance(value, kinds[name])]
        if "policy" not in given or wrong:
            got = ", ".join(f"{name} = {given[name]!r}" for name in wrong) or "no policy"
            ways_out = [
                'write policy = "ftrl-exact/pro-rata"',
                "loss and version are texts, parameters a table",
            ]
            raise InputError(f"{path.name}: this is no policy", got=got, ways_out=ways_out)
        made = cls(**given)
        if stated is not None and stated != made.hash:
            raise InputError(
                f"{path.name}: the hash is not that of the document",
                got=f"{stated}, and the document has {made.hash}",
                ways_out=["write the document again", "leave the hash out, if you changed it by hand"],
            )
        return made


def document_of(policy: str, loss: Loss | str | None = None, **parameters: Any) -> PolicyDocument:
    """Return the document of a policy by name, with what its learners learn on.

    Examples
    --------
    >>> print(document_of("constant(0.5)/binance", "under=2").text().splitlines()[1])
    loss = "under=2.0, over=1.0, fair=1.0, limit=capacity"
    """
    made = as_loss(loss)
    weights = {name: float(getattr(made, name)) for name in ("under", "over", "fair")}
    words = {name: word for name in ("base", "limit") if (word := getattr(made, name)) is not None}
    text = ", ".join(f"{name}={value}" for name, value in (weights | words).items())
    return PolicyDocument(policy=policy, parameters=parameters, loss=text)


def in_service(given: object, loss: Loss | str | None = None) -> tuple[Policy, PolicyDocument]:
    """Return a policy and its document, from a file of TOML, a document, a name, or a policy.

    Raises
    ------
    UsageError
        It is none of these, or a loss is given beside a document, which has its own.
    """
    if isinstance(given, (str, PathLike)) and (isinstance(given, PathLike) or str(given).endswith(".toml")):
        given = PolicyDocument.read(given)
    if isinstance(given, str):
        given = document_of(given, loss)
        loss = None
    if isinstance(given, PolicyDocument):
        if loss is not None:
            raise UsageError(
                "a policy file has its own loss",
                got=f"loss = {loss!r}",
                ways_out=["drop the loss", "write it there"],
            )
        return given.make(), given
    checked_type("a policy in service", given, Policy, "give a Policy, its name, or a policy.toml")
    (policy,) = as_policies(given)
    return policy.on(as_loss(loss)), document_of(policy.name, loss)


def _table(name: str, values: dict[str, Any]) -> list[str]:
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = ["", f"[{name}]", *(f"{_key(key)} = {compact(value)}" for key, value in plain.items())]
    for key in values.keys() - plain.keys() if values else ():
        lines += _table(f"{name}.{_key(key)}", values[key])
    return lines


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)

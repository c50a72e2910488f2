"""What a sweep runs, read from TOML and checked before anything is run."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Any

from adl_opt.checks import checked_type, whole_between
from adl_opt.errors import InputError, UsageError
from adl_opt.losses import Loss, as_loss
from adl_opt.policy.policy import make_policy
from adl_opt.reading import toml_file
from adl_opt.studies.simulation.scenarios import SCENARIOS, scenario
from adl_opt.studies.simulation.settings import Settings
from adl_opt.version import __version__

Value = int | float | str
Row = dict[str, Any]
"""A cell of a sweep with its figures."""
MOST_AT_A_TIME = 64


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sweep: every policy on every scenario, point of the grid, and seed.

    Parameters
    ----------
    policies, scenarios : tuple of str
    seeds : int
        How many; they are ``seed``, ``seed + 1``, ...
    seed : int
    baseline : str, optional
        The policy that paired comparisons are against; by default the first.
    parameters : dict of str to tuple
        Values of settings that replace those of the scenario; all combinations are run.
    chunk : int
        Markets (scenario, point, seed) that a worker takes at a time; 0 takes a hundredth of the sweep, 1
        to :data:`MOST_AT_A_TIME` of them, so that no worker waits long for the last one.
    loss : Loss or str
        What figures are measured in; see :func:`adl_opt.simulate`.
    space : str, optional
        ``wealth`` or ``contracts``; by default that of the scenarios.

    Raises
    ------
    UsageError
        A name is unknown, a value out of range, or a list empty or with repetitions.

    Examples
    --------
    >>> plan = Plan(policies=("pro-rata",), scenarios=("no-deficit",), seeds=3, parameters={"lag": (0, 1)})
    >>> len(plan), plan.job(4)
    (6, ('no-deficit', {'lag': 1}, 1))
    """

    policies: tuple[str, ...]
    scenarios: tuple[str, ...]
    seeds: int
    seed: int = 0
    baseline: str = ""
    parameters: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    chunk: int = 0
    loss: Loss | str = Loss()
    space: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", as_loss(self.loss))
        whole_between("sweep: seeds", self.seeds, 1, 1e8)
        whole_between("sweep: seed", self.seed, 0, 2**62)
        whole_between("sweep: chunk", self.chunk, 0, 1e6)
        for name in ("policies", "scenarios"):
            _distinct(name, getattr(self, name))
        for policy in self.policies:
            make_policy(policy)
        for name in self.scenarios:
            scenario(name).settings.in_space(self.space)
        object.__setattr__(self, "baseline", self.baseline or self.policies[0])
        if self.baseline not in self.policies:
            raise UsageError(
                "sweep: the baseline is not one of the policies",
                got=f"baseline = {self.baseline!r}",
                ways_out=[f"choose one of {', '.join(self.policies)}", "add it to the policies"],
            )
        self._check_parameters()

    def _check_parameters(self) -> None:
        known = [f.name for f in fields(Settings) if f.name != "path"]
        if wrong := [name for name in self.parameters if name not in known]:
            raise UsageError(
                "sweep: unknown parameters", got=", ".join(wrong), ways_out=[f"known: {', '.join(known)}"]
            )
        for name, values in self.parameters.items():
            _distinct(f"parameters.{name}", values)
        for name in self.scenarios:
            for point in self.points:
                self.settings(name, point)

    def settings(self, name: str, point: Mapping[str, Any]) -> Settings:
        """Return the settings of a scenario in the space of the plan, with the values of a point."""
        return replace(SCENARIOS[name].settings.in_space(self.space), **point)

    @property
    def points(self) -> list[dict[str, Any]]:
        """Return the grid of parameters, in order."""
        names = list(self.parameters)
        return [dict(zip(names, p, strict=True)) for p in itertools.product(*self.parameters.values())]

    @property
    def columns(self) -> list[str]:
        """Return what tells the rows of a scenario apart: the space, and the parameters."""
        return list(dict.fromkeys(["space", *self.parameters]))

    def __len__(self) -> int:
        return len(self.scenarios) * math.prod(map(len, self.parameters.values())) * self.seeds

    def job(self, index: int) -> tuple[str, dict[str, Any], int]:
        """Return scenario, point and seed of a market."""
        points = self.points
        block, seed = divmod(index, self.seeds)
        which, point = divmod(block, len(points))
        return self.scenarios[which], points[point], self.seed + seed

    @property
    def chunks(self) -> list[range]:
        """Return the markets of each chunk."""
        size = self.chunk or max(1, min(MOST_AT_A_TIME, len(self) // 100))
        return [range(i, min(i + size, len(self))) for i in range(0, len(self), size)]

    def digest(self) -> str:
        """Return a fingerprint of all that the rows depend on."""
        settings = {name: asdict(SCENARIOS[name].settings) for name in self.scenarios}
        made_of = asdict(self) | {"settings": settings, "adl_opt": __version__}
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def as_plan(given: Plan | str | PathLike[str]) -> Plan:
    """Return the plan that is meant: a Plan as it is, a file read.

    Raises
    ------
    UsageError
        Something else, or what :func:`read_plan` refuses.
    """
    if isinstance(given, Plan):
        return given
    ways_out = ["Plan(policies=(...), scenarios=(...), seeds=100)", "see examples/sweep.toml"]
    checked_type("a sweep", given, (Plan, str, PathLike), *ways_out)
    return read_plan(given)


def read_plan(path: str | PathLike[str]) -> Plan:
    """Read a plan from TOML: the fields of :class:`Plan`, parameters as a table of lists.

    Raises
    ------
    InputError
        The file cannot be read or is no TOML.
    UsageError
        Unknown or missing keys (named), a value of the wrong kind, or what :class:`Plan` refuses.
    """
    path = Path(path)
    try:
        data = toml_file(path)[1]
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name}: the sweep's configuration cannot be read",
            got=str(error),
            ways_out=["check the path", "correct the TOML at the line that is named"],
        ) from error
    known = [f.name for f in fields(Plan)]
    missing = [k for k in ("policies", "scenarios", "seeds") if k not in data]
    if wrong := [k for k in data if k not in known] or missing:
        raise UsageError(
            f"{path.name}: {'keys are missing' if wrong is missing else 'unknown keys'}",
            got=", ".join(wrong),
            ways_out=[f"keys: {', '.join(known)}"],
        )
    for name in ("policies", "scenarios"):
        data[name] = _listed(path, name, data[name], (str,))
    table = data.get("parameters", {})
    if not isinstance(table, dict):
        raise _kind(path, "parameters", "a table of lists")
    data["parameters"] = {
        k: _listed(path, f"parameters.{k}", v if isinstance(v, list) else [v], (int, float, str))
        for k, v in table.items()
    }
    texts = {"baseline": "the name of a policy", "loss": "a loss, such as 'under=5'", "space": "a space"}
    for name, wanted in texts.items():
        if not isinstance(data.get(name, ""), str):
            raise _kind(path, name, wanted)
    return Plan(**data)


def _listed(path: Path, name: str, value: object, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    if not isinstance(value, list) or not all(isinstance(v, kinds) for v in value):
        raise _kind(path, name, f"a list of {' or '.join(k.__name__ for k in kinds)}")
    return tuple(value)


def _kind(path: Path, name: str, wanted: str) -> UsageError:
    return UsageError(f"{path.name}: {name} is of the wrong kind", got=name, ways_out=[f"give {wanted}"])


def _distinct(name: str, values: tuple[Value, ...]) -> None:
    if not values or len(set(values)) < len(values):
        raise UsageError(
            f"sweep: {name} must name at least one, each once",
            got=", ".join(map(str, values)) or "an empty list",
            ways_out=["drop the repetition" if values else "name at least one"],
        )

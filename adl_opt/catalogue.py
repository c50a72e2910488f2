"""The catalogue of models: one folder each with ``model.md`` (the card), ``model.py`` and ``golden.json``.

``model.py`` states ``KIND`` and has one function ``build(**params)``.  What it returns depends on the kind:

- ``round``: a :class:`~adl_opt.programs.RoundProgram`;
- ``procedure``: a callable ``(round_, *, needed, engine, options) -> Solution``, a sequence of programs;
- ``episode``: an :class:`~adl_opt.programs.EpisodeProgram`;
- ``hindsight``: a callable ``episode -> result`` that has ``certify()``.

The catalogue ships in the wheel as ``adl_opt/_models``; a checkout has it as ``models/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from adl_opt.allocation.program import ProgramAllocation
from adl_opt.answer import Listing
from adl_opt.errors import UsageError
from adl_opt.foreign import foreign_code, run_module
from adl_opt.naming import make_by_name, parse_call, unknown_name
from adl_opt.programs.episode.program import EpisodeProgram
from adl_opt.programs.program import RoundProgram
from adl_opt.tabular import Noun

KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "round": ("a RoundProgram", lambda made: isinstance(made, RoundProgram)),
    "procedure": ("a callable (round_, *, needed, engine, options) -> Solution", callable),
    "episode": ("an EpisodeProgram", lambda made: isinstance(made, EpisodeProgram)),
    "hindsight": ("a callable episode -> result", callable),
}
CONTRACT = 'model.py has KIND = "round" and def build(...) -> RoundProgram (see adl_opt.catalogue)'


@dataclass(frozen=True, eq=False)
class Model(Noun):
    """A model that was built.

    Parameters
    ----------
    name : str
        With the parameters that were given: ``budget-and-accounts(k=5)``.
    kind : str
        ``round``, ``procedure``, ``episode`` or ``hindsight``.
    program
        What ``build`` returned.
    module, folder
        The loaded ``model.py`` and where it lies; None for a program of your own (:func:`as_model`).
    """

    name: str
    kind: str
    program: Any = field(repr=False)
    module: ModuleType | None = field(default=None, repr=False)
    folder: Path | None = field(default=None, repr=False)

    @property
    def summary(self) -> str:
        """The first line of ``model.py``'s docstring, without the name."""
        line = (getattr(self.module, "__doc__", "") or "").strip().partition("\n")[0]
        return line.partition(": ")[2] or line

    @property
    def needs(self) -> str:
        """What a solver must be capable of: ``lp``, ``mip``, ``cone``; or the exact algorithm."""
        program = self.program.program if isinstance(self.program, EpisodeProgram) else self.program
        if isinstance(program, RoundProgram):
            return "+".join(sorted(program.needs))
        return "lp, in stages" if self.kind == "procedure" else "exact algorithm"

    def card(self) -> str:
        """Return ``model.md``."""
        return _card(self.folder or Path(self.name))


def catalogue_folder() -> Path:
    """Return the folder of the catalogue: inside the wheel, or beside the package in a checkout.

    Raises
    ------
    UsageError
        Neither is there.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_models", package.parent / "models"):
        if (folder / "tracking-lp" / "model.py").is_file():
            return folder
    raise UsageError(
        "the catalogue of models is not installed",
        got=f"neither {package / '_models'} nor {package.parent / 'models'}",
        ways_out=["install the wheel, or work in a checkout", "give the path of a model folder"],
    )


def model_names() -> list[str]:
    """Return the names of the catalogue, sorted.

    Examples
    --------
    >>> "budget-and-accounts" in model_names()
    True
    """
    return sorted(path.parent.name for path in catalogue_folder().glob("*/model.py"))


def models() -> Listing:
    """Return the models of the catalogue: name, kind, what a solver must be capable of, summary.

    Examples
    --------
    >>> models().rows[0]["name"], models().rows[0]["kind"]
    ('account-selection', 'round')
    """
    found = [load_model(name) for name in model_names()]
    rows = [{c: str(getattr(m, c)) for c in ("name", "kind", "needs", "summary")} for m in found]
    return Listing("models", "name", rows)


def as_model(given: object, *, allow_code: bool = False) -> Model:
    """Return the model that is meant: a Model as it is, a name or path loaded, a program wrapped.

    Parameters
    ----------
    given : Model, str, path, RoundProgram or EpisodeProgram
    allow_code : bool
        As for :func:`load_model`.

    Raises
    ------
    UsageError
        Something else, or what :func:`load_model` refuses.

    Examples
    --------
    >>> as_model("leximin").kind, as_model(load_model("tracking-lp").program).name
    ('procedure', 'tracking-lp')
    """
    if isinstance(given, Model):
        return given
    if isinstance(given, (RoundProgram, EpisodeProgram)):
        return Model(given.name, "round" if isinstance(given, RoundProgram) else "episode", given)
    if not isinstance(given, (str, Path)):
        raise UsageError(
            "a model is given by its name or path, or as a program",
            got=f"{type(given).__name__}: {given!r:.80}",
            ways_out=["give a name of adl-opt models", "build RoundProgram(minimize=..., subject_to=[...])"],
        )
    return load_model(given, allow_code=allow_code)


def round_program(model: Model) -> RoundProgram:
    """Return the program of a model of kind round.

    Raises
    ------
    UsageError
        The model is of another kind.

    Examples
    --------
    >>> round_program(load_model("min-max-lp")).name
    'min-max-lp'
    """
    if not isinstance(model.program, RoundProgram):
        ways_out, got = ["choose a model of kind round (adl-opt models)"], f"{model.name}: kind {model.kind}"
        raise UsageError("only a model of kind round is one program", got=got, ways_out=ways_out)
    return model.program


def load_model(name_or_path: str | Path, *, allow_code: bool = False, **params: Any) -> Model:
    """Load a model and build it.

    Parameters
    ----------
    name_or_path : str or path
        A name of the catalogue, or the path of a model folder; either with parameters:
        ``budget-and-accounts(k=5)``, ``./mine(cap=0.2)``.  What has a slash or begins with a dot is a path.
    allow_code : bool
        A model is Python code: a path is run only if this is said.
    **params
        Parameters of ``build``.

    Raises
    ------
    UsageError
        Unknown name or parameter, a path without ``allow_code``, a file or ``build`` is missing, the code
        fails, or ``build`` returns something else than its KIND says.

    Examples
    --------
    >>> load_model("account-selection(k=5)").program
    RoundProgram 'account-selection': minimize 1 max-burden; subject to exact-budget, max-accounts, \
min-ticket, positive-pnl
    """
    text = str(name_or_path)
    folder, given = _placed(text)
    if not is_path(text):
        return _built(folder.name, folder, text, params)
    if not allow_code:
        raise UsageError(
            "a model given by its path is code, and was not allowed to run",
            got=text,
            ways_out=["load_model(path, allow_code=True), if you trust it", "use a name of the catalogue"],
        )
    name = re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-") or "model"
    return _built(name, folder, f"model{given}", params)


def model_card(name_or_path: str | Path) -> str:
    """Return ``model.md`` of a name or a path; no code of the model runs.

    Raises
    ------
    UsageError
        Unknown name, or no card there.

    Examples
    --------
    >>> model_card("tracking-lp").splitlines()[0]
    '# tracking-lp'
    """
    return _card(_placed(str(name_or_path))[0])


def _placed(text: str) -> tuple[Path, str]:
    """Return the folder of a name or a path, and the parameters behind a path."""
    if not is_path(text):
        name = parse_call(text)[0]
        if name not in model_names():
            raise unknown_name("model", name, model_names())
        return catalogue_folder() / name, ""
    match = re.fullmatch(r"(.*?)(\([^()/\\]*\))?", text, re.DOTALL)
    return Path(match[1] if match else text).expanduser(), (match and match[2]) or ""


def _card(folder: Path) -> str:
    path = folder / "model.md"
    if not path.is_file():
        ways_out = ["write model.md beside model.py"]
        raise UsageError("the model has no card", got=str(path), ways_out=ways_out)
    return path.read_text(encoding="utf-8")


def allocation_of(model: Model, options: Any = None, engine: str = "auto") -> ProgramAllocation:
    """Return a model of one round as an allocation.

    Raises
    ------
    UsageError
        The model is about a whole episode.

    Examples
    --------
    >>> allocation_of(load_model("min-max-lp")).label()
    'model:min-max-lp'
    """
    if model.kind not in ("round", "procedure"):
        raise UsageError(
            f"model {model.name!r} is about a whole episode, not about one round",
            got=f"kind {model.kind}",
            ways_out=[
                f"adl-opt solve EPISODE --model {model.name}, with EPISODE such as oct10 or a folder",
                "in Python: solve(episode, model=name)",
                "choose a model of kind round or procedure (adl-opt models)",
            ],
        )
    return ProgramAllocation(model.program, title=model.name, engine=engine, options=options)


def is_path(text: str) -> bool:
    """Whether a text means a folder, not a name of the catalogue.

    Examples
    --------
    >>> is_path("tracking-lp(l_fair=2.5)"), is_path("./mine")
    (False, True)
    """
    head = text.partition("(")[0]
    return "/" in head or "\\" in head or text.startswith((".", "~"))


def _built(name: str, folder: Path, call: str, params: dict[str, Any]) -> Model:
    path = folder / "model.py"
    if not path.is_file():
        raise UsageError(
            "there is no model here",
            got=f"{path} does not exist",
            ways_out=["give the folder that holds model.py", f"or a name: {', '.join(model_names())}"],
        )
    module = run_module(name, path)
    kind, factory = getattr(module, "KIND", None), getattr(module, "build", None)
    if kind not in KINDS or not callable(factory):
        lacks = f"KIND = {kind!r}" if kind not in KINDS else "no function build"
        raise UsageError(
            f"model {name!r} does not keep the contract of a model",
            got=f"{folder / 'model.py'}: {lacks}",
            ways_out=[CONTRACT, f"KIND is one of {', '.join(KINDS)}"],
        )
    bare = parse_call(call)[0]
    with foreign_code(f"model {name!r}", path):
        made = make_by_name("model", {bare: factory}, call, params)
    what, fits = KINDS[kind]
    if not fits(made):
        raise UsageError(
            f"build() of model {name!r} returned something else than its KIND says",
            got=f"{type(made).__name__}, with KIND = {kind!r}",
            ways_out=[f"return {what}", CONTRACT],
        )
    inside = call.strip()[len(bare) :].strip().removeprefix("(").removesuffix(")").strip()
    given = [*([inside] if inside else []), *(f"{key}={value}" for key, value in params.items())]
    return Model(f"{name}({', '.join(given)})" if given else name, kind, made, module, folder)

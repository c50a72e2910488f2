"""Structs of read-only columns: the common ground of the nouns in :mod:`adl_opt.rounds.round`.

A column is declared once, with its kind and its names.  From that one declaration follow its check at the
border, its dtype, its name in frames (money gets the suffix ``_usd``) and the names that are understood.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from adl_opt.checks import checked_type, column_of, near_names, one_of, quoted, refuse
from adl_opt.errors import InputError
from adl_opt.tabular import Tabular

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Text = npt.NDArray[np.str_]

UNSET: Floats = np.empty(0)
"""Marks a column that the struct computes itself when it is not given (compared by identity)."""

NEAR = 0.85
"""Likeness from which an unknown column is taken for a slip of the pen, and not for a column to ignore."""


def column(
    kind: str,
    *,
    optional: bool = False,
    computed: bool = False,
    default: Any = None,
    also: Sequence[str] = (),
) -> Any:
    """Declare a column.

    Parameters
    ----------
    kind : str
        ``text``; ``usd`` (any sign), ``usd+`` (>= 0), ``usd>0``; ``ratio+`` (>= 0, no unit), ``ratio>0``;
        ``count`` and ``index`` (whole numbers >= 0); ``side`` (+1 or long, -1 or short); ``flag`` (0 or 1).
    optional : bool
        The whole column may be None; a column that is there must be complete.
    computed : bool
        The struct fills the column itself when it is not given; frames and files always have it.
    default : value or callable, optional
        What every row has where the column is not given: one value, or a function from the struct to the
        values (None: it has none).  One value may also be given for all rows.  A column that says no more
        than its default does not show in frames and files.
    also : sequence of str
        Further names that frames and files may use.
    """
    silent = default is not None and not computed
    metadata: dict[str, Any] = {"kind": kind, "also": tuple(also), "silent": silent}
    if default is not None:
        metadata["default"] = default
    if computed or default is not None:
        return field(default_factory=lambda: UNSET, metadata=metadata)
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Columns(Tabular):
    """Parallel read-only arrays, checked once when they are made."""

    def __post_init__(self) -> None:
        size: int | None = None
        lacking: list[Field[Any]] = []
        for spec in self._specs():
            values = getattr(self, spec.name)
            if "default" in spec.metadata and (values is None or values is UNSET or np.ndim(values) == 0):
                lacking.insert(0, spec)  # a default may read columns that are declared later
                continue
            if values is None or values is UNSET:
                continue
            array = _checked(self._noun(), spec, values)
            size = array.size if size is None else size
            if array.size != size:
                raise InputError(
                    f"{self._noun()}: column {spec.name!r} has another length than the first column",
                    got=f"{array.size} values, expected {size}",
                    ways_out=["give one value for every row", "leave an optional column out as a whole"],
                )
            self._put(spec.name, array)
        for spec in sorted(lacking, key=lambda s: callable(s.metadata["default"])):
            value = getattr(self, spec.name)
            given = value is not None and value is not UNSET
            filled = np.full(size or 0, value) if given else self._default(spec)
            if filled is not None:
                self._put(spec.name, _checked(self._noun(), spec, filled) if given else filled)

    def _default(self, spec: Field[Any]) -> npt.NDArray[Any] | None:
        """Return what a column with a default has where it is not given; None where nothing follows."""
        value = spec.metadata["default"]
        made: npt.NDArray[Any] | None = value(self) if callable(value) else np.full(len(self), value)
        return made

    @classmethod
    def _noun(cls) -> str:
        return cls.__name__.lower()

    @classmethod
    def _specs(cls) -> Iterator[Field[Any]]:
        return (spec for spec in fields(cls) if "kind" in spec.metadata)

    def _put(self, name: str, array: npt.NDArray[Any]) -> None:
        over_bytes = np.frombuffer(array.tobytes(), array.dtype) if array.size else array
        object.__setattr__(self, name, over_bytes)  # nobody can make it writeable again

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: the columns, without what was worked out from them."""
        return {spec.name: getattr(self, spec.name) for spec in self._specs()}

    def __len__(self) -> int:
        return int(getattr(self, next(iter(self._specs())).name).size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} rows: {', '.join(self.present())})"

    def present(self) -> list[str]:
        """Return the names of the columns that are there, without those that are all at their default."""
        return [spec.name for spec in self._specs() if self._says(spec)]

    def _says(self, spec: Field[Any]) -> bool:
        values = getattr(self, spec.name)
        if values is None or not spec.metadata["silent"]:
            return values is not None
        default = self._default(spec)
        return default is None or values.tobytes() != default.astype(values.dtype).tobytes()

    def missing(self, *names: str) -> list[str]:
        """Return those of the named optional columns that are not there."""
        return [name for name in names if getattr(self, name) is None]

    def take(self, rows: Ints) -> Self:
        """Return the same struct with only these rows, in this order."""
        return type(self)(**{name: getattr(self, name)[rows] for name in self.present()})

    def frame(self) -> pd.DataFrame:
        """Return a pandas frame with one column per column that is there; money carries ``_usd``."""
        import pandas as pd

        data = {frame_name(s): getattr(self, s.name) for s in self._specs() if self._says(s)}
        return pd.DataFrame({k: v.astype(object) if v.dtype.kind == "U" else v for k, v in data.items()})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, extra: str = "ignore") -> Self:
        """Build the struct from a frame.

        Parameters
        ----------
        frame : pandas.DataFrame
            Money with or without the suffix ``_usd`` (``pnl`` or ``pnl_usd``).  A column may also be the
            index, or a level of it, by its name.  An index without a name stands for the first column (``id``
            of accounts, ``market`` of flow and gaps) where it holds text.  The order of columns is free.
            An optional column without any value counts as left out.
        extra : {'ignore', 'refuse'}
            What happens to columns that the struct does not have.  ``ignore`` leaves them aside, but for
            names so near to a column that is lacking that they look like a slip of the pen: those are
            refused always.

        Raises
        ------
        InputError
            A required column is missing, a column is refused or given twice, or a value is refused.
        UsageError
            Not a frame.
        """
        return cls(**columns_of(cls._noun(), frame, cls.spellings(), cls.required(), extra=extra)[0])

    @classmethod
    def spellings(cls) -> dict[str, tuple[str, ...]]:
        """Return the names that each column may have in frames and files."""
        out = {}
        for spec in cls._specs():
            names = (spec.name, *spec.metadata["also"])
            money = spec.metadata["kind"].startswith("usd")
            out[spec.name] = (*names, *(f"{n}_usd" for n in names if money and not n.endswith("_usd")))
        return out

    @classmethod
    def required(cls) -> list[str]:
        """Return the columns that must be there."""
        return [s.name for s in cls._specs() if s.default is MISSING and s.default_factory is MISSING]


def frame_name(spec: Field[Any]) -> str:
    """Return the name of a column in frames and files: money carries ``_usd``."""
    return f"{spec.name}_usd" if spec.metadata["kind"].startswith("usd") else spec.name


def columns_of(
    where: str,
    frame: pd.DataFrame,
    spellings: Mapping[str, tuple[str, ...]],
    required: Collection[str],
    *,
    extra: str = "ignore",
) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """Return the columns of a frame by their own names, and the names of those that are left aside.

    ``where`` is what the frame is, for messages; ``spellings`` has the names that each column may have, the
    first column first; ``extra`` is as in :meth:`Columns.from_frame`.
    """
    import pandas as pd

    checked_type(where, frame, pd.DataFrame, "convert it: pandas.DataFrame(table)")
    found: list[tuple[str, Any]] = [(str(n), frame.iloc[:, k]) for k, n in enumerate(frame.columns)]
    there, index = {name for name, _ in found}, frame.index
    levels = [(level, name) for level, name in enumerate(index.names) if str(name) not in there]
    found += [(str(name), index.get_level_values(at)) for at, name in levels if name is not None]
    first, *_ = spellings
    if index.names == [None] and not there & set(spellings[first]) and index.dtype.kind in "OUT":
        found.append((first, index))
    header = [name for name, _ in found]
    names = named_columns(where, header, spellings, required, extra=extra)
    arrays = {name: values.to_numpy() for name, (_, values) in zip(names, found, strict=True)}
    asked = [name for name in spellings if name in arrays]
    kept = {n: arrays[n] for n in asked if n in required or not (len(frame) and pd.isna(arrays[n]).all())}
    return kept, [names[name] for name in names if name not in spellings]


def named_columns(
    where: str,
    header: Sequence[str],
    spellings: Mapping[str, tuple[str, ...]],
    required: Collection[str] = (),
    *,
    extra: str = "ignore",
) -> dict[str, str]:
    """Return how each column is spelled in the header of a frame or file, by its own name.

    ``where`` is the frame or file, for messages; ``spellings`` has the names that each known column may have;
    ``extra`` is as in :meth:`Columns.from_frame`.

    Raises
    ------
    InputError
        A column is given twice, is missing, or is not known.
    """
    one_of(f"{where}: extra", extra, ("ignore", "refuse"))
    own = {spelled: name for name, names in spellings.items() for spelled in names}
    names: dict[str, str] = {}
    for spelled in header:
        name = own.get(spelled, spelled)
        if name in names:
            raise InputError(
                f"{where}: a column is given twice",
                got=f"{quoted(names[name])} and {quoted(spelled)}",
                ways_out=["keep one of the two"],
            )
        names[name] = spelled
    absent = [spelled for name in spellings if name not in names for spelled in spellings[name]]
    others = [name for name in names if name not in spellings]
    near = {name: near_names(name, absent, NEAR if extra == "ignore" else 0.6) for name in others}
    if strange := [name for name in others if near[name] or extra == "refuse"]:
        hints = (quoted(n) + "".join(f" (did you mean {m!r}?)" for m in near[n]) for n in strange)
        raise InputError(
            f"{where}: there are columns that are not known",
            got=", ".join(hints),
            ways_out=[f"known columns: {', '.join(spellings)}", "rename or drop the others"],
        )
    if lacking := [name for name in required if name not in names]:
        hints = (n + "".join(f" (is it {quoted(m)}?)" for m in near_names(n, others)) for n in lacking)
        raise InputError(
            f"{where}: columns are missing",
            got=f"missing {', '.join(hints)}; there are {quoted(', '.join(header), 600)}",
            ways_out=["add the columns", "rename yours to these names"],
        )
    return names


def _checked(noun: str, spec: Field[Any], values: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of unequal length
        array, shape = np.empty((0, 0)), str(error)
    else:
        shape = f"shape {array.shape}"
    if array.ndim != 1:
        raise InputError(
            f"{noun}: column {spec.name!r} must be one-dimensional",
            got=shape,
            ways_out=["pass a flat sequence with one value for every row"],
        )

    return column_of(spec.metadata["kind"], array, partial(refuse_row, noun, spec.name, array))


def refuse_row(
    noun: str,
    name: str,
    values: npt.NDArray[Any],
    wrong: npt.NDArray[np.bool_],
    why: str,
    ways_out: Sequence[str] = (),
    *,
    rows: Ints | None = None,
) -> None:
    """Raise an InputError that names the first offending row of a struct's column, when there is one.

    ``why`` is a predicate of the value; ``rows`` are those of the values, where they are not the column's.
    """
    ways_out = ways_out or ("correct the value", "drop the row, if it does not belong to the round")
    what = f"{noun}: a value of column {name!r} {why}"
    place = np.arange(len(wrong)) if rows is None else rows
    try:
        refuse(what, wrong, lambda at: f"row {place[at]}: {values[at]!s}", ways_out)
    except InputError as error:
        error.cell = noun, name, int(place[np.argmax(wrong)])
        raise

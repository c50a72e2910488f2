"""Reading accounts from Parquet, a chunk of rows at a time; every value is checked on the way in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from adl_opt.checks import KINDS, Limits, Mask, refuse
from adl_opt.errors import InputError
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.sums import total

_BUFFER = 1 << 20  # bytes read ahead of a column: a large row group never comes into memory whole
_LIMITS = {
    "capacity_usd": KINDS["usd+"],
    "score": Limits(largest=math.inf),
    "lot_value_usd": KINDS["usd>0"],
    "lots": KINDS["count"],
}
_WEIGHT = KINDS["usd+"]
_CAP = Limits(low=0.0, high=1.0)


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows: ``start`` is the row of the first, ``columns`` are float64, ``ids`` as stored."""

    start: int
    columns: dict[str, Vector]
    ids: Any = None

    def __getitem__(self, name: str) -> Vector:
        return self.columns[name]

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Row numbers in the file."""
        return self.start + np.arange(self.columns["capacity_usd"].size)


@dataclass
class Source:
    """A Parquet file of accounts, one row each, read in passes of at most `chunk_rows` rows at a time.

    ``limits`` are those of every column that the rule reads; ``passes`` counts the readings.
    """

    path: Path
    chunk_rows: int
    limits: dict[str, Limits]
    rows: int = 0
    id_type: Any = None
    passes: int = 0

    @classmethod
    def open(
        cls,
        path: str | PathLike[str],
        chunk_rows: int,
        columns: Sequence[str],
        *,
        cap: str | None = None,
        weight: str | None = None,
    ) -> Source:
        """Look at the schema of a file and refuse what a rule cannot use.

        Raises
        ------
        InputError
            No such file, no Parquet, a missing column, a column that is not numeric.
        """
        limits = {name: _LIMITS[name] for name in columns}
        limits |= {name: kind for name, kind in ((weight, _WEIGHT), (cap, _CAP)) if name is not None}
        source = cls(Path(path), chunk_rows, limits)
        with source._file() as file:
            source.rows = file.metadata.num_rows
            _refuse_schema(source.path, file.schema_arrow, list(limits))
            source.id_type = file.schema_arrow.field("id").type
        return source

    def chunks(self, *, ids: bool = False) -> Iterator[Chunk]:
        """Yield all rows in order, checked; counts as one pass."""
        import pyarrow as pa

        self.passes += 1
        start = 0
        names = [*self.limits, *(["id"] if ids and "id" not in self.limits else [])]
        with self._file() as file:
            for batch in file.iter_batches(batch_size=self.chunk_rows, columns=names):
                if batch.num_rows == 0:
                    continue
                columns = {name: self._column(batch, name, start) for name in self.limits}
                yield Chunk(start, columns, batch.column("id") if ids else None)
                start += batch.num_rows
        if start == 0:
            yield Chunk(0, {name: np.zeros(0) for name in self.limits}, pa.array([], self.id_type))

    def _column(self, batch: Any, name: str, start: int) -> Vector:
        """One checked column of a batch."""
        import pyarrow as pa

        values = batch.column(name).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)

        def refuse_here(wrong: Mask, why: str) -> None:
            what = f"{self.path.name}: a value of column {name!r} {why}"
            refuse(what, wrong, lambda row: f"row {start + row}: {values[row]!s}")

        if not self.limits[name].hold(values):
            for wrong, why in self.limits[name].faults(values):
                refuse_here(wrong, why)
        if name == "lots":
            refuse_here(values != np.rint(values), "is not a whole number")
        return np.asarray(values, dtype=np.float64)

    def sum(self, term: Callable[[Chunk], Vector]) -> float:
        """Compensated sum of a term over all rows, in one pass."""
        return math.fsum(total(term(chunk)) for chunk in self.chunks())

    @contextmanager
    def _file(self) -> Iterator[Any]:
        """Open the file, and say plainly why it cannot be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.path, buffer_size=_BUFFER, pre_buffer=False) as file:
                yield file
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                f"{self.path.name}: cannot be read as Parquet",
                got=str(error).splitlines()[0],
                ways_out=["give the path of a Parquet file of accounts", "write it anew if it is damaged"],
            ) from error


def _refuse_schema(path: Path, schema: Any, columns: list[str]) -> None:
    """Raise for missing columns and for columns that hold no numbers."""
    import pyarrow as pa

    if missing := [name for name in ["id", *columns] if name not in schema.names]:
        raise InputError(
            f"{path.name}: columns are missing",
            got=f"missing {', '.join(missing)}; there are {', '.join(schema.names)}",
            ways_out=["add the columns", "rename yours to these names", "choose a rule that needs less"],
        )
    for name in columns:
        kind = schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            raise InputError(
                f"{path.name}: column {name!r} is not numeric",
                got=f"type {kind}",
                ways_out=["store it as integers or floats"],
            )

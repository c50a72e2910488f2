"""Writing haircuts to Parquet, a chunk at a time; the file appears whole or not at all."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.chunked.source import Chunk, Source
from adl_opt.errors import InputError, UsageError
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.sums import total

Answer = dict[str, Vector]
"""Columns of the answer for one chunk; ``haircut_usd`` is always there."""


@dataclass(frozen=True)
class Written:
    """What the writing pass saw: USD paid and the largest burden."""

    executed_usd: float
    z: float


def write(source: Source, out: Path, answer: Callable[[Chunk], Answer]) -> Written:
    """Stream the answer of every chunk to `out`, under a temporary name beside it, then rename.

    Raises
    ------
    InputError
        The folder is missing or the disk refuses.
    """
    import pyarrow as pa

    executed: list[float] = []
    worst = 0.0
    with _parquet(out) as append:
        for chunk in source.chunks(ids=True):
            columns = answer(chunk)
            haircut, capacity = columns["haircut_usd"], chunk["capacity_usd"]
            pays = haircut > 0
            worst = max(worst, float(np.max(haircut[pays] / capacity[pays], initial=0.0)))
            executed.append(total(haircut))
            arrays = {"id": chunk.ids, "haircut_usd": pa.array(haircut)}
            if "lots" in columns:
                arrays["lots"] = pa.array(columns["lots"].astype(np.int64))
            append(pa.record_batch(arrays))
    return Written(math.fsum(executed), worst)


def target_path(out: str | PathLike[str], source: Path, *, overwrite: bool) -> Path:
    """Refuse a target that would destroy something."""
    path = Path(out)
    if path.exists() and path.resolve() == source.resolve():
        raise UsageError(
            "the result would replace its own input", got=str(path), ways_out=["give another path"]
        )
    if path.exists() and not overwrite:
        raise UsageError(
            f"{path.name} is already there",
            got=str(path),
            ways_out=["give another path", "pass overwrite=True"],
        )
    return path


@contextmanager
def _parquet(out: Path) -> Iterator[Callable[[Any], None]]:
    """Open a writer that takes record batches; rename on success, remove on failure."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fresh = out.with_name(f".{out.name}.{uuid.uuid4().hex}.tmp")
    writer: Any = None

    def append(batch: Any) -> None:
        nonlocal writer
        if writer is None:
            writer = pq.ParquetWriter(fresh, batch.schema)
        writer.write_batch(batch)

    try:
        try:
            yield append
        finally:
            if writer is not None:
                writer.close()
        os.replace(fresh, out)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{out.name}: the result cannot be written",
            got=str(error).splitlines()[0],
            ways_out=["check that the folder exists, may be written, and has room"],
        ) from error
    finally:
        fresh.unlink(missing_ok=True)

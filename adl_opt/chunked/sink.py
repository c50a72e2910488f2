"""Writing haircuts to Parquet, a chunk at a time; the file appears whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.chunked.source import Chunk, Source
from adl_opt.files import new_file
from adl_opt.kernels.arrays import Vector
from adl_opt.kernels.sums import total

Answer = dict[str, Vector]
"""Columns of the answer for one chunk; ``haircut_usd`` is always there."""


def write(source: Source, out: Path, answer: Callable[[Chunk], Answer]) -> tuple[float, float]:
    """Stream the answer of every chunk to `out`, whole or not at all; return USD paid and the largest burden.

    Raises
    ------
    AdlOptError
        The folder is missing or the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    executed: list[float] = []
    worst = 0.0
    with new_file(out) as file, ExitStack() as stack:
        writer: Any = None
        for chunk in source.chunks(ids=True):
            columns = answer(chunk)
            haircut, capacity = columns["haircut_usd"], chunk["capacity_usd"]
            pays = haircut > 0
            worst = max(worst, float(np.max(haircut[pays] / capacity[pays], initial=0.0)))
            executed.append(total(haircut))
            arrays = {"id": chunk.ids, "haircut_usd": pa.array(haircut)}
            if "lots" in columns:
                arrays["lots"] = pa.array(columns["lots"].astype(np.int64))
            batch = pa.record_batch(arrays)
            if writer is None:
                writer = stack.enter_context(pq.ParquetWriter(file, batch.schema))
            writer.write_batch(batch)
    return math.fsum(executed), worst

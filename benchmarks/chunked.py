"""Chunked rounds from Parquet: passes, time per account and peak memory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from adl_opt.chunked import solve_chunked
from adl_opt.datasets.draws import quantile_knots
from benchmarks import isolate
from benchmarks.instances import LOTS_DECADES, SEED, SHARE
from benchmarks.sections import Section

TEXT = (
    "Accounts stream from one Parquet file, haircuts to another; B = 2 %. Water-filling is capped at "
    "0.5 and weighted. Peak memory is that of the whole process, Python and libraries included."
)
COLUMNS = [
    "rule",
    "accounts",
    "file MiB",
    "reads",
    "seconds",
    "peak MiB",
    "paid / budget",
    "z",
    "above bound",
]
RULES = {"pro-rata": {}, "waterfill": {"cap": 0.5, "weight": "weight"}, "queue": {}, "min-max-lots": {}}
_ROWS = 1 << 18


def chunked_section(sizes: list[int]) -> Section:
    """Measure every rule at every size."""
    section = Section("Chunked rounds from Parquet", TEXT, COLUMNS)
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "in.parquet"
            budget = SHARE * isolate.run(write_accounts, path, n).value
            for rule in RULES:
                outcome = isolate.run(measure, path, rule, budget)
                row = {"rule": rule, "accounts": n} | (outcome.value or {"reads": outcome.failure})
                section.rows.append(
                    row | {"peak MiB": outcome.peak_mib, "file MiB": path.stat().st_size / 2**20}
                )
        if n >= 10_000_000:
            most = max(row["peak MiB"] for row in section.rows if row["accounts"] == n)
            section.targets.append(
                (f"{n} accounts from Parquet: <= 4 GiB", f"{most:.0f} MiB at most", most <= 4096)
            )
    return section


def measure(path: Path, rule: str, budget: float) -> dict[str, Any]:
    """One rule over the file."""
    start = time.perf_counter()
    answer = solve_chunked(path, path.with_name(f"{rule}.parquet"), rule, budget, **RULES[rule])
    seconds = time.perf_counter() - start
    above = answer.z / answer.lower_bound - 1 if answer.lower_bound else None
    paid = answer.executed_usd / budget
    return {
        "reads": answer.passes,
        "seconds": seconds,
        "paid / budget": paid,
        "z": answer.z,
        "above bound": above,
    }


def write_accounts(path: Path, n: int) -> float:
    """Write n accounts from the October 10 quantiles, a chunk at a time; return their capacity in USD."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, (p, v) = np.random.default_rng(SEED), quantile_knots("closed_pnl_usd")
    total, writer = 0.0, None
    for start in range(0, n, _ROWS):
        size = min(_ROWS, n - start)
        capacity = np.exp(np.interp(rng.random(size), p, np.log(v)))
        lots = np.floor(10.0 ** rng.uniform(*LOTS_DECADES, size))
        table = pa.table(
            {
                "id": pa.array(np.char.add("a", np.arange(start, start + size).astype(str))),
                "capacity_usd": capacity,
                "score": rng.random(size),
                "weight": rng.lognormal(0.0, 1.0, size),
                "lot_value_usd": capacity / lots,
                "lots": lots.astype(np.int64),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        total += float(capacity.sum())
    if writer is not None:
        writer.close()
    return total

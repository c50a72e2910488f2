"""Chunked rounds give the answers of the in-memory kernels, with chunks far smaller than the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adl_opt.chunked import solve_chunked
from adl_opt.chunked.give_back import give_back_lots
from adl_opt.chunked.lots import lots_level
from adl_opt.chunked.radix import to_floats, to_keys
from adl_opt.chunked.solve import COLUMNS
from adl_opt.chunked.source import Source
from adl_opt.errors import AdlOptError, InputError, UsageError
from adl_opt.kernels import descending, fill_in_order, minmax_lots, waterfill


def draw(seed: int, n: int, *, ties: bool = False) -> dict[str, Any]:
    """Accounts over many magnitudes; with ties, few distinct values."""
    rng = np.random.default_rng(seed)
    spread = (lambda low, high: rng.integers(1, 4, n).astype(float)) if ties else None
    wide = spread or (lambda low, high: 10.0 ** rng.uniform(low, high, n))
    capacity = np.where(rng.random(n) < 0.1, 0.0, wide(-9, 12))
    lots = np.floor(10.0 ** rng.uniform(0, 3, n))
    return {
        "id": [f"a{i}" for i in range(n)],
        "capacity_usd": capacity,
        "score": rng.integers(0, 5, n).astype(float) if ties else rng.normal(size=n),
        "weight": np.where(rng.random(n) < 0.1, 0.0, wide(-3, 3)),
        "cap": rng.integers(0, 3, n) / 2.0 if ties else rng.random(n),
        "lot_value_usd": np.where(capacity > 0, capacity, 1.0)
        / lots
        * (1.0 if ties else rng.uniform(0.5, 1.5, n)),
        "lots": lots.astype(np.int64),
    }


def store(folder: Path, table: dict[str, Any]) -> Path:
    path = folder / "in.parquet"
    pq.write_table(pa.table(table), path, row_group_size=50)
    return path


def kernel(rule: str, t: dict[str, Any], budget: float, options: dict[str, Any]) -> np.ndarray:
    u = t["capacity_usd"]
    if rule == "queue":
        return fill_in_order(u, descending(t["score"]), budget)
    if rule == "min-max-lots":
        return minmax_lots(u, np.arange(u.size), t["lot_value_usd"], t["lots"], budget).haircut_usd
    cap = t["cap"] if options.get("cap") == "cap" else options.get("cap")
    return waterfill(u, budget, cap=cap, weights=t["weight"] if "weight" in options else None)


CASES = [
    ("pro-rata", {}),
    ("waterfill", {}),
    ("waterfill", {"cap": 0.25}),
    ("waterfill", {"cap": "cap"}),
    ("waterfill", {"weight": "weight"}),
    ("waterfill", {"weight": "weight", "cap": "cap"}),
    ("queue", {}),
]


@pytest.mark.parametrize("share", [0.0, 1e-6, 0.02, 0.6, 1.0, 2.0])
@pytest.mark.parametrize(("rule", "options"), CASES)
@pytest.mark.parametrize("ties", [False, True])
def test_divisible_rules_equal_the_kernels(
    tmp_path: Path, rule: str, options: dict[str, Any], share: float, ties: bool
) -> None:
    table = draw(1, 230, ties=ties)
    path, budget = store(tmp_path, table), share * float(np.sum(table["capacity_usd"]))
    answer = solve_chunked(path, tmp_path / "out.parquet", rule, budget, chunk_rows=17, **options)
    expected = kernel(rule, table, budget, options)
    written = pq.read_table(answer.out)
    assert written["id"].to_pylist() == table["id"]
    np.testing.assert_allclose(written["haircut_usd"], expected, rtol=1e-11, atol=1e-12 * budget)
    assert answer.executed_usd == pytest.approx(expected.sum(), rel=1e-12, abs=1e-300)
    assert answer.shortfall_usd == pytest.approx(
        max(budget - expected.sum(), 0.0), rel=1e-9, abs=1e-12 * budget
    )
    pays = expected > 0
    worst = np.max(expected[pays] / table["capacity_usd"][pays], initial=0.0)
    assert answer.z == pytest.approx(worst, rel=1e-12)
    assert answer.rows == 230
    assert answer.lower_bound is None


@pytest.mark.parametrize("share", [0.0, 1e-6, 0.02, 0.3, 0.97, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_lots_equal_the_kernel(tmp_path: Path, share: float, seed: int) -> None:
    table = draw(seed, 400, ties=seed % 2 == 1)
    budget = share * float(np.sum(table["capacity_usd"]))
    out = tmp_path / "out.parquet"
    answer = solve_chunked(store(tmp_path, table), out, "min-max-lots", budget, chunk_rows=33)
    u = table["capacity_usd"]
    known = minmax_lots(u, np.arange(u.size), table["lot_value_usd"], table["lots"], budget)
    assert answer.z == pytest.approx(known.z, rel=2e-12)
    assert answer.lower_bound == answer.z
    assert known.gap == 0
    written = pq.read_table(out)
    lots = written["lots"].to_numpy()
    assert np.all((lots >= 0) & (lots <= table["lots"]))
    np.testing.assert_allclose(written["haircut_usd"], lots * table["lot_value_usd"], rtol=1e-12)
    assert answer.executed_usd >= min(budget, known.executed_usd) * (1 - 2e-12)
    if not known.overshoot_proven:
        np.testing.assert_allclose(written["haircut_usd"], known.haircut_usd, rtol=1e-12, atol=3e-12 * budget)


def test_narrow_memory_finds_the_same_lots(tmp_path: Path) -> None:
    table = draw(5, 300)
    budget = 0.02 * float(np.sum(table["capacity_usd"]))
    source = Source.open(store(tmp_path, table), 29, COLUMNS["min-max-lots"])
    roomy, narrow = lots_level(source, budget), lots_level(source, budget, most_steps=0)
    assert roomy is not None
    assert narrow is not None
    assert narrow.z == pytest.approx(roomy.z, rel=1e-12)
    assert narrow.reach == roomy.reach
    wide, page = (give_back_lots(source, 0.5, 1e3, most_lines=k) for k in (1000, 3))
    np.testing.assert_array_equal(page.row, wide.row)
    np.testing.assert_array_equal(page.lots, wide.lots)


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20))
def test_keys_keep_the_order(values: list[float]) -> None:
    array = np.array(values)
    keys = to_keys(array)
    np.testing.assert_array_equal(np.argsort(keys, kind="stable"), np.argsort(array, kind="stable"))
    np.testing.assert_array_equal(to_floats(keys), array)


@pytest.mark.parametrize("rule", COLUMNS)
def test_empty_file(tmp_path: Path, rule: str) -> None:
    table = draw(1, 3)
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table(table).slice(0, 0), path)
    answer = solve_chunked(path, tmp_path / "out.parquet", rule, 5.0)
    assert (answer.rows, answer.executed_usd, answer.shortfall_usd) == (0, 0.0, 5.0)
    assert pq.read_table(answer.out).num_rows == 0


def spoiled(column: str, value: Any) -> dict[str, Any]:
    table = draw(3, 60)
    values = list(table[column])
    values[41] = value
    return table | {column: values}


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("capacity_usd", float("nan"), "must be finite"),
        ("capacity_usd", None, "must be finite"),
        ("capacity_usd", -1.0, "must be at least 0"),
        ("capacity_usd", float("inf"), "must be finite"),
        ("lot_value_usd", 0.0, "must be above 0"),
        ("lots", -1, "must be at least 0"),
        ("lots", None, "must be finite"),
    ],
)
def test_bad_values_are_named(tmp_path: Path, column: str, value: Any, words: str) -> None:
    path = store(tmp_path, spoiled(column, value))
    with pytest.raises(InputError, match=words) as caught:
        solve_chunked(path, tmp_path / "out.parquet", "min-max-lots", 1.0, chunk_rows=7)
    assert "row 41" in caught.value.got
    assert caught.value.ways_out
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]


def test_bad_files_and_calls(tmp_path: Path) -> None:
    path, out = store(tmp_path, draw(1, 5)), tmp_path / "out.parquet"
    pq.write_table(pa.table({"id": ["a"], "capacity_usd": ["much"]}), tmp_path / "text.parquet")
    (tmp_path / "no.parquet").write_text("no")
    refused = [
        (tmp_path / "none.parquet", "pro-rata", 1.0, "cannot be read", InputError),
        (tmp_path / "no.parquet", "pro-rata", 1.0, "cannot be read", InputError),
        (tmp_path / "text.parquet", "pro-rata", 1.0, "not numeric", InputError),
        (tmp_path / "text.parquet", "queue", 1.0, "columns are missing", InputError),
        (path, "pro-rata", -1.0, "at least 0", InputError),
        (path, "pro-rata", float("nan"), "finite", InputError),
        (path, "best", 1.0, "is not known", UsageError),
    ]
    for file, rule, budget, words, kind in refused:
        with pytest.raises(kind, match=words):
            solve_chunked(file, out, rule, budget)
    for options, words in (({"cap": 0.5}, "takes no cap"), ({"chunk_rows": 0}, "chunk_rows")):
        with pytest.raises(UsageError, match=words):
            solve_chunked(path, out, "queue", 1.0, **options)
    with pytest.raises(AdlOptError, match="cannot be written"):
        solve_chunked(path, tmp_path / "nowhere" / "out.parquet", "pro-rata", 1.0)
    with pytest.raises(UsageError, match="own input"):
        solve_chunked(path, path, "pro-rata", 1.0, overwrite=True)
    solve_chunked(path, out, "pro-rata", 1.0)
    with pytest.raises(UsageError, match="already there"):
        solve_chunked(path, out, "pro-rata", 1.0)
    assert solve_chunked(path, out, "pro-rata", 2.0, overwrite=True).executed_usd == pytest.approx(2.0)

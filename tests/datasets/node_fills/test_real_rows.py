"""Real rows of the late rounds, written back as node fills: rounds, winners, budgets as published.

The rows (third party, never committed) have no mark: it is set to the fill's price plus the published gap per
contract, so that the needed budget must come out as published.
"""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path

import pytest

from adl_opt.datasets.node_fills.importer import import_node_fills

DATA = os.environ.get("ADL_OPT_DATA", "")
pytestmark = pytest.mark.skipif(not DATA, reason="ADL_OPT_DATA does not name a folder with the rows")


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def published():
    reference = Path(os.environ.get("ADL_OPT_REFERENCE", Path(DATA).parent / "reference"))
    rounds = [
        row for row in rows_of(reference / "oct10_rounds.csv") if row["wave"] in ("17", "21", "25", "28")
    ]
    gaps = {
        (row["wave"], row["coin"]): float(row["gap_per_contract_usd"])
        for row in rows_of(reference / "oct10_coin_gaps.csv")
    }
    return rounds, gaps


@pytest.fixture(scope="module")
def imported(published, tmp_path_factory):
    rounds, gaps = published
    rows = rows_of(Path(DATA) / "hyperreplay" / "adl_detailed_analysis_REALTIME.late-rounds.csv")
    path = tmp_path_factory.mktemp("real") / "fills.json"
    lines, size = [], {}
    for number, row in enumerate(sorted(rows, key=lambda row: int(row["time"]))):
        time, held = int(row["time"]), float(row["position_size"])
        wave = next(r["wave"] for r in rounds if int(r["t_start_ms"]) <= time <= int(r["t_end_ms"]))
        price = float(row["adl_price"])
        fill = {"coin": row["coin"], "px": row["adl_price"], "sz": row["adl_size"], "time": time}
        fill |= {"side": "A" if held > 0 else "B", "startPosition": row["position_size"], "fee": "0"}
        fill |= {"closedPnl": row["closed_pnl"], "dir": "Auto-Deleveraging", "tid": number}
        mark = price + gaps[wave, row["coin"]]
        fill["liquidation"] = {
            "liquidatedUser": row["liquidated_user"],
            "markPx": repr(mark),
            "method": "market",
        }
        lines.append(
            json.dumps({"block_time": time, "block_number": number, "events": [[row["user"], fill]]})
        )
        size[wave] = size.get(wave, 0) + 1
    path.write_text("\n".join(lines), encoding="utf-8")
    return *import_node_fills([path]), size


def test_rounds_are_the_published_ones(published, imported):
    episode, report, size = imported
    rounds, _ = published
    assert report.unused == 0
    assert [line.fills for line in report.rounds] == [size[row["wave"]] for row in rounds] == [75, 26, 10, 37]
    assert [line.winners for line in report.rounds] == [44, 16, 6, 18]
    assert [line.markets for line in report.rounds] == [6, 5, 3, 3]
    for row, (round_, outcome) in zip(rounds, episode, strict=True):
        assert int(row["t_start_ms"]) <= round_.start_ms <= outcome.end_ms <= int(row["t_end_ms"])
        assert math.isclose(outcome.needed, float(row["needed_usd"]), rel_tol=1e-7)

"""Test vectors against an implementation in plain Python: fractions and sorted lists, no numpy."""

import json
from fractions import Fraction as F

import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.service.vectors import servable

PERCENT = lambda p: (1 if p["side"] == "long" else -1) * (p["mark"] - p["entry"]) / p["entry"]  # noqa: E731
SCORES = {
    "hyperliquid-literal": lambda p: p["mark"] / p["entry"] * p["notional"] / p["equity"],
    "hyperliquid-side-adjusted": lambda p: (
        (p["mark"] / p["entry"] if p["side"] == "long" else p["entry"] / p["mark"])
        * p["notional"]
        / p["equity"]
    ),
    "binance": lambda p: p["pnl"] / max(p["equity"] - p["pnl"], 1) * p["margin"] / p["equity"],
    "bitmex": lambda p: PERCENT(p) * p["notional"] / p["equity"],
    "grvt": lambda p: PERCENT(p) * p["margin"] / p["equity"],
    "kucoin": PERCENT,
}
SCORES["aevo"] = SCORES["binance"]
SCORES["okx"] = SCORES["bybit"] = SCORES["bitmex"]
SCORES["okx-margin-ratio"] = SCORES["bitget"] = SCORES["grvt"]
BASES = {
    "pro-rata": lambda p: max(min(p["pnl"], p["equity"]), 0),
    "pnl-pro-rata": lambda p: p["pnl"],
    "equity-pro-rata": lambda p: p["equity"],
    "drift-socialised": lambda p: p["notional"],
    "integer-pro-rata": lambda p: p["lots"],
}
BASES["percolator"] = BASES["integer-pro-rata"]
BASES["metaflux"] = BASES["pro-rata"]


def ordered(name, rows):
    if name == "ethereal":
        return sorted(rows, key=lambda p: (-p["leverage"], -p["pnl"], p["equity"] - p["pnl"], -p["row"]))
    return sorted(rows, key=lambda p: (-SCORES[name](p), p["id"]))


def shares(base, rows, wanted):
    """The level is found by closing positions one by one: those that cannot give c base give their most."""
    full = []
    while True:
        rest = [p for p in rows if p not in full]
        left = wanted - sum(p["most"] for p in full)
        if not rest:
            return {p["row"]: F(p["most"]) for p in rows}
        c = F(left) / sum(base(p) for p in rest)
        over = [p for p in rest if c * base(p) >= p["most"]]
        if not over:
            return {p["row"]: F(p["most"]) if p in full else c * base(p) for p in rows}
        full += over


def lots_of(name, vector):
    """What a matching engine does."""
    rows = [{k: v if isinstance(v, str) else F(v) for k, v in p.items()} for p in vector["positions"]]
    for row, p in enumerate(rows):
        p |= {"row": row, "mark": F(vector["mark"]), "capacity": max(min(p["pnl"], p["equity"]), 0)}
        p["most"] = min(p["lots"], p["capacity"] // F(vector["given_up"]))
    can = [p for p in rows if p["side"] != vector["losers"] and p["most"] > 0]
    wanted, taken = min(vector["quantity"], sum(p["most"] for p in can)), [0] * len(rows)
    if name not in BASES:
        for p in ordered(name, can):
            taken[p["row"]] = int(min(p["most"], wanted))
            wanted -= taken[p["row"]]
        return taken
    ideal = shares(BASES[name], can, wanted)
    for p in can:
        taken[p["row"]] = int(ideal[p["row"]])
    left = wanted - sum(taken)
    for p in sorted(can, key=lambda p: (-(ideal[p["row"]] % 1), p["id"])):
        if left > 0 and taken[p["row"]] < p["most"]:
            taken[p["row"]] += 1
            left -= 1
    return taken


def test_all_queues_and_shares_in_contracts_have_vectors():
    assert set(servable()) == {*SCORES, *BASES, "ethereal"}


@pytest.mark.parametrize("name", servable())
def test_vectors_are_those_of_another_implementation_to_the_integer(name):
    made = adl.vectors(name, count=30, seed=1)
    for vector in json.loads(json.dumps(made.to_json()))["vectors"]:
        assert lots_of(name, vector) == vector["lots"], vector
    taken = [v["lots"] for v in made.vectors]
    assert (
        sum(sum(lots) < v["quantity"] for lots, v in zip(taken, made.vectors, strict=True)) >= 1
    )  # some cannot
    assert sum(any(lots) for lots in taken) > 20


def test_rules_are_told_apart():
    other = {
        "binance": "okx",
        "okx": "kucoin",
        "pro-rata": "integer-pro-rata",
        "pnl-pro-rata": "equity-pro-rata",
    }
    for name, wrong in other.items():
        made = adl.vectors(name, count=30, seed=1).vectors
        assert any(lots_of(wrong, vector) != vector["lots"] for vector in made)


def test_ties_are_tested():
    made = adl.vectors("binance", count=60).vectors
    tied = 0
    for vector in made:
        seen = [tuple(v for k, v in p.items() if k != "id") for p in vector["positions"]]
        paid = [lots for row, lots in zip(seen, vector["lots"], strict=True) if seen.count(row) > 1]
        tied += len(set(paid)) > 1
    assert tied >= 3  # two rows alike in all but the id, and the id decides


def test_the_same_seed_gives_the_same_file(tmp_path):
    path = tmp_path / "v.json"
    ran = CliRunner().invoke(app, ["vectors", "binance", "--out", str(path), "--count", "3"])
    assert ran.exit_code == 0, ran.output
    assert f"wrote {path}: 3 vectors of binance" in ran.stdout
    told = json.loads(path.read_text())
    assert told == json.loads(json.dumps(adl.vectors("binance", count=3).to_json()))
    assert told["schema"] == 1
    assert told["rule"].startswith("PnLpct x MarginRatio")
    assert told["vectors"] != json.loads(json.dumps(adl.vectors("binance", count=3, seed=1).vectors))
    assert len(adl.vectors("binance", count=3).frame()) == sum(len(v["positions"]) for v in told["vectors"])


@pytest.mark.parametrize("name", ["dydx-random", "dydx-v4", "min-max-lots", "mirror-descent-kl"])
def test_other_rules_are_refused(name):
    with pytest.raises(adl.UsageError, match="queues and shares") as refused:
        adl.vectors(name)
    assert "binance" in refused.value.ways_out[0]

"""Min-max in contract space: the kernel and linear programs on the same books, growth, and whole lots."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from adl_opt.kernels import minmax_contract_lots, minmax_contracts
from adl_opt.kernels.lots.engine import SWITCH
from benchmarks import isolate
from benchmarks.growth import exponent
from benchmarks.instances import ContractsInstance, draw_contracts
from benchmarks.lots import ENGINES
from benchmarks.peers.contracts_lp import PEERS
from benchmarks.sections import Section, best_of

CELLS = 160
SECONDS = {"usual": 0.05, "tied": 0.2, "chain": 0.2}
MILLION = {"usual": 2.0, "tied": 5.0}
TEXT = (
    "Least largest burden z where each market and side is paid by its own positions: 160 cells, 1.6 legs an "
    "account. `usual`: cells need up to 10 % of their caps. `tied`: all cells share the level. `chain`: each "
    "account holds two neighbouring cells. The kernel's answer is lexicographic and has a proof, the peers "
    "solve for z alone (tolerances 1e-9, one call, 10 s at most); z and `off demand`, the largest share of a "
    "demand that is missing or too much, are recomputed from their legs. `times kernel` compares times, with "
    "those of the first row."
)
COLUMNS = [
    "book",
    "accounts",
    "legs",
    "peer",
    "status",
    "z",
    "above bound",
    "off demand",
    "times kernel",
    "peak MiB",
]
GROWTH = (
    "The kernel alone. The exponent is the least-squares slope of log time over log n from 10,000 accounts. "
    "`deciding` counts the cells that prove z."
)
GROWTH_COLUMNS = ["book", "accounts", "legs", "seconds", "gap", "deciding", "peak MiB", "exponent"]
LOTS = (
    "The same books in whole lots of about 1 and 10 USD, one size in each cell. The gap is that to the "
    "proven integer bound; `above dollars` is how far the bound lies above z in dollars."
)
LOTS_COLUMNS = [
    "book",
    "accounts",
    "lot USD",
    "seconds",
    "z",
    "gap",
    "above dollars",
    "deciding",
    "certificate",
]


def contracts_section(kinds: list[str], sizes: list[int], limit: float, repeats: int) -> Section:
    """Measure every book: the kernel first, then the peers one after the other."""
    section = Section("Min-max in contract space", TEXT, COLUMNS)
    for kind in kinds:
        for n in sizes:
            instance = draw_contracts(n, CELLS, kind)
            base = {"book": kind, "accounts": n, "legs": int(instance.account.size)}
            ours = [_apart(measure_kernel, instance, repeats, engine) for engine in ENGINES]
            for engine, each in zip(ENGINES, ours, strict=True):
                row = {
                    "peer": f"adl_opt kernel ({engine})",
                    "times kernel": each["seconds"] / ours[0]["seconds"],
                }
                section.rows.append(base | each | row)
            section.rows.extend(base | _peer_row(instance, name, limit, ours[0]) for name in PEERS)
            gap = max(each["gap"] for each in ours)
            section.targets.append((f"{kind}, {n} accounts: proven gap <= 1e-12", f"{gap:.1e}", gap <= 1e-12))
            if n == 20_000:
                took, most = ours[0]["seconds"], SECONDS[kind]
                claim = f"{kind}, {n} accounts: at most {most:g} s"
                section.targets.append((claim, f"{took:.4f} s", took <= most))
    return section


def contracts_growth_section(kinds: list[str], sizes: list[int], repeats: int) -> Section:
    """Measure the kernel at every size."""
    section = Section("Growth in contract space", GROWTH, GROWTH_COLUMNS)
    for kind in kinds:
        rows = []
        for n in sizes:
            instance = draw_contracts(n, CELLS, kind)
            found = _apart(measure_kernel, instance, repeats if n < 1_000_000 else 2, ENGINES[0])
            rows.append({"book": kind, "accounts": n, "legs": int(instance.account.size)} | found)
        late = [row for row in rows if row["accounts"] >= 10_000] or rows
        slope = exponent([row["accounts"] for row in late], [row["seconds"] for row in late])
        rows[-1]["exponent"] = slope
        section.rows.extend(rows)
        if sizes[-1] == 1_000_000:
            took = rows[-1]["seconds"]
            if kind in MILLION:
                claim = f"{kind}, 1,000,000 accounts: at most {MILLION[kind]:g} s"
                section.targets.append((claim, f"{took:.2f} s", took <= MILLION[kind]))
                section.targets.append((f"{kind}: exponent at most 1.25", f"{slope:.2f}", slope <= 1.25))
    return section


def contract_lots_section(kinds: list[str], sizes: list[int], repeats: int) -> Section:
    """Measure whole lots of two sizes on every book."""
    section = Section("Whole lots in contract space", LOTS, LOTS_COLUMNS)
    for kind in kinds:
        for n in sizes:
            for usd in (1.0, 10.0):
                row = _apart(measure_lots, draw_contracts(n, CELLS, kind), usd, repeats, ENGINES[0])
                section.rows.append({"book": kind, "accounts": n, "lot USD": usd} | row)
                most = 1e-12 if row["deciding"] == 1 else 0.005
                if n == 20_000 and usd == 1.0:
                    cells = f"{row['deciding']} cells decide"
                    claim = f"{kind}, {n} accounts, lots of 1 USD, {cells}: gap at most {most:g}, 0.2 s"
                    shown = f"gap {row['gap']:.1e}, {row['seconds']:.3f} s"
                    section.targets.append((claim, shown, row["gap"] <= most and row["seconds"] <= 0.2))
    return section


def _apart(function: Any, *args: Any) -> dict[str, Any]:
    """Figures of the kernel in a process of its own."""
    outcome = isolate.run(function, *args)
    if outcome.failure:
        raise RuntimeError(f"{function.__name__} failed: {outcome.failure}")
    figures: dict[str, Any] = outcome.value
    return figures | {"peak MiB": outcome.peak_mib}


def measure_kernel(instance: ContractsInstance, repeats: int, engine: str) -> dict[str, Any]:
    """Time the kernel and certify its answer."""
    os.environ[SWITCH] = "0" if engine == "numpy" else "1"
    seconds, answer = best_of(lambda: minmax_contracts(*instance.book), repeats)
    held = "proven" if answer.certify().ok else "REFUSED"
    return {
        "status": f"{held}, gap {answer.gap:.1e}",
        "seconds": seconds,
        "z": answer.z,
        "gap": answer.gap,
        "bound": answer.lower_bound,
        "above bound": answer.z / answer.lower_bound - 1,
        "off demand": _off(instance, answer.leg_usd),
        "deciding": int(np.count_nonzero(answer.deciding)),
    }


def measure_lots(instance: ContractsInstance, usd: float, repeats: int, engine: str) -> dict[str, Any]:
    """Time whole lots and certify the answer."""
    os.environ[SWITCH] = "0" if engine == "numpy" else "1"
    value = usd * np.exp(np.random.default_rng(5).uniform(-0.5, 0.5, instance.demand.size))[instance.cell]
    lots = np.floor(instance.cap / value).astype(np.int64)
    data = (instance.capacity, instance.account, instance.cell, value, lots, instance.demand)
    seconds, answer = best_of(lambda: minmax_contract_lots(*data), repeats)
    dollars = minmax_contracts(*data[:3], value * lots, instance.demand)
    return {
        "seconds": seconds,
        "z": answer.z,
        "gap": answer.gap,
        "above dollars": answer.lower_bound / dollars.z - 1,
        "deciding": int(np.count_nonzero(answer.deciding)),
        "certificate": "holds" if answer.certify().ok else "REFUSED",
    }


def _peer_row(instance: ContractsInstance, name: str, limit: float, kernel: dict[str, Any]) -> dict[str, Any]:
    """One peer on one book, judged by its legs."""
    outcome = isolate.run(PEERS[name], instance, limit, limit=limit)
    if (answer := outcome.value) is None:
        return {"peer": name, "status": outcome.failure, "limit": limit}
    seconds = isolate.seconds(outcome)
    row = {
        "peer": name,
        "status": answer.status,
        "times kernel": seconds / kernel["seconds"],
        "seconds": seconds,
    }
    row |= {"peak MiB": outcome.peak_mib, "limit": limit}
    if answer.x is not None:
        burden = np.clip(answer.x, 0.0, None)
        z = float(np.bincount(instance.account, burden, instance.capacity.size).max())
        off = _off(instance, burden * instance.capacity[instance.account])
        row |= {"z": z, "above bound": z / kernel["bound"] - 1, "off demand": off}
    return row


def _off(instance: ContractsInstance, usd: np.ndarray) -> float:
    """Largest share of a demand that is missing or too much."""
    paid = np.bincount(instance.cell, usd, instance.demand.size)
    return float(np.max(np.abs(paid - instance.demand) / instance.scale))

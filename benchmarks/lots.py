"""Min-max over lots: the kernel, every peer at its limit, and the floor of one pass."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

import numpy as np

from adl_opt.kernels import minmax_lots
from adl_opt.kernels.lots.engine import SWITCH
from benchmarks import isolate
from benchmarks.answer import judge_lots
from benchmarks.instances import LotsInstance, draw_lots, one_pass
from benchmarks.peers import PEERS
from benchmarks.sections import Section, best_of

TEXT = (
    "Smallest largest burden z over whole lots that cover B = 2 % of the capacity; 1.6 positions an "
    "account, about a thousand lots a position. Peers: relative gap 1e-4, all cores, the stated "
    "limit; z is recomputed from their lots. `above bound` is how far z lies above the kernel's "
    "proven lower bound; `times kernel` compares times, with those of the first row. The kernel runs twice: "
    "compiled by numba (the extra `fast`), and in numpy alone; the answers are the same within the tolerance."
)
ENGINES = ("numba", "numpy") if find_spec("numba") else ("numpy",)
COLUMNS = [
    "accounts",
    "positions",
    "peer",
    "status",
    "z",
    "above bound",
    "certificate",
    "times kernel",
    "passes",
    "peak MiB",
]


def lots_section(sizes: list[int], limits: dict[int, float], repeats: int) -> Section:
    """Measure every size: the kernel first, then the peers one after the other."""
    section = Section("Min-max over lots", TEXT, COLUMNS)
    for n in sizes:
        instance = draw_lots(n)
        base = {"accounts": n, "positions": int(instance.account.size)}
        kernels = [_kernel(instance, 8 * repeats, engine) for engine in ENGINES]
        for each in kernels:
            times = each["seconds"] / kernels[0]["seconds"]
            section.rows.append(base | each["row"] | {"times kernel": times})
        kernel = kernels[0]
        peers = {name: _peer_row(instance, name, limits[n], kernel) for name in PEERS}
        section.rows.extend(base | row for row in peers.values())
        _judge(section, n, kernels, list(peers.values()))
    return section


def _kernel(instance: LotsInstance, repeats: int, engine: str) -> dict[str, Any]:
    """Figures of the kernel in a process of its own."""
    ours = isolate.run(measure_kernel, instance, repeats, engine)
    if ours.failure:
        raise RuntimeError(
            f"the kernel ({engine}) failed at {instance.capacity.size} accounts: {ours.failure}"
        )
    figures: dict[str, Any] = ours.value
    figures["row"]["peak MiB"] = ours.peak_mib
    return figures


def measure_kernel(instance: LotsInstance, repeats: int, engine: str) -> dict[str, Any]:
    """Time the kernel and the floor in one process; certify the answer."""
    os.environ[SWITCH] = "0" if engine == "numpy" else "1"
    u = instance.capacity[instance.account]
    data = (instance.capacity, instance.account, instance.lot_value, instance.lots, instance.budget)
    seconds, answer = best_of(lambda: minmax_lots(*data), repeats)
    have = instance.lots.astype(float)
    floor, _ = best_of(lambda: one_pass(answer.z, u, instance.lot_value, have), 1000)
    verdict = judge_lots(instance, answer.lots)
    row = {
        "peer": f"adl_opt kernel ({engine})",
        "status": f"proven, gap {answer.gap:.1e}",
        "z": verdict.z,
        "above bound": verdict.z / answer.lower_bound - 1 if answer.lower_bound else None,
        "certificate": "holds" if answer.certify().ok and verdict.holds else "REFUSED",
        "passes": seconds / floor,
    }
    return {"row": row, "seconds": seconds, "floor": floor, "lower": answer.lower_bound, "gap": answer.gap}


def _peer_row(instance: LotsInstance, name: str, limit: float, kernel: dict[str, Any]) -> dict[str, Any]:
    """One peer on one instance, judged by its lots."""
    outcome = isolate.run(PEERS[name], instance, limit, limit=limit)
    answer = outcome.value
    if answer is None:
        return {"peer": name, "status": outcome.failure, "limit": limit}
    verdict, seconds = judge_lots(instance, answer.x), isolate.seconds(outcome)
    status = answer.status if answer.status.startswith("proven") else f"{answer.status} ({limit:g} s)"
    return {
        "peer": name,
        "status": status + (f"; {answer.note}" if answer.note else ""),
        "z": verdict.z,
        "above bound": verdict.z / kernel["lower"] - 1 if verdict.z and kernel["lower"] else None,
        "certificate": "holds" if verdict.holds else "; ".join(verdict.faults),
        "times kernel": seconds / kernel["seconds"],
        "passes": seconds / kernel["floor"],
        "peak MiB": outcome.peak_mib,
        "seconds": seconds,
        "wall seconds": answer.seconds,
        "bound": answer.bound,
        "limit": limit,
    }


def _judge(section: Section, n: int, kernels: list[dict[str, Any]], peers: list[dict[str, Any]]) -> None:
    """Hold the figures against the targets."""
    gap, z = max(each["gap"] for each in kernels), kernels[0]["row"]["z"]
    held = [row for row in peers if row.get("z") and row["certificate"] == "holds"]
    best = min((row["z"] for row in held), default=np.inf)
    section.targets.append((f"{n} accounts: proven gap <= 1e-9", f"gap {gap:.1e}", gap <= 1e-9))
    section.targets.append(
        (f"{n} accounts: z <= that of every peer", f"{z:.9g} against {best:.9g}", z <= best * (1 + 1e-6))
    )
    if n >= 19_230:
        for engine, each in zip(ENGINES, kernels, strict=True):
            passes = each["row"]["passes"]
            what = f"{n} accounts: at most 100 passes ({engine})"
            section.targets.append((what, f"{passes:.0f} passes", passes <= 100))
    if n == 500 and held:
        proven = [row for row in held if row["status"].startswith("proven")]
        times = min(row["times kernel"] for row in proven or held)
        shown = (
            f"{times:.0f} times"
            if proven
            else f"none proved it; over {times:.0f} times to the shortest limit"
        )
        section.targets.append(
            (f"{n} accounts: >= 1,000 times faster than a peer that proves 1e-4", shown, times >= 1000)
        )

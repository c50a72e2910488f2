"""`adl_opt.solve` on rounds in contracts: kernels beside HiGHS and cvxpy on one program and round."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import adl_opt as adl
from adl_opt.errors import SolverError
from adl_opt.programs import ExactBudget, Lots, MaxBurden, RoundProgram, Solvency, WithinPositions
from benchmarks import isolate
from benchmarks.contracts import CELLS, SECONDS
from benchmarks.instances import ContractsInstance, draw_contracts
from benchmarks.sections import Section

ENGINES: dict[str, tuple[str, dict[str, Any] | None]] = {
    "kernel": ("kernel", None),
    "HiGHS simplex": ("highs", {"solver": "simplex"}),
    "HiGHS IPM": ("highs", {"solver": "ipm"}),
    "HiGHS PDLP": ("highs", {"solver": "pdlp"}),
    "cvxpy": ("cvxpy", None),
}
FAILURES = {"Time limit": "no answer in time", "certificate refuses": "refused by the certificate"}
"""What a row says of an engine whose message has these words."""

TEXT = (
    "`adl_opt.solve` from a round to a certified answer: least largest burden of an exact budget, 160 "
    "markets, books as on the page of the kernels. Everything counts: prices, arrays, search, certificate, "
    "shadow prices. All engines solve the same program on the same round, one after the other in one run; "
    "the kernel is the best of some calls, the others have one call each after a small one, and {limit:g} s "
    "by the clock. Times are processor seconds of the process, for other work ran on the machine; `wall s` "
    "is the clock's. The gap is between the answer and the bound that is derived here."
)
COLUMNS = ["book", "accounts", "positions", "engine", "status", "z", "gap", "times kernel", "cpu s", "wall s"]
OTHERS = (
    "The same call for whole lots of 1 USD (`kernel: lots`), and for three losers at three prices in each "
    "market (`rows of losers`: equal shares of every row where the bound of the rows proves them, else a "
    "linear program by HiGHS). `one decides` says whether the bound is that of a single market."
)
OTHER_COLUMNS = [
    "book",
    "accounts",
    "positions",
    "program",
    "status",
    "z",
    "gap",
    "one decides",
    "cpu s",
    "wall s",
]


def round_of(
    instance: ContractsInstance, *, lot: float = 0.01, prices: tuple[float, ...] = (1.0,)
) -> adl.Round:
    """Return a book as a round: shorts that gain their capacities, and losers at some prices above the mark.

    A contract gives up 1 USD on average, so that a cap in USD is a number of contracts.
    """
    u, account, cell = instance.capacity, instance.account, instance.cell
    lots = np.maximum(np.rint(instance.cap / lot), 1.0)
    total = np.bincount(account, lots * lot, u.size)
    gain = np.divide(u, total, out=np.zeros_like(u), where=total > 0)[account]
    names = np.array([f"M{k:03d}" for k in range(instance.demand.size)])
    held = adl.Positions(
        account=account, market=names[cell], lots=lots.astype(np.int64), lot_size=np.full(lots.size, lot),
        side=np.full(lots.size, -1), entry=100.0 + gain, mark=np.full(lots.size, 100.0),
    )  # fmt: skip
    pnl = np.bincount(account, held.pnl, u.size)
    price = np.tile(prices, names.size)
    flow = adl.Flow(
        market=np.repeat(names, len(prices)), side=np.ones(price.size, dtype=np.int64),
        quantity=np.repeat(instance.demand / len(prices), len(prices)), mark=np.full(price.size, 100.0),
        bankruptcy=100.0 + price,
    )  # fmt: skip
    ids = np.array([f"a{k:06d}" for k in range(u.size)])
    deficit = float(flow.quantity @ price)
    accounts = adl.Accounts(id=ids, pnl=pnl, equity=pnl + 1.0)
    return adl.Round(deficit=deficit, accounts=accounts, positions=held, flow=flow)


def measure(kind: str, n: int, engine: str, limit: float, repeats: int, what: str = "lp") -> dict[str, Any]:
    """Solve one book by one engine, after a small one that loads what is needed."""
    name, options = ENGINES[engine]
    rules = [Solvency(), Lots()] if what == "lots" else [ExactBudget()]
    program = RoundProgram(MaxBurden(), [*rules, WithinPositions()])
    more: dict[str, Any] = {"lot": 1.0} if what == "lots" else {}
    more |= {"prices": (0.5, 1.0, 1.5)} if what == "rows" else {}

    def solved(size: int) -> tuple[float, float, Any]:
        round_ = round_of(draw_contracts(size, CELLS if size > 20 else 2, kind), **more)
        cpu, wall = time.process_time(), time.perf_counter()
        found = adl.solve(
            round_, round_.deficit, model=program, engine=name, solver_options=options, seconds=limit
        )
        return time.process_time() - cpu, time.perf_counter() - wall, found

    solved(20)
    try:
        cpu, wall, found = min((solved(n) for _ in range(repeats)), key=lambda each: each[0])
    except SolverError as error:
        known = (short for words, short in FAILURES.items() if words in str(error))
        return {"status": next(known, " ".join(str(error).split())[:80])}
    s = found.solution
    result = getattr(s.proof, "result", None)
    return {
        "positions": len(found.round.positions), "status": s.status.value, "z": s.objective,
        "gap": s.gap if np.isfinite(s.gap) else None,
        "one decides": "-" if result is None else "yes" if result.deciding.sum() == 1 else "no",
        "cpu s": cpu, "wall s": wall,
    }  # fmt: skip


def contracts_solve_section(kinds: list[str], sizes: list[int], limit: float, repeats: int) -> Section:
    """Measure every engine on every book."""
    section = Section("adl_opt.solve in contracts", TEXT.format(limit=limit), COLUMNS)
    for kind in kinds:
        for n in sizes:
            ours: dict[str, Any] = {}
            for engine in ENGINES:
                calls = repeats if engine == "kernel" else 1
                row = _row(measure, kind, n, engine, limit, calls, limit=calls * limit)
                ours = ours or row
                if row.get("cpu s") and ours.get("cpu s"):
                    row["times kernel"] = row["cpu s"] / ours["cpu s"]
                section.rows.append({"book": kind, "accounts": n, "engine": engine} | row)
            claim = f"{kind}, {n} accounts: gap of the answer at most 1e-12"
            section.targets.append(_target(claim, ours, 1e-12, np.inf))
            if n == 20_000:
                claim = f"{kind}, {n} accounts: round to certified answer in {SECONDS[kind]:g} s"
                section.targets.append(_target(claim, ours, np.inf, SECONDS[kind]))
    return section


def contracts_others_section(kinds: list[str], sizes: list[int], limit: float, repeats: int) -> Section:
    """Measure whole lots, and several losers at several prices."""
    section = Section("Whole lots and rows of losers", OTHERS, OTHER_COLUMNS)
    for kind in kinds:
        for n in sizes:
            for what, label in (("lots", "kernel: lots"), ("rows", "rows of losers")):
                row = _row(measure, kind, n, "kernel", limit, repeats, what, limit=repeats * limit)
                section.rows.append({"book": kind, "accounts": n, "program": label} | row)
                if n == 20_000:
                    one = row.get("one decides") == "yes"
                    gap, seconds = (1e-9, 2.0) if what == "rows" else (1e-9 if one else 0.005, 0.2)
                    claim = f"{kind}, {n} accounts, {label}: gap at most {gap:g} in {seconds:g} s"
                    section.targets.append(_target(claim, row, gap, seconds))
    return section


def _target(claim: str, row: dict[str, Any], gap: float, seconds: float) -> tuple[str, str, bool]:
    """Return a claim, what was measured, and whether it holds: never where there is no answer or no bound."""
    if "cpu s" not in row:
        return claim, row["status"], False
    found = np.inf if row["gap"] is None else row["gap"]
    shown = f"gap {found:.1e}, {row['cpu s']:.3f} s of processor"
    return claim, shown, bool(found <= gap and row["cpu s"] <= seconds)


def _row(function: Any, *args: Any, limit: float) -> dict[str, Any]:
    """Figures of a process of its own, or why there are none."""
    outcome = isolate.run(function, *args, limit=limit)
    return {"status": outcome.failure} if outcome.failure else dict(outcome.value)

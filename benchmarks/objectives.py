"""All rules in contracts on one invented book: fair burdens and little risk, in one table."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.catalogue import load_model
from adl_opt.datasets.book import invented_book
from adl_opt.evaluate.diagnostics import p99
from adl_opt.evaluate.replay import replay
from adl_opt.evaluate.result import Result
from adl_opt.policy.policy import Policy, make_policy
from adl_opt.programs import in_legs, solve
from adl_opt.rounds.contracts import CONTRACTS
from adl_opt.rounds.episode import Episode
from adl_opt.severity.base import make_severity
from benchmarks.sections import Section

COLUMNS = [
    *("rule", "largest burden", "99th percentile", "accounts closed", "leverage of payers"),
    *("paid by hedged %", "loss usd", "future shortfall usd", "frontier"),
]
BOOK = (
    "An invented book of {accounts:,} accounts and {markets} markets "
    "(`adl_opt.datasets.book.invented_book`, seed 0), fitted to no venue. Every rule closes the whole flow, "
    "2 % of all short contracts, in whole lots; "
)
LEGEND = (
    " `leverage of payers` is the mean leverage, weighted by haircut; `paid by hedged` the share of haircuts "
    "that accounts with both sides pay. `loss` is that of eq. 23. `future shortfall` is the expected "
    "shortfall after the round and its haircuts, over 64 moves that are drawn from an assumed covariance "
    "(volatility 0.1, correlation 0.8, seed 0). On the frontier no other rule is better in both."
)
ONLY = (
    "no account gives up more than its positive PNL. With this rule the largest burden of every queue is "
    "1.0 by nature, up to a lot: it empties the first account before it comes to the next. So that figure "
    "does not tell queues apart. The 99th percentile, who is closed, and future shortfall do. `min-max` is "
    "level before its rounding to whole lots; `min-max-lots` is least over whole lots. The last two rows "
    "weigh both objectives in one program, and round its answer to whole lots."
)
LOSERS = (
    "accounts without positive PNL may be closed too, as on venues that do not hold that rule. Burdens are "
    "by equity here: by positive PNL they would have no limit. A burden above 1 takes more than there is."
)
MOVES = {
    "drawn(volatility=0.05)": "5 %",
    "drawn": "10 % (default)",
    "drawn(volatility=0.2)": "20 %",
    "drawn(correlation=0)": "10 %, correlation 0",
    "drawn(correlation=0.99)": "10 %, correlation 0.99",
}

BOTH = ("model:risk-based(weight=1000)", "model:risk-based(weight=10000)")
"""Both objectives in one program, in whole lots."""

WEIGHTS = (0.0, 1e3, 3e3, 1e4, 1e5)


def policies(*, positive_pnl_only: bool) -> list[Policy]:
    """Return every rule that closes contracts, under the oracle severity."""
    rules = [rule() for rule in ALLOCATIONS.values() if CONTRACTS in rule().spaces]
    oracle = make_severity("oracle")
    return [
        Policy(severity=oracle, allocation=r, name=r.label(), positive_pnl_only=positive_pnl_only)
        for r in rules
    ]


def objectives_section(accounts: int, markets: int, *, losers_too: bool = False) -> Section:
    """Replay every rule on the invented book."""
    episode = invented_book(accounts=accounts, markets=markets)
    title = "All rules, losers too" if losers_too else "All rules, positive PNL only"
    text = BOOK.format(accounts=accounts, markets=markets) + (LOSERS if losers_too else ONLY) + LEGEND
    section = Section(title, text, COLUMNS)
    given: list[Policy] = policies(positive_pnl_only=not losers_too)
    given += [] if losers_too else [make_policy(name) for name in BOTH]
    result = replay(episode, given, burden="equity" if losers_too else "capacity")
    section.rows += _rows(episode, result)
    return section


def moves_section(accounts: int, markets: int) -> Section:
    """Replay every rule under other scenarios, which rules by risk know as well."""
    episode = invented_book(accounts=accounts, markets=markets)
    text = (
        "Future shortfall in USD on the same book, positive PNL only, where the 64 moves are drawn from "
        "another volatility or correlation. `risk-based` knows these moves; no other rule looks at them."
    )
    section = Section("Other scenarios", text, ["rule", *MOVES.values()])
    given = policies(positive_pnl_only=True)
    found = {shown: replay(episode, given, moves=moves).frame() for moves, shown in MOVES.items()}
    for policy in given:
        worth = {c: float(f.loc[policy.name, "future_shortfall_usd"]) for c, f in found.items()}
        section.rows.append({"rule": policy.name} | worth)
    return section


def frontier_section(accounts: int, markets: int) -> Section:
    """Solve both objectives as one program, at several weights of the largest burden."""
    (round_, _) = invented_book(accounts=accounts, markets=markets).rounds[0]
    text = (
        "The model `risk-based` on the same book, positive PNL only: the least future shortfall + weight x "
        "largest burden, proven. It closes parts of lots, so no rule of the tables below passes these points."
    )
    columns = ["weight usd", "largest burden", "99th percentile", "future shortfall usd", "status", "seconds"]
    section = Section("Both objectives in one program", text, columns)
    asked, able = in_legs(round_).flow_usd, round_.accounts.capacity > 0
    for weight in WEIGHTS:
        program = load_model("risk-based", weight=weight).program
        start = time.process_time()
        found = solve(program, round_, needed=asked)
        seconds = time.process_time() - start
        assert found.x is not None  # noqa: S101
        burden = found.x[able] / round_.accounts.capacity[able]
        row = {"weight usd": weight, "largest burden": float(burden.max()), "99th percentile": p99(burden)}
        row |= {"future shortfall usd": found.objective - weight * float(burden.max()), "seconds": seconds}
        section.rows.append(row | {"status": f"{found.status.value}, gap {found.gap:.0e}"})
    return section


def _rows(episode: Episode, result: Result) -> list[dict[str, Any]]:
    """Return a row for each rule."""
    (round_, _), frame = episode.rounds[0], result.frame()
    held = round_.positions
    assert held is not None  # noqa: S101
    assert held.side is not None  # noqa: S101
    sides = [np.bincount(held.account[held.side == s], minlength=len(round_.accounts)) for s in (-1, 1)]
    hedged = dict(zip(round_.accounts.id.tolist(), ((sides[0] > 0) & (sides[1] > 0)).tolist(), strict=True))
    front = set(result.pareto("total_usd", "future_shortfall_usd").index)
    rows = []
    for name, row in frame.iterrows():
        paid = result.haircuts(str(name))
        x = paid["haircut_usd"].to_numpy()
        rows.append(
            {
                "rule": name,
                "largest burden": float(row.max_burden),
                "99th percentile": float(row.p99_burden),
                "accounts closed": int(row.accounts_touched),
                "leverage of payers": float(x @ paid["leverage"].to_numpy() / x.sum()),
                "paid by hedged %": float(100 * x @ paid["id"].map(hedged).to_numpy(dtype=float) / x.sum()),
                "loss usd": float(row.total_usd),
                "future shortfall usd": float(row.future_shortfall_usd),
                "frontier": "yes" if name in front else "",
            }
        )
    return rows

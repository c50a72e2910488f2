"""Tables and figures of README and docs are the program's: this writes them anew (``make readme``)."""

import re
from functools import cache
from pathlib import Path

import adl_opt as adl
from adl_opt.reports.figures.style import rendered
from adl_opt.tabular import markdown_table

README = Path(__file__).parents[1] / "README.md"
FIGURE = README.parent / "docs" / "cumulative.svg"
BESIDE = (
    "hyperliquid-literal",
    "binance",
    "bitmex",
    "pro-rata",
    "min-max(base=equity)",
    "min-max-lots(base=equity)",
)
IN_CONTRACTS = (
    *(
        "hyperliquid-literal",
        "hyperliquid-side-adjusted",
        "binance",
        "bitmex",
        "aevo",
        "okx",
        "okx-margin-ratio",
    ),
    *("grvt", "ethereal", "bybit", "bitget", "kucoin", "dydx-v4", "percolator", "metaflux", "pro-rata"),
    *("min-max(base=equity)", "min-max-lots(base=equity)", "leverage-draining", "risk-based"),
)


@cache
def replayed() -> adl.Result:
    """Return the replay that the first table and the figure show."""
    return adl.replay("oct10")


def replay_table() -> str:
    """Return the deployable policies, some that knew B, and production, over October 10, 2025."""
    result = replayed()
    rounds = len(result.by_policy["production"])
    beside = (*BESIDE, "production")
    rows = [p for p in result.policies if p.information.without_outcome or p.policy in beside]
    heads = [
        "policy",
        "decided on",
        "taken",
        "not needed",
        "missed",
        "rounds covered",
        "dollars covered",
        "most from one account",
        "loss",
    ]
    cells = [
        [
            f"`{p.policy}`",
            p.information,
            *(f"{usd / 1e6:,.2f}" for usd in (p.haircut_usd, p.overshoot_usd, p.undershoot_usd)),
            f"{p.covered_rounds} of {rounds}",
            f"{100 * p.covered_usd_share:.1f} %",
            f"{100 * p.max_burden:.1f} %",
            f"{p.total_usd / 1e6:,.2f}",
        ]
        for p in rows
    ]
    return markdown_table(heads, cells, [k < 2 for k in range(len(heads))])


def bursts_table() -> str:
    """Return the deployable policies by round and by burst."""
    early = [p for p in replayed().policies if p.information.without_outcome]
    bursts = adl.replay("oct10-bursts", [p.policy for p in early], loss=replayed().loss).policies
    rounds = len(adl.load("oct10-bursts"))
    heads = [
        "policy",
        "knew, by round",
        "not needed",
        "missed",
        "knew, by burst",
        "not needed",
        "missed",
        "bursts covered",
    ]
    cells = [
        [
            f"`{p.policy}`",
            *(p.information, f"{p.overshoot_usd / 1e6:,.2f}", f"{p.undershoot_usd / 1e6:,.2f}"),
            *(b.information, f"{b.overshoot_usd / 1e6:,.2f}", f"{b.undershoot_usd / 1e6:,.2f}"),
            f"{b.covered_rounds} of {rounds}",
        ]
        for p, b in zip(early, bursts, strict=True)
    ]
    return markdown_table(heads, cells, [k < 2 for k in range(len(heads))])


def contracts_table() -> str:
    """Return the rules in contracts over October 10, 2025; rules with the same figures share a row."""
    result = adl.replay("oct10", IN_CONTRACTS, space="contracts")
    heads = [
        "rule",
        "decided on",
        "largest burden",
        "99th percentile",
        "accounts closed",
        "loss",
        "future shortfall",
        "residual",
    ]
    alike: dict[tuple[str, ...], list[str]] = {}
    for p in result.policies:
        figures = (
            p.information,
            f"{100 * p.max_burden:.1f} %",
            f"{100 * p.p99_burden:.1f} %",
            f"{p.accounts_touched:,.0f}",
            f"{p.total_usd / 1e6:,.2f}",
            f"{p.future_shortfall_usd / 1e6:,.4f}",
            f"{p.residual_usd:,.0f}",
        )
        alike.setdefault(figures, []).append(f"`{p.policy}`")
    cells = [[", ".join(names), *figures] for figures, names in alike.items()]
    return markdown_table(heads, cells, [k < 2 for k in range(len(heads))])


OCT10 = README.parent / "docs" / "oct10.md"
TABLES = {
    "replay": (README, replay_table),
    "contracts": (README, contracts_table),
    "bursts": (OCT10, bursts_table),
}
"""Where each table stands, and who makes it."""


def block(name: str) -> re.Pattern[str]:
    """Return the pattern of a table of the README, by its name."""
    return re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


def shown(name: str) -> str:
    """Return a table as it stands on its page."""
    found = block(name).search(TABLES[name][0].read_text(encoding="utf-8"))
    assert found is not None, name
    return found[2]


def figure() -> bytes:
    """Return the figure: the policies of the table that a figure has room for."""
    return rendered(replayed().plot.cumulative(), "svg")


if __name__ == "__main__":
    FIGURE.write_bytes(figure())
    for name, (page, made) in TABLES.items():
        table, text = made(), page.read_text(encoding="utf-8")
        page.write_text(block(name).sub(lambda m, table=table: m[1] + table + m[3], text), encoding="utf-8")

"""The catalogues as terminal tables: policies, models, learners, scenarios, checks."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from adl_opt.answer import Listing
from adl_opt.health import Health
from adl_opt.reports.terminal.tables import plain_table

PARTS = (
    "a bare allocation runs under the oracle severity (ex post); "
    "severity/allocation combines the two: constant(0.5)/binance"
)
CARDS = "adl-opt models show NAME prints the card; parameters in the name: account-selection(k=5)"
RULES = "adl-opt venues show NAME prints the rule, its price and its worked example"
BEST = "default: the parameters that are shipped; the best point of a curve is known in hindsight only"
DECLARED = ("learner", "part", "domain", "regulariser", "step", "theorem", "regret", "hint")
FRONTIER = (
    *("policy", "alpha", "overshoot_usd", "covered_usd_share", "covered_rounds", "information", "default"),
)
BEDS = (
    *("bed", "policy", "rounds", "needed_usd", "tracking_usd", "overshoot_usd", "undershoot_usd"),
    *("covered_rounds", "covered_usd_share", "against_best"),
)
AGAINST = "against_best: over the better of ftrl-exact and the best hint of that bed, known in hindsight"

SHOWN: dict[str, tuple[str, tuple[str, ...], str]] = {
    "policies": ("policies", ("name", "information", "rule", "source", "tie-break"), PARTS),
    "models": ("models", ("name", "kind", "needs", "summary"), CARDS),
    "venues": ("venues", ("venue", "policies", "source", "read", "confidence"), RULES),
    "learners": ("Learners: what each declares", DECLARED, ""),
    "beds": ("test beds", BEDS, AGAINST),
    "frontier": ("overshoot against coverage", FRONTIER, BEST),
    "scenarios": ("scenarios", ("name", "purpose"), ""),
}
"""Title, columns and caption of each list."""


def listing_table(listing: Listing) -> Table:
    """Return a list of :data:`SHOWN` as a table, one entry a row."""
    title, columns, caption = SHOWN[listing.what]
    return plain_table(title, columns, ((str(row[c]) for c in columns) for row in listing), caption)


def health_table(health: Health) -> Table:
    """Return the doctor's checks."""
    rows = (
        (check.name, Text("ok", "green") if check.ok else Text("FAILED", "bold red"), check.seen)
        for check in health.checks
    )
    return plain_table("doctor", ["check", "", "seen"], rows)

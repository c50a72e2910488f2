"""The published figures of October 10, 2025, put through the same losses as every replay."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from adl_opt.datasets.draws import read_figures
from adl_opt.evaluate.bounds import deficit_counted_once, envelope_usd
from adl_opt.evaluate.record import PolicyRound
from adl_opt.evaluate.result import Result
from adl_opt.losses import Loss, as_loss
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "published per-round figures (arXiv 2602.15182; equity-base burdens, clipped at 1), eq. 23 by code"
REFERENCE = "min-max-ilp"


@dataclass(frozen=True, eq=False, kw_only=True)
class Published(Result):
    """The published table as a result, with the headlines that follow from it."""

    @cached_property
    def by_lambda(self) -> pd.DataFrame:
        """Each policy's total, USD, for several lambda."""
        return self.lambda_sweep()

    def to_json(self) -> dict[str, Any]:
        """Return plain values: those of a replay, the headlines, the totals by lambda."""
        totals = self.by_lambda.drop(columns="information").to_dict("index")
        return super().to_json() | {
            "headlines": asdict(headlines()),
            "markout_overshoot_usd": markout_overshoot(),
            "lambda_sweep_total_usd": {
                str(name): {f"{lam:g}": value for lam, value in row.items()} for name, row in totals.items()
            },
        }


def published(lam: float | None = None, *, loss: Loss | str | None = None) -> Published:
    """Return Table 2 (and the two further rows of the paper's code), recomputed from per-round figures.

    Parameters
    ----------
    lam : float, optional
        Weight lambda of the fairness term of eq. 23: short for ``fair`` of the loss.
    loss : Loss or str, optional
        By default eq. 23 with lambda = 1.  The burdens are known on the equity base only.

    Raises
    ------
    UsageError
        A weight that is out of range.

    Returns
    -------
    Published
        Its benchmark rows are marked ex post: each was given the needed budget B as its target.

    Examples
    --------
    >>> [round(p.total_usd, 2) for p in published().policies][:2]
    [64859522.21, 3404185.0]
    """
    asked = as_loss(loss, lam)
    asked = replace(asked, base=asked.base or "equity")
    rounds = {row["wave"]: row for row in read_figures("oct10_rounds.csv")}
    figures = read_figures("oct10_published_policies.csv")
    reference = {f["wave"]: float(f["max_burden"]) for f in figures if f["policy"] == REFERENCE}
    records = []
    for figure in figures:
        wave, name = figure["wave"], figure["policy"]
        observed = name == "production"
        records.append(
            PolicyRound(
                policy=name,
                severity="observed" if observed else "oracle",
                allocation="recorded" if observed else name,
                information=Information.OBSERVED if observed else Information.EX_POST,
                round=int(wave),
                deficit=float(rounds[wave]["deficit_usd"]),
                needed=float(rounds[wave]["needed_usd"]),
                capacity=float(rounds[wave]["capacity_usd"]),
                haircut=float(figure["haircut_usd"]),
                max_burden=float(figure["max_burden"]) if asked.base == "equity" else math.nan,
                reference_burden=reference[wave],
            )
        )
    return Published(episode="oct10", source=SOURCE, loss=asked, records=records)


@dataclass(frozen=True, kw_only=True)
class Headlines:
    """The headline figures that follow from the published tables; USD."""

    net_overshoot_usd: float
    positive_overshoot_usd: float
    markout_band_usd: tuple[float, float]
    envelope_usd: float
    envelope_counted_once_usd: float
    trivial_usd: float
    trivial_counted_once_usd: float
    deficit_usd: float
    deficit_counted_once_usd: float
    needed_usd: float


@lru_cache(maxsize=1)
def headlines() -> Headlines:
    """Return the headlines: net and positive overshoot, markout band, envelope with and without repetition.

    Examples
    --------
    >>> h = headlines()
    >>> f"{h.net_overshoot_usd:,.2f}", [f"{v / 1e6:.1f}" for v in h.markout_band_usd]
    ('45,028,665.72', ['45.0', '51.7'])
    """
    rounds = read_figures("oct10_rounds.csv")
    deficit = [float(r["deficit_usd"]) for r in rounds]
    needed = [float(r["needed_usd"]) for r in rounds]
    once = deficit_counted_once(deficit, [float(r["max_loss_usd"]) for r in rounds])
    net = [float(r["production_usd"]) - b for r, b in zip(rounds, needed, strict=True)]
    band = markout_overshoot().values()
    return Headlines(
        net_overshoot_usd=math.fsum(net),
        positive_overshoot_usd=math.fsum(max(v, 0.0) for v in net),
        markout_band_usd=(min(band), max(band)),
        envelope_usd=envelope_usd(needed, deficit),
        envelope_counted_once_usd=envelope_usd(needed, once),
        trivial_usd=Loss().worst(needed, deficit),
        trivial_counted_once_usd=Loss().worst(needed, once),
        deficit_usd=math.fsum(deficit),
        deficit_counted_once_usd=math.fsum(once),
        needed_usd=math.fsum(needed),
    )


def markout_overshoot() -> dict[int, float]:
    """Return production's net overshoot, USD, by markout horizon in milliseconds (published totals)."""
    return {
        int(r["eval_horizon_ms"]): float(r["total_H_prod_usd"]) - float(r["total_budget_needed_usd"])
        for r in read_figures("oct10_horizons.csv")
    }

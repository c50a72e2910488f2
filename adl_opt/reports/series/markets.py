"""Data of the figures in contracts: who was closed, by market and side, and what it does to hedges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.errors import printable
from adl_opt.evaluate.pareto import pareto_front
from adl_opt.evaluate.result import Result
from adl_opt.reports.series.merge import merged
from adl_opt.reports.series.parts import Axis, Chart, Curve, Drawn, FigureData, amounts_axis
from adl_opt.reports.series.places import places
from adl_opt.reports.series.replayed import ROUND, information_of, labelled

if TYPE_CHECKING:
    import pandas as pd

    from adl_opt.evaluate.structure import StructurePrice

MOST_CELLS = 12
"""So many (market, side) are drawn: those where most is paid."""


def market_series(found: Mapping[str, pd.DataFrame], result: Result) -> FigureData:
    """Return what each market and side pays by policy, and what is left of it, USD over all rounds.

    Parameters
    ----------
    found : mapping of name to DataFrame
        As :meth:`adl_opt.Result.per_market` gives it.
    result : Result
    """
    first = next(iter(found.values()))
    most = np.max([frame["haircut_usd"] + frame["residual_usd"] for frame in found.values()], axis=0)
    kept = np.sort(np.argsort(-most, kind="stable")[:MOST_CELLS])
    other = {"long": "shorts", "short": "longs"}
    names = [f"{printable(market)} {other[losers]}" for market, losers in first.index[kept]]
    charts, place = [], places(result.by_policy)
    for column, title in (("residual_usd", "left unclosed"), ("haircut_usd", "haircuts")):
        curves = [
            Curve(
                labelled(name, information_of(result, name)),
                names,
                frame[column].to_numpy(float)[kept],
                "points",
                place[name],
            )
            for name, frame in found.items()
        ]
        y = Axis("USD", unit="usd", scale="symlog", linear_to=1_000.0)
        rest = len(first) - len(kept)
        more = f"; {rest} more markets and sides pay less" if rest else ""
        caption = f"USD, over all rounds, by market and the side that pays{more}"
        charts.append(Chart(caption, Axis("market, and the side that pays"), y, curves, title))
    words = ", ".join(sorted({information_of(result, name) for name in found}))
    title = "who pays, by market and side"
    return FigureData("markets", title, words, result.source, merged(charts), result.episode)


def hedge_series(result: Result) -> FigureData:
    """Return what policies leave behind: hedges that broke, and the future shortfall, by policy.

    The shortfall is drawn above the least of these policies, for they differ by little of it.
    """
    rows = [p for p in result.policies if not np.isnan(p.hedges_broken)]
    names = [labelled(p.policy, p.information.value) for p in rows]
    broken, shortfall = [p.hedges_broken for p in rows], [p.future_shortfall_usd for p in rows]
    least = min(shortfall)
    accounts, usd = "hedges broken, accounts", "future shortfall above the least, USD"
    charts = [
        Chart(
            "Accounts, once a round",
            Axis(accounts),
            Axis(""),
            [Curve(accounts, broken, names, "rows")],
        ),
        Chart(
            f"USD, summed over rounds; the least is {least:,.0f} USD",
            Axis(usd, unit="usd", scale="symlog", linear_to=1_000.0, mark=0.0),
            Axis(""),
            [Curve(usd, [value - least for value in shortfall], names, "rows")],
        ),
    ]
    words = ", ".join(sorted({p.information.value for p in rows}))
    title = "what is left behind: broken hedges and future shortfall"
    return FigureData("hedges", title, words, result.source, charts, result.episode)


def structure_series(prices: Sequence[StructurePrice], result: Result) -> FigureData:
    """Return what it costs that each market is closed by itself: loss and burden of pool and contracts.

    Accounts may pay any share here (the fractional domain); the loss is the proven least one.
    """
    own = [price for price in prices if price.domain == "fractional"]
    rounds = [str(price.round) for price in own]
    usd = amounts_axis(
        "least loss of the round, USD",
        np.array([v for price in own for v in (price.pool_usd, price.contracts_usd)]),
    )
    share = Axis(f"least largest burden\n(haircut / {result.loss.base})", limits=(-0.03, 1.03))
    names = ("one pool of dollars", "contracts, market by market")
    charts = [
        Chart(caption, ROUND, axis, [Curve(*of, "points", k) for k, of in enumerate(curves)], title)
        for caption, title, axis, curves in (
            (
                "USD; the price of the structure is the difference",
                "loss",
                usd,
                [
                    (names[0], rounds, [price.pool_usd for price in own]),
                    (names[1], rounds, [price.contracts_usd for price in own]),
                ],
            ),
            (
                "Without unit, where all is closed that can be",
                "burden",
                share,
                [
                    (names[0], rounds, [price.pool_burden for price in own]),
                    (names[1], rounds, [price.contracts_burden for price in own]),
                ],
            ),
        )
    ]
    total = math.fsum(price.price_usd for price in own)
    title = f"price of the market structure: {total:,.2f} USD"
    return FigureData("structure", title, "ex-post", result.source, charts, result.episode)


def objectives_series(result: Result) -> FigureData:
    """Return the loss (eq. 23) and the future shortfall of each policy, and those that no other dominates.

    The shortfall is drawn above the least of these policies, for they differ by little of it.  Policies whose
    loss has no bound, for they take from accounts that have nothing, are not drawn.
    """
    frame = result.frame()
    frame = frame[np.isfinite(frame[["total_usd", "future_shortfall_usd"]].to_numpy(float)).all(axis=1)]
    least = float(frame["future_shortfall_usd"].min())
    front = pareto_front(frame, "total_usd", "future_shortfall_usd")
    rest = frame.drop(index=front.index)

    def curve(label: str, rows: pd.DataFrame, drawn: Drawn, place: int = 0) -> Curve:
        above = rows["future_shortfall_usd"].to_numpy(float) - least
        return Curve(label, rows["total_usd"].to_numpy(float), above, drawn, place)

    curves = [curve("no other policy is better in both", front, "reference")]
    place = places(result.by_policy)
    for name in map(str, front.index):
        label = labelled(name, information_of(result, name))
        curves.append(curve(label, front.loc[[name]], "points", place[name]))
    if len(rest):
        curves.append(curve(f"the {len(rest)} other policies", rest, "others"))
    x = Axis("total loss, USD", unit="usd")
    y = Axis("future shortfall above the least, USD", unit="usd", scale="symlog", linear_to=1_000.0)
    charts = merged([Chart(f"USD, over all rounds; the least shortfall is {least:,.0f} USD", x, y, curves)])
    words = ", ".join(sorted({information_of(result, str(name)) for name in frame.index}))
    title = "both objectives: loss and future shortfall"
    return FigureData("objectives", title, words, result.source, charts, result.episode)

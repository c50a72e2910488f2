"""The catalogue of allocations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.allocation import integer, learners, minmax, mirror, more_venues, pro_rata, risk, venues
from adl_opt.allocation.base import AllocationRule
from adl_opt.naming import make_by_name

ALLOCATIONS: dict[str, Callable[..., AllocationRule]] = {
    rule.name: rule
    for rule in (
        venues.HyperliquidLiteral,
        venues.HyperliquidSideAdjusted,
        venues.Binance,
        venues.Bitmex,
        venues.Aevo,
        more_venues.Okx,
        more_venues.Grvt,
        venues.Ethereal,
        more_venues.DydxRandom,
        more_venues.OkxMarginRatio,
        more_venues.Bybit,
        more_venues.Bitget,
        more_venues.Kucoin,
        more_venues.DydxV4,
        pro_rata.Percolator,
        integer.Metaflux,
        pro_rata.ProRata,
        pro_rata.CappedProRata,
        pro_rata.PnlProRata,
        pro_rata.EquityProRata,
        pro_rata.LeverageProRata,
        integer.IntegerProRata,
        minmax.MinMax,
        minmax.MinMaxLots,
        mirror.VectorMirrorDescent,
        mirror.VectorMirrorDescentText,
        mirror.MirrorDescentEuclid,
        mirror.MirrorDescentKL,
        learners.FtrlHaircuts,
        learners.CumulativeBurdenRule,
        pro_rata.DriftSocialised,
        risk.LeverageDraining,
        risk.RiskBased,
    )
}


def make_allocation(name: str, **params: Any) -> AllocationRule:
    """Make an allocation of the catalogue.

    Parameters
    ----------
    name : str
        A name of the catalogue, or with parameters: ``dydx-random(seed=7)``.
    **params
        Parameters by name.

    Raises
    ------
    UsageError
        Unknown name or parameter, or a value out of range.

    Examples
    --------
    >>> make_allocation("capped-pro-rata", cap=0.25).label()
    'capped-pro-rata(cap=0.25)'
    """
    return make_by_name("allocation", ALLOCATIONS, name, params)

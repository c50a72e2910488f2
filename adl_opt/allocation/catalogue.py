"""The catalogue of allocations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.integer import IntegerProRata
from adl_opt.allocation.learners import (
    CumulativeBurdenRule,
    FtrlHaircuts,
    MirrorDescentEuclid,
    MirrorDescentKL,
)
from adl_opt.allocation.minmax import MinMax, MinMaxLots
from adl_opt.allocation.mirror import VectorMirrorDescent, VectorMirrorDescentText
from adl_opt.allocation.pro_rata import (
    CappedProRata,
    DriftSocialised,
    EquityProRata,
    LeverageProRata,
    PnlProRata,
    ProRata,
)
from adl_opt.allocation.venues import (
    Aevo,
    Binance,
    Bitmex,
    DydxRandom,
    Ethereal,
    Grvt,
    HyperliquidLiteral,
    HyperliquidSideAdjusted,
    Okx,
)
from adl_opt.naming import make_by_name

ALLOCATIONS: dict[str, Callable[..., AllocationRule]] = {
    rule.name: rule
    for rule in (
        HyperliquidLiteral,
        HyperliquidSideAdjusted,
        Binance,
        Bitmex,
        Aevo,
        Okx,
        Grvt,
        Ethereal,
        DydxRandom,
        ProRata,
        CappedProRata,
        PnlProRata,
        EquityProRata,
        LeverageProRata,
        IntegerProRata,
        MinMax,
        MinMaxLots,
        VectorMirrorDescent,
        VectorMirrorDescentText,
        MirrorDescentEuclid,
        MirrorDescentKL,
        FtrlHaircuts,
        CumulativeBurdenRule,
        DriftSocialised,
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

"""DCP and DPP of terms of one's own, checked when a program is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adl_opt.errors import AdlOptError, UsageError
from adl_opt.programs.engines.cvxpy.symbols import Symbols, face_of
from adl_opt.programs.terms.base import ConstraintTerm, Objective
from adl_opt.rounds.round import Round
from adl_opt.rounds.tables import Accounts, Flow, Positions


def probe(objective: Objective, subject_to: Sequence[ConstraintTerm]) -> None:
    """Refuse, by name, a term that breaks the rules of disciplined (parametrised) convex programming."""
    round_ = _sample_round()
    symbols = Symbols(round_)
    weights = {term.name: weight for weight, term in objective.parts}
    for term in (*objective.terms, *subject_to):
        try:
            term.check(round_)
            values = term.parameters(round_, 1.0)
        except AdlOptError:
            continue  # it wants data of its own round; that round is checked when it is solved
        symbols.declare(term, values)
        face = face_of(term, symbols)
        weight = weights.get(term.name)
        checked = face if weight is None else [weight * face]
        for part in checked if isinstance(checked, (list, tuple)) else [checked]:
            for rule in ("dcp", "dpp"):
                good = part.is_dcp(dpp=rule == "dpp") if weight is None else _convex(part, rule)
                if not good:
                    raise UsageError(
                        f"term {term.name!r} is not {rule.upper()}",
                        got=str(part),
                        ways_out=[
                            "minimise convex expressions, constrain convex <= concave (cvxpy's rules)",
                            "for DPP: let parameters enter affinely, computed in parameters(round, needed)",
                        ],
                    )


def _convex(expression: Any, rule: str) -> bool:
    if not hasattr(expression, "is_convex"):
        return True
    return bool(expression.is_convex() and (rule == "dcp" or expression.is_dpp()))


def _sample_round() -> Round:
    column = np.array([1.0, 2.0, 3.0])
    names = np.array(["a", "b", "c"])
    accounts = Accounts(
        id=names, pnl=column, equity=column, side=np.array([1, 1, -1]), entry=column, mark=column,
        notional=column, leverage=column, margin=column,
    )  # fmt: skip
    market = np.array(["m", "m", "m"])
    lots = np.array([1, 2, 3])
    positions = Positions(account=np.arange(3), market=market, lot_value=column, lots=lots)
    flow = Flow(market=market[:1], quantity=column[:1], mark=column[:1])
    return Round(deficit=1.0, accounts=accounts, positions=positions, flow=flow)

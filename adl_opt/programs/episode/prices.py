"""Shadow prices of an episode: those of each round beside the links, and those of the links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from adl_opt.programs.duals import Dual, prices_of
from adl_opt.programs.episode.links import Link, link_rates, link_rows
from adl_opt.programs.program import Case
from adl_opt.programs.proof import LinearProof
from adl_opt.rounds.columns import Floats

LINK = "change of the optimal objective when the bound of each row of the link rises by 1 USD"


def episode_prices(cases: Sequence[Case], links: Sequence[Link], proof: LinearProof) -> dict[str, Dual]:
    """Return the prices of the rounds and links of a joint linear program.

    ``budget`` is (rounds,), ``capacity`` has an (n,) for each round.  A constraint has what it has in each
    round, and a link an entry for each of its rows.
    """
    rounds = [case.round for case in cases]
    models = [case.model() for case in cases]
    v = np.zeros(proof.model.cost.size) if proof.v is None else proof.v
    ends = np.cumsum([0, *(len(round_.accounts) for round_ in rounds)])
    pull, worth, found = np.zeros(int(ends[-1])), np.zeros(int(ends[-1])), {}
    row = sum(model.row_lower.size for model in models)
    for link in links:
        at, places, bounds = link_rows(link, rounds)
        price = proof.y[row : row + bounds.size]
        row += bounds.size
        np.add.at(pull, places, price[at])
        of, whose, rate = link_rates(link, rounds)
        np.add.at(worth, whose, price[of] * rate)
        found[link.name] = Dual(value=price, orientation=LINK)
    each, column, row = [], 0, 0
    spans = list(pairwise(ends.tolist()))
    for case, model, (start, end) in zip(cases, models, spans, strict=True):
        cost = model.cost.copy()
        cost[model.blocks["x"]] -= pull[start:end]
        y = proof.y[row : row + model.row_lower.size]
        own = LinearProof(replace(model, cost=cost), y, v[column : column + cost.size])
        each.append(prices_of(own, case))
        row, column = row + y.size, column + cost.size
    return found | _side_by_side(each, [worth[start:end] for start, end in spans])


def _side_by_side(each: Sequence[Mapping[str, Dual]], worth: Sequence[Floats]) -> dict[str, Dual]:
    """Return the prices that every round has, by name."""
    found = {}
    for name in set.intersection(*(set(prices) for prices in each)):
        values = [prices[name].value for prices in each]
        if name == "capacity":
            values = [value + more for value, more in zip(values, worth, strict=True)]
        single = all(np.ndim(value) == 0 for value in values)
        found[name] = replace(each[0][name], value=np.array(values) if single else tuple(values))
    return found

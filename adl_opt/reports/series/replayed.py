"""Data of the figures of a replay: what each policy takes, when, and how evenly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.errors import printable
from adl_opt.evaluate.cohorts import per_cohort
from adl_opt.evaluate.record import PolicyRound
from adl_opt.evaluate.result import Result
from adl_opt.naming import unknown_name
from adl_opt.policy.lineup import shown
from adl_opt.reports.series.merge import merged
from adl_opt.reports.series.parts import Axis, Chart, Curve, Drawn, FigureData
from adl_opt.reports.series.places import places
from adl_opt.reports.text import short_usd
from adl_opt.rounds.columns import Floats

if TYPE_CHECKING:
    import pandas as pd

ROUND = Axis("round")


def chosen(result: Result, policies: str | Sequence[str] | None = None) -> list[str]:
    """Return the policies to draw: those named, or those of :func:`adl_opt.policy.lineup.shown`.

    Raises
    ------
    UsageError
        A policy that the result does not have.
    """
    if policies is None:
        return shown(result.by_policy)
    names = [policies] if isinstance(policies, str) else list(policies)
    for name in names:
        if name not in result.by_policy:
            raise unknown_name("policy of this result:", str(name), list(result.by_policy))
    return names


def information_of(result: Result, name: str) -> str:
    """Return the information class of a policy."""
    return result.by_policy[name][0].information.value


def labelled(name: str, information: str) -> str:
    """Return a policy with its information class, as legends show it."""
    return f"{printable(name)} ({information})"


def _figure(
    result: Result, name: str, title: str, names: Sequence[str], charts: Sequence[Chart]
) -> FigureData:
    words = ", ".join(sorted({information_of(result, n) for n in names}))
    return FigureData(name, title, words, result.source, merged(charts), result.episode)


def _curves(
    result: Result,
    names: Sequence[str],
    values: Callable[[Sequence[PolicyRound]], Sequence[float] | Floats],
    drawn: Drawn = "line",
) -> list[Curve]:
    made, place = [], places(result.by_policy)
    for name in names:
        records, label = result.by_policy[name], labelled(name, information_of(result, name))
        made.append(Curve(label, [r.round for r in records], values(records), drawn, place[name]))
    return made


def _summed(part: Callable[[PolicyRound], float]) -> Callable[[Sequence[PolicyRound]], Floats]:
    return lambda rows: np.cumsum([part(r) for r in rows])


def cumulative_series(result: Result, policies: str | Sequence[str] | None = None) -> FigureData:
    """Tracking, fairness and total by policy, summed up to each round, USD (eq. 23).

    Parameters
    ----------
    result : Result
    policies : str or sequence of str, optional
        By default those of :func:`chosen`, as in every function here.
    """
    names = chosen(result, policies)
    parts: dict[str, Callable[[PolicyRound], float]] = {
        "tracking": result.tracking_of,
        "fairness": lambda r: r.fairness,
        "total": result.total_of,
    }
    y = Axis("USD", unit="usd", scale="symlog", linear_to=1_000.0)
    caption = "USD, summed up to each round"
    charts = [
        Chart(caption, ROUND, y, _curves(result, names, _summed(part)), what) for what, part in parts.items()
    ]
    title = f"cumulative loss by policy ({result.loss})"
    return _figure(result, "cumulative", title, names, charts)


def budget_series(result: Result, policies: str | Sequence[str] | None = None) -> FigureData:
    """Return what each round needed (B) beside what was taken (H), USD."""
    names = chosen(result, policies)
    first = next(iter(result.by_policy.values()))
    rounds = [str(r.round) for r in first]
    need = Curve("needed budget B (ex post)", rounds, [r.needed for r in first], drawn="bars")
    taken = _curves(result, names, lambda rows: [r.haircut for r in rows], "points")
    y = Axis("USD", unit="usd", scale="symlog")
    chart = Chart("USD", ROUND, y, [need, *(replace(c, x=rounds) for c in taken)])
    return _figure(result, "budgets", "haircuts of each round against the need", names, [chart])


def envelope_series(result: Result, policies: str | Sequence[str] | None = None) -> FigureData:
    """Total loss as a share of the envelope of Prop. 1, summed up to each round."""
    names = chosen(result, policies)
    per_cent = 100 / result.envelope_usd if result.envelope_usd > 0 else np.nan
    y = Axis("cumulative loss, % of the envelope", unit="%", scale="symlog", linear_to=0.01)
    caption = "Per cent of the envelope, summed up to each round"

    def share(r: PolicyRound) -> float:
        return per_cent * result.total_of(r)

    chart = Chart(caption, ROUND, y, _curves(result, names, _summed(share)))
    title = (
        f"share of the envelope ({result.envelope_usd:,.0f} USD, Prop. 1; "
        f"no severities up to D lose more than {result.trivial_usd:,.0f} USD)"
    )
    return _figure(result, "envelope", title, names, [chart])


def order_series(result: Result, policies: str | Sequence[str] | None = None) -> FigureData:
    """Inversions of the order of endowments, and stability of burden ranks, by policy."""
    rows = [p for p in result.policies if not np.isnan(p.inversions)]
    kept = None if policies is None else chosen(result, policies)
    rows = [p for p in rows if kept is None or p.policy in kept]
    names = [labelled(p.policy, p.information.value) for p in rows]
    charts = [
        Chart(caption, Axis(label), Axis(""), [Curve(label, values, names, "rows")])
        for caption, label, values in (
            ("Per cent", "inverted neighbours, % of pairs", [100 * p.inversions for p in rows]),
            ("From -1 to 1", "rank correlation with the round before", [p.rank_stability for p in rows]),
        )
    ]
    title = "order of the winners after the haircuts"
    return _figure(result, "order", title, [p.policy for p in rows], charts)


def burden_series(paid: pd.DataFrame, result: Result) -> FigureData:
    """Who pays: Lorenz curve of haircuts over accounts, and the burden of each account, by policy.

    Parameters
    ----------
    paid : DataFrame
        As :func:`adl_opt.evaluate.paid.paid_by_account` gives it.
    result : Result
    """
    lorenz, burdens, place = [], [], places(result.by_policy)
    for name, rows in paid.groupby("policy", sort=False):
        label = labelled(str(name), str(rows["information"].iloc[0]))
        haircut = np.sort(rows["haircut_usd"].to_numpy(float))
        burden = np.sort((rows["haircut_usd"] / rows["capacity_usd"]).to_numpy(float))[::-1]
        people = 100 * (np.arange(haircut.size + 1) / max(haircut.size, 1))
        usd = np.concatenate([[0.0], np.cumsum(haircut)]) / max(haircut.sum(), 1e-300)
        lorenz.append(Curve(label, people, 100 * usd, "curve", place[str(name)]))
        burdens.append(Curve(label, people[1:], 100 * burden, "curve", place[str(name)]))
    lorenz.append(Curve("even", [0.0, 100.0], [0.0, 100.0], "even"))
    even = "Per cent of haircuts against per cent of accounts"
    x, y = Axis("accounts, smallest haircut first, %"), Axis("haircuts, %")
    each = "Per cent, over all rounds"
    largest = Axis("accounts, largest burden first, %")
    share = Axis("haircut / capacity, %", unit="%", scale="symlog", linear_to=0.01)
    charts = [
        Chart(even, x, y, lorenz, "Lorenz curve"),
        Chart(each, largest, share, burdens, "burden of each account"),
    ]
    return _figure(result, "burdens", "who pays", list(dict.fromkeys(paid["policy"])), charts)


def cohort_series(paid: pd.DataFrame, result: Result) -> FigureData:
    """Who pays by size of account: part of all haircuts, and burden, of each cohort by policy.

    Parameters
    ----------
    paid : DataFrame
        As :func:`adl_opt.evaluate.paid.paid_by_account` gives it.
    result : Result
    """
    cohorts = [str(words) for words in per_cohort(paid, "size").index]
    sizes, shares, burdens = [_least_usd(words) for words in cohorts], [], []
    place = places(result.by_policy)
    for name, rows in paid.groupby("policy", sort=False):
        label, k = labelled(str(name), str(rows["information"].iloc[0])), place[str(name)]
        found = 100 * per_cohort(rows, "size")[["haircut_share", "burden"]].reindex(cohorts)
        shares.append(Curve(label, sizes, found["haircut_share"].to_numpy(float), place=k))
        burdens.append(Curve(label, sizes, found["burden"].to_numpy(float), place=k))
    x = Axis("capacity of the account, from")
    part = Axis("part of all haircuts, %", unit="%", limits=(-3.0, 103.0))
    share = Axis(f"haircuts / {result.loss.base}, %", unit="%", scale="symlog", linear_to=0.01)
    charts = [
        Chart("Per cent of what the policy takes, over all rounds", x, part, shares, "part of all haircuts"),
        Chart("Per cent, over all rounds; no point where no account is", x, share, burdens, "burden"),
    ]
    names = list(dict.fromkeys(paid["policy"]))
    return _figure(result, "cohorts", "who pays, by size of account", names, charts)


def _least_usd(cohort: str) -> str:
    """Return where a cohort of sizes begins, for a tick.

    Examples
    --------
    >>> _least_usd("1,000 to 10,000 USD"), _least_usd("below 0.01 USD")
    ('$1k', 'below')
    """
    first = cohort.partition(" ")[0].replace(",", "")
    return "below" if first == "below" else short_usd(float(first))

"""Figures of a replay: what each policy takes, when, and how evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adl_opt.reports.figures.style import bars, dollars, drawing, legend, look, symlog
from adl_opt.reports.terminal.tables import shown
from adl_opt.rounds.round import Information

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from adl_opt.evaluate.result import Result

MOST = {Information.OBSERVED: 1, Information.EX_POST: 5, Information.START_OF_ROUND: 4}
"""So many policies of each information class in one panel; more than ten no eye can follow."""


def chosen(result: Result, policies: Sequence[str] | None = None) -> list[str]:
    """Return the policies to draw: those named, or the best of each information class by total loss.

    Policies without a total (no fairness figure) come last; ``production`` stands for what was observed.
    """
    if policies is not None:
        return [name for name in policies if name in result.by_policy]
    kept: set[str] = set()
    for information, most in MOST.items():
        rows = [p for p in result.policies if p.information is information]
        rows.sort(key=lambda p: (p.policy != "production", np.isnan(p.total_usd), p.total_usd))
        kept |= {p.policy for p in rows[:most]}
    return [name for name in result.by_policy if name in kept]


def _information(result: Result, names: Sequence[str]) -> str:
    words = sorted({result.by_policy[n][0].information.value for n in names})
    return ", ".join(words)


def _label(result: Result, name: str) -> str:
    return f"{shown(name)} ({result.by_policy[name][0].information.value})"


def cumulative(result: Result, policies: Sequence[str] | None = None) -> Figure:
    """Tracking, fairness and total by policy, summed up to each round, USD (eq. 23)."""
    names = chosen(result, policies)
    title = f"{result.episode}: cumulative loss by policy (eq. 23, lambda {result.lam:g})"
    with drawing(title, _information(result, names), result.source, panels=3, height=4.6) as (figure, axes):
        for panel, what in zip(axes, ("tracking", "fairness", "total"), strict=True):
            for k, name in enumerate(names):
                records = result.by_policy[name]
                parts = {
                    "tracking": [r.tracking for r in records],
                    "fairness": [r.fairness for r in records],
                    "total": [r.tracking + result.lam * r.fairness for r in records],
                }
                rounds = [r.round for r in records]
                panel.plot(rounds, np.cumsum(parts[what]), label=_label(result, name), **look(k))
            panel.set_title(what)
            panel.set_xlabel("round")
            symlog(panel, 1_000.0)
            dollars(panel)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
    return figure


def budgets(result: Result, policies: Sequence[str] | None = None) -> Figure:
    """Draw what each round needed (B) beside what was taken (H), USD."""
    names = chosen(result, policies)
    first = next(iter(result.by_policy.values()))
    title = f"{result.episode}: haircuts of each round against the need"
    with drawing(title, _information(result, names), result.source) as (figure, (panel,)):
        spots = np.arange(len(first))
        panel.bar(spots, [r.needed for r in first], color="#CCCCCC", label="needed budget B (ex post)")
        for k, name in enumerate(names):
            taken = [r.haircut for r in result.by_policy[name]]
            style = look(k) | {"linestyle": "none"}
            panel.plot(spots, taken, label=_label(result, name), **style)
        panel.set_xticks(spots, [str(r.round) for r in first], fontsize=7)
        panel.set_xlabel("round")
        symlog(panel, 1.0)
        dollars(panel, label="USD (log scale)")
        legend(panel)
    return figure


def envelope(result: Result, policies: Sequence[str] | None = None) -> Figure:
    """Total loss as a share of the envelope of Prop. 1, summed up to each round."""
    names = chosen(result, policies)
    whole = result.envelope_usd
    title = f"{result.episode}: share of the envelope ({whole:,.0f} USD, Prop. 1)"
    with drawing(title, _information(result, names), result.source) as (figure, (panel,)):
        for k, name in enumerate(names):
            records = result.by_policy[name]
            total = np.cumsum([r.tracking + result.lam * r.fairness for r in records])
            share = 100 * total / whole if whole > 0 else np.full(total.size, np.nan)
            panel.plot([r.round for r in records], share, label=_label(result, name), **look(k))
        panel.set_xlabel("round")
        panel.set_ylabel("cumulative loss, % of the envelope")
        symlog(panel, 0.01)
        legend(panel)
    return figure


def order(result: Result, policies: Sequence[str] | None = None) -> Figure:
    """Inversions of the order of endowments, and stability of burden ranks, by policy."""
    rows = [p for p in result.policies if not np.isnan(p.inversions)]
    if policies is not None:
        rows = [p for p in rows if p.policy in policies]
    names = [p.policy for p in rows]
    title = f"{result.episode}: order of the winners after the haircuts"
    height = max(3.0, 0.24 * len(rows) + 1.4)
    with drawing(title, _information(result, names), result.source, panels=2, height=height) as (fig, axes):
        for panel, values, label, colour in (
            (axes[0], [100 * p.inversions for p in rows], "inverted neighbours, % of pairs", OVER),
            (axes[1], [p.rank_stability for p in rows], "rank correlation with the round before", UNDER),
        ):
            spots = np.arange(len(rows))
            panel.barh(spots, values, color=colour)
            panel.set_yticks(spots, [_label(result, n) for n in names] if panel is axes[0] else [])
            bars(panel, len(rows))
            panel.set_xlabel(label)
    return fig


OVER, UNDER = "#D55E00", "#0072B2"


def burdens(paid: pd.DataFrame, episode: str, source: str) -> Figure:
    """Who pays: Lorenz curve of haircuts over accounts, and the burden of each account, by policy.

    Parameters
    ----------
    paid : DataFrame
        As :func:`adl_opt.evaluate.paid.paid` gives it.
    """
    words = ", ".join(sorted(set(paid["information"])))
    with drawing(f"{episode}: who pays", words, source, panels=2, height=4.4) as (figure, axes):
        for k, (name, rows) in enumerate(paid.groupby("policy", sort=False)):
            haircut = np.sort(rows["haircut_usd"].to_numpy(float))
            burden = np.sort((rows["haircut_usd"] / rows["capacity_usd"]).to_numpy(float))[::-1]
            people = np.arange(haircut.size + 1) / max(haircut.size, 1)
            money = np.concatenate([[0.0], np.cumsum(haircut)]) / max(haircut.sum(), 1e-300)
            style = look(k) | {"marker": ""}
            axes[0].plot(100 * people, 100 * money, label=shown(str(name)), **style)
            axes[1].plot(100 * people[1:], 100 * burden, **style)
        axes[0].plot([0, 100], [0, 100], color="#999999", linewidth=0.8)
        axes[0].set_title("Lorenz curve")
        axes[0].set_xlabel("accounts, smallest haircut first, %")
        axes[0].set_ylabel("haircuts, %")
        axes[1].set_title("burden of each account")
        axes[1].set_xlabel("accounts, largest burden first, %")
        axes[1].set_ylabel("haircut / capacity, %")
        symlog(axes[1], 0.01)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure

"""Write the pictures of the pages on concepts: ``python docs/pictures.py`` (part of ``make readme``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

import adl_opt as adl
from adl_opt.reports.figures.style import rendered

FOLDER = Path(__file__).parent / "concepts"
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#888888"


def book() -> adl.Round:
    """Return a round in contracts: two losers in two markets, three winners."""
    names, pnl = ["BTC short", "ETH short", "both short"], [40.0, 40.0, 40.0]
    return adl.Round(
        accounts=adl.Accounts(id=names, pnl=pnl, equity=[100.0] * 3),
        deficit=40.0,
        flow=adl.Flow(
            market=["BTC", "ETH"],
            side=[1, 1],
            quantity=[3.0, 1.0],
            mark=[90.0, 90.0],
            bankruptcy=[100.0, 100.0],
        ),
        positions=adl.Positions(
            account=[0, 1, 2, 2],
            market=["BTC", "ETH", "BTC", "ETH"],
            lots=[4.0, 4.0, 2.0, 2.0],
            side=[-1, -1, -1, -1],
            entry=[100.0] * 4,
            mark=[90.0] * 4,
        ),
    )


def spaces() -> Figure:
    """Draw what the same three winners pay in the pool and in contracts, by pro-rata."""
    round_ = book()
    figure, axes = plt.subplots(figsize=(7.0, 3.0), layout="constrained")
    at = np.arange(len(round_.accounts))
    for shift, space, colour in ((-0.2, "wealth", BLUE), (0.2, "contracts", ORANGE)):
        paid = adl.make_allocation("pro-rata").allocate((), round_.in_space(space), 40.0).x
        bars = axes.bar(at + shift, paid, 0.38, color=colour, label=f"{space}, {paid.sum():.0f} USD in all")
        axes.bar_label(bars, fmt="%.1f")
    axes.set_xticks(at, round_.accounts.id)
    axes.set_ylabel("paid, USD")
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])
    axes.set_title("Who pays by pro-rata, where 3 BTC and 1 ETH long are bankrupt")
    axes.legend(frameon=False)
    return figure


def information() -> Figure:
    """Draw the moments of a round, and when each kind of policy decides."""
    figure, axes = plt.subplots(figsize=(7.0, 2.4), layout="constrained")
    axes.annotate("", (4.0, 0.0), (-0.1, 0.0), arrowprops={"arrowstyle": "->", "color": GREY})
    moments = ["round starts", "markets close\none by one", "round ends", "needed is revealed"]
    for x, text in enumerate(moments):
        axes.plot(x, 0.0, "o", color=GREY)
        axes.text(x, -0.35, text, ha="center", va="top")
    for start, end, y, word, colour in (
        (0.0, 0.05, 0.5, "start-of-round", GREEN),
        (0.8, 1.7, 0.5, "within-round", GREEN),
        (1.98, 2.03, 1.1, "whole-round-flow", BLUE),
        (2.98, 3.03, 0.5, "ex-post", ORANGE),
    ):
        axes.plot([start, end], [y, y], lw=6, color=colour, solid_capstyle="round")
        axes.text((start + end) / 2, y + 0.2, word, ha="center", color=colour)
    axes.set(xlim=(-0.6, 4.1), ylim=(-0.9, 1.8))
    axes.axis("off")
    return figure


def loss() -> Figure:
    """Draw the loss of one round, at two prices of a dollar that is missed."""
    figure, axes = plt.subplots(figsize=(5.0, 3.0), layout="constrained")
    taken, needed = np.linspace(0.0, 3.0, 301), 1.0
    for under, colour in ((1.0, BLUE), (5.0, ORANGE)):
        cost = np.maximum(taken - needed, 0.0) + under * np.maximum(needed - taken, 0.0)
        axes.plot(taken, cost, color=colour, label=f"under = {under:.0f}")
    axes.axvline(needed, color=GREY, ls=":")
    axes.set(xlabel="taken H, where B = 1 is needed", ylabel="loss", title="Loss of a round")
    axes.legend(frameon=False)
    return figure


def regret() -> Figure:
    """Draw regret under its bound, and what stays uncovered under its guarantee, as rounds go by."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.0, 3.0), layout="constrained")
    rng, at = np.random.default_rng(0), np.arange(10, 401, 10)
    learner, cover = adl.make_severity("ftrl-exact"), adl.make_severity("risk-control(alpha=0.1)")
    deficit, flips = np.ones(400), rng.integers(0, 2, 400).astype(float)
    played = adl.play(learner, deficit, flips)
    parts = [(deficit[:n], flips[:n], played[:n]) for n in at]
    left.plot(at, [learner.bound(*part).value for part in parts], color=ORANGE, label="bound")
    left.plot(at, [learner.regret(*part) for part in parts], color=BLUE, label="regret")
    left.set(xlabel="rounds", ylabel="USD", title="ftrl-exact on coin flips")
    needed = rng.random(400)
    covered = adl.play(cover, deficit, needed)
    promises = [cover.guarantee(deficit[:n], needed[:n], covered[:n]) for n in at]
    right.plot(at, [promise.value for promise in promises], color=ORANGE, label="guarantee")
    right.plot(at, [promise.uncovered for promise in promises], color=BLUE, label="uncovered")
    right.plot(at, np.cumsum(needed)[at - 1], color=GREY, ls=":", label="needed")
    right.set(xlabel="rounds", ylabel="USD", title="risk-control(alpha=0.1)")
    for axes in (left, right):
        axes.legend(frameon=False)
    return figure


def proof() -> Figure:
    """Draw a line of losses: what is proven impossible, the gap, and answers."""
    figure, axes = plt.subplots(figsize=(7.0, 2.0), layout="constrained")
    axes.axvspan(0.0, 4.0, color="#eeeeee")
    axes.text(2.0, 0.55, "proven: nobody can be here", ha="center", color=GREY)
    axes.plot([4.0, 5.0], [0.0, 0.0], lw=5, color=ORANGE, solid_capstyle="butt")
    axes.text(4.5, 0.12, "gap", ha="center", color=ORANGE)
    for x, text, colour in (
        (4.0, "bound", GREY),
        (5.0, "objective\nof the answer", BLUE),
        (8.0, "a heuristic", GREEN),
    ):
        axes.plot(x, 0.0, "o", color=colour, zorder=3)
        axes.text(x, -0.2, text, ha="center", va="top", color=colour)
    axes.annotate("", (9.8, 0.0), (0.0, 0.0), arrowprops={"arrowstyle": "->", "color": GREY})
    axes.text(9.8, -0.2, "loss", ha="right", va="top")
    axes.set(xlim=(0.0, 10.0), ylim=(-0.8, 0.9))
    axes.axis("off")
    return figure


PICTURES: dict[str, Callable[[], Figure]] = {
    "spaces": spaces,
    "information": information,
    "loss": loss,
    "regret": regret,
    "proof": proof,
}


def main() -> None:
    """Write every picture."""
    for name, draw in PICTURES.items():
        figure = draw()
        FOLDER.joinpath(f"{name}.svg").write_bytes(rendered(figure, "svg"))
        plt.close(figure)


if __name__ == "__main__":
    main()

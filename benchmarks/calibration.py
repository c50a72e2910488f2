"""Calibration of ``next``: what was said of each account, against what the next move then did."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.allocation.scenarios import ScenarioSource
from adl_opt.datasets.episodes import load
from adl_opt.errors import LackError
from adl_opt.kernels.risk.scenarios import PriceMoves, past_moves
from adl_opt.policy.policy import Policy, make_policy
from adl_opt.rounds.contracts import SPACES
from adl_opt.rounds.round import Allocation, Outcome, Round
from adl_opt.rounds.tables import Accounts
from adl_opt.service.moved import MovingBook
from adl_opt.service.next import next_in_line
from adl_opt.service.situation import act, is_deleveraged
from adl_opt.service.wire import read_line, round_line
from benchmarks import isolate
from benchmarks.sections import Section
from tests.rounds.books import any_book, with_options

KINDS = ("one market", "positions", "contracts", "contracts, past")
AHEAD = 12
"""Next moves of each episode."""
SCENARIOS = 400
"""Moves that `next` is given; with fewer its own sampling error would sort accounts into wrong rows."""
TEXT = (
    "Episodes of random books, each with a law of its own by which marks move: the logarithms are normal,"
    " with a volatility from 0.02 to 0.3 and a correlation of markets from 0 to 0.95. `next` says for "
    "each account the probability that something is taken of it, over {scenarios} scenarios (with 64, the"
    " default, a probability near one half has a sampling error of 6 %). Then the episode goes on by "
    "{ahead} moves of that law, each from the same book: the moved round is written as a line and read "
    "back, and a policy decides it. A row has all accounts of which about the same was said: `said` and "
    "`seen` are means, `error` is the standard error of their difference over episodes. Kinds take turns:"
    " accounts with side and notional, in one market; positions in wealth; books in contracts, half of "
    "them with all options of a round; and these with moves that are not drawn from the law, but are 50 "
    "of the past, mirrored. Every rule takes its turn behind `full-deficit`."
)
COLUMNS = ["kind", "said from", "to", "accounts", "episodes", "said", "seen", "off", "error"]
BINS = np.array([0.0, 0.02, *np.arange(0.1, 1.0, 0.1), 0.98, 1.0 + 1e-9])
Floats = npt.NDArray[np.float64]


def calibration_section(episodes: int) -> Section:
    """Say and see, and put accounts of which the same was said together."""
    text = TEXT.format(ahead=AHEAD, scenarios=SCENARIOS)
    section = Section("Next: what was said and what was seen", text, COLUMNS)
    with isolate.spread(episodes) as each:
        found = each(said_and_seen, range(episodes))
        made = [(KINDS[seed % len(KINDS)], seed, *both) for seed, both in enumerate(found)]
    of = np.concatenate([np.full(said.size, seed) for _, seed, said, _ in made])
    said, seen = (np.concatenate([row[k] for row in made]) for k in (2, 3))
    kind = np.array([KINDS.index(name) for name, *_ in made])[of]
    for name in ("all", *KINDS):
        inside = kind == KINDS.index(name) if name in KINDS else np.ones(of.size, bool)
        tenths = pairwise(BINS.tolist()) if name == "all" else []
        for low, high in [*tenths, (0.0, float(BINS[-1]))]:
            rows = np.flatnonzero(inside & (said >= low) & (said < high))
            if rows.size:
                section.rows.append(
                    {"kind": name, "said from": low, "to": round(high, 6)} | judged(of, said, seen, rows)
                )
    worst = max(abs(row["off"]) for row in section.rows)
    claim = f"{episodes:,} episodes: what was seen is within 2 % of what was said, in every row"
    section.targets.append((claim, f"{100 * worst:.2f} %", worst <= 0.02))
    return section


def judged(
    of: npt.NDArray[np.int64], said: Floats, seen: Floats, rows: npt.NDArray[np.intp]
) -> dict[str, float]:
    """Compare some accounts; those of one episode move together, so the error counts episodes."""
    off = seen[rows] - said[rows]
    _, where = np.unique(of[rows], return_inverse=True)
    alone = np.bincount(where, off - off.mean())
    made = {
        "accounts": rows.size,
        "episodes": alone.size,
        "said": said[rows].mean(),
        "seen": seen[rows].mean(),
    }
    return made | {"off": float(off.mean()), "error": float(np.sqrt(np.sum(alone**2))) / rows.size}


def said_and_seen(seed: int) -> tuple[Floats, Floats]:
    """Return of each account of an episode what was said, and the share of the next moves that took of it."""
    draw = np.random.default_rng([seed, 17])
    kind = KINDS[seed % len(KINDS)]
    round_ = book(seed // len(KINDS), kind, draw)
    turn, space = seed // len(KINDS), SPACES[kind.startswith("contracts")]
    rules = [name for name in ALLOCATIONS if space in ALLOCATIONS[name].spaces and name != "risk-based"]
    policy = first_that_plays([*rules[turn % len(rules) :], *rules], round_)
    moving = MovingBook.of(round_)
    volatility, correlation = float(10.0 ** draw.uniform(-1.7, -0.5)), float(draw.uniform(0.0, 0.95))

    def steps(count: int) -> Floats:
        """Draw logarithms of moves, (count, markets)."""
        common, own = draw.normal(size=(count, 1)), draw.normal(size=(count, len(moving.markets)))
        return volatility * (np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own)

    source = ScenarioSource(volatility=volatility, correlation=correlation, count=SCENARIOS, seed=seed)
    if kind == KINDS[3]:
        source = as_read(steps(50), moving.markets)
    said = next_in_line(round_, policy, moves=source).probability
    seen = np.zeros(said.size)
    for step in np.expm1(steps(AHEAD)):
        seen += taken(policy, moving.moved(step))
    return said, seen / AHEAD


def book(seed: int, kind: str, draw: np.random.Generator) -> Round:
    """Return a random book of a kind."""
    if kind == "positions":
        return load(f"synthetic(accounts=12, rounds=1, markets=3, seed={seed})").rounds[0][0]
    if kind != "one market":
        return with_options(any_book(seed), seed) if seed % 2 else any_book(seed)
    n = 12
    notional = draw.lognormal(8.0, 1.0, n)
    equity = notional / draw.uniform(2.0, 25.0, n)
    accounts = Accounts(
        id=[f"k{k}" for k in range(n)],
        pnl=equity * draw.uniform(-0.6, 0.9, n),
        equity=equity,
        side=np.where(draw.random(n) < 0.5, 1, -1),
        notional=notional,
        leverage=notional / equity,
        margin=0.01 * notional,
        entry=np.full(n, 100.0),
        mark=np.full(n, 100.0),
    )
    return Round(deficit=0.0, accounts=accounts)


def first_that_plays(rules: Sequence[str], round_: Round) -> Policy:
    """Return the first rule that lacks nothing in a round, behind `full-deficit`."""
    for rule in rules:
        policy = make_policy(f"full-deficit/{rule}")
        try:
            policy.act(policy.start(), round_)
        except LackError:
            continue
        return policy
    raise LackError("no rule can play the round")


def as_read(steps: Floats, markets: Sequence[str]) -> ScenarioSource:
    """Return scenarios from logarithms of past moves, (t, markets)."""
    table = np.exp(np.cumsum(np.vstack([np.zeros(len(markets)), steps]), axis=0))
    found = past_moves(table)
    relative = dict(zip(markets, (found.moves / table[-1]).T, strict=True))
    still = np.zeros(len(found.moves))

    def read(names: Sequence[str], worth: npt.ArrayLike) -> PriceMoves:
        moves = np.column_stack([relative.get(name, still) for name in names]) * np.asarray(worth)
        return PriceMoves(moves, found.chance, found.source)

    return ScenarioSource(read=read)


def taken(policy: Policy, moved: Round) -> npt.NDArray[np.bool_]:
    """Say of each account whether the policy takes anything of it in a round that is read from its line."""
    again = read_line(round_line(moved))
    assert isinstance(again, Round)  # noqa: S101
    action = act(policy, policy.start(), again, Outcome(again.deficit)) if again.deficit > 0.0 else None
    count = len(again.accounts)
    if not isinstance(action, Allocation):
        return np.zeros(count, dtype=bool)
    return np.array([is_deleveraged(action, row) for row in range(count)])

"""Rounds and episodes from pandas frames, and back to the same bits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.csv.accounts import read_accounts
from adl_opt.datasets.csv.rounds_table import read_rounds
from adl_opt.rounds.columns import Columns

A = {"id": ["a", "b"], "pnl": [10.0, 5.0], "equity": [20.0, 4.0]}
P = {"account": [0, 1], "market": ["X", "X"], "lot_value": [1.0, 0.5], "lots": [10, 8]}
ROUNDS = pd.DataFrame({"round": [1, 2], "deficit": [5.0, 3.0], "needed": [2.0, 1.0]})
ACCOUNTS = pd.DataFrame({"round": [1, 2, 1], "id": ["a", "a", "b"], "pnl": [9.0, 7.0, 1.0], "equity": 9.0})
POSITIONS = pd.DataFrame(
    {"round": [1, 2], "id": ["b", "a"], "market": "X", "lot_value": 0.5, "lots": [2, 14]}
)


def same(a, b):
    if isinstance(a, Columns):
        assert type(a) is type(b)
        for spec in a._specs():
            same(getattr(a, spec.name), getattr(b, spec.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype.kind == b.dtype.kind
        assert a.tolist() == b.tolist()
    else:
        assert a == b
        assert type(a) is type(b)


def same_rounds(first, second):
    assert len(first) == len(second)
    for (r, o), (q, p) in zip(first, second, strict=True):
        for name in ("number", "deficit", "start_ms", "accounts", "positions", "flow"):
            same(getattr(r, name), getattr(q, name))
        for name in ("needed", "end_ms", "gaps"):
            same(getattr(o, name), getattr(p, name))
        assert repr(o.recorded) == repr(p.recorded)


def again(episode):
    back = adl.Episode.from_frames(*episode.to_frames(), name=episode.name, source=episode.source)
    same_rounds(episode, back)


def test_tables_come_back_from_their_frames():
    accounts = adl.Accounts(**A, side=[1, -1], leverage=[0.1, 7e7])
    frame = accounts.frame()
    assert list(frame.columns) == ["id", "pnl_usd", "equity_usd", "capacity_usd", "side", "leverage"]
    same(accounts, adl.Accounts.from_frame(frame[frame.columns[::-1]]))
    positions = adl.Positions(**P)
    same(positions, adl.Positions.from_frame(positions.frame()))
    whole = adl.Round.from_frame(frame, deficit=3.0, positions=positions.frame())
    same(positions, whole.positions)
    gaps = adl.Outcome(3.0, gaps=adl.Gaps(market=["X"], quantity=[2.0], gap=[3.0]))
    assert adl.Outcome.from_frame(gaps.frame()).needed == 3.0
    assert adl.Outcome(1.0).frame().empty


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(A),
        pd.DataFrame(A).rename(columns={"pnl": "pnl_usd", "id": "account"}),
        pd.DataFrame(A).set_index("id"),
        pd.DataFrame({"pnl": A["pnl"], "equity_usd": A["equity"]}, index=A["id"]),
        pd.DataFrame(A).assign(colour="red", leverage=np.nan),
    ],
    ids=["csv names", "frame names", "id as index", "index without a name", "more columns"],
)
def test_both_sets_of_names_and_the_id_as_index(frame):
    same(adl.Accounts(**A), adl.Accounts.from_frame(frame))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="equity"), ["missing equity"]),
        (lambda f: f.rename(columns={"equity": "eqity"}), ["eqity", "equity"]),
        (lambda f: f.assign(leverge=1.0), ["'leverge' (did you mean 'leverage'?)"]),
        (lambda f: f.rename(columns={"pnl": "PnL"}), ["'PnL' (did you mean 'pnl'?)"]),
        (lambda f: f.assign(pnl_usd=1.0), ["given twice", "'pnl_usd'"]),
        (lambda f: f.assign(pnl=[1.0, 1e16]), ["larger than 1e+15 USD", "row 1"]),
        (lambda f: f.assign(leverage=[1.0, np.nan]), ["must be finite", "row 1"]),
        (lambda f: f.assign(side=["long", "up"]), ["is no side", "row 1: up"]),
    ],
)
def test_a_bad_column_is_named(change, words):
    with pytest.raises(adl.InputError) as caught:
        adl.Accounts.from_frame(change(pd.DataFrame(A)))
    assert all(word in str(caught.value) for word in words)
    assert caught.value.ways_out


def test_extra_columns_may_be_refused():
    frame = pd.DataFrame(A).assign(colour="red")
    with pytest.raises(adl.InputError, match="'colour'"):
        adl.Accounts.from_frame(frame, extra="refuse")
    with pytest.raises(adl.UsageError, match="ignore, refuse"):
        adl.Accounts.from_frame(frame, extra="keep")


def test_an_amount_is_refused_alike_in_memory_and_in_a_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,pnl,equity\na,1e16,1\n")
    errors = []
    for call in (lambda: adl.Accounts(id=["a"], pnl=[1e16], equity=[1.0]), lambda: read_accounts(path)):
        with pytest.raises(adl.InputError) as caught:
            call()
        errors.append(caught.value.what.partition(": ")[2])
    assert errors[0] == errors[1] == "a value of column 'pnl' is larger than 1e+15 USD"


def test_a_near_miss_in_a_file_of_rounds_is_named(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("round,start_ms,end_ms,needed,defict\n1,1760000000000,1760000000000,1,2\n")
    with pytest.raises(adl.InputError, match="did you mean 'deficit'"):
        read_rounds(path)


@pytest.mark.parametrize("name", ["id", "account"])
def test_positions_name_their_accounts_by_id(name):
    frame = pd.DataFrame(P).assign(account=["b", "a"]).rename(columns={"account": name})
    round_ = adl.Round.from_frame(pd.DataFrame(A), deficit=1.0, positions=frame)
    assert round_.positions.account.tolist() == [1, 0]


def test_numbers_that_may_be_ids_or_rows_are_refused():
    accounts, positions = pd.DataFrame(A).assign(id=[1, 0]), pd.DataFrame(P)
    with pytest.raises(adl.InputError, match="may be an id as well as a row"):
        adl.Round.from_frame(accounts, deficit=1.0, positions=positions)
    by_id = positions.rename(columns={"account": "id"})
    assert adl.Round.from_frame(accounts, deficit=1.0, positions=by_id).positions.account.tolist() == [1, 0]


def test_an_episode_from_frames():
    more = ACCOUNTS.assign(venue="here", margin=[1.0, np.nan, 2.0])
    gaps = pd.DataFrame({"wave": [2], "coin": ["X"], "quantity": [1.0], "gap": [0.5]})
    recorded = ROUNDS.assign(start_ms=[5, None], haircut=[4.0, np.nan])
    episode = adl.Episode.from_frames(recorded, more.set_index(["round", "id"]), POSITIONS, gaps=gaps)
    (one, first), (two, second) = episode
    assert episode.source.endswith("left aside: accounts.venue")
    assert one.accounts.id.tolist() == ["a", "b"]
    assert one.accounts.margin.tolist() == [1.0, 2.0]
    assert two.accounts.margin is None
    assert (one.start_ms, two.start_ms) == (5, None)
    assert one.positions.account.tolist() == [1]
    assert first.gaps is None
    assert second.gaps.gap.tolist() == [0.5]
    assert (first.recorded.haircut, second.recorded) == (4.0, None)
    again(episode)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ((ROUNDS, ACCOUNTS.assign(round=[1, 2, 3])), ["accounts", "row 2: 3", "no round"]),
        ((ROUNDS, ACCOUNTS.drop(columns="round")), ["accounts", "missing round"]),
        ((ROUNDS, ACCOUNTS.assign(id="a")), ["round 1: accounts: an id occurs twice"]),
        ((ROUNDS, ACCOUNTS.assign(leverage=[1.0, 2.0, np.nan])), ["round 1: ", "'leverage'", "finite"]),
        ((ROUNDS, ACCOUNTS, POSITIONS.assign(id=[0, 1])), ["round 1: positions", "id of no account"]),
        ((ROUNDS.drop(columns="deficit"), ACCOUNTS), ["rounds", "missing deficit"]),
        ((ROUNDS.assign(needed=[1.0, -2.0]), ACCOUNTS), ["'needed'", "row 1: -2.0"]),
        ((ROUNDS.assign(haircut=[np.nan, -2.0]), ACCOUNTS), ["'recorded_haircut'", "row 1: -2.0"]),
        ((ROUNDS.assign(max_burden=0.5), ACCOUNTS), ["round 1", "without the haircut"]),
        ((ROUNDS[::-1], ACCOUNTS), ["must increase"]),
        ((ROUNDS.assign(empty_flow="flies"), ACCOUNTS), ["flies"]),
    ],
)
def test_bad_frames_of_an_episode(frames, words):
    with pytest.raises(adl.InputError) as caught:
        adl.Episode.from_frames(*frames)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.ways_out


def test_what_is_no_frame_is_refused():
    with pytest.raises(adl.UsageError, match="accounts must be DataFrame"):
        adl.Episode.from_frames(ROUNDS, [1, 2])


@pytest.mark.parametrize("name", ["oct10", "synthetic(accounts=30, rounds=4, seed=3)"])
def test_known_episodes_come_back_from_their_frames(name):
    again(adl.load(name))


def test_parts_of_an_episode():
    for episode in (adl.load("oct10"), adl.load("synthetic(accounts=5, rounds=9)")):
        part = episode[2:5]
        same_rounds(part, list(episode)[2:5])
        assert part.name == f"{episode.name}[2:5]"
        assert episode[-1][0].number == list(episode)[-1][0].number
        assert [r.number for r, _ in episode.head(3)] == [r.number for r, _ in list(episode)[:3]]
        assert len(episode.head(99)) == len(episode)
    with pytest.raises(adl.InputError, match="no rounds"):
        episode[5:5]
    with pytest.raises(IndexError):
        episode[99]


def test_a_part_of_a_lazy_episode_makes_a_round_when_it_is_asked_for():
    whole = adl.load("synthetic(accounts=5, rounds=1000000)")
    assert whole[10:900_000][5:].rounds[0][0].number == 16


def test_the_sum_of_episodes_keeps_numbers_and_times_in_order():
    episode = adl.load("oct10")
    same_rounds(episode[:5] + episode[5:], episode)
    twice = episode + episode
    numbers = [r.number for r, _ in twice]
    assert numbers == sorted(set(numbers))
    (first, _), last = episode[0], episode[-1][0].number
    assert numbers[len(episode)] == last + 1
    step = twice[len(episode)][0].start_ms - first.start_ms
    assert all(
        q.start_ms - r.start_ms == p.end_ms - o.end_ms == step
        for (r, o), (q, p) in zip(episode, twice[len(episode) :], strict=True)
    )
    assert f"round numbers + {last}" in twice.source
    assert f"times + {step} ms" in twice.source


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
USD = st.floats(0.0, LARGEST_USD)
ABOVE = st.floats(1e-9, LARGEST_USD)


@st.composite
def episodes(draw):
    def column(values, n, *, optional=True):
        made = st.lists(values, min_size=n, max_size=n)
        return draw(st.none() | made) if optional else draw(made)

    pairs = []
    for number in sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=4))):
        ids = np.array(draw(st.lists(TEXT, unique=True, max_size=4)), dtype=np.str_)
        n = len(ids)
        accounts = adl.Accounts(
            id=ids,
            pnl=column(st.floats(-LARGEST_USD, LARGEST_USD), n, optional=False),
            equity=column(USD, n, optional=False),
            side=column(st.sampled_from([1, -1]), n),
            entry=column(ABOVE, n),
            leverage=column(st.floats(0.0, 1e9), n),
        )
        held = draw(st.lists(st.integers(0, n - 1), unique=True) if n else st.just([]))
        m = len(held)
        positions = adl.Positions(
            account=np.array(held, dtype=np.int64),
            market=column(TEXT, m, optional=False),
            lot_value=column(ABOVE, m, optional=False),
            lots=column(st.integers(0, 2**53), m, optional=False),
            notional=column(USD, m),
        )
        k = draw(st.integers(0, 2))
        markets, quantity = ["X", "Y"][:k], column(USD, k, optional=False)
        flow = adl.Flow(market=markets, quantity=quantity, mark=column(ABOVE, k, optional=False))
        gaps = adl.Gaps(market=markets, quantity=quantity, gap=column(USD, k, optional=False))
        burden = st.floats(0.0, 1e9) | st.just(np.nan)
        recorded = adl.Recorded(haircut=draw(USD), max_burden=draw(burden), reference_burden=draw(burden))
        timed = draw(st.booleans())
        round_ = adl.Round(
            deficit=draw(USD),
            accounts=accounts,
            positions=draw(st.sampled_from([None, positions])),
            flow=draw(st.sampled_from([None, flow])),
            number=number,
            start_ms=number * 10 if timed else None,
        )
        outcome = adl.Outcome(
            draw(USD),
            gaps=draw(st.sampled_from([None, gaps])),
            recorded=draw(st.sampled_from([None, recorded])),
            end_ms=draw(st.none() | st.just(number * 10 + 5)),
        )
        pairs.append((round_, outcome))
    return adl.Episode("any", "made up", pairs)


@settings(max_examples=60, deadline=None)
@given(episodes())
def test_any_episode_comes_back_from_its_frames(episode):
    again(episode)

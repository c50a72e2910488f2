"""The nouns: what they accept, refuse and never do."""

import dataclasses

import numpy as np
import pytest

import adl_opt as adl

A = {"id": ["a", "b"], "pnl": [10.0, 5.0], "equity": [20.0, 4.0]}
P = {"account": [0, 1], "market": ["X", "X"], "lot_value": [1.0, 0.5], "lots": [10, 8]}


def a_round(number=1, start_ms=None):
    return adl.Round(deficit=1.0, accounts=adl.Accounts(**A), number=number, start_ms=start_ms)


BAD = {
    "pnl NaN": (lambda: adl.Accounts(**A | {"pnl": [1.0, np.nan]}), "row 1: nan"),
    "pnl inf": (lambda: adl.Accounts(**A | {"pnl": [np.inf, 1.0]}), "row 0: inf"),
    "pnl text": (lambda: adl.Accounts(**A | {"pnl": ["1", "x"]}), "row 1: x"),
    "pnl None": (lambda: adl.Accounts(**A | {"pnl": [1.0, None]}), "row 1"),
    "equity -inf": (lambda: adl.Accounts(**A | {"equity": [1.0, -np.inf]}), "-inf"),
    "negative equity with capacity": (
        lambda: adl.Accounts(**A | {"equity": [-1.0, 1.0]}, capacity=[1.0, 1.0]),
        "row 0: -1.0",
    ),
    "negative capacity": (lambda: adl.Accounts(**A, capacity=[-1.0, 1.0]), "row 0: -1.0"),
    "capacity above pnl": (lambda: adl.Accounts(**A, capacity=[10.5, 1.0]), "row 0: 10.5"),
    "duplicate id": (lambda: adl.Accounts(**A | {"id": ["a", "a"]}), "id a in rows [0, 1]"),
    "blank id": (lambda: adl.Accounts(**A | {"id": ["a", ""]}), "row 1"),
    "lengths differ": (lambda: adl.Accounts(**A | {"pnl": [1.0]}), "1 values, expected 2"),
    "two-dimensional": (lambda: adl.Accounts(**A | {"pnl": [[1.0, 2.0]]}), "shape (1, 2)"),
    "side 0": (lambda: adl.Accounts(**A, side=[1, 0]), "row 1: 0"),
    "side 0.5": (lambda: adl.Accounts(**A, side=[1, 0.5]), "row 1: 0.5"),
    "entry 0": (lambda: adl.Accounts(**A, entry=[0.0, 1.0]), "row 0: 0.0"),
    "negative leverage": (lambda: adl.Accounts(**A, leverage=[0.0, -2.0]), "row 1: -2.0"),
    "negative margin": (lambda: adl.Accounts(**A, margin=[-0.01, 2.0]), "row 0: -0.01"),
    "NaN notional": (lambda: adl.Accounts(**A, notional=[np.nan, 2.0]), "row 0: nan"),
    "lots not whole": (lambda: adl.Positions(**P | {"lots": [1.5, 2]}), "row 0: 1.5"),
    "lots negative": (lambda: adl.Positions(**P | {"lots": [1, -2]}), "row 1: -2"),
    "lots NaN": (lambda: adl.Positions(**P | {"lots": [1.0, np.nan]}), "row 1: nan"),
    "lots beyond counting": (lambda: adl.Positions(**P | {"lots": [1e17, 1.0]}), "row 0"),
    "lot value 0": (lambda: adl.Positions(**P | {"lot_value": [0.0, 1.0]}), "row 0: 0.0"),
    "market twice": (lambda: adl.Positions(**P | {"account": [0, 0]}), "row 1: X"),
    "position of nobody": (
        lambda: adl.Round(
            deficit=1.0, accounts=adl.Accounts(**A), positions=adl.Positions(**P | {"account": [0, 2]})
        ),
        "row 1: 2",
    ),
    "negative deficit": (lambda: adl.Round(deficit=-1.0, accounts=adl.Accounts(**A)), "deficit = -1.0"),
    "NaN deficit": (lambda: adl.Round(deficit=float("nan"), accounts=adl.Accounts(**A)), "deficit = nan"),
    "text deficit": (lambda: adl.Round(deficit="5", accounts=adl.Accounts(**A)), "deficit = '5'"),
    "negative needed": (lambda: adl.Outcome(needed=-2.0), "needed = -2.0"),
    "inf needed": (lambda: adl.Outcome(needed=float("inf")), "needed = inf"),
    "negative record": (
        lambda: adl.Outcome(needed=1.0, recorded=adl.Recorded(haircut=-1.0)),
        "recorded haircut = -1.0",
    ),
    "negative gap": (lambda: adl.Gaps(market=["X"], quantity=[1.0], gap=[-1.0]), "row 0: -1.0"),
    "flow mark 0": (lambda: adl.Flow(market=["X"], quantity=[1.0], mark=[0.0]), "row 0: 0.0"),
    "amount beyond belief": (lambda: adl.Accounts(**A | {"pnl": [1.0, 1e16]}), "row 1: 1e+16"),
    "burden below 0": (lambda: adl.Recorded(haircut=1.0, max_burden=-0.5), "max_burden = -0.5"),
    "ragged": (lambda: adl.Accounts(**A | {"pnl": [[1.0], [1.0, 2.0]]}), "inhomogeneous"),
    "no rounds": (lambda: adl.Episode("e", "", []), "0 rounds"),
    "numbers fall": (
        lambda: adl.Episode(
            "e", "", [(a_round(2), adl.Outcome(needed=1.0)), (a_round(1), adl.Outcome(needed=1.0))]
        ),
        "round 1 after round 2",
    ),
    "overlap": (
        lambda: adl.Episode(
            "e",
            "",
            [(a_round(1, 0), adl.Outcome(needed=1.0, end_ms=50)), (a_round(2, 50), adl.Outcome(needed=1.0))],
        ),
        "round 2",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_three_parts(case):
    make, value = BAD[case]
    with pytest.raises(adl.InputError) as caught:
        make()
    assert value in caught.value.got
    assert caught.value.ways_out
    assert str(caught.value).splitlines()[0] == caught.value.what


def bad_calls():
    round_, outcome = a_round(), adl.Outcome(1.0)
    yield lambda: adl.Round(1.0, adl.Accounts(**A)), "positional", "Round(deficit=..., accounts=..."
    yield lambda: adl.Round(deficit=1.0), "missing", "accounts"
    yield lambda: adl.Round(deficit=1.0, acounts=A), "acounts", "did you mean accounts?"
    yield lambda: adl.Round(deficit=1.0, accounts=A), "dict", "Round.from_frame"
    yield lambda: adl.Round(deficit=1.0, accounts=adl.Accounts(**A), flow=[1]), "list", "Flow(...)"
    yield lambda: adl.Round(deficit=1.0, accounts=adl.Accounts(**A), number="x"), "'x'", "whole number"
    yield lambda: adl.Outcome(), "needed", "Outcome(needed=..."
    yield lambda: adl.Outcome(1.0, gaps=[1.0]), "list", "Outcome.from_frame"
    yield lambda: adl.Outcome(1.0, end_ms="noon"), "'noon'", "milliseconds"
    yield lambda: adl.Accounts(["a"], [1.0], [1.0]), "positional", "Accounts(id=..."
    yield lambda: adl.Episode("e", "", [round_]), "item 0: Round", "Outcome(needed=...)"
    yield lambda: adl.Episode("e", "", [(outcome, round_)]), "item 0: tuple", "from_frames"
    yield lambda: adl.Episode("e", "", 5), "int", "list of (Round, Outcome)"
    yield lambda: adl.Episode(5, "", [(round_, outcome)]), "int: '5'", "text"
    yield lambda: adl.Episode("e", "", [(round_, outcome)])["a"], "'a'", "episode[0]"
    yield lambda: adl.Episode("e", "", [(round_, outcome)]) + round_, "Round", "Episode"
    yield lambda: adl.Accounts.from_frame({"id": ["a"]}), "dict", "pandas.DataFrame"


@pytest.mark.parametrize(("call", "got", "way"), list(bad_calls()))
def test_a_call_that_cannot_be_meant_is_refused_in_three_parts(call, got, way):
    with pytest.raises(adl.UsageError) as caught:
        call()
    assert got in caught.value.got
    assert way in "\n".join(caught.value.ways_out)


def test_the_needed_amount_may_stand_alone():
    assert adl.Outcome(5.0).needed == 5.0


def test_capacity_is_the_lesser_of_pnl_and_equity():
    accounts = adl.Accounts(id=["a", "b", "c", "d"], pnl=[5.0, 5.0, -1.0, 3.0], equity=[9.0, 2.0, 9.0, -4.0])
    assert accounts.capacity.tolist() == [5.0, 2.0, 0.0, 0.0]


def test_arrays_are_copies_and_read_only():
    pnl = np.array([10.0, 5.0])
    accounts = adl.Accounts(id=["a", "b"], pnl=pnl, equity=[20.0, 9.0])
    pnl[0] = 99.0
    assert accounts.pnl[0] == 10.0
    with pytest.raises(ValueError, match="read-only"):
        accounts.pnl[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        accounts.pnl = pnl


def test_a_round_holds_nothing_of_its_outcome():
    later = {f.name for f in dataclasses.fields(adl.Outcome)}
    assert later == {"needed", "gaps", "recorded", "end_ms"}
    assert not later & {f.name for f in dataclasses.fields(adl.Round)}


def test_shortfall_is_named_not_raised():
    round_ = a_round()
    a = adl.make_allocation("pro-rata").allocate(None, round_, 100.0)
    assert a.executed == 14.0
    assert a.shortfall == 86.0


def test_information_is_as_honest_as_its_least_honest_part():
    info = adl.Information
    assert info.weakest(info.START_OF_ROUND, info.EX_POST) is info.EX_POST
    assert info.weakest(info.OBSERVED, info.EX_POST) is info.OBSERVED
    assert info.weakest(info.WHOLE_ROUND_FLOW, info.EX_POST) is info.EX_POST
    assert info.weakest(info.START_OF_ROUND, info.WHOLE_ROUND_FLOW) is info.WHOLE_ROUND_FLOW
    assert adl.make_policy("full-deficit/binance").information is info.START_OF_ROUND

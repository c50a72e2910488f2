"""Lines of rounds and outcomes: both spaces there and back, and whatever is wrong named by line and field."""

import json

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.rounds.frames import tables_of
from adl_opt.service.wire import Revealed, outcome_line, read_line, round_line

ACCOUNTS = {"id": ["a", "b"], "pnl": [10.0, 5.0], "equity": [20.0, 4.0]}


def in_contracts():
    accounts = adl.Accounts(id=["w", "v"], pnl=[300.0, -40.0], equity=[500.0, 100.0])
    held = adl.Positions(
        account=[0, 1],
        market=["BTC", "BTC"],
        lots=[3, 2],
        lot_size=[1.0, 0.5],
        side=["short", "long"],
        entry=[700.0, 640.0],
        mark=[600.0, 600.0],
        margin_mode=["cross", "isolated"],
        isolated_margin=[0.0, 90.0],
    )
    flow = adl.Flow(market=["BTC"], side=["long"], quantity=[2.0], mark=[600.0], bankruptcy=[650.0])
    return adl.Round(deficit=100.0, accounts=accounts, positions=held, flow=flow, number=7, start_ms=1_000)


def same(first, second):
    assert (first is None) == (second is None)
    if first is not None:
        assert first.present() == second.present()
        for name in first.present():
            a, b = getattr(first, name), getattr(second, name)
            assert a.tolist() == b.tolist()
            assert a.dtype.kind == b.dtype.kind


@pytest.mark.parametrize("name", ["oct10", "synthetic(accounts=40, rounds=2)", "contracts"])
def test_a_round_comes_back_bit_for_bit(name):
    gaps = adl.Gaps(market=["BTC"], side=["long"], quantity=[2.0], gap=[90.0])
    outcome = adl.Outcome(90.0, gaps=gaps, recorded=adl.Recorded(haircut=80.0), end_ms=2_000)
    pairs = [(in_contracts(), outcome)] if name == "contracts" else list(adl.load(name))[:3]
    for round_, outcome in pairs:
        again, revealed = read_line(round_line(round_)), read_line(outcome_line(round_.number, outcome))
        assert isinstance(revealed, Revealed)
        assert (again.number, again.start_ms, again.space) == (round_.number, round_.start_ms, round_.space)
        assert (again.deficit, revealed.number) == (round_.deficit, round_.number)
        assert (revealed.outcome.needed, revealed.outcome.end_ms) == (outcome.needed, outcome.end_ms)
        assert repr(revealed.outcome.recorded) == repr(outcome.recorded)
        before, after = tables_of(round_, outcome), tables_of(again, revealed.outcome)
        for table in before:
            same(before[table], after[table])


@pytest.mark.parametrize(("ids", "named"), [(["a", "b"], "account"), (["1", "0"], "id"), (["٣", "b"], "id")])
def test_positions_name_their_accounts_by_row_where_no_id_reads_as_one(ids, named):
    accounts = adl.Accounts(**ACCOUNTS | {"id": ids})
    held = adl.Positions(account=[1, 0], market=["M", "N"], lots=[2, 3], lot_value=[1.0, 1.0])
    text = round_line(adl.Round(deficit=5.0, accounts=accounts, positions=held))
    assert named in json.loads(text)["round"]["positions"]
    assert read_line(text).positions.account.tolist() == [1, 0]


def line(**changes):
    return json.dumps({"kind": "round", "round": {"deficit_usd": 5, "accounts": ACCOUNTS} | changes})


def test_rows_columns_text_and_packed_numbers_say_the_same():
    rows = [{"id": "a", "pnl_usd": "10.0", "equity": 20}, {"id": "b", "pnl_usd": 5, "equity": "4"}]
    packed = round_line(read_line(line()))
    for text in (line(), line(accounts=rows), packed):
        round_ = read_line(text.encode())
        assert round_.accounts.pnl.tolist() == [10.0, 5.0]
        assert round_.capacity_usd == 14.0
    assert '"f8:' in packed


def test_the_needed_budget_is_the_sum_of_the_gaps_where_it_is_left_out():
    gaps = {"market": ["BTC", "ETH"], "quantity": [1, 1], "gap": [2.5, 0.5]}
    assert read_line(json.dumps({"kind": "outcome", "number": 3, "gaps": gaps})).outcome.needed == 3.0


WRONG = [
    ("{", "line 9: this is not JSON"),
    ("[1]", "line 9: a line is a JSON object"),
    ('{"kind": "trade"}', "line 9, field 'kind'"),
    (line(deficits=3), r"line 9, round: there are columns that are not known"),
    (line(accounts=ACCOUNTS | {"leverge": [1, 1]}), "line 9, round.accounts: there are columns that are not"),
    (line(accounts=ACCOUNTS | {"pnl": [10.0, None]}), "line 9, round.accounts.pnl, row 1: is not a number"),
    (line(accounts=ACCOUNTS | {"pnl": [True, 1]}), "line 9, round.accounts.pnl, row 0: is not a number"),
    (line(accounts=ACCOUNTS | {"id": ["a", 1.5]}), "line 9, round.accounts.id, row 1: is not a text"),
    (line(accounts=ACCOUNTS | {"id": ["a", "a"]}), "line 9, round.accounts: accounts: an id occurs twice"),
    (
        line(accounts=ACCOUNTS | {"pnl": "f8:abc"}),
        "line 9, round.accounts.pnl: the packed numbers are damaged",
    ),
    (line(accounts=[{"id": "a"}, {"pnl": 1}]), "line 9, round.accounts, row 1: the rows have different keys"),
    (line(accounts=7), "line 9, round.accounts: this is no table"),
    (line(deficit_usd=-1), "line 9, round: round 1: deficit must be"),
    (line(deficit_usd=None), "line 9, round, field 'deficit': is null"),
    (line(number=1.5), "line 9, round: a round's number must be"),
    ('{"kind": "round", "round": {"deficit": NaN}}', "line 9: this is not JSON"),
    ('{"kind": "round", "kind": "round"}', "line 9: this is not JSON"),
    (line().replace('"pnl"', '"id"', 1), "the key 'id' is given twice"),
    ('{"kind": "outcome", "needed": 1}', "line 9: columns are missing"),
    ('{"kind": "outcome", "number": "1", "needed": 1}', "line 9, field 'number'"),
    ('{"kind": "outcome", "number": 1}', "line 9, field 'needed': is missing"),
    ('{"kind": "outcome", "number": 1, "needed": 1, "haircut": 2}', "line 9: there are columns that are not"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_whatever_is_wrong_is_named(text, said):
    with pytest.raises(adl.InputError, match=said.replace("[", r"\[")) as refused:
        read_line(text, "line 9")
    assert refused.value.got


def test_a_position_names_an_account_of_its_round():
    held = {"id": ["c"], "market": ["BTC"], "lots": [1], "lot_value": [2.0]}
    with pytest.raises(
        adl.InputError, match=r"line 9, round.positions: positions: .* is the id of no account"
    ):
        read_line(line(positions=held), "line 9")
    held["id"] = ["b"]
    assert np.array_equal(read_line(line(positions=held)).positions.account, [1])

"""Ids as whole numbers: unique or not, found or not, against dictionaries."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adl_opt.rounds import ids as module
from adl_opt.rounds.ids import Ids, numbered
from adl_opt.rounds.tables import Accounts

NAMES = st.text(st.sampled_from("ab0é\U0001f600"), min_size=1, max_size=20)


def by_hand(here, other):
    place = {name: k for k, name in enumerate(here)}
    return [place.get(name, -1) for name in other]


@settings(max_examples=300, deadline=None)
@given(st.lists(NAMES, unique=True, max_size=30), st.lists(NAMES, max_size=30))
def test_found_as_in_a_dictionary(here, other):
    ours, theirs = (Ids.of(np.array(x, dtype=np.str_)) for x in (here, other))
    found = ours.find(theirs)
    assert ours.unique
    assert theirs.unique == (len(set(other)) == len(other))
    if found is None:
        assert ours.ascii is not theirs.ascii
    else:
        assert found.tolist() == by_hand(here, other)


@pytest.mark.parametrize("n", [1, 50, 5000, 40_000])
@pytest.mark.parametrize("width", [3, 8, 42])
def test_many(n, width):
    rng = np.random.default_rng([n, width])
    names = [f"{k:0{width}x}" for k in rng.permutation(2 * n)]
    here, other = np.array(names[:n]), np.array([names[k] for k in rng.permutation(2 * n)[:n]])
    found = Ids.of(here).find(Ids.of(other))
    assert found is not None
    assert found.tolist() == by_hand(here.tolist(), other.tolist())
    assert Ids.of(here).unique
    here[-1] = here[0]
    assert Ids.of(here).unique == (n == 1)


@given(st.lists(st.sampled_from(["a", "b", "ab", "é", "m" * 9]) | NAMES, max_size=30))
def test_numbered_as_by_a_sort(names):
    array = np.array(names, dtype=np.str_)
    distinct, number = numbered(array)
    assert distinct.tolist() == sorted(set(names))
    assert [distinct[k] for k in number] == names


def test_numbered_where_names_meet_in_a_slot():
    names = np.array([f"m{k}" for k in range(20_000)])
    distinct, number = numbered(names)
    assert np.array_equal(distinct, np.sort(names))
    assert np.array_equal(distinct[number], names)


def test_what_is_asked_again_is_the_same_object():
    first, second = (Ids.of(np.array(x)) for x in (["a", "b", "c"], ["c", "d", "e"]))
    new = second.take(np.array([1, 2]))
    assert second.take(np.array([1, 2])) is new
    assert second.take(np.arange(3)) is second
    assert new.after(first) is new.after(first)
    assert new.after(first).text.tolist() == ["a", "b", "c", "d", "e"]
    assert first.places(second) is first.places(second)
    assert first.places(second).tolist() == [2, -1, -1]
    assert Ids.of(np.array(["é", "c"])).places(second).tolist() == [1, -1, -1]  # by name


def test_the_width_of_the_array_does_not_count():
    short, wide = Ids.of(np.array(["a", "bc"])), Ids.of(np.array(["bc", "a", "d" * 30]))
    assert wide.find(short).tolist() == [1, 0]
    assert short.find(wide).tolist() == [1, 0, -1]
    assert short.equals(Ids.of(np.array(["a", "bc"], dtype="U40")))
    assert not short.equals(Ids.of(np.array(["a", "bd"])))
    assert not short.equals(wide)


def test_equal_hashes_are_never_taken_for_equal_ids(monkeypatch):
    monkeypatch.setattr(module, "_hashed", lambda words: words[:, 0] % np.uint64(7))
    names = np.array([f"n{k}" for k in range(50)])
    ids = Ids.of(names)
    assert not ids.tables
    assert ids.unique
    assert ids.find(Ids.of(names[::-1])) is None
    pair = Ids.of(np.array(["a", "b"]))
    monkeypatch.setattr(module, "_hashed", lambda words: np.full(len(words), 5, dtype=np.uint64))
    assert Ids.of(names[:1]).find(Ids.of(names[1:2])) is None
    assert not Ids.of(names[:1]).equals(Ids.of(names[1:2]))
    assert pair.tables


def test_accounts_carry_their_index_but_do_not_send_it():
    accounts = Accounts(id=["a", "b"], pnl=[1.0, 2.0], equity=[3.0, 4.0])
    assert accounts.index is accounts.index
    assert b"hashes" not in pickle.dumps(accounts)
    again = pickle.loads(pickle.dumps(accounts))
    assert again.index.equals(accounts.index)


@pytest.mark.parametrize("seed", range(40))
def test_blocks_that_kept_their_order_and_some_that_did_not(seed):
    """Insertions, removals, swaps, turned blocks and another width: found as in a dictionary."""
    rng = np.random.default_rng(seed)
    names = [f"{k:09d}" for k in rng.permutation(3000)]
    here, other = names[: int(rng.integers(1, 2000))], []
    for name in here:
        if rng.uniform() < 0.01:
            other.extend(f"new{len(other)}-{k}" for k in range(int(rng.integers(1, 4))))
        if rng.uniform() > 0.01:
            other.append(name)
    for _ in range(int(rng.integers(0, 4))):
        a, b = sorted(rng.integers(0, len(other) + 1, 2).tolist())
        other[a:b] = other[a:b][::-1] if seed % 2 else other[b:] + other[a:b]
        other = list(dict.fromkeys(other))
    if seed % 5 == 0:
        other = other[len(other) // 3 :]
    found = Ids.of(np.array(here)).find(Ids.of(np.array(other, dtype=np.str_)))
    assert found is not None
    assert found.tolist() == by_hand(here, other)


def test_a_block_whose_hashes_lie_is_not_believed(monkeypatch):
    """Two lists in the same order with the same hashes and one other name: the words tell."""
    names = np.array([f"{k:05d}" for k in range(1000)])
    other = names.copy()
    other[500] = "x0500"
    true = module._hashed
    monkeypatch.setattr(module, "_hashed", lambda words: true(words % np.uint64(1 << 40) // np.uint64(256)))
    assert Ids.of(names).tables
    assert Ids.of(names).find(Ids.of(names[::-1].copy())).tolist() == list(range(1000))[::-1]
    assert Ids.of(names).find(Ids.of(other)) is None

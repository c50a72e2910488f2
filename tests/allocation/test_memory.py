"""What learners remember: a plain value to every reader, arrays inside, matched to each round's accounts."""

import copy
import json
import pickle

import numpy as np
import pytest

from adl_opt.allocation.memory import State, blank, recall, remember


def by_hand(rounds):
    """The same memory in dictionaries of plain floats."""
    paid, last = {}, {}
    for ids, fraction in rounds:
        for name, x in zip(ids, fraction, strict=True):
            paid[name], last[name] = paid.get(name, 0.0) + x, x
    return {"rounds": len(rounds), "id": list(paid), "paid": list(paid.values()), "last": list(last.values())}


def stream(rng, n, length):
    here = [f"a{i:05d}" for i in range(n)]
    entered = n
    for _ in range(length):
        how = rng.integers(4)
        if how == 0:
            here = [here[k] for k in rng.permutation(len(here))]
        elif how == 1:
            keep = rng.uniform(size=len(here)) < 0.97
            here = [name for name, k in zip(here, keep, strict=True) if k] or here
        elif how == 2:
            for _ in range(3):
                here.insert(int(rng.integers(len(here) + 1)), f"a{entered:05d}")
                entered += 1
        yield here.copy(), rng.uniform(size=len(here)).tolist()


@pytest.mark.parametrize("n", [3, 1500])
@pytest.mark.parametrize("seed", range(6))
def test_memory_is_that_of_plain_dictionaries(n, seed):
    rounds, state, resumed = [], blank(), {"rounds": 0, "id": [], "paid": [], "last": []}
    for ids, fraction in stream(np.random.default_rng(seed), n, 12):
        made = recall(state, np.array(ids))
        expected = by_hand(rounds)
        paid = dict(zip(expected["id"], expected["paid"], strict=True))
        assert made.paid.tolist() == [paid.get(i, 0.0) for i in ids]
        assert made.known.tolist() == [i in paid for i in ids]
        rounds.append((ids, fraction))
        state = remember(state, np.array(ids), np.array(fraction))
        resumed = json.loads(json.dumps(remember(resumed, np.array(ids), np.array(fraction))))
        assert state == by_hand(rounds) == resumed


def test_two_ways_on_from_one_state_do_not_mix():
    first = remember(blank(), np.array(["a"]), np.array([0.5]))
    left = remember(first, np.array(["a", "b"]), np.array([0.1, 0.2]))
    right = remember(first, np.array(["c", "b"]), np.array([0.3, 0.4]))
    assert first == {"rounds": 1, "id": ["a"], "paid": [0.5], "last": [0.5]}
    assert left == {"rounds": 2, "id": ["a", "b"], "paid": [0.6, 0.2], "last": [0.1, 0.2]}
    assert right == {"rounds": 2, "id": ["a", "c", "b"], "paid": [0.5, 0.3, 0.4], "last": [0.5, 0.3, 0.4]}
    assert recall(first, np.array(["b", "a"])).known.tolist() == [False, True]


def test_a_state_is_a_plain_value_to_every_reader():
    state = remember(blank(), np.array(["a", "b"]), np.array([0.5, 0.25]))
    assert state.get("paid") == [0.5, 0.25]
    assert state.get("unknown") is None
    plain = {"rounds": 1, "id": ["a", "b"], "paid": [0.5, 0.25], "last": [0.5, 0.25]}
    for copied in (copy.deepcopy(state), pickle.loads(pickle.dumps(state)), State.of(plain), dict(state)):
        assert copied == plain
        assert (state != copied) is False
    assert json.loads(json.dumps(state)) == json.loads(json.dumps(state, indent=1)) == plain
    assert list(state) == list(state.keys()) == list(plain)
    assert list(state.values()) == list(plain.values())
    assert len(state) == 4
    assert "paid" in state
    assert "else" not in state
    assert repr(state) == repr(plain)
    with pytest.raises(KeyError):
        state["else"]

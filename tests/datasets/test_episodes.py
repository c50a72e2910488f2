"""Episodes by name, by path, or in hand; and what the imports write."""

import pytest

from adl_opt.datasets.accounts import import_accounts
from adl_opt.datasets.episodes import as_episode, load
from adl_opt.datasets.hyperreplay.real_oct10 import import_oct10
from adl_opt.datasets.store.folder import save_episode
from adl_opt.errors import InputError, UsageError
from adl_opt.rounds.episode import Episode
from tests.datasets.conftest import refused

ACCOUNTS = "id,pnl,equity\na,50,100\nb,30,90\n"


@pytest.fixture
def small():
    return load("synthetic(accounts=5, rounds=2)")


def test_an_episode_in_hand_is_returned(small):
    assert load(small) is small
    assert as_episode(small) is small


def test_pairs_in_hand_become_an_episode(small):
    made = as_episode(list(small))
    assert isinstance(made, Episode)
    assert [round_.number for round_, _ in made] == [1, 2]
    refused(lambda: as_episode(list(small)[::-1]), InputError, "must increase")


@pytest.mark.parametrize(
    "given",
    [None, 7, 5.0, {}, [], b"oct10", object()],
    ids=lambda given: type(given).__name__ + str(len(given) if hasattr(given, "__len__") else ""),
)
def test_what_is_no_episode_is_refused_in_three_parts(given):
    refused(lambda: as_episode(given), UsageError, "this is no episode", type(given).__name__)
    refused(lambda: load(given), UsageError, "this is no episode")


def test_rounds_without_outcomes_are_told_what_they_lack(small):
    round_ = small.rounds[0][0]
    for given in (round_, [1], [round_], [(round_, None)]):
        refused(lambda given=given: as_episode(given), UsageError, "(Round, Outcome)")


def test_a_path_of_either_type_and_one_that_is_not_there(small, tmp_path):
    folder = save_episode(small, tmp_path / "e")
    assert load(folder).name == load(str(folder)).name == small.name
    refused(lambda: load(tmp_path / "none"), InputError, "does not exist")
    refused(lambda: load("a\0b"), UsageError, "name")
    (tmp_path / "file").write_text("x")
    refused(lambda: load(tmp_path / "file"), InputError, "a folder, and this is a file")


def test_accounts_are_imported_with_and_without_a_folder(tmp_path):
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path in paths:
        path.write_text(ACCOUNTS)
    episode, report = import_accounts(paths, deficit=[20, 10], needed=[12, 3])
    assert episode.name == "one"
    assert str(report).splitlines()[1] == "round 2: 2 accounts, capacity 80.00 USD, D 10.00, B 3.00"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "two.csv"]
    import_accounts(str(paths[0]), tmp_path / "mine", [20], [12])
    assert load(tmp_path / "mine").name == "mine"
    refused(lambda: import_accounts(paths, tmp_path / "mine", [1, 1], [1, 1]), UsageError, "already there")
    import_accounts(paths, tmp_path / "mine", [1, 1], [1, 1], overwrite=True)
    assert len(load(tmp_path / "mine")) == 2
    refused(lambda: import_accounts([], deficit=[], needed=[]), InputError, "no rounds")


def test_the_real_rounds_are_written_and_the_report_says_what_is_missing(late_rounds, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / late_rounds.name).write_bytes(late_rounds.read_bytes())
    episode, report = import_oct10(tmp_path / "data", tmp_path / "e")
    assert [round_.number for round_, _ in load(tmp_path / "e")] == [round_.number for round_, _ in episode]
    assert "missing: no two_pass_wave_coin_gap_per_contract.csv" in str(report)

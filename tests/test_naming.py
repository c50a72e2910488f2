"""Names and calls as people type them."""

import pytest

from adl_opt.errors import UsageError
from adl_opt.naming import episode_and_number, make_by_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oct10:28", ("oct10", 28)),
        ("./folder:7", ("./folder", 7)),
        ("C:/data/ep:7", ("C:/data/ep", 7)),
        ("synthetic(rounds=3):2", ("synthetic(rounds=3)", 2)),
        ("a:b:03", ("a:b", 3)),
        ("oct10", ("oct10", None)),
        ("oct10:", ("oct10:", None)),
        (":5", (":5", None)),
        ("5", ("5", None)),
        ("oct10:-1", ("oct10:-1", None)),
        ("oct10:1.5", ("oct10:1.5", None)),
        ("oct10:\u0663", ("oct10:\u0663", None)),
        ("C:/data", ("C:/data", None)),
        ("rows.csv", ("rows.csv", None)),
        ("a\0b:1", ("a\0b", 1)),
        ("oct10:" + "9" * 30, ("oct10:" + "9" * 30, None)),
    ],
)
def test_episode_and_number(text, expected):
    assert episode_and_number(text) == expected


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_bears_the_whole_name_wins(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ep:7").mkdir() if kind == "folder" else (tmp_path / "ep:7").write_text("x")
    assert episode_and_number("ep:7") == ("ep:7", None)
    assert episode_and_number("ep:8") == ("ep", 8)


def test_a_part_is_made_by_name_or_the_error_says_what_there_is():
    made = make_by_name("thing", {"scale": lambda by, times=1: (by, times)}, "scale(2)", {"times": 3})
    assert made == (2, 3)
    for text, words in (
        ("skale(2)", "did you mean scale"),
        ("scale", "missing by"),
        ("scale(2, x=1)", "'x'"),
    ):
        with pytest.raises(UsageError) as error:
            make_by_name("thing", {"scale": lambda by, times=1: (by, times)}, text, {})
        assert words in str(error.value)

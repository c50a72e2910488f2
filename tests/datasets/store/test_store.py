from __future__ import annotations

import hashlib
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import adl_opt as adl
from adl_opt.checks import LARGEST_USD
from adl_opt.datasets.store import folder as store
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.errors import AdlOptError, InputError, UsageError
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Recorded, Round
from adl_opt.rounds.tables import Accounts, Flow, Gaps, Positions
from tests.datasets.conftest import refused
from tests.rounds.books import book, with_options


def small(name="small", source="invented"):
    full = Round(
        deficit=5,
        number=2,
        start_ms=10,
        accounts=Accounts(
            id=["NA", "é,\"'\n", "=1+1"],
            pnl=[0.1 + 0.2, -0.0, 5e-324],
            equity=[1e15, 0.0, 1.0],
            capacity=[0.25, 0.0, 0.0],
            side=[1, -1, 1],
            leverage=[1 / 3, 0.0, 1e6],
        ),
        positions=Positions(
            account=[0, 0, 2], market=["M", "N", "M"], lot_value=[0.1, 2, 3], lots=[2**53, 0, 1]
        ),
        flow=Flow(market=[], quantity=[], mark=[]),
    )
    seen = Outcome(
        needed=1 / 7,
        gaps=Gaps(market=["M"], quantity=[3.5], gap=[1 / 7]),
        recorded=Recorded(haircut=2.0, max_burden=math.nan, reference_burden=0.5),
        end_ms=20,
    )
    bare = Round(deficit=0.0, number=7, accounts=Accounts(id=[], pnl=[], equity=[], notional=[]))
    return Episode(name, source, [(full, seen), (bare, Outcome(needed=0.0))])


def same_float(a, b):
    return np.float64(a).tobytes() == np.float64(b).tobytes()


def assert_same_columns(a, b):
    assert (a is None) == (b is None)
    for spec in () if a is None else a._specs():
        x, y = getattr(a, spec.name), getattr(b, spec.name)
        assert (x is None) == (y is None), spec.name
        if x is not None and x.dtype.kind == "U":
            assert x.tolist() == y.tolist()
        elif x is not None:
            assert x.dtype == y.dtype
            assert x.tobytes() == y.tobytes(), spec.name


def assert_same_episode(a, b):
    assert (a.name, a.source, len(a)) == (b.name, b.source, len(b))
    for (round_, outcome), (again, seen) in zip(a, b, strict=True):
        assert (round_.number, round_.start_ms, outcome.end_ms) == (again.number, again.start_ms, seen.end_ms)
        assert same_float(round_.deficit, again.deficit)
        assert same_float(outcome.needed, seen.needed)
        for noun in ("accounts", "positions", "flow"):
            assert_same_columns(getattr(round_, noun), getattr(again, noun))
        assert_same_columns(outcome.gaps, seen.gaps)
        assert (outcome.recorded is None) == (seen.recorded is None)
        for name in ("haircut", "max_burden", "reference_burden") if outcome.recorded else ():
            assert same_float(getattr(outcome.recorded, name), getattr(seen.recorded, name))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_round_trip_has_the_same_bits(tmp_path):
    episode = small()
    folder = save_episode(episode, tmp_path / "e")
    again = load_episode(folder)
    assert_same_episode(episode, again)
    (full, seen), (bare, later) = again
    assert math.isnan(seen.recorded.max_burden)
    assert (len(full.flow), bare.flow, bare.positions, later.gaps, later.recorded) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert bare.accounts.notional is not None  # present and empty is not absent
    assert bare.accounts.side is None
    assert np.signbit(full.accounts.pnl[1])
    assert names(tmp_path) == ["e"]


def test_the_embedded_episode_comes_back_with_the_same_bits(tmp_path, oct10):
    again = load_episode(save_episode(oct10, tmp_path / "e"))
    assert_same_episode(oct10, again)
    save_episode(again, tmp_path / "f")
    for file in names(tmp_path / "e"):
        assert (tmp_path / "e" / file).read_bytes() == (tmp_path / "f" / file).read_bytes()
    one, two = (
        adl.replay(e, ["production", "integer-pro-rata"]).to_json()["policies"] for e in (oct10, again)
    )
    assert [p | {"seconds": 0} for p in one] == [p | {"seconds": 0} for p in two]


def test_the_real_late_rounds_come_back_with_the_same_bits(tmp_path, late_rounds):
    from adl_opt.datasets.hyperreplay.importer import import_hyperreplay

    episode, _ = import_hyperreplay(late_rounds)
    assert len(episode) == 4
    assert_same_episode(episode, load_episode(save_episode(episode, tmp_path / "e")))


NEW_IN_3 = {
    "positions": [
        "lot_size",
        "kind",
        "multiplier",
        "settlement_rate_usd",
        "margin_mode",
        "isolated_margin_usd",
    ],
    "flow": ["side", "bankruptcy_usd", "close_usd"],
    "gaps": ["side"],
}


NEW_IN_4 = {
    "accounts": ["exempt", "cap_usd", "cohort", "cohort_cap_usd", "owner"],
    "positions": ["hedge", "hedge_tolerance"],
    "flow": ["previous_mark_usd", "band", "min_quantity"],
}


def as_version_3(folder: Path):
    """Make a folder what the third format wrote: no options of a round."""
    edit(folder, "schema_version = 4", "schema_version = 3")
    _without(folder, NEW_IN_4)


def as_version_2(folder: Path):
    """Make a folder what the second format wrote: no space, and no columns of rounds in contracts."""
    as_version_3(folder)
    edit(folder, "schema_version = 3", "schema_version = 2")
    edit(folder, 'space = "wealth"\n', "")
    _without(folder, NEW_IN_3)


def _without(folder: Path, columns):
    for name, gone in columns.items():
        table = pq.read_table(folder / f"{name}.parquet").drop_columns(gone)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        swap(folder, name, sink.getvalue().to_pybytes())


def as_version_1(folder: Path):
    """Make a folder what the first format wrote: no number of rounds in the manifest either."""
    as_version_2(folder)
    edit(folder, "schema_version = 2", "schema_version = 1")
    edit(folder, f"rounds = {len(load_rows(folder))}\n", "")


def load_rows(folder: Path):
    import pyarrow.parquet as pq

    return pq.read_table(folder / "rounds.parquet")


def test_an_episode_of_the_first_format_is_read_with_the_same_bits_and_left_as_it_is(tmp_path):
    folder = save_episode(small(), tmp_path / "e")
    as_version_1(folder)
    before = (folder / "episode.toml").read_bytes()
    assert b"\nrounds = " not in before
    assert_same_episode(small(), load_episode(folder))
    assert (folder / "episode.toml").read_bytes() == before
    save_episode(load_episode(folder), folder, overwrite=True)
    assert b"schema_version = 4" in (folder / "episode.toml").read_bytes()


def test_an_episode_of_the_second_format_is_in_wealth_and_has_the_same_bits(tmp_path):
    for episode in (small(), adl.load("synthetic(accounts=30, rounds=2)")):
        folder = save_episode(episode, tmp_path / episode.name)
        as_version_2(folder)
        again = load_episode(folder)
        assert_same_episode(episode, again)
        assert again.space == "wealth"


def test_a_table_of_the_second_format_with_columns_of_the_third_is_refused(tmp_path):
    folder = save_episode(small(), tmp_path / "e")
    as_version_3(folder)
    edit(folder, "schema_version = 3", "schema_version = 2")
    with pytest.raises(InputError, match="is not a table of an episode"):
        load_episode(folder)


def test_a_round_in_contracts_comes_back_with_the_same_bits(tmp_path):
    for name, round_ in (("book", book()), ("options", with_options(book()))):
        episode = Episode(name, "invented", [(round_, Outcome(needed=1.0))])
        again = load_episode(save_episode(episode, tmp_path / name))
        assert_same_episode(episode, again)
        assert (again.space, again.rounds[0][0].space) == ("contracts", "contracts")
        frames = Episode.from_frames(*episode.to_frames(), name=name, source="invented")
        assert_same_episode(episode, frames)


def test_an_episode_of_the_third_format_has_no_options_and_the_same_bits(tmp_path):
    episode = Episode("book", "invented", [(book(), Outcome(needed=1.0))])
    folder = save_episode(episode, tmp_path / "e")
    as_version_3(folder)
    assert_same_episode(episode, load_episode(folder))
    declared = Episode("book", "invented", episode.rounds, space="wealth")
    assert load_episode(save_episode(declared, tmp_path / "f")).space == "wealth"


def test_same_episode_gives_the_same_files(tmp_path):
    one, two = (save_episode(small(), tmp_path / name) for name in "ab")
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


@pytest.mark.parametrize(
    "text", ['a"b\\c', "line\nbreak\ttab\r", "é漢😀", "\x7f\x00\x1b", "[files]\nx = 1", ""]
)
def test_texts_survive_the_toml(tmp_path, text):
    again = load_episode(save_episode(small(text, text), tmp_path / "e"))
    assert (again.name, again.source) == (text, text)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
USD = st.floats(-LARGEST_USD, LARGEST_USD)
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def episodes(draw):
    pairs = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        ids = draw(
            st.lists(TEXT.filter(lambda t: t.strip("\0")), max_size=4, unique_by=lambda t: t.rstrip("\0"))
        )
        column = st.lists(USD, min_size=len(ids), max_size=len(ids))
        accounts = Accounts(
            id=np.array(ids, dtype=str),
            pnl=draw(column),
            equity=draw(column),
            leverage=draw(st.none() | column.map(np.abs)),
        )
        burden = st.floats(0.0, 1e100) | st.just(np.nan)
        recorded = Recorded(haircut=abs(draw(USD)), max_burden=draw(burden), reference_burden=draw(burden))
        outcome = Outcome(needed=abs(draw(USD)), recorded=draw(st.sampled_from([None, recorded])))
        pairs.append((Round(deficit=abs(draw(USD)), accounts=accounts, number=number), outcome))
    return Episode(draw(TEXT), draw(TEXT), pairs)


@FUZZ
@given(episodes())
def test_any_episode_survives(tmp_path, episode):
    assert_same_episode(episode, load_episode(save_episode(episode, tmp_path / "e", overwrite=True)))


def test_overwrite(tmp_path):
    folder = save_episode(small(), tmp_path / "e")
    error = refused(lambda: save_episode(small("new"), folder), UsageError, "already there", str(folder))
    assert any("overwrite=True" in way for way in error.ways_out)
    assert load_episode(folder).name == "small"
    save_episode(small("new"), folder, overwrite=True)
    assert load_episode(folder).name == "new"
    assert names(tmp_path) == ["e"]


def test_overwrite_never_takes_what_is_not_an_episode(tmp_path):
    folder = save_episode(small(), tmp_path / "e")
    (folder / "thesis.txt").write_text("mine")
    refused(lambda: save_episode(small(), folder, overwrite=True), UsageError, "thesis.txt")
    (tmp_path / "plain").mkdir()
    refused(lambda: save_episode(small(), tmp_path / "plain", overwrite=True), UsageError, "no episode.toml")
    (tmp_path / "file").write_text("x")
    refused(lambda: save_episode(small(), tmp_path / "file", overwrite=True), UsageError, "not a folder")
    (tmp_path / "link").symlink_to(folder)
    refused(lambda: save_episode(small(), tmp_path / "link", overwrite=True), UsageError, "not a folder")
    refused(lambda: save_episode(small(), tmp_path / "link"), UsageError, "already there")
    assert (folder / "thesis.txt").read_text() == "mine"


def test_values_and_places_that_cannot_be_written(tmp_path):
    refused(lambda: save_episode(small(), tmp_path / "no" / "e"), AdlOptError, "cannot be written", "no")
    refused(lambda: save_episode(small(), "a\0b"), AdlOptError, "cannot be written")
    refused(lambda: save_episode(small("\ud800"), tmp_path / "e"), AdlOptError, "cannot be written")
    lone = Round(deficit=1.0, accounts=Accounts(id=["\ud800"], pnl=[1.0], equity=[1.0]))
    episode = Episode("x", "y", [(lone, Outcome(needed=1.0))])
    refused(lambda: save_episode(episode, tmp_path / "e"), InputError, "cannot be stored", "surrogates")
    huge = Round(deficit=1.0, number=2**70, accounts=Accounts(id=["a"], pnl=[1.0], equity=[1.0]))
    episode = Episode("x", "y", [(huge, Outcome(needed=1.0))])
    refused(lambda: save_episode(episode, tmp_path / "e"), InputError, "cannot be stored")
    assert names(tmp_path) == []


class Lazy(list):
    """A sequence that an Episode does not look into."""

    __class__ = property(lambda self: object)


def test_a_lazy_episode_is_checked_when_it_is_stored(tmp_path):
    rounds = Lazy(reversed(small().rounds))
    refused(lambda: save_episode(Episode("x", "y", rounds), tmp_path / "e"), InputError, "must increase")


def failing_call(monkeypatch, name, place, error):
    """Let the call number ``place`` (from 1) of a function of ``os`` fail; the others go through."""
    real, calls = getattr(os, name), []

    def call(*args):
        calls.append(args)
        if len(calls) == place:
            raise error
        return real(*args)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("bug"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("place", range(1, len(store.TABLES) + 3))  # tables, manifest, the folder itself
@pytest.mark.parametrize("there", [False, True])
def test_a_failure_while_writing_leaves_no_trace(tmp_path, monkeypatch, place, error, there):
    folder = tmp_path / "e"
    if there:
        save_episode(small("old"), folder)
    before = names(tmp_path)
    failing_call(monkeypatch, "fsync", place, error)
    with pytest.raises(AdlOptError if isinstance(error, OSError) else type(error)):
        save_episode(small("new"), folder, overwrite=True)
    assert names(tmp_path) == before
    if there:
        assert load_episode(folder).name == "old"


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("error", [OSError("refused"), KeyboardInterrupt()])
def test_a_failing_rename_leaves_the_old_episode(tmp_path, monkeypatch, place, error):
    folder = save_episode(small("old"), tmp_path / "e")
    failing_call(monkeypatch, "rename", place, error)
    with pytest.raises(AdlOptError if isinstance(error, OSError) else KeyboardInterrupt):
        save_episode(small("new"), folder, overwrite=True)
    assert names(tmp_path) == ["e"]
    assert load_episode(folder).name == "old"


def edit(folder: Path, old: str, new: str):
    """Change a manifest and its SHA-256; formats before the fourth have none."""
    path = folder / "episode.toml"
    text, mark, _ = path.read_text(encoding="utf-8").partition('\n[manifest]\nsha256 = "')
    assert old in text
    text = text.replace(old, new, 1)
    seal = f'{mark}{hashlib.sha256(text.encode()).hexdigest()}"\n' if "schema_version = 4" in text else ""
    path.write_text(text + seal, encoding="utf-8")


def swap(folder: Path, name: str, data: bytes):
    """Replace a table and its SHA-256: what a careless or hostile hand would do."""
    path = folder / f"{name}.parquet"
    edit(folder, hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(data).hexdigest())
    path.write_bytes(data)


def parquet(folder: Path, name: str, change):
    sink = pa.BufferOutputStream()
    pq.write_table(change(pq.ParquetFile(folder / f"{name}.parquet").read()), sink)
    swap(folder, name, sink.getvalue().to_pybytes())


def flip_last_byte(folder):
    path = folder / "accounts.parquet"
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(bytes(data))


def replaced(column, values):
    def change(table):
        at = table.schema.get_field_index(column)
        field = table.schema.field(at)
        return table.set_column(at, field, pa.array(values, field.type))

    return change


SPOIL = {
    "no folder": (shutil.rmtree, "episode.toml cannot be read"),
    "no manifest": (lambda f: (f / "episode.toml").unlink(), "episode.toml cannot be read"),
    "not TOML": (lambda f: edit(f, "=", ":"), "episode.toml cannot be read"),
    "not UTF-8": (lambda f: (f / "episode.toml").write_bytes(b"\xff"), "cannot be read"),
    "deep TOML": (lambda f: (f / "episode.toml").write_text("a = " + "[" * 50000), "cannot be read"),
    "no version": (lambda f: edit(f, "schema_version", "version"), "schema_version = 'None'"),
    "no seal": (
        lambda f: (f / "episode.toml").write_text((f / "episode.toml").read_text().partition("\n[man")[0]),
        "not the file that was written",
        "no SHA-256 of its own",
    ),
    "newer version": (lambda f: edit(f, "= 4", "= 5"), "newer", "schema_version = 5", "update adl_opt"),
    "version of another type": (lambda f: edit(f, "= 4", "= true"), "schema_version = 'True'"),
    "another number of rounds": (
        lambda f: edit(f, "\nrounds = ", "\nrounds = 1"),
        "another number of rounds",
    ),
    "no number of rounds": (lambda f: edit(f, "\nrounds = ", "\nsounds = "), "another number of rounds"),
    "other units": (lambda f: edit(f, '"USD"', '"EUR"'), "units = 'EUR'"),
    "a space of no kind": (lambda f: edit(f, '"wealth"', '"coins"'), "no space", "space = 'coins'"),
    "no name": (lambda f: edit(f, "name =", "title ="), "lacks a text", "name = 'None'"),
    "no hash": (lambda f: edit(f, "[files.flow]", "[files.flaw]"), "SHA-256", "files.flow"),
    "missing table": (lambda f: (f / "gaps.parquet").unlink(), "cannot be read", "gaps.parquet"),
    "flipped bit": (flip_last_byte, "accounts.parquet is not the file that was written", "SHA-256"),
    "not Parquet": (lambda f: swap(f, "flow", b"PAR1"), "flow.parquet is not a table"),
    "other columns": (
        lambda f: swap(f, "flow", (f / "gaps.parquet").read_bytes()),
        "flow.parquet",
        "columns",
    ),
    "rows of no round": (
        lambda f: parquet(f, "accounts", replaced("round", [2, 2, 3])),
        "accounts.parquet",
        "belong to no round",
    ),
    "rows not sorted": (
        lambda f: parquet(f, "rounds", lambda t: t.take([1, 0])),
        "belong to no round, or are not sorted",
    ),
    "no rounds": (lambda f: parquet(f, "rounds", lambda t: t.slice(0, 0)), "belong to no round"),
    "unknown column": (
        lambda f: parquet(f, "rounds", replaced("accounts", ["id,pnl,equity,capacity,x", "id,pnl,equity"])),
        "columns of accounts",
    ),
    "lacking column": (
        lambda f: parquet(f, "rounds", replaced("accounts", ["id,pnl", "id,pnl,equity"])),
        "columns of accounts",
    ),
    "no accounts": (
        lambda f: parquet(f, "rounds", replaced("accounts", ["id,pnl,equity,capacity", None])),
        "round 7 has no accounts",
    ),
    "NaN PNL": (lambda f: parquet(f, "accounts", replaced("pnl_usd", [math.nan, 0, 0])), "pnl", "finite"),
    "null in an optional column": (
        lambda f: parquet(f, "accounts", replaced("side", [1, None, 1])),
        "side",
        "finite",
    ),
    "NaN deficit": (lambda f: parquet(f, "rounds", replaced("deficit_usd", [math.nan, 0])), "deficit = nan"),
}


@pytest.mark.parametrize("case", SPOIL)
def test_a_spoilt_folder_is_refused_with_the_reason(tmp_path, case):
    folder = save_episode(small(), tmp_path / "e")
    spoil, *words = SPOIL[case]
    spoil(folder)
    refused(lambda: load_episode(folder), InputError, *words)


@pytest.mark.parametrize("name", ["episode.toml", "accounts.parquet"])
def test_a_pipe_in_the_folder_is_refused(tmp_path, name):
    folder = save_episode(adl.load("synthetic(accounts=4, rounds=2)"), tmp_path / "e")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match="a pipe or device"):
        load_episode(folder)

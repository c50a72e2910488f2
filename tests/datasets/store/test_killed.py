"""A save that is killed at any moment leaves the old episode or the new one, never a part of either."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from adl_opt.datasets.episodes import load
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.errors import InputError

KILLS = 30

WRITER = """
import os, random, signal, sys, time
from adl_opt.datasets.episodes import load
from adl_opt.datasets.store.folder import save_episode

episodes = [load(f"synthetic(accounts=60, rounds=2, seed={seed})") for seed in (1, 2)]
luck = random.Random(7)
save_episode(episodes[0], sys.argv[1], overwrite=True)  # loads what a save needs before the first fork
began = time.perf_counter()
save_episode(episodes[0], sys.argv[1], overwrite=True)
took = time.perf_counter() - began
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        turn = int(line)
        while True:
            turn += 1
            save_episode(episodes[turn % 2], sys.argv[1], overwrite=True)
    time.sleep(luck.uniform(0.0, 5 * took))  # of any disk, however busy
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""


def pnl(episode):
    return np.concatenate([round_.accounts.pnl for round_, _ in episode])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killed_at_random_moments(tmp_path):
    episodes = [load(f"synthetic(accounts=60, rounds=2, seed={seed})") for seed in (1, 2)]
    wanted = [pnl(episode).tobytes() for episode in episodes]
    assert wanted[0] != wanted[1]
    folder = save_episode(episodes[0], tmp_path / "e")
    seen, left_over = set(), 0
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        for k in range(KILLS):
            print(k % 2, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == "killed\n"
            left_over += len(list(tmp_path.glob(".e.*"))) > 0
            seen.add(wanted.index(pnl(load_episode(folder)).tobytes()))
        writer.stdin.close()
    assert seen == {0, 1}
    assert left_over > 0  # some kills did come in the middle of a save


TOKEN = "0123456789abcdef" * 2


def killed_between(tmp_path):
    """Leave what a kill between the two renames leaves: the old folder and the new one, neither by name."""
    os.rename(tmp_path / "e", tmp_path / f".e.{TOKEN}.old")
    (tmp_path / f".e.{TOKEN}.tmp").mkdir()


@pytest.mark.parametrize("by", ["load", "load by name", "save"])
def test_killed_between_the_two_renames(tmp_path, monkeypatch, by):
    monkeypatch.chdir(tmp_path)
    old, new = (load(f"synthetic(accounts=5, rounds=1, seed={seed})") for seed in (1, 2))
    folder = save_episode(old, tmp_path / "e")
    killed_between(tmp_path)
    if by == "save":
        save_episode(new, folder, overwrite=True)
    again = load_episode(folder) if by != "load by name" else load("e")
    assert pnl(again).tobytes() == pnl(new if by == "save" else old).tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_an_old_episode_whose_successor_came_is_not_brought_back(tmp_path):
    episode = load("synthetic(accounts=5, rounds=1, seed=1)")
    folder = save_episode(episode, tmp_path / "e")
    os.rename(
        folder, tmp_path / f".e.{TOKEN}.old"
    )  # killed after the second rename; then the user removed it
    with pytest.raises(InputError, match="does not exist"):
        load(folder)
    save_episode(episode, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_folder_of_the_user_with_such_a_name_stays(tmp_path):
    episode = load("synthetic(accounts=5, rounds=1, seed=1)")
    folder = save_episode(episode, tmp_path / "e")
    (tmp_path / ".e.old").mkdir()
    (tmp_path / ".e.old" / "thesis.txt").write_text("mine")
    save_episode(episode, folder, overwrite=True)
    assert (tmp_path / ".e.old" / "thesis.txt").read_text() == "mine"

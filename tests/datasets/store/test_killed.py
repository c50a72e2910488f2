"""A save that is killed at any moment leaves the old episode or the new one, never a part of either."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from adl_opt.datasets import load
from adl_opt.datasets.store.folder import load_episode, save_episode
from adl_opt.errors import InputError

KILLS = 60

WRITER = """
import os, random, signal, sys, time
from adl_opt.datasets import load
from adl_opt.datasets.store.folder import save_episode

episodes = [load(f"synthetic(accounts=60, rounds=2, seed={seed})") for seed in (1, 2)]
luck = random.Random(7)
save_episode(episodes[0], sys.argv[1], overwrite=True)  # loads what a save needs before the first fork
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        turn = int(line)
        while True:
            turn += 1
            save_episode(episodes[turn % 2], sys.argv[1], overwrite=True)
    time.sleep(luck.uniform(0.0, 0.06))
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


def test_killed_between_the_two_renames(tmp_path):
    episode = load("synthetic(accounts=5, rounds=1, seed=1)")
    folder = save_episode(episode, tmp_path / "e")
    os.rename(folder, tmp_path / ".e.old")
    assert pnl(load_episode(folder)).tobytes() == pnl(episode).tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["e"]
    os.rename(folder, tmp_path / ".e.old")
    other = load("synthetic(accounts=5, rounds=1, seed=2)")
    save_episode(other, folder, overwrite=True)
    assert pnl(load_episode(folder)).tobytes() == pnl(other).tobytes()


def test_an_old_part_without_manifest_is_no_episode(tmp_path):
    (tmp_path / ".e.old").mkdir()
    with pytest.raises(InputError):
        load_episode(tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == [".e.old"]

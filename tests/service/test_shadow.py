"""A policy in shadow: the decisions of a replay, in a chain, whatever ends the process."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from adl_opt.rounds.round import Information
from adl_opt.service.document import PolicyDocument, document_of
from adl_opt.service.log import read_log
from adl_opt.service.replayed import verify_log
from adl_opt.service.wire import outcome_line, round_line
from adl_opt.severity.base import SEVERITIES, make_severity
from tests.service.test_wire import in_contracts

EPISODE = "synthetic(accounts=12, rounds=6)"
KEYS = ["seq", "round", "policy", "asked_usd", "executed_usd", "haircuts", "proof", "prev", "hash"]
NEEDED = {
    "hedge": "hedge(ftrl-exact | ogd)",
    "constant": "constant(0.5)",
    "hint-only": "hint-only(market-gap)",
}
NEEDED["hinted"] = "hinted(ogd, market-gap)"


@pytest.fixture
def fed(tmp_path):
    lines = [text for r, o in adl.load(EPISODE) for text in (round_line(r), outcome_line(r.number, o))]
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def lines_of(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def early():
    names = [NEEDED.get(name, name) for name in SEVERITIES]
    made = [name for name in names if make_severity(name).information is Information.START_OF_ROUND]
    assert len(made) > 15
    return made


@pytest.mark.parametrize("severity", early())
def test_decisions_are_those_of_a_replay_also_where_each_round_is_another_process(severity, tmp_path):
    policy, episode = f"{severity}/min-max-lots", adl.load(EPISODE)
    replayed = adl.replay(episode, policy)
    made = []
    for round_, outcome in episode:
        with adl.Shadow(policy, tmp_path) as shadow:
            made.append(shadow.decide(round_))
            shadow.reveal(outcome)
    assert [d["executed_usd"] for d in made] == [r.haircut for r in replayed.records]
    assert [d["asked_usd"] for d in made] == [r.budget for r in replayed.records]
    assert {d["proof"]["status"] for d in made} == {"optimal"}
    assert verify_log(policy, tmp_path).accepted


@pytest.mark.parametrize(
    "rule", ["mirror-descent-kl", "ftrl-haircuts", "cumulative-burden", "vector-mirror-descent"]
)
def test_rules_that_remember_accounts_go_on_after_a_restart(rule, tmp_path):
    policy, whole = f"full-deficit/{rule}", []
    with adl.Shadow(policy, tmp_path / "whole") as shadow:
        for round_, outcome in adl.load(EPISODE):
            whole.append(shadow.decide(round_))
            shadow.reveal(outcome)
    for place, (round_, outcome) in enumerate(adl.load(EPISODE)):
        with adl.Shadow(policy, tmp_path / "cut") as shadow:
            assert shadow.decide(round_) == whole[place]
        with adl.Shadow(policy, tmp_path / "cut") as shadow:
            shadow.reveal(outcome)
        if place == 2:
            (tmp_path / "cut" / "state.json").unlink()  # it follows from the log


def test_the_line_of_a_decision_to_the_letter(fed, tmp_path):
    served = adl.shadow("full-deficit/binance", tmp_path / "s", fed, tmp_path / "out.jsonl")
    made = lines_of(tmp_path / "out.jsonl")
    assert (served.decided, served.revealed, served.repeated) == (6, 6, 0)
    assert [list(d) for d in made] == [KEYS] * 6
    assert [d["seq"] for d in made] == [1, 2, 3, 4, 5, 6]
    assert [d["prev"] for d in made[1:]] == [d["hash"] for d in made[:-1]]
    assert all(sum(d["haircuts"].values()) == pytest.approx(d["executed_usd"]) for d in made)
    assert all(min(d["haircuts"].values()) > 0.0 for d in made)
    for file in ("state.json", "metrics.txt", "log-000001.jsonl"):
        assert (tmp_path / "s" / file).exists()
    assert json.loads((tmp_path / "s" / "state.json").read_text())["schema"] == 1
    again = adl.shadow("full-deficit/binance", tmp_path / "s", fed, tmp_path / "out.jsonl")
    assert (again.decided, again.repeated) == (0, 12)
    assert lines_of(tmp_path / "out.jsonl") == made


def test_an_output_is_brought_in_line_with_the_log(fed, tmp_path):
    out = tmp_path / "out.jsonl"
    adl.shadow("full-deficit/binance", tmp_path / "s", fed, out)
    whole = out.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        out.write_bytes(whole[:cut])
        adl.shadow("full-deficit/binance", tmp_path / "s", fed, out)
        assert out.read_bytes() == whole
    out.write_text('{"seq": 1}\n')
    with pytest.raises(adl.UsageError, match="other decisions than the log"):
        adl.shadow("full-deficit/binance", tmp_path / "s", fed, out)


def test_a_line_that_a_kill_cut_off_was_never_decided(fed, tmp_path):
    adl.shadow("ogd", tmp_path / "s", fed, tmp_path / "out.jsonl")
    log = tmp_path / "s" / "log-000001.jsonl"
    whole = log.read_bytes()
    chain = [line.hash for _, line in read_log(log)]
    (tmp_path / "s" / "state.json").unlink()
    ends = [k for k, byte in enumerate(whole) if byte == 10]
    for cut in (ends[3] + 1, ends[3] + 40, ends[5] - 1, len(whole) - 1):
        log.write_bytes(whole[:cut])
        (tmp_path / "out.jsonl").unlink()
        adl.shadow("ogd", tmp_path / "s", fed, tmp_path / "out.jsonl")
        assert [line.hash for _, line in read_log(log)] == chain
        (tmp_path / "s" / "state.json").unlink()


def test_the_hash_covers_all_but_the_times(fed, tmp_path):
    for name in ("a", "b"):
        adl.shadow("ogd", tmp_path / name, fed, tmp_path / f"{name}.jsonl")
        time.sleep(0.01)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    log = tmp_path / "a" / "log-000001.jsonl"
    text = log.read_text()
    assert text != (tmp_path / "b" / "log-000001.jsonl").read_text()
    log.write_text(re.sub(r'"time_ms":\d+', '"time_ms":1', text))
    assert adl.shadow("ogd", verify=tmp_path / "a").accepted


CHANGES = [
    (r'"asked_usd":\d', '"asked_usd":9', "hash"),
    (r'"haircuts":\{"[^"]*"', '"haircuts":{"mallory"', "hash"),
    (r'"gap":null', '"gap":0.0', "hash"),
    (r'"code":"', '"code":"x', "hash"),
    (r'"state":"', '"state":"0', "hash"),
    (r'("number":3,"start_ms":\w+,"deficit":)\d', r"\g<1>9", "covers.input"),
    (r'"needed":\d', '"needed":9', "covers.input"),
]


@pytest.mark.parametrize(("pattern", "by", "field"), CHANGES, ids=[by for _, by, _ in CHANGES])
def test_verify_finds_the_first_difference(fed, tmp_path, pattern, by, field):
    adl.shadow("ogd/binance", tmp_path / "s", fed, tmp_path / "out.jsonl")
    log = tmp_path / "s" / "log-000001.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    place = next(k for k, line in enumerate(lines) if k > 2 and re.search(pattern, line))
    lines[place] = re.sub(pattern, by, lines[place], count=1)
    log.write_text("".join(lines))
    made = adl.shadow("ogd/binance", verify=log)
    assert not made.accepted
    assert made.difference["where"] == f"log-000001.jsonl, line {place + 1}"
    assert made.difference["field"] == field
    assert f"line {place + 1}" in str(made)
    ran = CliRunner().invoke(app, ["shadow", "ogd/binance", "--verify", str(log), "--format", "json"])
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["difference"]["field"] == field


def test_verify_plays_decisions_again_and_does_not_trust_hashes(fed, tmp_path, monkeypatch):
    """A log that was written whole with wrong haircuts has good hashes, and is refused all the same."""
    from adl_opt.service import shadow as room

    real = room.decided

    def forged(*args, **more):
        decision, action = real(*args, **more)
        return decision | {"asked_usd": 1.0}, action

    monkeypatch.setattr(room, "decided", forged)
    adl.shadow("full-deficit/binance", tmp_path / "s", fed, tmp_path / "out.jsonl")
    monkeypatch.undo()
    made = adl.shadow("full-deficit/binance", verify=tmp_path / "s")
    assert (made.accepted, made.difference["field"]) == (False, "decision.asked_usd")
    assert made.difference["logged"] == 1.0


def test_lines_that_are_left_out_or_swapped_break_the_chain(fed, tmp_path):
    adl.shadow("ogd", tmp_path / "s", fed, tmp_path / "out.jsonl")
    log = tmp_path / "s" / "log-000001.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    for other in (lines[:3] + lines[4:], [*lines[:3], lines[4], lines[3], *lines[5:]]):
        log.write_text("".join(other))
        assert adl.shadow("ogd", verify=log).difference["field"] in ("after", "number")


def test_files_of_a_bounded_size_make_the_same_chain(fed, tmp_path):
    adl.shadow("ftrl-exact", tmp_path / "one", fed, tmp_path / "one.jsonl")
    adl.shadow("ftrl-exact", tmp_path / "many", fed, tmp_path / "many.jsonl", most_bytes=1000)
    files = sorted((tmp_path / "many").glob("log-*.jsonl"))
    assert len(files) == 7
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "many.jsonl").read_bytes()
    whole = adl.shadow("ftrl-exact", verify=tmp_path / "many")
    assert (whole.accepted, whole.decisions) == (True, 6)
    one = adl.shadow("ftrl-exact", verify=files[3])
    assert (one.accepted, one.decisions) == (True, 1)
    files[2].unlink()
    assert not adl.shadow("ftrl-exact", verify=tmp_path / "many").accepted


def test_several_rounds_may_wait_for_their_outcomes(tmp_path):
    pairs = list(adl.load(EPISODE))
    with adl.Shadow("ogd", tmp_path) as shadow:
        for round_, _ in pairs[:3]:
            shadow.decide(round_)
        shadow.reveal(pairs[1][1], 2)
    with adl.Shadow("ogd", tmp_path) as shadow:
        shadow.reveal(pairs[0][1])  # the oldest that waits
        with pytest.raises(adl.UsageError, match="round 1 was revealed already"):
            shadow.reveal(pairs[1][1], 1)
        shadow.reveal(pairs[0][1], 1)  # the same again changes nothing
        shadow.reveal(pairs[2][1])
        with pytest.raises(adl.UsageError, match="nothing to reveal"):
            shadow.reveal(pairs[2][1])
    assert adl.shadow("ogd", verify=tmp_path).accepted


def test_rounds_come_in_order_and_are_decided_once(tmp_path):
    (first, _), (second, _), *_ = adl.load(EPISODE)
    with adl.Shadow("full-deficit/binance", tmp_path) as shadow:
        made = shadow.decide(second)
        assert shadow.decide(second) == made
        with pytest.raises(adl.UsageError, match="rounds come in order"):
            shadow.decide(first)
        with pytest.raises(adl.UsageError, match="decided already, on another input"):
            shadow.decide(adl.Round(deficit=1.0, accounts=first.accounts, number=2))
        with pytest.raises(adl.UsageError, match="was not decided"):
            shadow.reveal(adl.Outcome(1.0), 9)


def test_a_folder_is_for_one_policy_and_one_process(tmp_path):
    with adl.Shadow("ogd", tmp_path), pytest.raises(adl.UsageError, match="another process"):
        adl.Shadow("ogd", tmp_path)
    with pytest.raises(adl.UsageError, match="belongs to another policy"):
        adl.Shadow("adagrad", tmp_path)
    with pytest.raises(adl.UsageError, match="belongs to another policy"):
        adl.Shadow("ogd", tmp_path, loss="under=5")


@pytest.mark.parametrize("policy", ["pro-rata", "oracle/binance", "production", "observed/pro-rata"])
def test_a_policy_that_needs_the_outcome_is_refused_by_name(policy, tmp_path):
    with pytest.raises(adl.UsageError, match="only a policy that decides at the start") as refused:
        adl.Shadow(policy, tmp_path)
    assert adl.make_policy(policy).name in refused.value.got
    assert any("full-deficit/" in way for way in refused.value.ways_out)


def test_contracts_are_closed_in_whole_lots(tmp_path):
    with adl.Shadow("full-deficit/okx", tmp_path) as shadow:
        made = shadow.decide(in_contracts())
        shadow.reveal(adl.Outcome(100.0))
    assert made["haircuts"] == {"w": 100.0}
    closed = {"id": ["w"], "market": ["BTC"], "side": ["short"], "lots": [2], "price_usd": [650.0]}
    assert made["proof"]["lots"] == closed
    assert "note" not in made["proof"]
    assert adl.shadow("full-deficit/okx", verify=tmp_path).accepted


def test_a_deficit_that_the_flow_cannot_give_is_told(tmp_path, capsys):
    """Two contracts that give up 50 USD each, and a deficit of 300."""
    (tmp_path / "in.jsonl").write_text(round_line(replace(in_contracts(), deficit=300.0)) + "\n")
    adl.shadow("full-deficit/okx", tmp_path / "s", tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    (made,) = lines_of(tmp_path / "out.jsonl")
    assert list(made) == KEYS
    assert (made["executed_usd"], made["proof"]["flow_usd"]) == (100.0, 100.0)
    assert "deficit of 300.00 USD is more than the whole flow can give" in made["proof"]["note"]
    assert made["proof"]["note"] in capsys.readouterr().err
    assert adl.shadow("full-deficit/okx", verify=tmp_path / "s").accepted


def test_metrics_of_an_outcome_are_as_fills_turned_out(tmp_path):
    """100 USD as reckoned at the mark, 60 as revealed and as needed: what a replay measures."""
    gaps = adl.Gaps(market=["BTC"], side=["long"], quantity=[2.0], gap=[60.0])
    with adl.Shadow("full-deficit/okx", tmp_path) as shadow:
        assert shadow.decide(in_contracts())["executed_usd"] == 100.0
        shadow.reveal(adl.Outcome(60.0, gaps=gaps))
        assert {k: shadow.metrics.sums[k] for k in ("executed_usd", "haircut_usd", "overshoot_usd")} == {
            "executed_usd": 100.0,
            "haircut_usd": 60.0,
            "overshoot_usd": 0.0,
        }


def test_a_bound_that_does_not_hold_proves_nothing():
    from dataclasses import dataclass

    from adl_opt.allocation.minmax import MinMax
    from adl_opt.service.proof import proof_of_decision

    round_, _ = adl.load(EPISODE).rounds[0]
    policy = adl.make_policy("full-deficit/min-max")
    action = policy.act(policy.start(), round_)
    assert proof_of_decision(policy, round_, action)["status"] == "optimal"

    @dataclass(frozen=True)
    class Boasts(MinMax):
        def allocate(self, state, round_, asked):
            made = super().allocate(state, round_, asked)
            x = made.x.copy()
            x[:2] += (1e-3, -1e-3)
            return replace(made, x=x, lower_bound=float((x / round_.accounts.capacity).max()))

    boasts = adl.Policy(severity=policy.severity, allocation=Boasts())
    made = proof_of_decision(boasts, round_, boasts.act(boasts.start(), round_))
    assert (made["status"], made["lower_bound"]) == ("feasible", 0.0)


def test_the_document_of_a_policy(tmp_path):
    path = tmp_path / "policy.toml"
    document = document_of(
        "constant/capped-pro-rata", "under=5", severity={"theta": 0.25}, allocation={"cap": 0.3}
    )
    document.write(path)
    read = PolicyDocument.read(path)
    assert (read, read.hash) == (document, document.hash)
    assert read.make().name == "constant(theta=0.25)/capped-pro-rata(cap=0.3)"
    assert document_of("ogd", "under=5").make().severity.under == 5.0
    assert document_of("ogd", prior=0.25).make().severity.prior == 0.25
    text = path.read_text()
    path.write_text(text.replace("0.25", "0.5"))
    with pytest.raises(adl.InputError, match="the hash is not that of the document"):
        PolicyDocument.read(path)
    path.write_text(text.replace("loss", "los"))
    with pytest.raises(adl.InputError, match="keys that are not known"):
        PolicyDocument.read(path)
    path.write_text('policy = "ogd"\n')
    assert PolicyDocument.read(path).make().name == "ogd/pro-rata"
    path.write_text("policy = 7\n")
    with pytest.raises(adl.InputError, match="this is no policy"):
        PolicyDocument.read(path)
    with pytest.raises(adl.UsageError, match="a policy file has its own loss"):
        adl.Shadow(document, tmp_path / "s", loss="under=2")


def test_metrics_are_openmetrics(fed, tmp_path):
    adl.shadow("full-deficit/binance", tmp_path / "s", fed, tmp_path / "out.jsonl")
    text = (tmp_path / "s" / "metrics.txt").read_text()
    assert text.endswith("# EOF\n")
    names = dict(re.findall(r"^# TYPE (\w+) (counter|gauge)$", text, re.MULTILINE))
    values = dict(re.findall(r'^(\w+)\{policy="full-deficit/binance"\} (\S+)$', text, re.MULTILINE))
    assert set(values) == {name + "_total" * (kind == "counter") for name, kind in names.items()}
    assert float(values["adl_shadow_decisions_total"]) == float(values["adl_shadow_outcomes_total"]) == 6.0
    made = lines_of(tmp_path / "out.jsonl")
    assert float(values["adl_shadow_executed_usd_total"]) == pytest.approx(
        sum(d["executed_usd"] for d in made)
    )
    assert float(values["adl_shadow_decision_seconds_p99"]) > 0.0


def test_a_pipe_gets_decisions_as_they_are_made_and_a_bad_line_is_named(fed, tmp_path):
    lines = fed.read_text().splitlines()
    command = ["shadow", "ogd", "--state", str(tmp_path / "s")]
    text = "\n".join([*lines[:3], "", lines[2].replace('"round":', '"roundd":', 1)]) + "\n"
    ran = subprocess.run(
        [sys.executable, "-m", "adl_opt", *command], input=text, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "standard input, line 5" in ran.stderr
    assert [json.loads(line)["round"] for line in ran.stdout.splitlines()] == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_follow_a_growing_file_until_a_signal(fed, tmp_path, number):
    lines = fed.read_text().splitlines(keepends=True)
    grows, out = tmp_path / "grows.jsonl", tmp_path / "out.jsonl"
    grows.write_text(lines[0] + lines[1][:30])
    words = [
        "shadow",
        "ogd",
        "--state",
        str(tmp_path / "s"),
        "--in",
        str(grows),
        "--out",
        str(out),
        "--follow",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "adl_opt", *words], stderr=subprocess.PIPE, text=True
    ) as runs:
        wait_for(lambda: out.exists() and out.read_bytes().endswith(b"\n"))
        with grows.open("a") as file:
            file.write(lines[1][30:] + lines[2] + lines[3][:10])
        wait_for(lambda: len(lines_of(out)) == 2)
        runs.send_signal(number)
        assert runs.wait(timeout=20) == 0
        assert "2 decided, 1 revealed" in runs.stderr.read()
    assert adl.shadow("ogd", verify=tmp_path / "s").accepted


def test_a_folder_of_files_is_read_in_order(fed, tmp_path):
    lines = fed.read_text().splitlines(keepends=True)
    folder = tmp_path / "in"
    folder.mkdir()
    for place in range(0, 12, 4):
        (folder / f"hour-{place:02}.jsonl").write_text("".join(lines[place : place + 4]))
    (folder / ".hidden").write_text("no JSON\n")
    adl.shadow("ogd", tmp_path / "s", folder, tmp_path / "out.jsonl")
    assert [d["round"] for d in lines_of(tmp_path / "out.jsonl")] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(adl.InputError, match="the input cannot be read"):
        adl.shadow("ogd", tmp_path / "s", tmp_path / "nothing", tmp_path / "out.jsonl")


def wait_for(done):
    until = time.monotonic() + 30.0
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_disk_that_refuses_leaves_nothing_of_a_line(tmp_path, monkeypatch):
    (first, _), (second, _), *_ = adl.load(EPISODE)
    with adl.Shadow("ogd", tmp_path) as shadow:
        made = shadow.decide(first)
        real = os.write

        def full(handle, data):
            real(handle, data[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            shadow.decide(second)
        monkeypatch.undo()
        assert shadow.decide(second)["prev"] == made["hash"]
    assert adl.shadow("ogd", verify=tmp_path).accepted


def test_kills_at_any_moment_change_nothing():
    """A bounded share of what ``python -m benchmarks.shadow_kills`` does."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.shadow_kills", "--kills", "20", "--seed", "7"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["kills"] >= 20
    assert told["identical"] == told["runs"]


def test_decisions_can_go_to_the_standard_output(fed, tmp_path, monkeypatch):
    class Out(io.BytesIO):
        buffer = property(lambda self: self)

    made = []
    for _ in range(2):
        out = Out()
        monkeypatch.setattr(sys, "stdout", out)
        adl.shadow("ogd", tmp_path / "s", fed)
        made.append(out.getvalue())
    monkeypatch.undo()
    assert made[0] == made[1]  # who asks again gets the decision of the log
    assert made[0].count(b"\n") == 6


@pytest.mark.parametrize("rule", ["mirror-descent-kl", "okx"])
def test_contracts_are_learned_as_they_are_revealed_also_after_a_restart(rule, tmp_path):
    gaps = adl.Gaps(market=["BTC"], side=["long"], quantity=[2.0], gap=[60.0])
    outcome = adl.Outcome(60.0, gaps=gaps)
    chains = []
    for name, again in (("whole", False), ("cut", True)):
        shadow = adl.Shadow(f"full-deficit/{rule}", tmp_path / name)
        shadow.decide(in_contracts())
        if again:
            shadow.close()
            shadow = adl.Shadow(f"full-deficit/{rule}", tmp_path / name)
        shadow.reveal(outcome)
        shadow.close()
        chains.append([line.hash for _, line in read_log(tmp_path / name)])
        state = json.loads((tmp_path / name / "state.json").read_text())["state"]
    assert chains[0] == chains[1]
    if rule != "okx":  # of a capacity of 300 USD, 60 as revealed, and not 100 as reckoned
        assert state[1]["paid"][state[1]["id"].index("w")] == pytest.approx(60.0 / 300.0)
    assert adl.shadow(f"full-deficit/{rule}", verify=tmp_path / "cut").accepted

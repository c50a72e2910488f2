"""Questions to a result: who paid, who never, which policy is better by how much, LaTeX, CSV."""

import itertools
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import adl_opt as adl
from adl_opt.errors import InputError, UsageError
from adl_opt.evaluate.cohorts import per_cohort
from adl_opt.evaluate.differences import paired_differences
from adl_opt.evaluate.pareto import pareto_front
from adl_opt.evaluate.record import cvar
from adl_opt.tabular import escaped


def episode():
    """Two rounds: ``a`` may pay in both, ``b`` in the first, ``c`` in the second."""
    first = adl.Accounts(
        id=["a", "b", "z"], pnl=[60.0, 40.0, -5.0], equity=[120.0, 40.0, 5.0], side=[1, -1, 1],
        leverage=[1.0, 25.0, 3.0],
    )  # fmt: skip
    second = adl.Accounts(
        id=["a", "c"], pnl=[60.0, 1500.0], equity=[60.0, 1500.0], side=[-1, 1], leverage=[2.0, 20.0]
    )
    rounds = [
        (adl.Round(deficit=50.0, accounts=first, number=1), adl.Outcome(needed=10.0)),
        (adl.Round(deficit=50.0, accounts=second, number=2), adl.Outcome(needed=20.0)),
    ]
    return adl.Episode(name="two rounds", rounds=rounds, source="by hand")


class LargestFirst(adl.AllocationRule):
    """Those with the largest capacity pay first."""

    name = "largest-first"

    def allocate(self, state, round_, asked):
        x = np.zeros(len(round_.accounts))
        x[np.argmax(round_.accounts.capacity)] = asked
        return adl.Allocation(x=x, asked=asked)


def result(base="capacity"):
    return adl.replay(episode(), [LargestFirst(), "pro-rata"], burden=base)


def test_each_account_and_who_never_paid():
    found = result().per_account("largest-first")
    assert found.index.tolist() == ["c", "a", "b"]
    assert found["haircut_usd"].tolist() == [20.0, 10.0, 0.0]
    assert found["rounds"].tolist() == [1, 2, 1]
    assert found["rounds_paid"].tolist() == [1, 1, 0]
    assert found["capacity_usd"].tolist() == [1500.0, 120.0, 40.0]
    assert found["burden"].tolist() == pytest.approx([20 / 1500, 10 / 120, 0.0])
    assert found["max_burden"].tolist() == pytest.approx([20 / 1500, 10 / 60, 0.0])
    per_equity = result("equity").per_account("largest-first")
    assert per_equity.loc["a", "max_burden"] == pytest.approx(10 / 120)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("size", {"10 to 100 USD": (2, 1, 1, 10.0), "1,000 to 10,000 USD": (1, 1, 0, 20.0)}),
        ("side", {"short": (2, 0, 2, 0.0), "long": (2, 2, 0, 30.0)}),
        ("leverage", {"0 to 2": (1, 1, 0, 10.0), "2 to 5": (1, 0, 1, 0.0), "20 and above": (2, 1, 1, 20.0)}),
    ],
)
def test_cohorts(by, expected):
    found = result().per_cohort("largest-first", by)
    columns = ["accounts", "paid", "never", "haircut_usd"]
    assert {k: tuple(v) for k, v in found[columns].iterrows()} == expected
    assert found["haircut_share"].sum() == pytest.approx(1.0)


def test_sides_of_positions_stand_in_for_those_of_accounts():
    held = adl.Positions(
        account=[0, 1, 1], market=["A", "A", "B"], lot_value=[1.0, 1.0, 1.0], lots=[9, 5, 5], side=[-1, 1, -1]
    )
    accounts = adl.Accounts(id=["a", "b"], pnl=[9.0, 10.0], equity=[9.0, 10.0])
    round_ = adl.Round(deficit=5.0, accounts=accounts, positions=held)
    one = adl.Episode(name="one", rounds=[(round_, adl.Outcome(needed=1.0))], source="by hand")
    found = adl.replay(one, "pro-rata").per_cohort("pro-rata", "side")
    assert found["accounts"].to_dict() == {"short": 1, "long and short": 1}


def test_haircuts_add_up_to_what_the_replay_says_and_go_on_from_states():
    whole = adl.load("synthetic(accounts=9, rounds=6)")
    first, last = (
        adl.Episode(name="part", rounds=list(whole.rounds)[k : k + 3], source="part") for k in (0, 3)
    )
    names = ["cumulative-burden", "ftrl-exact/min-max"]
    before = adl.replay(first, names)
    after = adl.replay(last, names, states=before.states)
    summed = after.haircuts(*names).groupby("policy")["haircut_usd"].sum()
    for name in names:
        assert summed[name] == pytest.approx(after[name].haircut_usd, rel=1e-12)
        assert after.per_account(name)["haircut_usd"].sum() == pytest.approx(summed[name])


def test_what_cannot_be_told_is_refused_with_ways_out():
    replayed = adl.replay("oct10", ["production", "pro-rata"])
    with pytest.raises(UsageError, match="no haircut of single accounts"):
        replayed.per_account("production")
    with pytest.raises(UsageError, match="pro-rata"):
        replayed.per_account("pro-rat")
    with pytest.raises(UsageError, match="known of a replay only"):
        adl.published().per_account("production")
    with pytest.raises(UsageError, match="cohort"):
        replayed.per_cohort("pro-rata", "colour")
    with pytest.raises(InputError, match="leverage"):
        per_cohort(replayed.haircuts("pro-rata").assign(leverage=np.nan), "leverage")


def rounds_of(**losses):
    rows = [
        {"policy": name, "round": k, "total_usd": value}
        for name, values in losses.items()
        for k, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_a_constant_difference_has_no_spread():
    found = paired_differences(rounds_of(a=[1.0, 5.0, 2.0] * 2, b=[3.0, 7.0, 4.0] * 2), "a").loc["b"]
    assert found.tolist() == [12.0, 12.0, 12.0, 0, 6, 2]  # block: 6^(1/3), rounded up


def test_five_rounds_have_no_interval_of_95_percent():
    """One of two equal policies is cheaper in all of them with probability 2 / 2^5, above 5 %."""
    rounds = rounds_of(a=np.zeros(5), b=[1.0, 4.0, 1.0, 3.0, 2.0])
    found = paired_differences(rounds, "a").loc["b"]
    assert found["difference_usd"] == 11.0
    assert found[["bootstrap_low_usd", "bootstrap_high_usd"]].isna().all()
    assert paired_differences(rounds, "a", level=0.9).loc["b", "bootstrap_low_usd"] > 0.0


def test_intervals_are_the_quantiles_of_all_blocks():
    """With blocks of two in four rounds there are 16 resampled episodes: the quantiles are theirs."""
    apart = np.array([8.0, 0.0, -2.0, 1.0])
    blocks = [apart[k] + apart[(k + 1) % 4] for k in range(4)]
    sums = [first + second for first, second in itertools.product(blocks, blocks)]
    rounds = rounds_of(a=np.zeros(4), b=apart)
    found = paired_differences(rounds, "a", block=2, draws=20_000, level=0.8).loc["b"]
    low, high = np.quantile(sums, [0.1, 0.9], method="inverted_cdf")
    assert (found["bootstrap_low_usd"], found["bootstrap_high_usd"]) == (low, high)
    assert found["difference_usd"] == 7.0
    assert found["rounds_less"] == 1


def test_a_block_of_all_rounds_cannot_vary_and_a_seed_repeats():
    rounds = rounds_of(a=np.zeros(5), b=[1.0, 4.0, 0.0, -3.0, 2.0])
    whole = paired_differences(rounds, "a", block=5, level=0.9).loc["b"]
    assert whole["bootstrap_low_usd"] == whole["bootstrap_high_usd"] == 4.0
    rounds = rounds_of(a=np.zeros(7), b=[1.0, 4.1, 0.3, -3.7, 2.2, 7.9, -5.3])
    again = [paired_differences(rounds, "a", block=2, seed=s) for s in (1, 1, 2)]
    assert again[0].equals(again[1])
    assert not again[0].equals(again[2])


@pytest.mark.parametrize(
    "wrong", [{"block": 6}, {"block": 0}, {"draws": 5}, {"level": 1.0}, {"column": "policy"}]
)
def test_differences_refuse_what_is_out_of_range(wrong):
    rounds = rounds_of(a=np.zeros(5), b=np.ones(5))
    with pytest.raises(UsageError):
        paired_differences(rounds, "a", **wrong)


def test_pareto_is_what_no_other_dominates():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.integers(0, 6, (40, 2)), columns=["x", "y"]).astype(float)
    frame.loc[3, "y"] = np.nan
    front = pareto_front(frame, "x", "y")
    points = frame.dropna()
    kept = [
        k for k, p in points.iterrows()
        if not any((q.x <= p.x and q.y <= p.y and (q.x < p.x or q.y < p.y)) for _, q in points.iterrows())
    ]  # fmt: skip
    assert sorted(front.index) == kept
    assert front["x"].is_monotonic_increasing
    with pytest.raises(UsageError, match="column"):
        pareto_front(frame, "x", "z")


def test_cvar_is_the_mean_of_the_worst_twentieth():
    assert cvar(np.arange(40.0)) == pytest.approx((39 + 38) / 2)
    assert cvar(np.array([3.0, 1.0])) == 3.0
    replayed = adl.replay("oct10", ["constant(0)"])
    assert replayed["constant(theta=0)/pro-rata"].cvar_shortfall_usd == pytest.approx(5_584_123.65)


NASTY = r"[2pt]* 50% & $x_1^2$ #~{\input{a}} | <b> 'q' `` -- é" + "\n\\end{tabular}"


def test_latex_takes_any_name_and_needs_no_package():
    rule = adl.Policy(severity=adl.make_severity("oracle"), allocation=LargestFirst(), name=NASTY)
    text = adl.replay(episode(), [rule, "pro-rata"]).to_latex()
    assert text.isascii()
    assert re.findall(r"\\(?:begin|end)\{(\w+)\}", text) == ["table", "tabular", "tabular", "table"]
    known = "begin|end|hline|toprule|midrule|bottomrule|providecommand|makebox|linewidth|centering|scriptsize"
    known += "|caption|textbackslash|textasciitilde|textasciicircum"
    assert re.fullmatch(rf"(?:[^\\]|\\\\|\\(?:{known}|ensuremath|char\d+)\b|\\[&%$#_{{}}])*", text)
    assert not re.search(r"\\\\\s*[\[*]", text)
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert not set("%#$~^_") & set(bare)
    assert bare.count("{") == bare.count("}")
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 3
    assert all(len(re.findall(r"(?<!\\)&", row)) == len(adl.Result.chosen) - 1 for row in rows)


PAPER = r"""\documentclass{{article}}
{package}
\begin{{document}}
{table}
\end{{document}}
"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_compiles_unedited(tmp_path):
    rule = adl.Policy(severity=adl.make_severity("oracle"), allocation=LargestFirst(), name=NASTY)
    for number, result in enumerate([adl.replay(episode(), [rule, "pro-rata"]), adl.replay("oct10")]):
        paper = PAPER.format(package=r"\usepackage{booktabs}" * number, table=result.to_latex())
        (tmp_path / f"{number}.tex").write_text(paper)
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{number}.tex"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout[-1500:]
        assert "Overfull" not in run.stdout
        assert (tmp_path / f"{number}.pdf").stat().st_size > 1000


def test_latex_spells_out_what_no_font_may_have():
    assert escaped("a\tb") == r"a\textbackslash{}tb"
    assert escaped("--") == "-{}-{}"


def test_csv_is_the_frame_and_no_formula():
    rule = adl.Policy(severity=adl.make_severity("oracle"), allocation=LargestFirst(), name="=1+1")
    text = adl.replay(episode(), rule).to_csv()
    assert text.splitlines()[0].startswith("policy,severity,")
    assert "'=1+1" in text

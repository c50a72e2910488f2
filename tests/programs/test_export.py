"""A written model is read back by HiGHS to the same optimum."""

import highspy
import pytest

from adl_opt.errors import UsageError
from adl_opt.programs import Entropy, ExactBudget, RoundProgram, solve, write_model
from tests.programs.cases import linear_programs, make_round, whole_programs


@pytest.mark.parametrize("suffix", [".mps", ".lp"])
@pytest.mark.parametrize("kind", ["fund", "tracking", "budget-and-accounts"])
def test_a_written_model_has_the_same_optimum(tmp_path, kind, suffix):
    round_ = make_round(2, 4, positions=5)
    needed = 0.3 * round_.capacity_usd
    program = {**linear_programs(round_, needed), **whole_programs(round_, needed)}[kind]
    path = write_model(program, round_, tmp_path / f"model{suffix}", needed=needed)
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    expected = solve(program, round_, needed=needed).objective
    assert highs.getInfo().objective_function_value == pytest.approx(expected, rel=1e-6)


def test_what_cannot_be_written_is_refused(tmp_path):
    round_ = make_round()
    with pytest.raises(UsageError, match=r"\.mps or \.lp"):
        write_model(RoundProgram(Entropy(), [ExactBudget()]), round_, tmp_path / "a.mps", needed=1.0)
    with pytest.raises(UsageError, match=r"\.mps or \.lp"):
        write_model(linear_programs(round_, 1.0)["fund"], round_, tmp_path / "a.txt", needed=1.0)

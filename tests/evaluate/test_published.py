"""The paper's Table 2 and headlines, from the per-round figures, by code."""

import pytest

from adl_opt.evaluate.published import headlines, markout_overshoot, published

TABLE_2 = {  # tracking, fairness, total, % of envelope as printed
    "production": (53_782_490.53, 11_077_031.68, 64_859_522.21, "50.0"),
    "integer-pro-rata": (3_020_120.65, 384_064.35, 3_404_185.00, "2.6"),
    "vector-mirror-descent": (1_793_022.03, 2_620_345.57, 4_413_367.61, "3.4"),
    "min-max-ilp": (106_205.81, 0.00, 106_205.81, "0.1"),
    "continuous-pro-rata": (0.00, 2_732_437.29, 2_732_437.29, "2.1"),
}


@pytest.mark.parametrize("name", TABLE_2)
def test_table_2_to_the_cent(name):
    row = next(p for p in published().policies if p.policy == name)
    tracking, fairness, total, share = TABLE_2[name]
    assert round(row.tracking_usd, 2) == tracking
    assert round(row.fairness_usd, 2) == fairness
    assert round(row.total_usd, 2) == total
    assert f"{100 * row.envelope_share:.1f}" == share


def test_all_published_rows_are_there_and_marked():
    info = {p.policy: p.information.value for p in published().policies}
    assert list(info) == [*TABLE_2, "pnl-pro-rata", "equity-pro-rata"]
    assert info.pop("production") == "observed"
    assert set(info.values()) == {"ex-post"}


def test_path_length_and_envelope():
    result = published()
    assert round(result.path_length, 4) == 7.0595
    assert round(result.envelope_usd / 1e6, 2) == 129.70


def test_headlines():
    h = headlines()
    assert round(h.net_overshoot_usd, 2) == 45_028_665.72
    assert round(h.positive_overshoot_usd / 1e6, 2) == 49.41
    assert [round(v / 1e6, 1) for v in h.markout_band_usd] == [45.0, 51.7]
    assert round(h.deficit_counted_once_usd / 1e6, 2) == 12.66
    assert round(h.envelope_counted_once_usd / 1e6, 1) == 31.9
    assert list(markout_overshoot()) == [0, 500, 1000, 2000, 5000]


def test_lambda_sweep_is_linear_in_lambda():
    sweep = published().lambda_sweep()
    assert list(sweep.columns) == ["information", 0.5, 0.75, 1.0, 1.5, 2.0]
    row = sweep.loc["production"]
    assert row[2.0] - row[1.0] == pytest.approx(11_077_031.68, abs=0.01)
    assert all(
        sweep.loc["production", lam] > 10 * sweep.loc["vector-mirror-descent", lam] for lam in (0.5, 1.0, 2.0)
    )


def test_the_envelope_says_nothing_on_october_10():
    """The trivial bound is smaller, as a sum over rounds shows; the JSON says so."""
    result, h = published(), headlines()
    by_hand = sum(
        max(min(r.needed, r.deficit), r.deficit - min(r.needed, r.deficit))
        for r in result.by_policy["production"]
    )
    assert result.trivial_usd == h.trivial_usd == pytest.approx(by_hand)
    assert round(h.trivial_usd / 1e6, 2) == 85.05
    assert result.to_json()["envelope_informative"] is False
    assert h.trivial_counted_once_usd < h.trivial_usd

"""The data of figures: of the result's own numbers, and the same in print and on the screen."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.datasets.book import invented_book
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.html.charts import charts
from adl_opt.reports.series.gallery import gallery
from adl_opt.reports.series.merge import merged
from adl_opt.reports.series.optima import points
from adl_opt.reports.series.parts import Axis, Chart, Curve, FigureData
from adl_opt.reports.series.places import FIXED, places
from adl_opt.studies.findings import Findings

PLAYED = ["pro-rata", "min-max-lots", "hyperliquid-side-adjusted", "constant(0)"]
LINES = ("cumulative", "budgets", "envelope", "severity-paths", "regret-growth", "frontier")


@pytest.fixture(scope="module")
def findings():
    return Findings.of(adl.load("synthetic(accounts=40, rounds=4, seed=3)"), PLAYED)


def figure_of(*curves, y=None, x=None):
    return FigureData(
        "f", "title", "ex-post", "invented", [Chart("USD", x or Axis("x"), y or Axis("y"), curves)]
    )


@pytest.mark.parametrize("name", LINES)
def test_print_and_screen_draw_the_values_of_the_series(findings, name):
    data = gallery(findings)[name]()
    curves = [c for chart in data.charts for c in chart.curves if c.drawn != "bars"]
    printed = [line for panel in draw(data).axes for line in panel.lines]
    assert len(printed) == len(curves)
    for line, curve in zip(printed, curves, strict=True):
        assert np.array_equal(line.get_ydata(), np.asarray(curve.y, dtype=float), equal_nan=True)
    traces = {(t["name"], t.get("meta", "")): t for chart in charts([data]) for t in chart["data"]}
    for chart in data.charts:
        for curve in chart.curves:
            trace = traces[curve.label, chart.title if len(data.charts) > 1 else ""]
            for seen, value in zip(trace["y"], curve.y, strict=True):
                assert seen is None or seen == pytest.approx(value, rel=1e-5)


def test_charts_of_one_figure_with_the_same_axes_are_one_chart_with_a_choice(findings):
    (cumulative,) = charts([gallery(findings)["cumulative"]()])
    assert sorted(cumulative["choices"]) == ["fairness", "total", "tracking"]
    assert {t["meta"] for t in cumulative["data"]} == set(cumulative["choices"])
    assert cumulative["choices"][0] == "total"
    assert len(charts([gallery(findings)["burdens"]()])) == 2


def test_policies_that_do_the_same_are_one_curve_with_all_their_names():
    x, whole, name = [1, 2, 3], [0.0, 5.0, np.nan], "need = B"
    same = [
        Curve("a (ex-post)", x, whole),
        Curve("b (ex-post)", x, [0.0, 5.0 * (1 + 1e-10), np.nan], place=1),
    ]
    other = [Curve("c (ex-post)", x, [0.0, 5.0 * (1 + 1e-8), np.nan], place=2)]
    missing = [Curve("d (observed)", x, [np.nan, 5.0, np.nan], place=3), Curve(name, x, whole, "reference")]
    axes = Axis("x"), Axis("y")
    first, second = Chart("USD", *axes, [*same, *other, *missing]), Chart("USD", *axes, same)
    labels = [[c.label for c in chart.curves] for chart in merged([first, second])]
    assert labels == [["a = b (ex-post)", "c (ex-post)", "d (observed)", name], ["a = b (ex-post)"]]
    apart = Chart("USD", *axes, [same[0], Curve("b (ex-post)", x, [0.0, 6.0, np.nan])])
    assert len(merged([first, apart])[0].curves) == 5
    data = FigureData("f", "title", "ex-post", "invented", merged([first]))
    (panel,) = draw(data).axes
    assert panel.get_legend().get_texts()[0].get_text() == "a\n= b (ex-post)"
    assert len(panel.lines) == len(charts([data])[0]["data"]) == 4


def test_a_row_without_a_bar_says_whether_it_is_zero_or_not_known():
    rows = Curve("a", [0.0, np.nan, 1e-9, 7.0], ["p", "q", "r", "s"], "rows")
    (panel,) = draw(figure_of(rows)).axes
    assert [t.get_text() for t in panel.texts] == ["0", "not known", "almost 0"]


def test_a_symlog_axis_says_where_it_turns_linear():
    y = Axis("USD", unit="usd", scale="symlog", linear_to=1e4)
    (panel,) = draw(figure_of(Curve("a", [1, 2], [0.0, 3e6]), y=y)).axes
    assert panel.get_ylabel() == "USD\n(log scale, linear up to $10k)"
    assert [t.get_text() for t in panel.get_yticklabels()] == ["$0", "$10k", "$100k", "$1M"]
    assert panel.patches[0].get_bbox().intervaly.tolist() == [-1e4, 1e4]


def test_a_logarithmic_axis_on_a_screen_leaves_out_what_it_cannot_show():
    y = Axis("USD", unit="usd", scale="log")
    (chart,) = charts([figure_of(Curve("a", [1, 2, 3, 4], [0.0, -5.0, 0.004, 7.0]), y=y)])
    assert chart["data"][0]["y"] == [None, None, None, 7.0]
    assert "0 throughout" not in chart["caption"]
    both = [Curve("nothing", [1, 2], [0.0, 0.0]), Curve("missing", [1, 2], [np.nan, np.nan])]
    (chart,) = charts([figure_of(*both, y=y)])
    assert "0 throughout: nothing;" in chart["caption"]
    (linear,) = charts([figure_of(Curve("a", [1, 2, 3], [0.0, -5.0, np.nan]))])
    assert linear["data"][0]["y"] == [0.0, -5.0, None]


def test_a_policy_keeps_its_look_in_every_figure_in_print_and_on_the_screen(findings):
    looks = {}
    for make in gallery(findings).values():
        data = make()
        panels, screen = draw(data).axes, charts([data])
        for chart, panel in zip(data.charts, panels, strict=True):
            lines = [line for line in panel.lines if line.get_label()[0] != "_"]
            names = {line.get_label(): (line.get_color(), line.get_marker()) for line in lines}
            for curve in chart.curves:
                name = curve.label.split(" = ")[0].rpartition(" (")[0]
                if name not in findings.result.by_policy or data.name == "coverage-frontier":
                    continue
                traces = [t for c in screen for t in c["data"] if t["name"] == curve.label]
                colours = {t["line"]["color"] for t in traces if "line" in t}
                printed = names.get(curve.label.replace(" = ", "\n= "))
                looks.setdefault(name, set()).update({curve.place}, colours, printed[:1] if printed else ())
    assert len(looks) >= 4
    assert all(len(seen) == 2 for seen in looks.values()), "one place, and one colour"
    assert len({frozenset(seen) for seen in looks.values()}) == len(looks)


def test_two_names_never_share_a_look_and_the_usual_ones_keep_theirs():
    names = ["min-max-lots(base=equity)", "min-max-lots", "mine", "pro-rata", "ftrl-exact/pro-rata"]
    found = places(names)
    assert len(set(found.values())) == len(names)
    assert places(["pro-rata"])["pro-rata"] == found["pro-rata"] == FIXED["pro-rata"]
    assert places(["ftrl-exact"])["ftrl-exact"] == found["ftrl-exact/pro-rata"]


def test_a_screen_draws_zero_and_says_where_its_axis_turns_linear():
    y = Axis("USD", unit="usd", scale="symlog", linear_to=1e4)
    (chart,) = charts([figure_of(Curve("a", [1, 2, 3], [0.0, np.nan, 3e6]), y=y)])
    axis = chart["layout"]["yaxis"]
    assert chart["data"][0]["y"] == [0.0, None, 3e6], "0 and missing differ"
    assert axis["title"]["text"] == "USD<br>(log scale, linear up to $10k)"
    assert (axis["bend"], axis["ticktext"]) == (1e4, ["$0", "$10k", "$100k", "$1M"])
    assert axis["tickvals"] == [0.0, 1e4, 1e5, 1e6]


def test_the_picture_of_the_structure_holds_its_price():
    book = invented_book(accounts=40, markets=3, seed=1)
    found = Findings.of(book, ["pro-rata"])
    data = gallery(found)["structure"]()
    (pool, contracts), _ = (chart.curves for chart in data.charts)
    price = sum(p.price_usd for p in found.structure if p.domain == "fractional")
    assert sum(contracts.y) - sum(pool.y) == pytest.approx(price)
    assert f"{price:,.2f} USD" in data.title
    assert "structure" not in gallery(Findings.of(adl.load("oct10"), ["pro-rata"]))


def test_the_picture_of_proof_trees_has_a_point_a_round(findings):
    (curve,) = gallery(findings)["proof-trees"]().charts[0].curves
    assert sorted(curve.y) == sorted(best.nodes for best in findings.least_burdens)
    assert sorted(curve.x) == sorted(len(r.positions) for r, _ in findings.episode)


def test_a_curve_for_the_screen_alone_is_not_printed():
    rows = [
        Curve("a", [1.0, 2.0], ["p", "q"], "rows"),
        Curve("b", [3.0, 4.0], ["p", "q"], "rows", printed=False),
    ]
    data = figure_of(*rows)
    assert len(draw(data).axes[0].patches) == 2
    assert [t["name"] for t in charts([data])[0]["data"]] == ["a", "b"]


def test_a_long_curve_keeps_both_ends_and_the_last_payer():
    burden = np.concatenate([np.linspace(9.0, 1.0, 1234), np.zeros(8000)])
    (chart,) = charts([figure_of(Curve("a", np.arange(1.0, burden.size + 1), burden, "curve"))])
    (trace,) = chart["data"]
    assert len(trace["x"]) < 500
    assert {1.0, 1234.0, float(burden.size)} <= set(trace["x"])


def test_a_label_cannot_steer_a_terminal(findings):
    from adl_opt.reports.series.replayed import labelled

    assert labelled("a\x1b[2J", "ex-post") == "a\\x1b[2J (ex-post)"


def below_the_frontier(findings):
    """Policies that the figure draws below the curve of the least loss."""
    best = findings.frontier
    return [
        name
        for names, (path, loss) in points(findings.result)
        for name in names
        if np.interp(path, best.path, best.loss_usd) > loss * (1 + 1e-9) + 1e-6
    ]


def test_no_policy_is_drawn_below_the_frontier(findings):
    assert below_the_frontier(findings) == []
    names = [
        "binance",
        "observed",
        "full-deficit",
        "ftrl-exact/okx",
        "hint-only(fixed-gap)",
        "integer-pro-rata",
    ]
    weighed = Findings.of(adl.load("oct10"), names, loss="under=5, over=2, limit=deficit")
    assert below_the_frontier(weighed) == []
    gaps = weighed.optimum.frame().gap_to_optimum_usd.dropna()
    assert len(gaps) >= 4
    assert (gaps >= -1e-9).all()


def test_the_picture_of_cohorts_holds_the_table_of_cohorts(findings):
    shares, burdens = gallery(findings)["cohorts"]().charts
    for chart, column in ((shares, "haircut_share"), (burdens, "burden")):
        for curve in chart.curves:
            table = findings.result.per_cohort(curve.label.split(" = ")[0].rpartition(" (")[0])
            assert curve.y == pytest.approx(100 * table[column].to_numpy())
            assert len(curve.x) == len(table)


def test_the_picture_of_coverage_holds_every_row_of_the_frontier(findings):
    """Each online rule, production, ex post points, both kinds of hindsight; in print and on the screen."""
    data = gallery(findings)["coverage-frontier"]()
    rows = list(adl.frontier(findings.episode, loss=findings.result.loss))
    dollars, rounds = data.charts
    for chart, place in ((dollars, "covered_usd_share"), (rounds, "covered_rounds")):
        whole = 1 if chart is dollars else len(findings.episode)
        drawn = {(round(float(x), 6), y) for c in chart.curves for x, y in zip(c.x, c.y, strict=True)}
        for row in rows:
            if row["alpha"] is not None or row["default"] or row["information"] != "start-of-round":
                assert (round(100 * row[place] / whole, 6), row["overshoot_usd"]) in drawn
        labels = [curve.label for curve in chart.curves]
        assert len(set(labels)) == len(labels)
        assert sum("(hindsight)" in label for label in labels) == 4
        assert {"oracle (ex-post)", "catch-up(fixed-gap) (within-round)"} <= set(labels)
    (panel, _) = draw(data).axes
    printed = [t.get_text() for t in draw(data).legends[0].get_texts()]
    assert len(panel.lines) == len(dollars.curves)
    assert printed == [c.label for c in dollars.curves if c.drawn != "unnamed"]
    seen = [trace["name"] for chart in charts([data])[:1] for trace in chart["data"]]
    assert seen == [curve.label for curve in dollars.curves]
    styles = [(c.place, c.drawn) for c in dollars.curves]
    assert len(set(styles)) == len(styles)
    assert "weak evidence" in data.information

"""Figures: every one of an episode, marked, the same bytes twice, and of the result's own numbers."""

import numpy as np
import pytest

import adl_opt as adl
from adl_opt.errors import AdlOptError
from adl_opt.reports.figures.draw import draw
from adl_opt.reports.figures.style import look, rendered
from adl_opt.reports.figures.write import figures
from adl_opt.reports.series.fans import fan_series
from adl_opt.reports.series.gallery import gallery
from adl_opt.studies.findings import Findings

NAMES = {
    "cumulative",
    "budgets",
    "envelope",
    "order",
    "burdens",
    "cohorts",
    "severity-paths",
    "regret-growth",
    "frontier",
    "coverage-frontier",
    "gaps-to-optimum",
    "proof-trees",
}
EPISODE = "synthetic(accounts=40, rounds=4, seed=3)"
PLAYED = ["pro-rata", "min-max-lots", "hyperliquid-side-adjusted", "constant(0)"]


@pytest.fixture(scope="module")
def findings():
    return Findings.of(adl.load(EPISODE), PLAYED)


def texts(figure):
    return "\n".join(t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")))


def test_every_figure_is_written_twice_with_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        assert {file.stem for file in figures(EPISODE, tmp_path / folder, PLAYED).files} == NAMES
    written = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert written == sorted(f"{n}.{kind}" for n in NAMES for kind in ("png", "svg"))
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_paper_has_its_sizes_and_its_formats(findings, tmp_path):
    data = gallery(findings)["cumulative"]()
    for size, width, rows in (("one-column", 3.5, 3), ("two-columns", 7.16, 1)):
        figure = draw(data, size=size)
        assert figure.get_figwidth() == width
        assert len({round(panel.get_subplotspec().rowspan.start) for panel in figure.axes}) == rows
        (legend,) = figure.legends
        assert "information: " in legend.get_title().get_text()
        figure.draw_without_rendering()
        edges = [panel.get_tightbbox().x1 for panel in figure.axes] + [legend.get_window_extent().x1]
        assert max(edges) <= figure.bbox.x1, "nothing is cut at the right"
        made = rendered(figure, "pdf")
        assert made.startswith(b"%PDF")
        assert made == rendered(figure, "pdf")
    for wrong in ({"size": "huge"}, {"formats": "bmp"}):
        with pytest.raises(AdlOptError, match="of a figure"):
            figures(EPISODE, tmp_path, PLAYED, **wrong)


def test_the_style_sheet_serves_figures_of_ones_own():
    import matplotlib.style
    from matplotlib import rcParams

    from adl_opt.reports.series.parts import COLOURS

    with matplotlib.style.context("adl_opt.reports.figures.print"):
        cycle = [entry["color"] for entry in rcParams["axes.prop_cycle"]]
    assert cycle == list(COLOURS)


def test_the_embedded_episode_has_the_published_markouts_too():
    episode = adl.load("oct10")
    assert set(gallery(Findings.of(episode, ["pro-rata"]))) == NAMES | {"markout"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_figure_names_its_information(findings, name):
    figure = draw(gallery(findings)[name]())
    assert "information: " in figure.get_supxlabel()
    assert figure.get_suptitle()
    assert all(a.get_xlabel() or a.get_ylabel() for a in figure.axes)


def test_a_cumulative_line_ends_at_the_total_of_the_table(findings):
    figure = findings.result.plot.cumulative(["pro-rata", "constant(theta=0)/pro-rata"])
    table = findings.result.frame()
    for panel, column in zip(figure.axes, ("tracking_usd", "fairness_usd", "total_usd"), strict=True):
        for line in panel.lines:
            name = line.get_label().rsplit(" (", 1)[0]
            assert line.get_ydata()[-1] == pytest.approx(table.loc[name, column], rel=1e-12, abs=1e-9)


def test_a_plot_takes_policies_title_and_axes(findings):
    from matplotlib.figure import Figure

    plot, name = findings.result.plot, "constant(theta=0)/pro-rata"
    for method, panels in (("cumulative", 3), ("budgets", 1), ("envelope", 1), ("order", 2)):
        figure = getattr(plot, method)(name, title="Mine")
        assert figure.get_suptitle() == "Mine"
        assert figure._repr_png_().startswith(b"\x89PNG"), "a notebook shows it without magics"
        mine = Figure().subplots(1, panels)
        assert getattr(plot, method)(name, ax=mine, title="Mine") is mine
        for ours, theirs in zip(np.atleast_1d(mine), figure.axes, strict=True):
            assert ours.get_title("left").startswith("Mine")
            for a, b in zip(ours.lines, theirs.lines, strict=True):
                assert np.array_equal(a.get_ydata(), b.get_ydata())
        with pytest.raises(AdlOptError, match="needs axes for each"):
            getattr(plot, method)(ax=Figure().subplots(1, panels + 1))
        with pytest.raises(AdlOptError, match="no-such"):
            getattr(plot, method)(["no-such"])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_marker_is_cut_off_at_the_edge(findings, name):
    for panel in draw(gallery(findings)[name]()).axes:
        low, high = sorted(panel.get_ylim())
        for line in panel.lines:
            values = np.asarray(line.get_ydata(), dtype=float)
            values = values[np.isfinite(values)]
            if line.get_transform() == panel.transData and values.size:
                assert low < values.min()
                assert values.max() < high


def test_a_notebook_shows_a_figure_without_a_magic(findings):
    figure = findings.result.plot.budgets()
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_ticks_of_a_symlog_axis_are_zero_and_decades(findings):
    figure = findings.result.plot.cumulative()
    ticks = figure.axes[0].get_yticks()
    assert 0.0 in ticks
    assert all(abs(t) >= 1_000 and np.log10(abs(t)) % 1 == pytest.approx(0) for t in ticks if t)


def test_no_two_series_look_the_same():
    looks = [tuple(sorted(look(k).items())) for k in range(32)]
    assert len(set(looks)) == len(looks)


def test_a_fan_draws_a_band_and_a_median_for_each_policy():
    import pandas as pd

    rows = [
        {
            "policy": p,
            "information": "ex-post",
            "step": s,
            "low": s - 1.0,
            "median": s + 0.5 * (p == "b"),
            "high": s + 1.0,
        }
        for p in ("a", "b")
        for s in range(5)
    ]
    figure = draw(fan_series(pd.DataFrame(rows), scenario="invented", seeds=2))
    (panel,) = figure.axes
    assert [t.get_text() for t in panel.get_legend().get_texts()] == ["a (ex-post)", "b (ex-post)"]
    assert len(panel.lines) == 6
    assert len(panel.collections) == 2
    assert rendered(figure, "svg").startswith(b"<?xml")


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(AdlOptError, match="cannot be written"):
        figures(EPISODE, tmp_path / "file", PLAYED)


def test_the_fan_of_simulated_episodes_is_that_of_its_seeds():
    from adl_opt.studies.simulation.fan import fan_frame
    from adl_opt.studies.simulation.run import run_policy
    from adl_opt.studies.simulation.scenarios import scenario

    frame = fan_frame(["pro-rata", "constant(0)"], "flash-crash", range(3))
    last = frame.groupby("policy", sort=False).last()
    ends = [run_policy("constant(0)", scenario("flash-crash").settings, seed=s).totals for s in range(3)]
    told = np.quantile([e["tracking_usd"] for e in ends], [0.1, 0.5, 0.9])
    assert last[["low", "median", "high"]].to_numpy()[1] == pytest.approx(told)
    figure = draw(fan_series(frame, scenario="flash-crash", seeds=3))
    assert "start-of-round" in figure._supxlabel.get_text()
    with pytest.raises(AdlOptError, match="two seeds"):
        fan_frame(["pro-rata"], "flash-crash", range(1))


def test_simulate_run_writes_its_fan(tmp_path):
    from typer.testing import CliRunner

    from adl_opt.cli.app import app

    runner, names = CliRunner(), ["--policy", "pro-rata", "--seeds", "2", "--format", "csv"]
    made = runner.invoke(app, ["simulate", "run", *names, "--figure", str(tmp_path / "fan.png")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "fan.png").read_bytes().startswith(b"\x89PNG")
    wrong = runner.invoke(app, ["simulate", "run", *names, "--figure", str(tmp_path / "fan.xyz")])
    assert isinstance(wrong.exception, AdlOptError)
    assert not (tmp_path / "fan.xyz").exists()

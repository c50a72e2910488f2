"""The report in contracts: by market and side, residuals and hedges; no optima of a pool."""

import re

import pytest
from typer.testing import CliRunner

import adl_opt as adl
from adl_opt.cli.app import app
from tests.reports.html.test_html import Structure, browser, opened, requests

__all__ = ["browser"]
BOOK = "synthetic(accounts=60, rounds=2, markets=3, space=contracts, hedged=0.4, isolated=0.1)"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("contracts") / "report.html"
    words = [
        "report",
        BOOK,
        "--space",
        "contracts",
        "--out",
        str(path),
        "--policy",
        "okx",
        "--policy",
        "pro-rata",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return path


def test_it_says_who_was_closed(report):
    text = report.read_text(encoding="utf-8")
    result = adl.replay(BOOK, ["okx", "pro-rata"])
    section = text.split('<section id="markets">')[1].split("</section>")[0]
    for policy in ("okx", "pro-rata"):
        frame = result.per_market(policy)
        title = f"{policy}: ${frame['haircut_usd'].sum():,.2f} of haircuts"
        table = section.split(title)[1].split("</details>")[0]
        for (market, losers), row in frame.iterrows():
            payers = "shorts" if losers == "long" else "longs"
            head = f'<th scope="row">{market}</th><td>{losers}</td><td>{payers}</td>'
            line = next(part for part in table.split("<tr>") if head in part)
            assert f"${row['haircut_usd']:,.2f}" in line
            cells = re.findall(r'<td class="n">([^<]*)</td>', line)
            assert cells[4] == str(int(row["accounts"]))
            assert cells[7] == str(int(row["hedges_broken"]))
    assert 'id="optima"' not in text
    assert "residual, USD" in text
    assert "future shortfall, USD" in text
    assert "<dt>space</dt><dd>contracts</dd>" in text
    found = Structure(text)
    assert {a[1:] for a in found.addresses if a.startswith("#")} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_in_wealth_it_is_as_before(tmp_path):
    path = adl.report(BOOK, tmp_path / "w.html", "pro-rata", space="wealth")
    text = path.read_text(encoding="utf-8")
    assert 'id="optima"' in text
    assert 'id="markets"' not in text


def test_in_a_browser_no_errors_no_requests_and_the_tables_open(browser, report):
    opened(browser, report)
    assert browser.get_log("browser") == []
    assert [u for u in requests(browser) if not u.startswith(("file:", "data:", "blob:"))] == []
    count = "return document.querySelectorAll('#markets details').length"
    assert browser.execute_script(count) == 2
    browser.execute_script("document.querySelector('#markets details summary').click()")
    shown = "return document.querySelector('#markets details table').getBoundingClientRect().height > 0"
    assert browser.execute_script(shown)
    for chart in ("chart-markets", "chart-hedges", "chart-hedges-2"):
        drawn = f"return document.querySelectorAll('#{chart} .main-svg').length > 0"
        assert browser.execute_script(drawn), chart

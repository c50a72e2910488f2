"""The report: self-contained, escaped, marked; in a browser it sorts, filters and asks nobody."""

import json
import os
import re
import shutil
import time
from html.parser import HTMLParser

import numpy as np
import pytest
from typer.testing import CliRunner

import adl_opt as adl
import adl_opt.studies.findings as findings_module
from adl_opt.cli.app import app
from adl_opt.reports.html.charts import charts
from adl_opt.reports.html.facts import fingerprint
from adl_opt.reports.html.page import page, script_json
from adl_opt.reports.series.gallery import gallery
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.round import Outcome, Round
from adl_opt.studies.findings import Findings

HOSTILE = [
    "<script>document.title='owned'</script>",
    '=HYPERLINK("http://x.invalid","y")',
    '"><img src=x onerror="document.title=1">',
    "</script><!--",
    "{{ 7 * 7 }}",
]


@pytest.fixture(scope="module")
def episode():
    ids = [*HOSTILE, "plain"]
    pnl = np.array([900.0, 500.0, 400.0, 300.0, 200.0, 100.0])
    accounts = adl.Accounts(id=ids, pnl=pnl, equity=2 * pnl)
    rounds = [
        (Round(deficit=300.0, accounts=accounts, number=1), Outcome(needed=120.0)),
        (Round(deficit=200.0, accounts=accounts, number=2), Outcome(needed=150.0)),
    ]
    return Episode(name="hostile <b>names</b>", source="invented & <i>unfriendly</i>", rounds=rounds)


@pytest.fixture(scope="module")
def html(episode):
    return page(Findings.of(episode, ["pro-rata", "min-max", "constant(0)", "full-deficit"]))


class Structure(HTMLParser):
    """What a screen reader needs, and what would leave the file."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids, self.labelled = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.addresses += [v for k, v in attrs.items() if k in ("src", "href", "action", "data")]
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.labelled += [attrs["for"]] if tag == "label" else []


def test_nothing_outside_the_file_is_named_as_an_address(html):
    found = Structure(html)
    assert found.addresses
    assert all(a.startswith("#") or a == "data:," for a in found.addresses)


def test_structure_for_keyboards_and_screen_readers(html):
    found = Structure(html)
    assert len(found.ids) == len(set(found.ids))
    assert {a[1:] for a in found.addresses if a.startswith("#")} <= set(found.ids)
    selects = [a["id"] for tag, a in found.tags if tag == "select"]
    assert set(selects) == set(found.labelled)
    heads = [a for tag, a in found.tags if tag == "th"]
    assert heads
    assert all(a.get("scope") in ("col", "row") for a in heads)
    assert all(a.get("aria-label") for tag, a in found.tags if a.get("role") in ("img", "region"))
    assert dict(found.tags)["html"]["lang"]


def test_hostile_names_stay_text(html):
    before_scripts = html.split('<script type="application/json"')[0]
    assert "<script>document" not in html
    assert "<img src=x" not in html
    assert "<b>names" not in html
    assert "&lt;script&gt;document.title" in before_scripts
    assert "49" not in re.findall(r'class="id">([^<]*)<', before_scripts)
    assert html.count("</script>") == 3


def test_json_in_a_script_survives_the_way_there_and_back():
    value = {"id": HOSTILE, "n": [1.5, None]}
    assert json.loads(script_json(value)) == value
    assert "<" not in script_json(value)


def test_the_fingerprint_follows_every_amount(episode):
    round_, _ = episode.rounds[0]
    other = Episode(
        name=episode.name, source=episode.source, rounds=[(round_, Outcome(needed=120.01)), episode.rounds[1]]
    )
    assert fingerprint(episode) == fingerprint(episode) != fingerprint(other)


@pytest.fixture(scope="module")
def oct10_report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    done = CliRunner().invoke(app, ["report", "oct10", "--out", str(path)])
    assert done.exit_code == 0, done.output
    return path


def test_the_report_of_october_10_is_small_and_complete(oct10_report):
    text = oct10_report.read_text(encoding="utf-8")
    assert os.path.getsize(oct10_report) < 6_000_000
    for figure in ("$60,108,335.33", "$53,782,490.53", "$15,079,669.61", "lower bound: holds"):
        assert figure in text
    assert "FAILS" not in text
    assert text.count("<summary>Round ") == 16


def test_the_report_says_in_words_what_its_figures_are_and_what_they_cannot_show(oct10_report, html):
    text = re.sub(r"<[^>]+>", "", oct10_report.read_text(encoding="utf-8").split('id="charts"')[0])
    result = adl.replay("oct10", ["production", "follow-the-leader"])
    for policy in result.policies:
        assert policy.covered_rounds in (6, 10)
    beyond = sum(r.haircut - r.needed for r in result.by_policy["production"])
    for words in (
        f"${beyond:,.2f} more than was needed in all. In 6 of 16 rounds it took less",
        "follow-the-leader/pro-rata lost least: $11,993,462.73, and it covered 6 of 16 rounds",
        "a rate of no more than 82.9 %",
        "calibrated: accounts and positions",
    ):
        assert words in text
    assert "proven a rate of no more than 22.4 %" in html, "two rounds prove next to nothing"
    assert "production" not in html.split('id="charts"')[0]


def test_each_certificate_has_a_link_and_the_commands_of_its_proof(oct10_report):
    text = oct10_report.read_text(encoding="utf-8")
    found = Structure(text)
    rounds = [a["id"] for tag, a in found.tags if tag == "details" and "id" in a]
    assert [f"#{name}" for name in rounds] == [a for a in found.addresses if a.startswith("#round-")]
    assert text.count("<code>adl-opt verify proof-") == len(rounds) == 16


def test_a_large_book_is_sampled_and_says_so(monkeypatch):
    monkeypatch.setattr(findings_module, "MOST_PAID", 400)
    found = Findings.of(adl.load("synthetic(accounts=300, rounds=2)"), ["pro-rata", "min-max"])
    assert found.sampled == 100
    sizes = found.paid.groupby(["policy", "round"]).size()
    assert sizes.tolist() == [100] * 4
    ids = [set(rows["id"]) for _, rows in found.paid.groupby("policy")]
    assert ids[0] == ids[1], "the same accounts under every policy"
    assert "Who pays is shown for 100 accounts of each round, drawn at random" in page(found)


def test_the_burden_of_each_account_ends_where_the_last_one_pays():
    findings = Findings.of(
        adl.load("synthetic(accounts=2000, rounds=2, seed=5)"), ["pro-rata", "min-max-lots"]
    )
    (chart,) = (c for c in charts([gallery(findings)["burdens"]()]) if c["id"] == "chart-burdens-2")
    for trace, (_, rows) in zip(chart["data"], findings.paid.groupby("policy", sort=False), strict=True):
        drawn = [(x, y) for x, y in zip(trace["x"], trace["y"], strict=True) if y > 1e-4]
        burden = rows["haircut_usd"] / rows["capacity_usd"]
        share = 100 * (burden > 1e-6).mean()
        assert drawn[-1][0] == pytest.approx(share, rel=1e-4)
        assert drawn[0][1] == pytest.approx(100 * burden.max(), rel=1e-4)


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium and chromedriver on this machine: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--window-size=1280,900")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(driver))
    yield made
    made.quit()


def opened(browser, path):
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(path.as_uri())
    until = time.monotonic() + 60
    while browser.execute_script("return document.documentElement.dataset.ready") != "yes":
        assert time.monotonic() < until, "the report did not start"
        time.sleep(0.05)
    return browser


def requests(browser):
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def column(browser, number, attribute="textContent"):
    return browser.execute_script(
        "return [...document.querySelectorAll('#policy-table tbody tr')].filter(r => !r.hidden)"
        f".map(r => r.cells[{number}].{attribute})"
    )


def test_in_a_browser_no_errors_no_requests_and_every_chart(browser, oct10_report):
    opened(browser, oct10_report)
    assert browser.get_log("browser") == []
    assert [u for u in requests(browser) if not u.startswith(("file:", "data:", "blob:"))] == []
    charts = len(
        json.loads(browser.execute_script("return document.getElementById('chart-data').textContent"))
    )
    assert (
        browser.execute_script("return document.querySelectorAll('.chart .main-svg').length") >= charts == 18
    )


def test_in_a_browser_the_table_sorts_both_ways_unknown_last(browser, oct10_report):
    opened(browser, oct10_report)
    total = 5
    for expected in ("ascending", "descending"):
        browser.execute_script(f"document.querySelectorAll('#policy-table thead button')[{total}].click()")
        head = (
            f"return document.querySelectorAll('#policy-table thead th')[{total}].getAttribute('aria-sort')"
        )
        assert browser.execute_script(head) == expected
        values = [float(v) for v in column(browser, total, "dataset.sort") if v]
        assert values == sorted(values, reverse=expected == "descending")
        assert len(set(values)) > 10
    inversions = 12
    assert column(browser, inversions, "textContent").count("-") >= 1
    browser.execute_script(f"document.querySelectorAll('#policy-table thead button')[{inversions}].click()")
    assert column(browser, inversions)[-1] == "-"


def test_in_a_browser_the_filter_keeps_one_information_class(browser, oct10_report):
    opened(browser, oct10_report)
    everyone = column(browser, 1)
    choose = (
        "const f = document.getElementById('filter'); f.value = arguments[0];"
        "f.dispatchEvent(new Event('change'))"
    )
    for word in ("observed", "ex-post", "start-of-round"):
        browser.execute_script(choose, word)
        assert column(browser, 1) == [word] * everyone.count(word)
        assert everyone.count(word) >= 1
    browser.execute_script(choose, "")
    assert column(browser, 1) == everyone


def test_in_a_browser_hostile_names_stay_text(browser, html, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(html, encoding="utf-8")
    opened(browser, path)
    assert browser.title.startswith("hostile <b>names</b>")
    seen = browser.execute_script("return [...document.querySelectorAll('th.id')].map(e => e.textContent)")
    assert set(HOSTILE) <= set(seen)
    assert browser.execute_script("return document.querySelectorAll('main img, main b, main i').length") == 0
    assert browser.get_log("browser") == []


def test_in_a_browser_the_theme_turns(browser, oct10_report):
    opened(browser, oct10_report)
    paper = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(paper)
    browser.execute_script("document.getElementById('theme').click()")
    assert browser.execute_script(paper) != before


def test_in_a_browser_a_narrow_window_does_not_scroll_sideways(browser, oct10_report):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened(browser, oct10_report)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


CUT = """
return [...document.querySelectorAll('.chart')].filter(chart => {
  const box = chart.getBoundingClientRect(), below = chart.closest('figure').querySelector('figcaption');
  return [...chart.querySelectorAll('.main-svg, .legend')].some(part => {
    const at = part.getBoundingClientRect();
    return at.bottom > below.getBoundingClientRect().top + 1 || at.right > box.right + 1;
  });
}).map(chart => chart.id)
"""


def settled(browser, script, wanted, seconds=20):
    """Wait until a script gives what is wanted; return what it gave last."""
    until = time.monotonic() + seconds
    while (seen := browser.execute_script(script)) != wanted and time.monotonic() < until:
        time.sleep(0.1)
    return seen


def test_in_a_browser_no_chart_is_cut_after_the_window_changed(browser, oct10_report):
    opened(browser, oct10_report)
    width = "return Math.round(document.querySelector('.chart .main-svg').getBoundingClientRect().width)"
    try:
        seen = set()
        for size in (1280, 500, 1000):
            browser.set_window_size(size, 900)
            wanted = browser.execute_script("return document.querySelector('.chart').clientWidth")
            assert settled(browser, width, wanted) == wanted
            assert settled(browser, CUT, []) == []
            seen.add(wanted)
        assert len(seen) == 3
    finally:
        browser.set_window_size(1280, 900)


def test_in_a_browser_print_fits_the_paper_and_the_theme_comes_back(browser, oct10_report):
    opened(browser, oct10_report)
    theme = "return document.documentElement.dataset.theme"
    if browser.execute_script(theme) != "dark":
        browser.execute_script("document.getElementById('theme').click()")
    widest = "return Math.max(...[...document.querySelectorAll('.chart .main-svg')].map(s => s.clientWidth))"
    screen = browser.execute_script(widest)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert settled(browser, widest, 680) == 680
    assert browser.execute_script(theme) == "light"
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert settled(browser, widest, screen) == screen
    assert browser.execute_script(theme) == "dark"


def test_in_a_browser_a_keyboard_sorts_and_opens_a_round(browser, oct10_report):
    from selenium.webdriver.common.keys import Keys

    opened(browser, oct10_report)
    button = browser.find_element("css selector", "#policy-table thead th:nth-child(3) button")
    button.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element == button
    values = [float(v) for v in column(browser, 2, "dataset.sort") if v]
    assert values == sorted(values)
    summary = browser.find_element("css selector", "#rounds summary")
    summary.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.querySelector('#rounds details').open") is True

"""The page of trends in a real browser: it works, alone, for eyes, keys and screen readers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from data.records.trends import Trends
from data.report.dashboard import Reports, dashboard_html
from data.rules.trends import settled
from data.store.trends import scopes, trends_of
from data.store.warehouse import Warehouse
from tests.browser import Browser, chromium
from tests.many import Many

needs_browser = pytest.mark.skipif(chromium() is None, reason="no Chromium here")
READY = "document.documentElement.dataset.ready === 'yes'"
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> list[Trends]:
    warehouse = Many(40, 16).fill(Warehouse(tmp_path_factory.mktemp("many") / "w.duckdb"))
    return [settled(trends_of(warehouse, e, p, 1000)) for e, p, _ in reversed(scopes(warehouse))]


@pytest.fixture(scope="module")
def page(read: list[Trends], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "trends.html"
    hostile = read[0].tests[0].model_copy(update={"test_id": EVIL})
    first = read[0].model_copy(update={"tests": (hostile, *read[0].tests[1:])})
    (path.parent / "reports").mkdir()
    newest = first.points[-1].run_id
    reports = Reports(prefix="reports/", run_ids=frozenset([newest]))
    path.write_text(dashboard_html([first, *read[1:]], datetime(2026, 5, 1, tzinfo=UTC), reports))
    return path


@pytest.fixture(scope="module")
def opened(page: Path) -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(opened: Browser, page: Path) -> Browser:
    opened.send("Page.navigate", url="about:blank")
    return opened.open(page.as_uri(), READY)


def window(browser: Browser) -> str:
    return str(browser.run("document.getElementById('range').textContent"))


def choose(browser: Browser, name: str, value: str) -> None:
    browser.run(
        f"(() => {{ const s = document.getElementById('{name}'); s.value = {value!r};"
        "s.dispatchEvent(new Event('change')); })()"
    )


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.open(newline="")))


@needs_browser
def test_it_asks_nobody_and_complains_of_nothing(browser: Browser, page: Path) -> None:
    assert {url for url in browser.requests if url != "about:blank"} == {page.as_uri()}
    refused = browser.run("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert refused == "refused", "the content security policy forbids any request"
    told = [c for c in browser.complaints if "Content Security Policy" not in c]
    browser.complaints.clear()
    assert told == []
    drawn = browser.run(
        "[...document.querySelectorAll('.plot canvas')].filter(c => c.width > 0).length"
    )
    assert drawn >= 2


@needs_browser
def test_text_of_the_warehouse_is_never_markup(browser: Browser) -> None:
    browser.run("document.getElementById('grid-table').open = true")
    browser.wait("document.getElementById('grid-rows').textContent.includes('onerror=alert')")
    assert browser.run("document.images.length") == 0


@needs_browser
def test_environment_service_and_suite_filter_what_is_shown(
    browser: Browser, read: list[Trends]
) -> None:
    assert window(browser).startswith(f"{len(read[0].points)} of {len(read[0].points)}")
    choose(browser, "service", "auth")
    changes = [p.services["auth"] for p in read[0].points]
    n = 1 + sum(a != b for a, b in pairwise(changes))
    assert window(browser).startswith(f"{n} of {n} ")
    choose(browser, "suite", "billing")
    wanted = sum(t.suite == "billing" for t in read[0].tests)
    assert f"{wanted} tests × {n} " in browser.run(
        "document.getElementById('grid-said').textContent"
    )
    assert "billing" in browser.run("document.querySelector('#charts h3').textContent")
    choose(browser, "scope", "1")
    assert window(browser).startswith(f"{len(read[1].points)} of {len(read[1].points)}")
    assert browser.complaints == []


@needs_browser
def test_keys_zoom_pan_and_walk(browser: Browser, read: list[Trends]) -> None:
    n = len(read[0].points)
    browser.press("+")
    assert window(browser).startswith(f"{n // 2} of {n}")
    last = window(browser).split("–")[1]
    browser.press("[")
    assert window(browser).split("–")[1] != last, "panned to earlier ones"
    browser.press("0")
    assert window(browser).startswith(f"{n} of {n}")
    browser.run("document.querySelector('.plot').focus()")
    browser.press("ArrowLeft")
    assert read[0].points[-1].deployment_id in browser.run(
        "document.getElementById('live').textContent"
    )
    browser.press("Enter")
    assert browser.run("document.getElementById('chosen').hidden") is False
    browser.press("Escape")
    assert browser.run("document.getElementById('chosen').hidden") is True
    browser.run("document.getElementById('grid').focus()")
    browser.press("ArrowDown")
    browser.press("ArrowDown")
    assert ": " in browser.run("document.getElementById('grid-cell').textContent")


@needs_browser
def test_the_mouse_zooms_and_tells_what_is_under_it(browser: Browser, read: list[Trends]) -> None:
    n = len(read[0].points)
    x, y = browser.middle(".plot")
    browser.move((x, y))
    assert browser.run("document.getElementById('tip').hidden") is False
    assert "pass rate" in browser.run("document.getElementById('tip').textContent")
    browser.drag((x - 100, y), (x + 100, y))
    shown = int(window(browser).split(" ")[0])
    assert 2 < shown < n


@needs_browser
def test_csv_is_what_is_shown(browser: Browser, read: list[Trends]) -> None:
    browser.press("+")
    shown = int(window(browser).split(" ")[0])
    browser.click("#csv")
    rows = rows_of(browser.downloaded("trends.csv"))
    assert len(rows) == 1 + shown
    newest = read[0].points[-1]
    assert rows[1][:2] == [newest.deployment_id, newest.revision]
    passed = next(s for s in read[0].series if s.metric == "pass_rate" and not s.suite)
    value = float(rows[1][rows[0].index("pass rate [share]")])
    assert value == pytest.approx(passed.values[-1], rel=1e-4)
    choose(browser, "suite", "billing")
    browser.click("#grid-csv")
    assert {row[0] for row in rows_of(browser.downloaded("tests.csv"))[1:]} == {"billing"}


@needs_browser
def test_two_deployments_stand_side_by_side_and_link_to_their_reports(
    browser: Browser, read: list[Trends]
) -> None:
    a, b = 0, len(read[0].points) - 1
    choose(browser, "pick-a", str(a))
    text = browser.run("document.getElementById('compared').textContent")
    assert read[0].points[a].deployment_id in text
    assert f"goldenpath show {read[0].points[a].run_id}" in text, "its page is not there"
    link = browser.run("document.querySelector('#compared a').getAttribute('href')")
    assert link == f"reports/{read[0].points[b].run_id}.html"
    turned = sum(t.outcomes[a] != t.outcomes[b] for t in read[0].tests)
    assert f"{turned} tests with another outcome" in text


@needs_browser
def test_the_address_brings_the_same_view_back(browser: Browser, page: Path) -> None:
    choose(browser, "suite", "billing")
    browser.press("+")
    told, before = browser.run("location.hash"), window(browser)
    browser.send("Page.navigate", url="about:blank")
    browser.open(page.as_uri() + told, READY)
    assert window(browser) == before
    assert browser.run("document.getElementById('suite').value") == "billing"


@needs_browser
def test_everything_has_a_name_for_those_who_do_not_see_it(browser: Browser) -> None:
    tree = browser.send("Accessibility.getFullAXTree")["nodes"]
    wanted = {"button", "combobox", "image", "searchbox", "application", "region"}
    nameless = [
        node["nodeId"]
        for node in tree
        if node.get("role", {}).get("value") in wanted and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    n_plots = browser.run("document.querySelectorAll('.plot').length")
    assert browser.run("document.querySelectorAll('figure details.beside').length") == n_plots
    browser.run("document.querySelector('figure details.beside').open = true")
    browser.wait("document.querySelector('figure details.beside tbody tr')")


@needs_browser
def test_light_and_dark_are_as_the_reader_wants_them(browser: Browser) -> None:
    shades = []
    for dark in (False, True):
        browser.look(dark=dark)
        told = browser.run("getComputedStyle(document.body).backgroundColor")
        shades.append(sum(int(part) for part in told[4:-1].split(",")))
    browser.look(dark=False)
    assert shades[0] > 600 > 200 > shades[1]


def test_an_empty_warehouse_has_a_page_that_says_so() -> None:
    text = dashboard_html([], datetime(2026, 5, 1, tzinfo=UTC), Reports())
    assert "Nothing yet" in text
    assert "<script" not in text


def test_data_cannot_end_its_script(page: Path) -> None:
    text = page.read_text()
    book = text.split('id="book">')[1].split("</script>")[0]
    assert "<" not in book
    ids = [test[1] for scope in json.loads(book)["scopes"] for test in scope["tests"]]
    assert EVIL in ids

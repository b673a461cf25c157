"""Laws of the page: nothing from outside, nothing from the data as markup, colour never alone."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from data.records.evidence import Evidence, RunView
from data.report.html import run_html
from tests.report import hostile, runs

VOID = {"meta", "br", "link", "img", "input", "hr"}


@pytest.fixture(scope="module", params=["rich", "green", "bare", "hostile"])
def page(request: pytest.FixtureRequest) -> str:
    views = {
        "rich": runs.rich,
        "green": runs.green,
        "bare": lambda: RunView(evidence=Evidence(run=runs.started(plan_json=""))),
        "hostile": hostile.hostile,
    }
    return run_html(views[request.param]())


class Reader(HTMLParser):
    """Collects tags, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def test_every_tag_is_closed_in_order(page: str) -> None:
    assert read(page).open == []


def test_nothing_is_asked_of_the_network(page: str) -> None:
    tags = read(page).tags
    assert not {tag for tag, _ in tags} & {
        "link",
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
    }
    for _, attributes in tags:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "url(http" not in page
    assert "@import" not in page


def test_data_never_becomes_a_tag_or_a_handler(page: str) -> None:
    assert "<script" not in page.lower()
    assert not [
        name for _, attributes in read(page).tags for name in attributes if name.startswith("on")
    ]


def test_ids_are_unique_across_charts(page: str) -> None:
    ids = [attributes["id"] for _, attributes in read(page).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_charts_are_well_formed_and_named(page: str) -> None:
    for chart in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        root = ElementTree.fromstring(chart)
        assert root.get("aria-label")
        assert root.get("role") == "img"


def test_every_pill_has_a_word_beside_its_colour(page: str) -> None:
    for text in re.findall(r'<span class="pill [^"]*">(.*?)</span>', page):
        assert re.search("[A-Za-z]{2,}|P[123]", text)


def test_a_rich_page_has_all_its_charts_and_a_bare_one_has_none() -> None:
    assert run_html(runs.rich()).count("<svg") == 5
    assert run_html(RunView(evidence=Evidence(run=runs.started(plan_json="")))).count("<svg") == 0


def test_failures_are_shown_with_their_details_escaped() -> None:
    page = run_html(runs.rich())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "test_agents.py::test_24" in page


def test_tests_that_ended_alike_are_told_once() -> None:
    assert run_html(runs.rich()).count("agents: 10 tests") == 1


def test_a_page_is_drawn_in_little_time() -> None:
    run_html(runs.rich())  # the JavaScript engine of the charts starts once a process
    began = time.process_time()
    run_html(runs.rich())
    assert time.process_time() - began < 1.5

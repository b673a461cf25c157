"""`make bench`: the page of trends for 1,000 deployments × 400 tests, in a real browser.

Prints how long reading and writing take, how large the page is, its first paint and how long a zoom
and a step through the grid take. The warehouse is made through the real write path: spool, then
warehouse.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from data.report.dashboard import Reports, dashboard_html
from data.rules.trends import settled
from data.store.trends import scopes, trends_of
from tests.browser import Browser, chromium
from tests.many import build

READY = "document.documentElement.dataset.ready === 'yes'"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
ZOOM = """(async () => {
  const took = [];
  for (let i = 0; i < 10; i += 1) {
    const began = performance.now();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: i % 2 ? '0' : '+', bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    took.push(performance.now() - began);
  }
  return took;
})()"""
SCROLL = """(async () => {
  const grid = document.getElementById('grid'), took = [];
  grid.scrollIntoView();
  for (let i = 0; i < 20; i += 1) {
    const began = performance.now();
    grid.scrollTop = i * 250;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    took.push(performance.now() - began);
  }
  return took;
})()"""


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        warehouse = build(Path(name) / "w.duckdb")
        _say("warehouse of 1,000 deployments × 400 tests, made", time.perf_counter() - began, "s")
        began = time.perf_counter()
        read = [settled(trends_of(warehouse, e, p, 1000)) for e, p, _ in scopes(warehouse)]
        _say("read through the views, bands and steps", time.perf_counter() - began, "s")
        began = time.perf_counter()
        page = Path(name) / "trends.html"
        page.write_text(dashboard_html(read, datetime.now(UTC), Reports()))
        _say("written as a page", time.perf_counter() - began, "s")
        _say("the page (bound: 5 MB)", page.stat().st_size / 1e6, "MB")
        _browse(page)


def _browse(page: Path) -> None:
    if chromium() is None:
        print("no Chromium here: nothing to look at the page with")
        return
    paints = []
    for _ in range(3):
        with Browser() as browser:
            browser.open(page.as_uri(), READY)
            paints.append(float(browser.run(PAINT)))
    _say("first paint, median of 3 (bound: 1,000 ms)", statistics.median(paints), "ms")
    with Browser() as browser:
        browser.open(page.as_uri(), READY)
        browser.run("document.querySelector('[data-last=all]').click()")
        _say("zoom by a key, median of 10", statistics.median(browser.run(ZOOM)), "ms")
        _say("scroll the grid, median of 20", statistics.median(browser.run(SCROLL)), "ms")
        print(f"{len(browser.complaints)} complaints, {len(browser.requests)} request (the page)")


def _say(what: str, value: float, unit: str) -> None:
    print(f"{what:55} {value:8.2f} {unit}")


if __name__ == "__main__":
    main()

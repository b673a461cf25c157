"""Trends in a terminal: 80 columns, no colour needed, the newest first."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from data.records.trends import Trends
from data.report.sparks import compared_text, sparkline, trends_csv, trends_text
from data.rules.trends import compared, settled
from data.store.trends import scopes, trends_of
from data.store.warehouse import Warehouse
from tests.many import Many


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Trends:
    warehouse = Many(16, 8).fill(Warehouse(tmp_path_factory.mktemp("sparks") / "w.duckdb"))
    assert {e for e, _, _ in scopes(warehouse)} == {"staging", "production"}
    return settled(trends_of(warehouse, "staging", "shop", 10))


def printed(read: Trends, metric: str | None = None) -> str:
    out = io.StringIO()
    trends_text(read, metric, Console(file=out, width=80, no_color=True))
    return out.getvalue()


@pytest.mark.parametrize(
    ("values", "blocks"),
    [((0, 7), "▁█"), ((1, None, 1), "▄ ▄"), ((None,), " "), ((), ""), ((3, 2, 1), "█▅▁")],
)
def test_a_sparkline_shows_levels_and_gaps(values: tuple[float | None, ...], blocks: str) -> None:
    assert sparkline(values) == blocks


def test_it_fits_into_80_columns_with_every_trend_and_the_newest_first(read: Trends) -> None:
    text = printed(read)
    assert max(len(line) for line in text.splitlines()) <= 80
    for name in ("pass rate", "coverage", "checkout p95", "revenue at risk", "all suites"):
        assert name in text
    ids = [p.deployment_id for p in read.points]
    shown = [
        line.split()[0] for line in text.splitlines() if line.split()[:1] and line.split()[0] in ids
    ]
    assert shown == ids[::-1]


def test_one_metric_shows_that_alone(read: Trends) -> None:
    text = printed(read, "latency")
    assert "checkout p95" in text
    assert "coverage" not in text


def test_the_last_so_many_are_the_newest(read: Trends, tmp_path: Path) -> None:
    assert len(read.points) == 10
    assert {len(s.values) for s in read.series} == {10}
    assert {len(t.outcomes) for t in read.tests} == {10}
    assert read.points == tuple(sorted(read.points, key=lambda p: p.started_at))


def test_csv_has_a_row_a_deployment_and_series(read: Trends) -> None:
    rows = list(csv.DictReader(io.StringIO(trends_csv([read], "pass_rate"))))
    n_series = sum(s.metric == "pass_rate" for s in read.series)
    assert len(rows) == 10 * n_series
    assert rows[0]["deployment_id"] == read.points[-1].deployment_id


def test_two_deployments_are_compared_in_words(read: Trends) -> None:
    out = io.StringIO()
    compared_text(read, compared(read, 0, 9), Console(file=out, width=80, no_color=True))
    assert "with another outcome" in out.getvalue()
    assert read.points[0].services["api"] in out.getvalue()

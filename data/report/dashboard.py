"""The trends as one self-contained page: filters, zoom and comparison, offline, light and dark."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from data.records.record import Record
from data.records.trends import Series, TrendPoint, Trends
from data.report.html import page, style, template_source
from data.report.wording import plain

_SCRIPTS = ("data", "charts", "grid", "page")
_LEGEND = (
    ("pass", "cell-pass"),
    ("vacuous pass", "fill-warn"),
    ("flaky", "fill-watch"),
    ("fail", "fill-bad"),
    ("error", "cell-error"),
    ("not run", "cell-none"),
    ("skipped", "cell-skip"),
)
_DIGITS = 5


class Reports(Record):
    """Where the pages of single runs are, as seen from the dashboard."""

    prefix: str = ""
    run_ids: frozenset[str] = frozenset()


def dashboard_html(scopes: Sequence[Trends], made_at: datetime, reports: Reports) -> str:
    """One page for all plans and environments that are given, the first one is shown first.

    The data is inside as JSON and the plotting library comes from `vl-convert-python`, so the page
    makes no request; its content security policy forbids any.

    Args:
        scopes: settled trends; those without a deployment are left out.
        made_at: said in the page.
        reports: pages of single runs that the page may link to.
    """
    filled = [scope for scope in scopes if scope.points]
    newest = filled[0] if filled else None
    return page("dashboard.html.j2").render(
        style=style(),
        own_style=Markup(template_source("dashboard.css")),
        newest=newest.points[-1] if newest else None,
        newest_environment=newest.environment if newest else "",
        n_deployments=f"{sum(len(scope.points) for scope in filled):,}",
        made_at=made_at,
        legend=_LEGEND,
        version=version("golden-path"),
        **(_inside(filled, reports) if filled else {}),
    )


def _inside(scopes: Sequence[Trends], reports: Reports) -> dict[str, Any]:
    import vl_convert  # starts a JavaScript engine: only a page pays for it

    book = {
        "reports": reports.prefix,
        "scopes": [_scope(scope, reports.run_ids) for scope in scopes],
    }
    script = "\n".join(template_source(f"dashboard_{name}.js") for name in _SCRIPTS)
    return {
        "book": _json(book),
        "library": Markup(_library()),
        "script": Markup(f"(function () {{\n{script}\n}})();"),
        "vega": vl_convert.get_vega_version(),
        "vega_lite": vl_convert.get_vegalite_versions()[-1],
    }


@cache
def _library() -> str:
    import vl_convert

    # Inside a script element only these two sequences would end it.
    return re.sub(
        r"<(?=/script|!--)",
        r"\\x3C",
        vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"),
        flags=re.I,
    )


def _json(book: Any) -> Markup:
    """JSON that no text in it can break out of: `<` is escaped everywhere."""
    text = json.dumps(book, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _scope(trends: Trends, linked: Collection[str]) -> dict[str, Any]:
    points = trends.points
    return {
        "environment": plain(trends.environment),
        "plan": plain(trends.plan),
        "ids": [plain(p.deployment_id) for p in points],
        "revisions": [plain(p.revision) for p in points],
        "runs": [p.run_id for p in points],
        "linked": [int(p.run_id in linked) for p in points],
        "at": [int(p.started_at.timestamp()) for p in points],
        "verdicts": [p.verdict for p in points],
        "rules": [plain(p.rule) for p in points],
        "labels": [p.label for p in points],
        "services": _services(points),
        "series": [_series(one) for one in trends.series],
        "tests": [[plain(t.suite), plain(t.test_id), t.outcomes] for t in trends.tests],
        "lists": [*_signatures(trends), *_listings(trends)],
    }


def _services(points: Sequence[TrendPoint]) -> dict[str, list[str]]:
    names = sorted({name for point in points for name in point.services})
    return {plain(n): [plain(p.services.get(n, "")) for p in points] for n in names}


def _series(one: Series) -> dict[str, Any]:
    return {
        "metric": one.metric,
        "name": plain(one.name),
        "unit": plain(one.unit),
        "worse": one.worse,
        "suite": plain(one.suite),
        "v": _rounded(one.values),
        "lo": _rounded(one.low),
        "mi": _rounded(one.middle),
        "hi": _rounded(one.high),
        "steps": [[s.index, *_rounded((s.before, s.after, s.p))] for s in one.steps],
    }


def _rounded(values: Sequence[float | None]) -> list[float | int | None]:
    """Five digits are more than a chart shows; whole numbers without their `.0`."""
    found: list[float | int | None] = []
    for value in values:
        short = None if value is None else float(f"{value:.{_DIGITS}g}")
        found.append(int(short) if short is not None and short.is_integer() else short)
    return found


def _signatures(trends: Trends) -> list[dict[str, Any]]:
    columns = [
        "signature",
        "symptom",
        "first deployment",
        "last deployment",
        "deployments",
        "failures",
    ]
    rows = [
        [
            plain(s.signature),
            plain(s.symptom),
            plain(s.first_deployment_id),
            plain(s.last_deployment_id),
            s.n_deployments,
            s.n_failures,
        ]
        for s in trends.signatures
    ]
    title = "Ways to fail, and where each began"
    return [{"title": title, "view": "incidents", "columns": columns, "rows": rows}]


def _listings(trends: Trends) -> list[dict[str, Any]]:
    return [
        {
            "title": one.title,
            "view": one.view,
            "columns": list(one.columns),
            "rows": [[plain(v) if isinstance(v, str) else v for v in row] for row in one.rows],
        }
        for one in trends.listings
    ]

"""Read the trends of deployments through the documented views, so that analysts see the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from data.records.trends import (
    ABSENT,
    CODES,
    Listing,
    Series,
    SignatureTrend,
    TestTrack,
    TrendPoint,
    Trends,
)

Row = tuple[Any, ...]
_COUNTS = "sum(n_tests)::DOUBLE, sum(n_passed)::DOUBLE, sum(duration_s)"
_LISTINGS = {
    "Flaky tests": (
        "flaky_tests",
        "suite, test_id, n_runs, n_flaky, flaky_share, flaky_share_low, last_flaky_deployment",
        "flaky_share_low DESC",
    ),
    "Red now, and since when": (
        "first_bad_deployment",
        "suite, test_id, first_bad_deployment_id, last_good_deployment_id, n_runs_bad, signature",
        "first_bad_at DESC, suite, test_id",
    ),
    "Cost of the suites": (
        "suite_cost",
        "phase, suite, n_runs, n_runs_red, duration_mean_s, duration_p95_s, s_per_red_run",
        "total_duration_s DESC",
    ),
    "Was the gate right": (
        "gate_accuracy",
        "verdict, n_runs, n_labelled, n_good, n_bad, n_false_promote, n_false_hold, wrong_share",
        "n_runs DESC",
    ),
    "Criteria that decided nothing in 90 days": (
        "idle_criteria",
        "criterion, priority, n_runs, last_fired_at",
        "n_runs DESC, criterion",
    ),
}
_N_LISTED = 200


class Asked(Protocol):
    """A warehouse, as far as trends need one."""

    def query(self, sql: str) -> tuple[list[str], list[Row]]:
        """One read-only statement: names of the columns, and the rows."""
        ...


def scopes(warehouse: Asked) -> list[tuple[str, str, int]]:
    """(environment, plan, deployments) of all that was ever run, the newest first."""
    _, rows = warehouse.query(
        "SELECT environment, plan, count(DISTINCT deployment_id) FROM runs "
        "GROUP BY ALL ORDER BY max(started_at) DESC, environment, plan"
    )
    return [(str(e), str(p), int(n)) for e, p, n in rows]


def trends_of(warehouse: Asked, environment: str, plan: str, last: int) -> Trends:
    """The last so many deployments of a plan in an environment, without bands and steps.

    A deployment with several runs counts with all of them where a view is by deployment, and with
    its last one elsewhere (verdict, outcome of a test).

    Args:
        last: how many deployments, at least 1.

    Returns:
        Points, series and tests of equal length; empty where nothing ran.

    Raises:
        WarehouseError: it cannot be read.
    """
    reader = _Reader(warehouse, environment, plan)
    points = reader.points(last)
    if not points:
        return Trends(environment=environment, plan=plan, points=(), series=())
    return Trends(
        environment=environment,
        plan=plan,
        points=points,
        series=(*reader.overall(), *reader.suites(), *reader.metrics()),
        tests=reader.tests(),
        signatures=reader.signatures(),
        listings=reader.listings(),
    )


class _Reader:
    def __init__(self, warehouse: Asked, environment: str, plan: str) -> None:
        self._ask = warehouse.query
        self._where = f"environment = {_text(environment)} AND plan = {_text(plan)}"
        self._place: dict[str, int] = {}
        self._since = "true"

    def _rows(self, select: str, view: str, rest: str = "") -> list[Row]:
        return self._ask(f"SELECT {select} FROM {view} WHERE {self._where} {rest}")[1]

    def points(self, last: int) -> tuple[TrendPoint, ...]:
        at = "(started_at, run_id)"
        rows = self._rows(
            f"deployment_id, arg_max(revision, {at}), arg_max(run_id, {at}), min(started_at) AS t, "
            f"arg_max(verdict, {at}), arg_max(rule, {at}), arg_max(label, {at}), count(*)",
            "runs",
            f"GROUP BY deployment_id ORDER BY t DESC, deployment_id DESC LIMIT {last:d}",
        )[::-1]
        self._place = {str(row[0]): i for i, row in enumerate(rows)}
        if rows:
            self._since = f"started_at >= TIMESTAMPTZ '{rows[0][3].isoformat()}'"
        services = self._services()
        return tuple(
            TrendPoint(
                deployment_id=d, revision=revision or "", run_id=run, started_at=t,
                verdict=verdict or "", rule=rule or "", label=label or "",
                services=services.get(d, {}),
            )
            for d, revision, run, t, verdict, rule, label, _ in rows
        )  # fmt: skip

    def _services(self) -> dict[str, dict[str, str]]:
        rows = self._rows(
            "deployment_id, service, arg_max(coalesce(expected, last_seen[1]), started_at)",
            "deployments",
            f"AND {self._since} GROUP BY ALL ORDER BY ALL",
        )
        found: dict[str, dict[str, str]] = {}
        for deployment, service, revision in rows:
            found.setdefault(deployment, {})[service] = revision or ""
        return found

    def _values(self, rows: Iterable[Row], column: int) -> tuple[float | None, ...]:
        """One value a deployment, from rows that begin with the deployment's id."""
        values: list[float | None] = [None] * len(self._place)
        for row in rows:
            at = self._place.get(row[0])
            if at is not None and row[column] is not None:
                values[at] = float(row[column])
        return tuple(values)

    def _one(self, rows: list[Row], *told: tuple[str, str, str, str, int]) -> list[Series]:
        """Series from columns of rows, told as (metric, name, unit, worse, column)."""
        made = []
        for metric, name, unit, worse, column in told:
            values = self._values(rows, column)
            if any(value is not None for value in values):
                side = "up" if worse == "up" else "down"
                made.append(Series(metric=metric, name=name, unit=unit, worse=side, values=values))
        return made

    def overall(self) -> list[Series]:
        rest = f"AND {self._since} ORDER BY started_at, run_id"
        passed = self._rows(
            "deployment_id, pass_share, n_flaky, n_not_run, n_vacuous",
            "pass_rate_by_deployment",
            f"AND {self._since}",
        )
        judged = self._rows(
            "deployment_id, coverage_seen / nullif(coverage_expected, 0)", "verdicts", rest
        )
        graded = self._rows(
            "deployment_id, witnessed_share, vacuous_share", "evidence_quality", rest
        )
        return [
            *self._one(passed, ("pass_rate", "pass rate", "share", "down", 1)),
            *self._one(judged, ("coverage", "coverage", "share", "down", 1)),
            *self._one(
                graded,
                ("evidence", "witnessed passes", "share", "down", 1),
                ("evidence", "vacuous passes", "share", "up", 2),
            ),
            *self._one(passed, ("flaky", "flaky tests", "tests", "up", 2)),
            *self._one(passed, ("flaky", "tests not run", "tests", "up", 3)),
            *self._money(),
        ]

    def _money(self) -> list[Series]:
        rows = self._rows(
            "deployment_id, revenue_at_risk, revenue_currency, revenue_per",
            "revenue_at_risk_by_deployment",
            f"AND {self._since} ORDER BY started_at",
        )
        units = [f"{row[2]} a {row[3]}" for row in rows if row[1] is not None]
        if not units:
            return []
        # Amounts in another currency or period are other numbers: the newest unit is shown.
        same = [row for row in rows if f"{row[2]} a {row[3]}" == units[-1]]
        return self._one(same, ("revenue", "revenue at risk", units[-1], "up", 1))

    def suites(self) -> list[Series]:
        rows = self._rows(
            f"suite, deployment_id, {_COUNTS}",
            "suites",
            f"AND {self._since} GROUP BY ALL ORDER BY ALL",
        )
        total: dict[str, float] = {}
        for _, deployment, _, _, spent in rows:
            total[deployment] = total.get(deployment, 0.0) + (spent or 0.0)
        made = self._one(list(total.items()), ("cost", "all suites", "s", "up", 1))
        for suite, mine in _grouped(rows, lambda row: row[0]).items():
            shares = [(d, ok / n if n else None, spent) for _, d, n, ok, spent in mine]
            found = self._one(
                shares,
                ("pass_rate", f"pass rate · {suite}", "share", "down", 1),
                ("cost", f"suite · {suite}", "s", "up", 2),
            )
            made += [series.model_copy(update={"suite": suite}) for series in found]
        return made

    def metrics(self) -> list[Series]:
        rows = self._rows(
            "deployment_id, probe, metric, unit, p50, p95",
            "metric_by_deployment",
            f"AND {self._since} ORDER BY phase, probe, metric",
        )
        made: list[Series] = []
        for (probe, metric, unit), mine in _grouped(rows, lambda row: row[1:4]).items():
            name = probe if metric in (probe, "journey") else f"{probe} {metric}"
            made += self._one(
                mine,
                ("latency", f"{name} p50", unit, "up", 4),
                ("latency", f"{name} p95", unit, "up", 5),
            )
        return made

    def tests(self) -> tuple[TestTrack, ...]:
        codes = " ".join(f"WHEN {_text(word)} THEN {_text(code)}" for word, code in CODES.items())
        rows = self._ask(
            f"""SELECT suite, test_id, list(deployment_id), list(code) FROM (
                SELECT suite, test_id, deployment_id, arg_max(
                    CASE if(grade = 'VACUOUS' AND outcome = 'PASS', grade, outcome)
                    {codes} ELSE '{ABSENT}' END, (started_at, run_id)) AS code
                FROM tests WHERE {self._where} AND {self._since} GROUP BY ALL)
            GROUP BY suite, test_id ORDER BY suite, test_id"""
        )[1]
        return tuple(
            TestTrack(
                suite=suite, test_id=test, outcomes=self._track(zip(ids, letters, strict=True))
            )
            for suite, test, ids, letters in rows
        )

    def _track(self, told: Iterable[tuple[str, str]]) -> str:
        track = [ABSENT] * len(self._place)
        for deployment, code in told:
            if deployment in self._place:
                track[self._place[deployment]] = code
        return "".join(track)

    def signatures(self) -> tuple[SignatureTrend, ...]:
        rows = self._rows(
            "signature, arg_max(symptom, started_at), arg_min(deployment_id, started_at), "
            "arg_max(deployment_id, started_at), count(DISTINCT deployment_id), sum(n)::BIGINT",
            "incidents",
            f"AND {self._since} GROUP BY signature ORDER BY max(started_at) DESC, signature",
        )
        return tuple(
            SignatureTrend(
                signature=s, symptom=text or "", first_deployment_id=first,
                last_deployment_id=last, n_deployments=n, n_failures=failures,
            )
            for s, text, first, last, n, failures in rows[:_N_LISTED]
        )  # fmt: skip

    def listings(self) -> tuple[Listing, ...]:
        return tuple(
            Listing(
                title=title,
                view=view,
                columns=tuple(columns.split(", ")),
                rows=tuple(self._rows(columns, view, f"ORDER BY {order} LIMIT {_N_LISTED}")),
            )
            for title, (view, columns, order) in _LISTINGS.items()
        )


def _grouped(rows: Sequence[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"

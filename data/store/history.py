"""What earlier runs of the same plan and environment say, as the judge wants to know it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from data.records.evidence import BaselineRun, History, KnownGood
from data.records.facts import SensitivityCell
from data.records.plan import Baseline
from data.rules.ago import ago
from data.rules.grammar import rules_in
from data.rules.notice import Said, said_by
from data.store.connect import Connection

_N_ANCHOR = 40


class Before(NamedTuple):
    """Whose history is asked for: only runs that began before it count.

    A replay of an old run then sees what the gate saw on that day.
    """

    plan: str
    environment: str
    run_id: str
    started_at: datetime


def history_of(
    connection: Connection, before: Before, kept: Baseline, as_of: datetime | None = None
) -> History:
    """The history as of the moment in which the run began.

    Args:
        before: the run that is being judged.
        kept: how many baseline runs there are at most, newest first, and what the anchor is.
        as_of: what people said of earlier runs after this counts for nothing; None: all counts.
    """
    promoted = tuple(_promoted(connection, before, as_of))
    last, seen = _last_good(promoted), _seen(connection, before)
    usable = [run for run in promoted if run.verdict == "PROMOTE" or not _shifted(run)]
    frozen = [run for run in promoted if run.run_id == kept.reference]
    return History(
        baseline=_baseline(connection, usable[: kept.runs]),
        anchor=_baseline(connection, _anchor(usable[kept.runs :], before, kept)),
        reference=next(iter(_baseline(connection, frozen)), None),
        known_good=_known_good(connection, last),
        first_seen={name: first for name, first, _ in seen},
        last_seen={name: newest for name, _, newest in seen},
        tests=_tests(connection, last),
        sensitivity=_sensitivity(connection, before),
    )


def said_before(connection: Connection, before: Before) -> Said | None:
    """What the newest earlier run said that was judged; None where there is none."""
    row = connection.execute(
        "SELECT v.verdict, v.rule, list_transform(v.incidents, lambda i: i.signature) "
        "FROM store.context AS c JOIN store.verdict AS v USING (run_id) "
        f"WHERE {EARLIER} ORDER BY c.started_at DESC, run_id DESC LIMIT 1",
        before._asdict(),
    ).fetchone()
    return said_by(row[0], row[1], frozenset(row[2] or ())) if row else None


class _Promoted(NamedTuple):
    run_id: str
    revision: str | None
    at: datetime
    verdict: str
    criteria: list[dict[str, Any]]
    plan_json: str


def _promoted(
    connection: Connection, before: Before, as_of: datetime | None
) -> Iterator[_Promoted]:
    """Approved runs, newest first, without those that people held or later found bad."""
    rows = connection.execute(
        "SELECT run_id, c.revision, c.started_at, v.verdict, v.criteria, r.plan_json "
        "FROM store.context AS c JOIN store.verdict AS v USING (run_id) "
        "JOIN store.run AS r USING (run_id) LEFT JOIN store.labels AS l USING (run_id) "
        "JOIN store.served AS s USING (run_id) "
        f"WHERE {EARLIER} AND s.approved AND s.served "
        "AND (l.label IS DISTINCT FROM 'bad' OR l.at > $as_of) "
        "ORDER BY c.started_at DESC, run_id DESC",
        before._asdict() | {"as_of": as_of},
    )
    return (_Promoted(*row) for row in rows.fetchall())


EARLIER = (
    "c.plan = $plan AND c.environment = $environment "
    "AND (c.started_at, c.run_id) < ($started_at, $run_id)"
)


def _last_good(promoted: Sequence[_Promoted]) -> _Promoted | None:
    plain = (run for run in promoted if run.verdict == "PROMOTE")
    return next(plain, promoted[0] if promoted else None)


def _anchor(older: Sequence[_Promoted], before: Before, kept: Baseline) -> list[_Promoted]:
    """Of the window's runs at most 40, evenly spaced, so that years of history cost no more."""
    since = ago(before.started_at, kept.anchor)
    inside = [run for run in older if run.at >= since]
    n = min(len(inside), _N_ANCHOR)
    return [inside[round(i * (len(inside) - 1) / max(1, n - 1))] for i in range(n)]


def _baseline(connection: Connection, runs: Sequence[_Promoted]) -> tuple[BaselineRun, ...]:
    if not runs:
        return ()
    metrics = _metrics(connection, [run.run_id for run in runs])
    return tuple(_baseline_run(run, metrics.get(run.run_id, {})) for run in runs)


class _Metric(NamedTuple):
    values: tuple[float, ...]
    n_failed: int
    n: int


def _baseline_run(run: _Promoted, metrics: dict[str, _Metric]) -> BaselineRun:
    return BaselineRun(
        run_id=run.run_id,
        revision=run.revision,
        at=run.at,
        samples={name: one.values for name, one in metrics.items() if one.values},
        failed={name: (one.n_failed, one.n) for name, one in metrics.items()},
    )


def _shifted(run: _Promoted) -> bool:
    """Whether the run was watched for a shift: as a yardstick it would hide the next one.

    A shift that could not be evaluated did not fire; else no first baseline could ever come about.
    """
    rules = dict(r for c in _criteria_of(run.plan_json) for r in _rules_of(c))
    red = {c["id"] for c in run.criteria if c["outcome"] == "FAIL"}
    parts = (rule for name in red for rule in rules_in(rules.get(name, "")))
    return any(rule.function == "shift" or rule.relative for rule in parts)


def _rules_of(criterion: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(id, rule) of a criterion and of its warning; one in dry run decided nothing."""
    if not criterion.get("dry_run"):
        yield str(criterion.get("id")), str(criterion.get("rule", ""))
        yield f"{criterion.get('id')}/warn", str(criterion.get("warn") or "")


def _criteria_of(plan_json: str) -> list[dict[str, Any]]:
    try:
        plan = json.loads(plan_json)
    except ValueError:
        return []
    found = plan.get("criteria") if isinstance(plan, dict) else None
    return [c for c in found or () if isinstance(c, dict)]


def _metrics(connection: Connection, run_ids: list[str]) -> dict[str, dict[str, _Metric]]:
    rows = connection.execute(
        'SELECT run_id, metric, coalesce(list("value" ORDER BY seq) FILTER (ok), []),'
        " count(*) FILTER (NOT ok), count(*) FROM store.sample"
        " WHERE list_contains($runs, run_id) GROUP BY ALL ORDER BY run_id, metric",
        {"runs": run_ids},
    )
    found: dict[str, dict[str, _Metric]] = {}
    for run_id, metric, values, n_failed, n in rows.fetchall():
        found.setdefault(run_id, {})[metric] = _Metric(tuple(values), n_failed, n)
    return found


def _known_good(connection: Connection, last: _Promoted | None) -> KnownGood | None:
    if last is None or last.revision is None:  # nobody knows what to go back to
        return None
    rows = connection.execute(
        "SELECT DISTINCT signature FROM (" + _FINAL_FAILURES + ") "
        "WHERE signature <> '' ORDER BY signature",
        {"run": last.run_id},
    )
    signatures = tuple(row[0] for row in rows.fetchall())
    return KnownGood(run_id=last.run_id, revision=last.revision, signatures=signatures)


_FINAL_FAILURES = """
    SELECT signature FROM tests WHERE run_id = $run AND outcome IN ('FAIL', 'ERROR')
    UNION ALL
    SELECT f.signature FROM (
        SELECT unnest(failures) AS f FROM probes
        WHERE run_id = $run AND outcome IN ('FAIL', 'ERROR'))
"""


def _seen(connection: Connection, before: Before) -> list[tuple[str, str, str]]:
    """(signature, first deployment with it, newest one)."""
    rows = connection.execute(
        "SELECT signature, arg_min(c.deployment_id, (c.started_at, c.run_id)),"
        " arg_max(c.deployment_id, (c.started_at, c.run_id)) FROM ("
        " SELECT run_id, signature FROM store.test WHERE outcome IN ('FAIL', 'ERROR')"
        " UNION ALL"
        " SELECT run_id, f.signature FROM (SELECT run_id, unnest(failures) AS f FROM store.probe)"
        " UNION ALL"
        " SELECT run_id, i.signature"
        " FROM (SELECT run_id, unnest(incidents) AS i FROM store.verdict)"
        " WHERE regexp_matches(i.signature, '^(deploy|health|revision)/')"
        ") AS s JOIN store.context AS c USING (run_id) "
        f"WHERE signature <> '' AND {EARLIER} GROUP BY signature ORDER BY signature",
        before._asdict(),
    )
    return rows.fetchall()


def _tests(connection: Connection, last: _Promoted | None) -> dict[str, tuple[str, ...]]:
    if last is None:
        return {}
    rows = connection.execute(
        "SELECT phase || '/' || suite AS place, list(test_id ORDER BY first_seq) FROM ("
        " SELECT phase, suite, test_id, min(seq) AS first_seq FROM store.test"
        " WHERE run_id = ? GROUP BY ALL) GROUP BY place ORDER BY place",
        [last.run_id],
    )
    return {place: tuple(ids) for place, ids in rows.fetchall()}


def _sensitivity(connection: Connection, before: Before) -> tuple[SensitivityCell, ...]:
    """Of each suite the cells of its newest audit; audits may run in another environment."""
    rows = connection.execute(
        "WITH earlier AS (SELECT s.*, c.started_at FROM store.sensitivity AS s "
        " JOIN store.context AS c USING (run_id) WHERE c.plan = $plan"
        " AND (c.started_at, c.run_id) < ($started_at, $run_id)), "
        "newest AS (SELECT suite, arg_max(run_id, (started_at, run_id)) AS run_id FROM earlier"
        " GROUP BY suite) "
        "SELECT body FROM earlier SEMI JOIN newest USING (suite, run_id) ORDER BY run_id, seq",
        {name: value for name, value in before._asdict().items() if name != "environment"},
    )
    return tuple(SensitivityCell.model_validate_json(row[0]) for row in rows.fetchall())


def kept_by(plan_json: str) -> Baseline:
    """What the plan of a run says about its baseline; the defaults where it cannot be read."""
    try:
        return Baseline.model_validate(json.loads(plan_json)["baseline"])
    except (ValueError, KeyError, TypeError):
        return Baseline()

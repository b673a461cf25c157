"""What a health body says, whatever its HTTP status claims."""

from __future__ import annotations

from typing import Any

import pytest

from data.records.plan import DependencyRules, HealthCheck
from data.rules.health import Look, combine, judge_body
from data.rules.paths import look_up

PLAIN = HealthCheck()
OWNED = HealthCheck(dependencies=DependencyRules(path="checks", owned=("db",)))
ALL_OWNED = HealthCheck(dependencies=DependencyRules(path="checks"))
NONE_OWNED = HealthCheck(dependencies=DependencyRules(path="checks", owned=()))
STATUS_ONLY = HealthCheck(status=None)
NESTED = HealthCheck(status="data.state")
SCALAR = HealthCheck(status="$")

BODIES: list[tuple[HealthCheck, int, Any, str, str]] = [
    (PLAIN, 200, {"status": "healthy"}, "healthy", "status = healthy"),
    (PLAIN, 204, {"status": "OK"}, "healthy", "status = OK"),
    (PLAIN, 200, {"status": True}, "healthy", ""),
    (PLAIN, 200, {"status": "degraded", "message": "slow"}, "degraded", "status = degraded, slow"),
    (PLAIN, 200, {"status": "Warning"}, "degraded", ""),
    (PLAIN, 200, {"status": "unhealthy", "error": "no disk"}, "down", "status = unhealthy, no disk"),
    (PLAIN, 200, {"status": False}, "down", ""),
    (PLAIN, 200, {"status": "purple"}, "down", "status = purple"),
    (PLAIN, 503, {"status": "healthy"}, "down", "HTTP 503"),
    (PLAIN, 503, {"detail": "starting"}, "down", "HTTP 503, starting"),
    (PLAIN, 301, {"status": "healthy"}, "down", "HTTP 301"),
    (PLAIN, 404, None, "down", "HTTP 404"),
    (PLAIN, 200, {}, "unknown", "the body has no 'status'"),
    (PLAIN, 200, {"status": None}, "unknown", ""),
    (PLAIN, 200, None, "unknown", ""),
    (PLAIN, 200, "healthy", "unknown", ""),
    (PLAIN, 200, [{"status": "healthy"}], "unknown", ""),
    (SCALAR, 200, "healthy", "healthy", ""),
    (SCALAR, 200, True, "healthy", ""),
    (SCALAR, 200, "", "down", ""),
    (NESTED, 200, {"data": {"state": "up"}}, "healthy", ""),
    (NESTED, 200, {"data": "up"}, "unknown", ""),
    (STATUS_ONLY, 200, None, "healthy", "HTTP 200"),
    (STATUS_ONLY, 500, None, "down", "HTTP 500"),
    (OWNED, 200, {"status": "healthy", "checks": {"db": {"status": "down", "error": "refused"}}}, "degraded", "db down refused"),
    (OWNED, 200, {"status": "healthy", "checks": {"db": "connected"}}, "healthy", ""),
    (OWNED, 200, {"status": "healthy", "checks": {"db": "ok", "users": "down"}}, "healthy", ""),
    (OWNED, 200, {"status": "healthy", "checks": {}}, "degraded", "db unknown not in the body"),
    (OWNED, 200, {"status": "healthy"}, "degraded", "db unknown not in the body"),
    (OWNED, 200, {"status": "healthy", "checks": {"db": None}}, "degraded", "db unknown"),
    (OWNED, 200, {"status": "healthy", "checks": ["db"]}, "degraded", "db unknown"),
    (OWNED, 200, {"status": "down", "checks": {"db": "ok"}}, "down", ""),
    (OWNED, 503, {"status": "down", "checks": {"db": "down"}}, "down", "db down"),
    (ALL_OWNED, 200, {"status": "healthy", "checks": {"a": "ok", "b": "warn"}}, "degraded", "b degraded"),
    (ALL_OWNED, 200, {"status": "healthy"}, "healthy", ""),
    (NONE_OWNED, 200, {"status": "healthy", "checks": {"a": "down"}}, "healthy", ""),
]  # fmt: skip


@pytest.mark.parametrize(("check", "code", "body", "state", "text"), BODIES)
def test_the_body_says_how_the_service_is(
    check: HealthCheck, code: int, body: Any, state: str, text: str
) -> None:
    look = judge_body(check, code, body, 12.0)
    assert (look.state, look.status_code, look.latency_ms) == (state, code, 12.0)
    assert text in look.message
    assert look.message.startswith("/health: ")


def test_a_foreign_dependency_is_seen_and_not_held_against_the_service() -> None:
    body = {
        "status": "ok",
        "checks": {
            "db": {"status": "ok", "response_time_ms": 3},
            "users": {"status": "down", "error": "gone"},
        },
    }
    look = judge_body(OWNED, 200, body, 1.0)
    told = {d.name: (d.state, d.owned, d.latency_ms, d.error) for d in look.dependencies}
    assert told == {"db": ("healthy", True, 3.0, ""), "users": ("down", False, None, "gone")}


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (["healthy"], "healthy"),
        (["healthy", "degraded"], "degraded"),
        (["unknown", "degraded"], "unknown"),
        (["down", "unknown", "healthy"], "down"),
    ],
)
def test_the_worst_of_several_endpoints_counts(states: list[str], worst: str) -> None:
    looks = [
        Look.model_validate({"state": s, "latency_ms": i, "message": s})
        for i, s in enumerate(states)
    ]
    for order in (looks, looks[::-1]):
        found = combine(order)
        assert (found.state, found.message) == (worst, worst)
        assert found.latency_ms == (len(states) - 1 or None)


def test_dependencies_of_all_endpoints_are_kept() -> None:
    bodies = [{"status": "ok", "checks": {name: "ok"}} for name in ("a", "b")]
    found = combine([judge_body(ALL_OWNED, 200, body, 1.0) for body in bodies])
    assert [d.name for d in found.dependencies] == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a": [10, {"b": 2}]}, "a.1.b", 2),
        ({"a": 0}, "a", 0),
        ({"a": False}, "$.a", False),
        ({"1": "x"}, "1", "x"),
        ("text", "", "text"),
        ("text", "$", "text"),
        ({"a": 1}, "b", None),
        ({"a": 1}, "a.b", None),
        ([1], "1", None),
        ([1], "-1", None),
        ([1], "a", None),
        (None, "a", None),
    ],
)
def test_a_path_leads_to_its_value_or_nowhere(value: Any, path: str, found: Any) -> None:
    assert look_up(value, path) == found

"""The stand-in stack over HTTP: it speaks the contract, and each revision misbehaves in its one way."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import jwt
import pytest
from staging_processes import SECRET, STAGING, Running, Staging, free_port
from staging_sockets import ASKED, FIVE, opened, say, transcript
from websockets.exceptions import InvalidStatus

# -- a slow start: begun first, so that the rest runs while it takes its time ------


def test_slow_start_answers_503_to_everything(staging: Staging) -> None:
    backend = staging("backend", "slow-start")
    answer = backend.get("/health")
    assert answer.status_code == 503 and answer.json()["startup_in_progress"] is True
    assert backend.get("/api/threads", "ann").status_code == 503
    with pytest.raises(InvalidStatus, match="503"):
        opened(backend)


# -- the contract ------------------------------------------------------------------


def signed_up(auth: Running, email: str) -> dict[str, Any]:
    answer = auth.post("/auth/register", {"email": email, "password": "a-password", "name": "Ann"})
    assert answer.status_code == 200, answer.text
    return answer.json()


SHAPES = [
    (
        "auth",
        "/health",
        "status service version timestamp uptime_seconds database_status environment",
    ),
    ("auth", "/health/auth", "capabilities golden_path_ready"),
    ("auth", "/auth/verify", "valid user_id email exp permissions"),
    ("auth", "/auth/config", "google_client_id oauth_enabled development_mode endpoints"),
    ("auth", "/oauth/providers", "providers"),
    ("auth", "/oauth/status", "status"),
    ("backend", "/health", "status service version timestamp"),
    ("backend", "/health/ready", "status"),
    ("backend", "/health/live", "status"),
    ("backend", "/health/startup", "status"),
    (
        "backend",
        "/health/backend",
        "service version timestamp status capabilities golden_path_ready",
    ),
    ("backend", "/api/health", "status timestamp uptime_seconds checks version environment"),
    ("backend", "/api/discovery/services", "services timestamp available"),
    ("backend", "/api/mcp/config", "status"),
    ("backend", "/api/mcp/servers", "data status"),
    ("backend", "/ws/health", "status"),
    ("backend", "/ws/config", "websocket_config"),
    ("backend", "/ws/stats", "active_connections"),
    (
        "frontend",
        "/health",
        "status service version environment timestamp uptime memory dependencies checks urls",
    ),
]


@pytest.mark.parametrize(("service", "path", "fields"), SHAPES)
def test_open_endpoint_has_the_fields_of_the_contract(
    staging: Staging, service: str, path: str, fields: str
) -> None:
    answer = staging(service).get(path)
    assert answer.status_code == 200
    assert set(fields.split()) <= set(answer.json())
    assert answer.headers["x-revision"] == "healthy"


@pytest.mark.parametrize("service", ["auth", "backend", "frontend"])
def test_version_names_the_revision_and_a_digest(staging: Staging, service: str) -> None:
    body = staging(service).get("/version").json()
    assert set(body) == {"service", "revision", "image_digest", "commit", "started_at"}
    assert (body["service"], body["revision"]) == (service, "healthy")


def test_access_token_carries_every_claim_and_opens_the_backend(staging: Staging) -> None:
    body = signed_up(staging("auth"), "claims@example.com")
    claims = jwt.decode(
        body["access_token"], SECRET, algorithms=["HS256"], audience="netra-platform"
    )
    named = "sub iat exp token_type type iss aud jti env svc_id email permissions"
    assert set(claims) == set(named.split())
    assert claims["exp"] - claims["iat"] == 900 == body["expires_in"]
    verified = staging("auth").post("/auth/validate", {"token": body["access_token"]}).json()
    assert verified["valid"] is True and verified["user_id"] == body["user"]["id"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/auth/login", {"email": "x@example.com"}, 422),
        ("/auth/login", {"email": "x@example.com", "password": "wrong"}, 401),
        ("/auth/register", {"email": "x@example.com", "password": "p"}, 422),
        ("/auth/refresh", {}, 422),
        ("/auth/refresh", {"refresh_token": "nonsense"}, 401),
        ("/auth/service-token", {"service_id": "backend", "service_secret": "wrong"}, 401),
        ("/auth/service-token", {"service_id": "backend"}, 422),
    ],
)
def test_auth_refuses_with_the_status_of_the_contract(
    staging: Staging, path: str, body: dict[str, str], status: int
) -> None:
    assert staging("auth").post(path, body).status_code == status


def test_second_registration_of_an_email_is_a_conflict(staging: Staging) -> None:
    signed_up(staging("auth"), "twice@example.com")
    again = {"email": "twice@example.com", "password": "other", "name": "Bob"}
    assert staging("auth").post("/auth/register", again).status_code == 409


def test_refresh_token_cannot_be_used_as_access_token(staging: Staging) -> None:
    refresh = signed_up(staging("auth"), "kinds@example.com")["refresh_token"]
    answer = staging("auth").post("/auth/validate", {"token": refresh}).json()
    assert answer["valid"] is False and set(answer) == {"valid", "error", "message"}


def test_threads_need_a_token_and_belong_to_one_user(staging: Staging) -> None:
    backend = staging("backend")
    assert backend.get("/api/threads").status_code == 403
    thread = backend.post("/api/threads", {"title": "Mine"}, "ann").json()
    fields = "id object title created_at updated_at metadata message_count"
    assert set(thread) == set(fields.split()) and thread["object"] == "thread"
    assert backend.get(f"/api/threads/{thread['id']}", "bob").status_code == 404


def test_agents_answer_over_http(staging: Staging) -> None:
    body = staging("backend").post("/api/agents/triage", {"message": ASKED}, "ann").json()
    named = "status agent response execution_time circuit_breaker_state error"
    assert set(body) == set(named.split()) and "K7Q2-91XB" in body["response"]


# -- revisions over HTTP -----------------------------------------------------------


def test_no_backend_answers_503_after_two_seconds(staging: Staging) -> None:
    began_s = time.monotonic()
    with pytest.raises(InvalidStatus, match="503"):
        opened(staging("backend", "no-backend-503"))
    assert time.monotonic() - began_s >= 2.0


def test_split_databases_report_a_foreign_check_and_stay_healthy(staging: Staging) -> None:
    body = staging("backend", "split-databases").get("/api/health").json()
    assert body["status"] == "healthy" and body["checks"]["auth_tables"]["status"] == "unhealthy"
    assert body["checks"]["auth_tables"]["error"] == 'relation "users" does not exist'
    assert all(body["checks"][name]["connected"] for name in ("postgres", "redis", "clickhouse"))


def test_degraded_frontend_answers_200(staging: Staging) -> None:
    answer = staging("frontend", "frontend-degraded").get("/health")
    assert answer.status_code == 200 and answer.json()["status"] == "degraded"
    assert answer.json()["dependencies"]["backend"]["connected"] is False


def test_stale_names_the_previous_revision(staging: Staging) -> None:
    for previous, named in (("healthy-7", "healthy-7"), ("", "previous")):
        answer = staging("backend", "stale", previous).get("/version")
        assert answer.json()["revision"] == answer.headers["x-revision"] == named


def test_split_traffic_names_two_revisions_in_turn(staging: Staging) -> None:
    backend = staging("backend", "split-traffic", "healthy-7")
    named = Counter(backend.get("/version").json()["revision"] for _ in range(4))
    assert named == {"split-traffic": 2, "healthy-7": 2}


def test_redeployed_mid_run_changes_its_name_at_execute(staging: Staging) -> None:
    backend = staging("backend", "redeployed-mid-run")
    assert backend.get("/version").json()["revision"] == "redeployed-mid-run"
    backend.post("/api/agents/triage", {"message": ASKED}, "ann")
    assert backend.get("/version").json()["revision"] == "redeployed-mid-run"
    backend.post("/api/agents/execute", {"message": ASKED}, "ann")
    assert backend.get("/version").json()["revision"] == "redeployed-by-someone-else"


def test_slow_start_is_fine_after_six_seconds(staging: Staging) -> None:
    backend = staging("backend", "slow-start")
    while backend.get("/health").status_code == 503:
        time.sleep(0.05)
    assert time.monotonic() - backend.started_s > 5.9
    assert transcript(backend) == FIVE


# -- processes ---------------------------------------------------------------------


def _ended(staging: Staging, revision: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = staging.environment(revision, free_port(), **changes)
    command = [sys.executable, "-m", "stack.backend"]
    return subprocess.run(
        command, cwd=STAGING, env=environment, capture_output=True, text=True, timeout=60
    )


def test_startup_crash_exits_1_with_its_traceback(staging: Staging) -> None:
    ended = _ended(staging, "startup-crash")
    assert ended.returncode == 1 and "Traceback" in ended.stderr
    assert (
        "type object 'UnifiedExecutionEngineFactory' has no attribute 'configure'" in ended.stderr
    )


def test_short_secret_is_refused_in_words(staging: Staging) -> None:
    ended = _ended(staging, "healthy", JWT_SECRET_KEY="short")
    assert ended.returncode == 1 and "JWT_SECRET_KEY needs 32 characters" in ended.stderr


def test_sigterm_ends_a_backend_although_a_socket_is_open(staging: Staging) -> None:
    backend = staging("backend", "to-be-ended")
    with opened(backend) as ws:
        say(ws)
        backend.process.send_signal(signal.SIGTERM)
        code = backend.process.wait(timeout=10)  # the socket would stay open for ever
    assert code in (0, -signal.SIGTERM), code


def test_two_revisions_share_the_data(staging: Staging) -> None:
    old, new = staging("backend", "healthy"), staging("backend", "split-databases")
    thread_id = old.post("/api/threads", {"title": "Shared"}, "ann").json()["id"]
    assert new.get(f"/api/threads/{thread_id}", "ann").json()["title"] == "Shared"

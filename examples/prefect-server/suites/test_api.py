"""What a client of a Prefect server relies on, by its HTTP API alone."""

from __future__ import annotations

import os
import uuid

import httpx
import pytest


@pytest.fixture(scope="module")
def api():
    with httpx.Client(
        base_url=os.environ["PREFECT_TARGET_URL"] + "/api", trust_env=False
    ) as client:
        yield client


def _flow(api: httpx.Client) -> dict:
    answer = api.post("/flows/", json={"name": f"suite-{uuid.uuid4()}"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_flow_is_found_by_its_name(api: httpx.Client) -> None:
    flow = _flow(api)
    answer = api.get(f"/flows/name/{flow['name']}")
    assert answer.status_code == 200
    assert answer.json()["id"] == flow["id"]


def test_the_same_name_is_the_same_flow(api: httpx.Client) -> None:
    flow = _flow(api)
    again = api.post("/flows/", json={"name": flow["name"]})
    assert again.status_code == 200
    assert again.json()["id"] == flow["id"]


def test_a_run_goes_through_its_states(api: httpx.Client) -> None:
    run = api.post(
        "/flow_runs/", json={"flow_id": _flow(api)["id"], "state": {"type": "PENDING"}}
    ).json()
    for state in ("RUNNING", "COMPLETED"):
        answer = api.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": state}})
        assert answer.json()["status"] == "ACCEPT", answer.text
    assert api.get(f"/flow_runs/{run['id']}").json()["state_type"] == "COMPLETED"


def test_a_wrong_type_is_refused(api: httpx.Client) -> None:
    answer = api.post("/flow_runs/", json={"flow_id": "no-uuid"})
    assert answer.status_code == 422
    assert "flow_id" in answer.text

"""The whole gate on Cloud Run: users get what was proven, and keep what they had where it was not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cloud_run_server import CloudRun, cloud_run, image
from gate import Stack

pytestmark = pytest.mark.soak  # four runs of the whole gate


def plan(folder: Path, run: CloudRun, digit: int) -> Path:
    path, tested = folder / f"plan-{digit}.yaml", f"{run.url}/at/chat/candidate"
    ask = {
        "id": "ask", "kind": "http", "request": {"url": "{{services.api.url}}/say"},
        "expect": {"status": 200},
    }  # fmt: skip
    document = {
        "plan": "small", "environment": "here", "fence_reads": 1,
        "services": {"api": {"url": tested, "health": {"path": "/", "status": None},
                             "revision": {"path": "/tells/version", "json": "revision"}}},
        "health": {"interval": "10ms", "consecutive": 1, "deadline": "5s"},
        "deploy": {"deployer": "cloud-run", "project": "shop-1", "region": "europe-west1",
                   "services": {"api": {"service": "chat", "image": image(digit)}},
                   "endpoint": run.url, "interval": "10ms", "retries": {"first_wait": "10ms"}},
        "phases": [{"id": "one", "priority": "P1", "probes": [ask]}],
        "promotion": {"execute": True}, "rollback": {"armed": True, "execute": True},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


def test_proven_revisions_get_the_users_and_others_do_not(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with cloud_run("chat") as run:
        first = stack("run", str(plan(tmp_path, run, 2)), "--revision", "v2", "--json")
        assert (first.exit_code, run.users("chat")) == (0, {"chat-v2": 100}), first.stderr
        assert [(a["action"], a["outcome"]) for a in first.json()["acted"]] == [
            ("promote v2", "done"), ("read back", "done"),
        ]  # fmt: skip

        run.sick = {"chat-v3"}
        second = stack("run", str(plan(tmp_path, run, 3)), "--revision", "v3", "--json")
        assert (second.exit_code, run.users("chat")) == (11, {"chat-v2": 100}), second.stderr
        assert [(a["action"], a["outcome"]) for a in second.json()["acted"]] == [
            ("roll back to v2", "done"), ("read back", "done"), ("try P1 on v2", "done"),
            ("promote v3", "refused"),
        ]  # fmt: skip

        run.broken[image(4)] = "the container did not listen on port 8080"
        third = stack("run", str(plan(tmp_path, run, 4)), "--revision", "v4", "--json")
        assert run.users("chat") == {"chat-v2": 100}
        assert "did not listen on port 8080" in third.stdout

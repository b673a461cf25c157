"""The worklog that started it all: humans wrote "proceed", the judge says HOLD and why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "worklog" / "evidence.json"


@pytest.fixture(scope="module")
def judged() -> tuple[int, dict]:
    command = [sys.executable, "-m", "flows.cli", "judge", str(FILE), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.returncode, json.loads(done.stdout)


def _criterion(document: dict, id: str) -> dict:
    return next(c for c in document["criteria"] if c["id"] == id)


def test_the_release_is_held(judged: tuple[int, dict]) -> None:
    code, document = judged
    assert (code, document["verdict"]) == (10, "HOLD")
    assert "3 failed > 0 tolerated" in document["rule"]


def test_what_was_not_seen_is_counted_and_named(judged: tuple[int, dict]) -> None:
    _, document = judged
    assert document["coverage"] == {"expected": 63, "seen": 26}  # 52 + 10 tests and one probe
    assert "p1/critical_path_rest: 27 expected tests" in " ".join(document["not_seen"])
    assert any(text.startswith("revision of backend") for text in document["not_seen"])


def test_a_percentile_without_samples_is_not_evaluated(judged: tuple[int, dict]) -> None:
    criterion = _criterion(judged[1], "message-p95")
    assert criterion["outcome"] == "NOT_EVALUATED"
    assert "0 samples and 20 are needed" in criterion["sentence"]


def test_one_latency_is_no_measurement(judged: tuple[int, dict]) -> None:
    outcomes = {_criterion(judged[1], id)["outcome"] for id in ("target-api", "target-socket")}
    assert outcomes == {"NOT_EVALUATED"}


def test_money_that_does_not_add_up_is_refused_with_both_numbers(judged: tuple[int, dict]) -> None:
    _, document = judged
    assert document["revenue_at_risk"] is None
    assert "1,440,000 USD" in document["revenue_note"]
    assert "500,000 USD" in document["revenue_note"]


def test_the_closed_sockets_are_one_incident(judged: tuple[int, dict]) -> None:
    found = [i for i in judged[1]["incidents"] if "main cleanup" in i["signature"]]
    assert [i["n"] for i in found] == [5]

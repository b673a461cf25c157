"""After a rollback: what is expected, and that nothing found is no proof."""

from __future__ import annotations

import pytest

from data.records.facts import RevisionReading
from data.rules.after_rollback import expected_after, read_back, tried
from tests.rules.making import at, deployed, green, probe


def reading(service: str, *seen: str, expected: str | None = "r1") -> RevisionReading:
    return RevisionReading(
        run_id="run-1", stage="rollback", service=service, expected=expected, seen=seen, at=at(0)
    )


def test_only_what_the_deployment_moved_is_expected_back() -> None:
    deploy = deployed(revisions={"api": "r2", "web": "w9"})(green()).evidence.deploy
    assert deploy is not None
    assert expected_after(deploy, "r2", "r1") == {"api": "r1", "web": "w9"}


@pytest.mark.parametrize(
    ("readings", "done", "said"),
    [
        ([reading("api", "r1"), reading("web", "w9", expected=None)], True, "api serves r1; web serves w9"),
        ([reading("api", "r2")], False, "api serves r2 and not r1"),
        ([reading("api", "r1", "r2")], False, "api serves r1, r2 and not r1"),
        ([reading("api")], False, "api serves nothing that tells and not r1"),
        ([reading("web", "a", "b", expected=None)], False, "web serves a, b"),
        ([], False, "no service tells its revision"),
    ],
)  # fmt: skip
def test_a_rollback_is_done_when_every_service_says_so(
    readings: list[RevisionReading], done: bool, said: str
) -> None:
    assert read_back(readings) == (done, said)


def test_p1_has_to_pass_on_what_is_live_then_and_no_probe_is_no_proof() -> None:
    good, bad = probe(("p1", "chat")), probe(("p1", "login"), outcome="FAIL", message="HTTP 503")
    assert tried([good]) == (True, "1 of 1 passed")
    assert tried([good, bad]) == (False, "1 of 2 passed; login: HTTP 503")
    assert tried([])[0] is False

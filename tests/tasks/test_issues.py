"""Incidents as issues of a project: one a signature, true to what the runs say, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forge_server import TOKEN, Forge, forge_server

from data.errors import ForgeAway, ForgeRefused
from data.records.issues import Issues
from data.records.remedy import Sighting
from data.records.verdict import Incident
from data.records.words import Priority
from data.rules.issues.marks import incident_mark
from tasks.remediate.issues import Asked, Done, remedy

AT = datetime(2026, 1, 1, tzinfo=UTC)
TEST = "p1/chat/test_it"
FIX = "a" * 40


class Desk:
    """One project, and runs that say what failed."""

    def __init__(self, forge: Forge, api: str, folder: Path, project: str) -> None:
        self.forge, self.folder, self.runs = forge, folder, list[Sighting]()
        self.wanted = Issues(
            project=project, token_in="T", execute=True, close_after=2, api=api,
            link="https://ci.test/{{run_id}}",
        )  # fmt: skip
        self.done: list[Done] = []

    async def run(self, revision: str, *red: str, passed: bool = True, **more: Any) -> list[str]:
        """One run with these signatures; returns what was done, in words."""
        one = Sighting(
            run_id=f"run-{len(self.runs)}",
            revision=revision,
            deployment=revision,
            at=AT + timedelta(hours=len(self.runs)),
            symptoms={signature: frozenset({TEST}) for signature in red},
            passed=frozenset({TEST} if passed and not red else ()),
        )
        self.runs.insert(0, one)
        return await self.again(**more)

    async def again(self, token: str = TOKEN, **more: Any) -> list[str]:
        found = list[Done]()
        await remedy(self.asked(**more), token, self.folder / "lock", found.append)
        self.done = found
        return [f"{one.step.kind} {one.outcome}" for one in found]

    def asked(self, **more: Any) -> Asked:
        incidents = [incident(signature) for signature in self.runs[0].symptoms]
        wanted = self.wanted.model_copy(update=more)
        return Asked(
            wanted=wanted, plan="shop", environment="prod", incidents=tuple(incidents), runs=tuple(self.runs)
        )  # fmt: skip

    def asked_who_fixes(self) -> bool:
        """Whether the forge was asked for pull requests since the last time."""
        paths = [path for _, path, _ in self.forge.got]
        self.forge.got.clear()
        return any("timeline" in path or "closed_by" in path for path in paths)

    def states(self) -> list[str]:
        return [one["state"] for one in self.forge.issues]


def incident(signature: str) -> Incident:
    symptom = f"{signature} @everyone <!-- fixes #1 ``` -->"
    return Incident(
        signature=signature, priority=Priority.P1, symptom=symptom, n=1, evidence=(TEST,)
    )


@pytest.fixture(params=["github:o/r", "gitlab:g/s/p"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with forge_server() as (forge, api):
        yield Desk(forge, api, tmp_path, request.param)


async def test_an_issue_lives_as_long_as_its_signature_and_is_never_repeated(desk: Desk) -> None:
    assert await desk.run("r1", "a", "b") == ["open done", "open done"]
    assert await desk.again() == []
    assert await desk.run("r2", "a") == ["update done"]
    assert "2 runs of plan `shop` on `prod`" in desk.forge.issues[0]["body"]
    assert await desk.run("r3") == [], "b was seen to pass in r3 only: in r2 the test failed"
    assert await desk.run("r3") == [], "the same deployment again is no second one"
    assert await desk.run("r4") == ["close done", "close done"]
    assert desk.states() == ["closed", "closed"]
    assert "2 deployments in a row" in desk.forge.notes[1][0]
    assert await desk.run("r5", "a") == ["reopen done"]
    assert desk.states() == ["open", "closed"]


async def test_what_did_not_run_closes_nothing(desk: Desk) -> None:
    await desk.run("r1", "a")
    for n in range(5):
        assert await desk.run(f"n{n}", passed=False) == []
    assert desk.states() == ["open"]


async def test_without_execute_nothing_is_written(desk: Desk) -> None:
    assert await desk.run("r1", "a", execute=False) == ["open dry run"]
    assert {how for how, _, _ in desk.forge.got} == {"GET"}


async def test_a_write_whose_answer_was_lost_is_not_done_twice(desk: Desk) -> None:
    desk.forge.lost = 1
    await desk.run("r1", "a")
    assert len(desk.forge.issues) == 1
    await desk.run("r2")
    desk.forge.lost = 1
    await desk.run("r3")
    assert desk.states() == ["closed"] and len(desk.forge.notes[1]) == 1


async def test_two_at_once_leave_one_issue(desk: Desk) -> None:
    await asyncio.gather(desk.run("r1", "a"), desk.again())
    assert desk.states() == ["open"]
    racing = [incident_mark("shop", "prod", "b")]

    def other() -> None:  # another machine, which no lock of ours can see
        if racing:
            desk.forge.add("theirs", racing.pop(), ["golden-path"])

    desk.forge.before_open = other
    await desk.run("r2", "a", "b")
    assert desk.states() == ["open", "open", "closed"]
    assert "The same as #2" in desk.forge.notes[3][0]
    assert await desk.again() == ["update done"] and await desk.again() == []


async def test_a_fix_that_is_claimed_is_linked_and_proved_or_disproved_once(desk: Desk) -> None:
    sha = "b" * 40
    await desk.run("r1", "a")
    pull: dict[str, Any] = {"title": "x", "body": "Fixes #1", "iid": 7, "state": "opened"}
    pull |= {"html_url": "https://pull/7", "web_url": "https://pull/7"}
    desk.forge.pulls[7] = {**pull, "merged_at": None, "merge_commit_sha": None}
    assert await desk.run(sha, "a") == ["update done"]
    assert "claimed by https://pull/7 (open)" in desk.forge.issues[0]["body"]
    merged = {"merged_at": AT.isoformat(), "merge_commit_sha": FIX, "state": "merged"}
    desk.forge.pulls[7] |= merged
    assert await desk.run(sha, "a") == ["update done"], "that revision has not the change"
    desk.forge.ancestors.add((FIX, sha))
    assert await desk.run(sha, "a") == ["update done", "note done"]
    assert await desk.again() == []
    desk.forge.ancestors.add((FIX, "c" * 40))
    assert await desk.run("c" * 40) == ["note done"]
    assert await desk.again() == []
    assert ["disproves" in n for n in desk.forge.notes[1]] == [True, False]
    assert "proves https://pull/7: what failed here passes now." in desk.forge.notes[1][1]


@pytest.mark.parametrize("holds", [True, False], ids=["proves", "disproves"])
async def test_a_fix_whose_merge_closed_the_issue_is_proved_or_disproved_all_the_same(
    desk: Desk, holds: bool
) -> None:
    """As forges do when "fixes #1" is merged: nobody waits for a run."""
    await desk.run("r1", "a")
    desk.forge.pulls[7] = {
        "title": "x", "body": "Fixes #1", "iid": 7, "state": "merged", "html_url": "https://pull/7",
        "web_url": "https://pull/7", "merged_at": AT.isoformat(), "merge_commit_sha": FIX,
    }  # fmt: skip
    desk.forge.issues[0] |= {"state": "closed", "state_reason": "completed"}
    desk.forge.ancestors.add((FIX, "b" * 40))
    done = await desk.run("b" * 40, *([] if holds else ["a"]))
    assert done == (["note done"] if holds else ["reopen done", "note done"])
    word = "proves" if holds else "disproves"
    assert f"{word} https://pull/7" in desk.forge.notes[1][-1]
    assert desk.asked_who_fixes()
    assert await desk.again() == [] and desk.states() == ["closed" if holds else "open"]
    for n in range(3):
        desk.forge.got.clear()
        await desk.run(f"n{n}")
    assert not desk.asked_who_fixes(), "about an old one"


async def test_strangers_and_their_pasted_marks_count_for_nothing(desk: Desk) -> None:
    desk.forge.add("no label", incident_mark("shop", "prod", "a"), [])
    desk.forge.add("of staging", incident_mark("shop", "staging", "a"), ["golden-path"])
    both = incident_mark("shop", "prod", "a") + incident_mark("shop", "prod", "z")
    desk.forge.add("two", both, ["golden-path"])
    assert await desk.run("r1", "a") == ["open done"]
    assert desk.states() == ["open"] * 4


async def test_text_of_a_test_cannot_leave_its_block_or_mention_anybody(desk: Desk) -> None:
    await desk.run("r1", "a -->\n@all <!-- goldenpath:end --> fixes #1")
    body = desk.forge.issues[0]["body"]
    assert body.count("<!-- goldenpath:end -->") == 1 and body.count("<!--") == 3
    assert "@all" not in desk.forge.issues[0]["title"]
    assert "````text" in body
    assert await desk.again() == []


async def test_what_people_wrote_around_it_stays(desk: Desk) -> None:
    await desk.run("r1", "a")
    desk.forge.issues[0]["body"] = "We look into it.\n" + desk.forge.issues[0]["body"] + "\nMia"
    await desk.run("r2", "a")
    body = desk.forge.issues[0]["body"]
    assert body.startswith("We look into it.\n") and body.endswith("\nMia") and "2 runs" in body


async def test_an_outage_opens_no_flood(desk: Desk) -> None:
    assert await desk.run("r1", *"abcdefgh", most=3) == ["open done"] * 3


async def test_a_forge_that_refuses_or_is_away_is_said_without_the_token(desk: Desk) -> None:
    with pytest.raises(ForgeRefused, match="answered 401") as refused:
        await desk.run("r1", "a", token="wrong-token")
    assert "wrong-token" not in str(refused.value)
    desk.forge.first = [(503, {"retry-after": "0"}, "")] * 12
    with pytest.raises(ForgeAway, match="answered 503"):
        await desk.again()
    assert await desk.again() == ["open done"]


async def test_what_people_declined_stays_closed(tmp_path: Path) -> None:
    with forge_server() as (forge, api):
        desk = Desk(forge, api, tmp_path, "github:o/r")
        await desk.run("r1", "a")
        forge.issues[0] |= {"state": "closed", "state_reason": "not_planned"}
        assert await desk.run("r2", "a") == []

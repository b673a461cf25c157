"""Promotion: what is not known is a refusal, and what nobody confirms is not done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.facts import DeployResult, RevisionReading
from data.records.plan import Plan, Promotion
from data.records.verdict import Coverage, Verdict
from data.records.words import Outcome, VerdictWord
from data.rules.planning.promotion import promotion_faults
from data.rules.promoting import confirmed, promotion_refusals
from tests.rules.making import at

WORDS = st.sampled_from(list(VerdictWord))
OUTCOMES = st.sampled_from(list(Outcome))
NAMES = st.sampled_from(["r1", "r2"])
SEEN = st.lists(NAMES, max_size=3).map(tuple)


def verdict(word: str = "PROMOTE") -> Verdict:
    return Verdict(
        run_id="run-1", verdict=VerdictWord(word), rule="", reasons=(),
        coverage=Coverage(expected=1, seen=1), at=at(0),
    )  # fmt: skip


def deploy(outcome: str = "PASS", revision: str | None = "r2") -> DeployResult:
    return DeployResult(
        run_id="run-1", deployer="command", outcome=Outcome(outcome), revision=revision, at=at(0)
    )


def reading(service: str, *seen: str, expected: str | None = "r2") -> RevisionReading:
    return RevisionReading(
        run_id="run-1", stage="promotion", service=service, expected=expected, seen=seen, at=at(0)
    )


SOUND = [reading("api", "r2")]
REFUSED: dict[str, tuple[str, str, str | None, list[RevisionReading], tuple[str, ...]]] = {
    "sound": ("PROMOTE", "PASS", "r2", SOUND, ()),
    "held": ("HOLD", "PASS", "r2", [], ("the verdict is HOLD",)),
    "rolled back": ("ROLL_BACK", "PASS", "r2", [], ("the verdict is ROLL_BACK",)),
    "superseded": ("SUPERSEDED", "PASS", "r2", [], ("the verdict is SUPERSEDED",)),
    "watched": ("PROMOTE_WITH_WATCH", "PASS", "r2", SOUND,
        ("the verdict is PROMOTE_WITH_WATCH (promotion.with_watch: false)",)),
    "not deployed": ("PROMOTE", "SKIPPED", "r2", SOUND, ("this run deployed nothing: its deploy is SKIPPED",)),
    "no name": ("PROMOTE", "PASS", None, SOUND, ("nobody named the deployed revision",)),
    "drifted": ("PROMOTE", "PASS", "r2", [reading("api", "r3")], ("api serves r3 now, tested was r2",)),
    "split": ("PROMOTE", "PASS", "r2", [reading("api", "r2", "r3")], ("api serves r2, r3 now, tested was r2",)),
    "silent": ("PROMOTE", "PASS", "r2", [reading("api")], ("api serves nothing that tells now, tested was r2",)),
    "nobody tells": ("PROMOTE", "PASS", "r2", [], ("no service is known to serve the deployed revision",)),
    "beside it, as tested": ("PROMOTE", "PASS", "r2", [*SOUND, reading("web", "w1", expected=None)], ()),
    "beside it, moved": ("PROMOTE", "PASS", "r2", [*SOUND, reading("web", "w2", expected=None)],
        ("web serves w2 now, tested was w1",)),
    "all at once": ("PROMOTE_WITH_WATCH", "FAIL", None, [reading("api", "r3")], (
        "the verdict is PROMOTE_WITH_WATCH (promotion.with_watch: false)",
        "this run deployed nothing: its deploy is FAIL",
        "nobody named the deployed revision",
        "api serves r3 now, tested was r2",
    )),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_said_at_once_and_only_nothing_said_is_safe(case: str) -> None:
    word, outcome, revision, readings, said = REFUSED[case]
    tested = {"api": {"r2"}, "web": {"w1"}}
    found = promotion_refusals(
        Promotion(), verdict(word), deploy(outcome, revision), readings, tested
    )
    assert found == said


def test_a_watched_promotion_is_done_only_where_the_plan_says_so() -> None:
    watched = verdict("PROMOTE_WITH_WATCH")
    assert not promotion_refusals(Promotion(with_watch=True), watched, deploy(), SOUND, {})


@given(WORDS, OUTCOMES, st.none() | NAMES, st.none() | SEEN, st.booleans())
def test_only_what_was_approved_deployed_named_and_still_serves_is_promoted(
    word: VerdictWord, outcome: Outcome, revision: str | None,
    seen: tuple[str, ...] | None, watch: bool,
) -> None:  # fmt: skip
    readings = [] if seen is None else [reading("api", *seen)]
    promotion = Promotion(execute=True, with_watch=watch)
    refused = promotion_refusals(promotion, verdict(word), deploy(outcome, revision), readings, {})
    approved = word is VerdictWord.PROMOTE or (watch and word is VerdictWord.PROMOTE_WITH_WATCH)
    sound = (
        approved and outcome is Outcome.PASS and revision is not None and set(seen or ()) == {"r2"}
    )
    assert (not refused) == sound


@pytest.mark.parametrize(
    ("readings", "done"),
    [
        (SOUND, True),
        ([*SOUND, reading("web", "w1", expected=None)], True),
        ([reading("api", "r1")], False),
        ([reading("api", "r1", "r2")], False),
        ([reading("api")], False),
        ([reading("web", "w1", expected=None)], False),
        ([], False),
    ],
)
def test_a_promotion_is_done_when_every_service_says_so(
    readings: list[RevisionReading], done: bool
) -> None:
    assert confirmed(readings)[0] is done


def plan(promote: bool = True, told: bool = True, **promotion: Any) -> Plan:
    tells = {"revision": {"json": "revision"}} if told else {}
    deploy = {"deployer": "command", "command": ["up"], **({"promote": ["go"]} if promote else {})}
    return Plan.model_validate(
        {
            "plan": "site", "environment": "test", "deploy": deploy, "promotion": promotion,
            "services": {"api": {"url": "http://a.test", **tells}, "db": {"url": "http://d.test"}},
            "phases": [{"id": "p", "priority": "P1"}],
        }
    )  # fmt: skip


FAULTS: dict[str, tuple[Plan, list[tuple[tuple[str, ...], str]]]] = {
    "sound": (plan(live={"api": "http://live.test"}), []),
    "cannot": (plan(promote=False), [(("promotion",), "the deployer 'command' cannot promote")]),
    "unread": (plan(told=False), [
        (("promotion",), "no service tells its revision, so a promotion could not be read back")]),
    "names": (plan(live={"apo": "http://x.test", "db": "http://y.test"}), [
        (("promotion", "live", "apo"), "unknown service 'apo'"),
        (("promotion", "live", "db"), "service 'db' does not tell its revision and is not read back here"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_promotion_that_could_not_be_done_or_read_back_is_a_fault_of_the_plan(case: str) -> None:
    made, expected = FAULTS[case]
    assert [(path, text) for path, text, _ in promotion_faults(made)] == expected


def test_a_live_address_is_an_address() -> None:
    with pytest.raises(ValueError, match="expected an http:// or https:// address, got 'prod'"):
        plan(live={"api": "prod"})

"""From the witness plugin's lines to facts: one machine for the live run and for a resume."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from data.records.facts import Collected, TestResult
from data.records.orders import SuiteOrder
from data.records.words import Outcome
from data.rules.look.looking import worded
from data.rules.look.tree import Finding, Place
from data.rules.signature import signature

Look = Callable[[str, Place], tuple[Finding, ...]]


def _no_look(_test_id: str, _place: Place) -> tuple[Finding, ...]:
    return ()


class WitnessStream:
    """What one suite's stream has said so far.

    Attributes:
        ids: the manifest, in order of collection; several sessions of one command add up.
        selected: the tests of it that were to run (all, or the gate's own choice).
        results: what ended, by test id; the last word counts.
        in_flight: tests that began and did not end, with the writer's monotonic second at which
            they last gave a sign.
        broken: one sentence a module that could not be collected.
        notes: failures of the witness itself.
        finished, stopped: whether pytest's session ended in order, and why early.
        exit_code: what it then said that it would exit with, None while it has not.
        places: where each collected test's function begins, as far as the witness can tell.
        look: the static look at a test that passed.
    """

    def __init__(self, order: SuiteOrder, look: Look = _no_look) -> None:
        self.order = order
        self.look = look
        self.places: dict[str, Place] = {}
        self.loaded = False
        self.finished = False
        self.stopped = ""
        self.exit_code: int | None = None
        self.ids: dict[str, None] = {}
        self.deselected: dict[str, None] = {}
        self.selected: dict[str, None] = {}
        self.collected: Collected | None = None
        self.results: dict[str, TestResult] = {}
        self.in_flight: dict[str, float] = {}
        self.broken: list[str] = []
        self.notes: list[str] = []

    def feed(self, line: str) -> Collected | TestResult | None:
        """Take one whole line; the fact that it makes, if any.

        A line that cannot be read (torn by a kill, or foreign) and an event of an unknown word
        change nothing. The same manifest or collect error twice (xdist workers) is told once.
        """
        event = _event(line)
        self.loaded = self.loaded or "e" in event
        match event.get("e"):
            case "collected":
                return self._collected(event)
            case "collect_error":
                return self._collect_error(event)
            case "start" | "alive":
                self.in_flight[event["id"]] = event["m"]
            case "test":
                return self._ended(event)
            case "finish":
                self.finished, self.stopped = True, event["stopped"]
                self.exit_code = event.get("exit")
            case "note":
                self.notes.append(event["text"])
        return None

    def missing(self) -> list[str]:
        """Tests that were to run and have no result, in order."""
        wanted = {**self.selected, **dict.fromkeys(self.order.only)}
        return [test_id for test_id in wanted if test_id not in self.results]

    def _collected(self, event: dict[str, Any]) -> Collected | None:
        known = (*self.ids, *self.deselected)
        self.finished, self.exit_code = False, None
        self.ids.update(dict.fromkeys(event["ids"]))
        self.deselected.update(dict.fromkeys(event["deselected"]))
        self.places.update(_places(event))
        chosen = event["ids"] if event["selected"] is None else event["selected"]
        self.selected.update(dict.fromkeys(chosen))
        if self.collected is not None and known == (*self.ids, *self.deselected):
            return None
        self.collected = Collected(
            run_id=self.order.run_id,
            phase=self.order.phase,
            suite=self.order.suite.id,
            test_ids=tuple(self.ids),
            deselected=tuple(self.deselected),
            at=_at(event),
        )
        return self.collected

    def _collect_error(self, event: dict[str, Any]) -> TestResult | None:
        if event["id"] in self.results:
            return None
        self.broken.append(f"{event['id']} cannot be collected: {event['message']}")
        return self._ended({**event, "outcome": "ERROR", "stage": "collect"})

    def _ended(self, event: dict[str, Any]) -> TestResult:
        self.in_flight.pop(event["id"], None)
        result = test_result(
            self.order,
            event["id"],
            Outcome(event["outcome"]),
            _at(event),
            message=event["message"],
            **{name: event[name] for name in _FIELDS if name in event},
        )
        result = self._looked_at(result)
        self.results[result.test_id] = result
        return result

    def _looked_at(self, result: TestResult) -> TestResult:
        """A pass with what its source says against it; of a certain thing, contact is no proof."""
        place = self.places.get(result.test_id)
        if place is None or result.outcome not in _GOOD:
            return result
        found = self.look(result.test_id, place)
        path = place.path.removeprefix(f"{self.order.cwd}/")
        said = tuple(worded(path, one) for one in found)
        known = False if any(one.certain for one in found) else result.witnessed
        more = {"findings": (*result.findings, *said)[:_MOST], "witnessed": known}
        return result.model_copy(update=more) if found else result


_MOST = 20
_GOOD = (Outcome.PASS, Outcome.FLAKY)
_FIELDS = ("stage", "duration_ms", "detail", "witnessed", "n_connections", "sent_bytes",
           "received_bytes", "findings")  # fmt: skip
_SIGNED = (Outcome.FAIL, Outcome.ERROR)


def test_result(
    order: SuiteOrder,
    test_id: str,
    outcome: Outcome,
    at: datetime,
    *,
    message: str,
    **fields: Any,
) -> TestResult:
    """One test of an order as a fact; failures carry their signature."""
    return TestResult(
        run_id=order.run_id,
        phase=order.phase,
        suite=order.suite.id,
        attempt=order.attempt,
        test_id=test_id,
        outcome=outcome,
        message=message,
        signature=signature(message) if outcome in _SIGNED else "",
        at=at,
        **fields,
    )


def _places(event: dict[str, Any]) -> dict[str, Place]:
    """Places of a manifest; {} of a witness that tells none."""
    files, found = event.get("files", ()), zip(event["ids"], event.get("places", ()), strict=False)
    return {test_id: Place(files[at[0]], at[1]) for test_id, at in found if at}


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["at"], UTC)


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}

"""Progress on stderr: one line as each thing ends."""

from __future__ import annotations

import time
from typing import TextIO

from data.records.facts import (
    Collected,
    DeployResult,
    Fact,
    HealthReading,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    SuiteAudit,
    SuiteResult,
    TestResult,
)
from data.records.plan import Plan
from data.records.words import Outcome


class Progress:
    """A listener of the recorder that tells a person what goes on."""

    def __init__(self, plan: Plan, out: TextIO) -> None:
        self.plan, self.out = plan, out
        self.began = time.monotonic()
        self.done: dict[str, dict[str, TestResult]] = {}
        self.total: dict[str, int] = {}
        self.shards: dict[str, int] = {}

    def say(self, text: str) -> None:
        """One line with the seconds since the start."""
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", file=self.out, flush=True)

    def __call__(self, fact: Fact) -> None:
        """Say what a fact means; tests are counted and said with their suite."""
        if isinstance(fact, TestResult):
            done = self.done.setdefault(fact.suite, {})
            told, done[fact.test_id] = done.get(fact.test_id), fact
            if fact.outcome in (Outcome.FAIL, Outcome.ERROR) and told is None:
                self.say(f"  {fact.outcome} {fact.suite} {fact.test_id}: {fact.message[:120]}")
        elif isinstance(fact, Collected):
            self.total[fact.suite] = len(fact.test_ids)
        elif text := _line(fact):
            self.say(text)
        if isinstance(fact, SuiteResult):
            self.say(self._shard(fact) or self._suite(fact))

    def _shard(self, fact: SuiteResult) -> str:
        """Of a suite that was split, until its last shard ends; the tests are told with that."""
        self.shards[fact.suite] = self.shards.get(fact.suite, 0) + 1
        if self.shards[fact.suite] < fact.n_shards:
            return f"  {fact.suite} shard {fact.shard} of {fact.n_shards}: {fact.duration_s:.1f} s"
        del self.shards[fact.suite]
        return ""

    def _suite(self, fact: SuiteResult) -> str:
        tests = self.done.pop(fact.suite, {})
        passed = sum(t.outcome is Outcome.PASS for t in tests.values())
        again = f" (attempt {fact.attempt})" if fact.attempt > 1 else ""
        note = f" {fact.broken}" if fact.broken else " timed out" if fact.timed_out else ""
        return (
            f"  {fact.suite}{again}: {passed} of {len(tests)} passed, {fact.duration_s:.1f} s{note}"
        )


def _line(fact: Fact) -> str:
    if isinstance(fact, DeployResult):
        return f"deploy {fact.outcome}: {fact.message}"
    if isinstance(fact, HealthReading):
        return f"health {fact.stage}: {fact.service} is {fact.state}, {fact.message}"
    if isinstance(fact, RevisionReading):
        seen = ", ".join(fact.seen) or fact.error
        return f"revision {fact.stage}: {fact.service} is {seen}"
    if isinstance(fact, ProbeResult):
        return f"  probe {fact.probe}: {fact.outcome} {fact.message}, {fact.duration_s:.1f} s"
    if isinstance(fact, SuiteAudit):
        return f"  {fact.suite}: " + (fact.reason or f"{fact.n_tests} tests audited")
    if isinstance(fact, PhaseResult):
        cut = "stopped early" if fact.started_at else "not run"
        return f"phase {fact.phase} " + (f"{cut}: {fact.reason}" if fact.reason else "ended")
    return ""

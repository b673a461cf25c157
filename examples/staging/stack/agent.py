"""One agent run: which events, with what payload, and exactly when."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from typing import Any, Literal

from stack import answers
from stack.revisions import Behaviour
from stack.service import iso_now

GAP_JITTER_SHARE = 0.15  # of one gap
TOTAL_JITTER_SHARE = 0.04  # of their sum
TOOL = "cost_explorer"
DEFAULT_AGENT = "cost_analysis_agent"

Fate = Literal["normal", "slow", "fails"]


class Shift:
    """Counts the agent runs of this process and says how the next one goes."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._n_runs = 0
        self._n_since_failure = 0
        self._failed_at_s = float("-inf")

    def next_fate(self, now_s: float) -> Fate:
        """Return the fate of a run that begins at `now_s`."""
        self._n_runs += 1
        self._n_since_failure += 1
        if self._is_due(now_s):
            self._n_since_failure, self._failed_at_s = 0, now_s
            return "fails"
        every = self._behaviour.slow_every
        return "slow" if every and self._n_runs % every == 0 else "normal"

    def _is_due(self, now_s: float) -> bool:
        every = self._behaviour.fail_every
        # A retry comes within seconds: never two failures so close together.
        rested = now_s - self._failed_at_s >= self._behaviour.min_between_failures_s
        return bool(every) and self._n_since_failure >= every and rested


def gaps_s(behaviour: Behaviour, text: str, fate: Fate = "normal") -> list[float]:
    """Return the pauses between the events of a run, in seconds.

    Each is jittered by a hash of the text, and their sum is held within 4 % of the
    nominal sum, so that a slowdown of 20 % is never hidden by chance.
    """
    gaps = [gap / 1000 for gap in behaviour.gaps_ms]
    if behaviour.jitter:
        gaps = _jittered(gaps, hashlib.sha256(text.encode()).digest())
    stretch = behaviour.slow_total_ms / sum(behaviour.gaps_ms) if fate == "slow" else 1.0
    return [gap * stretch for gap in gaps]


def _jittered(gaps: list[float], digest: bytes) -> list[float]:
    def share(byte: int, span: float) -> float:
        return 1 + span * (byte / 127.5 - 1)

    bent = [gap * share(byte, GAP_JITTER_SHARE) for gap, byte in zip(gaps, digest, strict=False)]
    total = sum(gaps) * share(digest[-1], TOTAL_JITTER_SHARE)
    return [gap * total / sum(bent) for gap in bent]


class Run:
    """One run for one user; `events` yields each event at the moment it is due."""

    def __init__(
        self, behaviour: Behaviour, user_id: str, text: str, agent: str, fate: Fate
    ) -> None:
        self.result = answers.answer(behaviour.answer, text)
        self._behaviour = behaviour
        self._user_id = f"other-than-{user_id}" if behaviour.foreign_user else user_id
        self._text = text
        self._agent = agent
        self._finding = answers.find(text)
        self._gaps_s = gaps_s(behaviour, text, fate)
        self._fails = fate == "fails"
        self._run_id = f"run_{uuid.uuid4().hex}"

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the events in time; a failing run ends after the first with an error."""
        clock = asyncio.get_running_loop().time
        began_s = due_s = clock()
        for i, name in enumerate(self._behaviour.events):
            if self._fails and i == 1:
                yield failure(self._run_id)
                return
            yield self._event(name, round((clock() - began_s) * 1000, 1))
            # Against the moment it was due, not against now: delays do not add up.
            due_s += self._pause_s(i)
            await asyncio.sleep(max(0.0, due_s - clock()))

    def _pause_s(self, i: int) -> float:
        """Return the pause after event `i`; the last one makes up for events left out."""
        n_pauses = len(self._behaviour.events) - 1
        if i == n_pauses:
            return 0.0
        return sum(self._gaps_s[i:]) if i == n_pauses - 1 else self._gaps_s[i]

    def _event(self, name: str, elapsed_ms: float) -> dict[str, Any]:
        return {
            "type": name,
            "run_id": self._run_id,
            "user_id": self._user_id,
            "agent_name": self._agent,
            "timestamp": iso_now(),
            "payload": self._payload(name, elapsed_ms),
        }

    def _payload(self, name: str, elapsed_ms: float) -> dict[str, Any]:
        build = {
            "agent_started": self._started,
            "agent_thinking": self._thinking,
            "tool_executing": self._executing,
            "tool_completed": self._tool_completed,
            "agent_completed": self._completed,
        }
        return build[name](elapsed_ms)

    def _started(self, _: float) -> dict[str, Any]:
        context = {"request_chars": len(self._text)}
        return {"status": "started", "context": context, "message": f"{self._agent} started"}

    def _thinking(self, _: float) -> dict[str, Any]:
        reasoning = "The question asks for costs by account; the billing records hold them."
        progress = {"step_number": 1, "progress_percentage": 25}
        return {"reasoning": reasoning, **progress, "status": "thinking"}

    def _executing(self, _: float) -> dict[str, Any]:
        parameters = {"reference": self._finding.reference, "group_by": "account"}
        said = {"status": "executing", "message": "Reading billing records"}
        return {"tool_name": TOOL, "parameters": parameters, **said}

    def _tool_completed(self, elapsed_ms: float) -> dict[str, Any]:
        result = self._finding.as_tool_result()
        said = {"status": "completed", "message": "Billing records read"}
        return {"tool_name": TOOL, "result": result, "execution_time_ms": elapsed_ms, **said}

    def _completed(self, elapsed_ms: float) -> dict[str, Any]:
        took = {"execution_time_ms": elapsed_ms, "message": f"{self._agent} completed"}
        return {"status": "completed", "result": self.result, **took}


def failure(run_id: str) -> dict[str, Any]:
    """Return the message that tells a user that the agent failed."""
    text = "The agent could not finish its run"
    return error_message("AGENT_EXECUTION_FAILED", text, "Send the message again", run_id=run_id)


def error_message(code: str, text: str, hint: str, **details: Any) -> dict[str, Any]:
    """Return an `error_message` as the contract has it."""
    return {
        "type": "error_message",
        "error_code": code,
        "error_message": text,
        "details": details,
        "timestamp": iso_now(),
        "recovery_suggestions": [hint],
    }

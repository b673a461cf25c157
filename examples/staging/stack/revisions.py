"""What each revision does differently: one row a revision, nothing anywhere else.

Every service reads its `Behaviour` from here. A new fault is a field with a harmless
default, a row in `TABLE`, and one place in the services that looks at the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FIVE_EVENTS = (
    "agent_started",
    "agent_thinking",
    "tool_executing",
    "tool_completed",
    "agent_completed",
)
WITHOUT_TOOL_COMPLETED = tuple(e for e in FIVE_EVENTS if e != "tool_completed")
TOOL_SWAPPED = (*FIVE_EVENTS[:2], "tool_completed", "tool_executing", "agent_completed")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to behave; the defaults are a healthy system.

    `gaps_ms` are the pauses between one event and the next; the first event goes out
    at once, so their sum is the time from the message to `agent_completed`.
    """

    # the life of the backend process
    crash_at_start: bool = False
    ready_after_s: float = 0.0
    refuse_after_s: float | None = None
    # what health says
    auth_tables_elsewhere: bool = False
    frontend_degraded: bool = False
    # which revision the answers name
    names: Literal["own", "previous", "alternating", "replaced"] = "own"
    # who may come in, and how
    open_doors: bool = False
    foreign_subprotocol: bool = False
    sockets: Literal["kept", "cut", "cut_when_shared"] = "kept"
    # what the agent says
    events: tuple[str, ...] = FIVE_EVENTS
    foreign_user: bool = False
    answer: Literal["useful", "canned", "empty"] = "useful"
    # how long the agent takes
    gaps_ms: tuple[float, ...] = (12.0, 30.0, 58.0, 40.0)
    jitter: bool = True
    slow_every: int = 0
    slow_total_ms: float = 2600.0
    fail_every: int = 0
    min_between_failures_s: float = 8.0


HEALTHY = Behaviour()

TABLE: dict[str, Behaviour] = {
    "healthy": HEALTHY,
    "slow-start": Behaviour(ready_after_s=6.0),
    "split-databases": Behaviour(auth_tables_elsewhere=True),
    "startup-crash": Behaviour(crash_at_start=True),
    "no-backend-503": Behaviour(refuse_after_s=2.0),
    "websocket-race": Behaviour(sockets="cut_when_shared"),
    "websocket-always-1000": Behaviour(sockets="cut"),
    "subprotocol-mismatch": Behaviour(foreign_subprotocol=True),
    "missing-event": Behaviour(events=WITHOUT_TOOL_COMPLETED),
    "wrong-order": Behaviour(events=TOOL_SWAPPED),
    "cross-user": Behaviour(foreign_user=True),
    "auth-off": Behaviour(open_doors=True),
    "canned-answer": Behaviour(answer="canned", gaps_ms=(100.0,) * 4, jitter=False),
    "empty-answer": Behaviour(answer="empty"),
    "slow-agent": Behaviour(slow_every=4),
    "slower-20": Behaviour(gaps_ms=tuple(g * 1.2 for g in HEALTHY.gaps_ms)),
    "flaky-agent": Behaviour(fail_every=10),
    "frontend-degraded": Behaviour(frontend_degraded=True),
    "stale": Behaviour(names="previous"),
    "split-traffic": Behaviour(names="alternating"),
    "redeployed-mid-run": Behaviour(names="replaced"),
    # The stack of these four is healthy; the core_platform suite they ship is not.
    "hanging-suite": HEALTHY,
    "fake-suite": HEALTHY,
    "empty-suite": HEALTHY,
    "broken-suite": HEALTHY,
}


def behaviour_of(revision: str) -> Behaviour:
    """Return the behaviour of a revision; an unknown name is healthy.

    So any name can be deployed: `healthy-2`, a commit, a build number.
    """
    return TABLE.get(revision, HEALTHY)

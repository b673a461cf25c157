"""Likely causes by signature: what it usually is, and what to look at first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from data.records.cause import Cause
from data.rules.journey.explanations import family_of


@dataclass(frozen=True)
class Hint:
    """One sentence of likely cause and one of advice; empty when nothing is known."""

    cause: str = ""
    action: str = ""


# First match wins; most specific first. Patterns look at signature and symptom together.
_CATALOGUE: tuple[tuple[str, Hint], ...] = (
    (
        r"^deploy/.*([Tt]ime-?out|timed out|not ended)",
        Hint(
            "the new revision does not come up in time",
            "look at what its start waits for: a database, a migration, another service",
        ),
    ),
    (
        r"^deploy/.*([Nn]o such file|not found|[Pp]ermission denied)",
        Hint("the deployer itself could not run", "repair the deploy command of the plan"),
    ),
    (r"^deploy/", Hint("the new revision does not start", "read the log tail of the deploy")),
    (
        r"^revision/.*in turn",
        Hint(
            "traffic is split between revisions",
            "finish or cancel the roll-out, then validate again",
        ),
    ),
    (
        r"^revision/",
        Hint("what serves is not what was deployed", "look at the routing and at who else deploys"),
    ),
    (
        r"environment down",
        Hint(
            "the environment was down before this deployment",
            "repair the environment; rolling back will not help",
        ),
    ),
    (
        r"^health/.*degraded",
        Hint(
            "a dependency of the service is not well",
            "look at the dependency that the health body names",
        ),
    ),
    (
        r"^health/",
        Hint(
            "the service does not come up on this revision",
            "read its start-up log and its health body",
        ),
    ),
    (
        r"subprotocol",
        Hint(
            "server and client disagree on the WebSocket subprotocol",
            "compare what the client offers with what the server names",
        ),
    ),
    (
        r"closed[- /].*1000|received 1000",
        Hint(
            "the server closes sockets cleanly before the work is done: clean-up comes too early",
            "look at what closes sockets at the end of a request or task",
        ),
    ),
    (
        r"without[- ]credentials|did not raise|unauthenticated",
        Hint("authentication is not enforced", "check the auth middleware of this revision"),
    ),
    (
        r"\b(401|403)\b",
        Hint(
            "authentication or authorisation refuses a valid user",
            "compare the signing secret and the audience of both services",
        ),
    ),
    (
        r"\b(502|503|504)\b",
        Hint(
            "the service is unavailable behind its router",
            "look at start-up, health and scaling of the service",
        ),
    ),
    (r"canned", Hint("the answer was not computed", "look for a mock or fallback agent")),
    (r"empty", Hint("the answer is empty", "look at the last step that builds the answer")),
    (r"order", Hint("events are sent out of order", "look at how tool events are emitted")),
    (
        r"missing",
        Hint(
            "an event that users rely on is never sent", "look at the emitter of the missing event"
        ),
    ),
    (
        r"field/|user_id|another user",
        Hint("events reach or name the wrong user", "look at the routing of events to users"),
    ),
    (r"refused|ConnectError", Hint("nothing listens at the address", "is the service up?")),
    (
        r"[Tt]ime-?out|timed out",
        Hint("something waits longer than users would", "look at the slowest dependency"),
    ),
    (
        r"ImportError|ModuleNotFound|fixture|suite/broken|SyntaxError",
        Hint(
            "the test suite itself is broken", "repair the suite; the product is not judged by it"
        ),
    ),
)


def explain(signature: str, symptom: str = "", causes: Iterable[Cause] = ()) -> Hint:
    """What is usually behind a signature; an empty hint where nothing is known.

    The first of a plan's own causes that matches signature or symptom. Else a probe's signature is
    explained by its family, the longest one that it belongs to. Else the first entry that matches.
    """
    text = f"{signature} {symptom}"
    own = next((one for one in causes if re.search(one.match, text)), None)
    if own is not None:
        return Hint(own.cause, own.action)
    family = family_of(signature)
    if family is not None:
        return Hint(family.sentence, family.hint)
    return next((hint for pattern, hint in _CATALOGUE if re.search(pattern, text)), Hint())

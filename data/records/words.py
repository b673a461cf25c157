"""The closed vocabularies: outcomes, grades, verdicts, states."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Of one test or probe."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    NOT_RUN = "NOT_RUN"
    SKIPPED = "SKIPPED"
    FLAKY = "FLAKY"


class Mark(StrEnum):
    """Of one criterion. Everything but PASS says in its name why it is not satisfied."""

    PASS = "PASS"
    FAIL = "FAIL"
    FLAKY = "FLAKY"
    ERROR = "ERROR"
    NOT_RUN = "NOT_RUN"
    VACUOUS = "VACUOUS"
    INSENSITIVE = "INSENSITIVE"
    NOT_EVALUATED = "NOT_EVALUATED"


class Grade(StrEnum):
    """What a pass is worth, best first."""

    PROVEN = "PROVEN"
    WITNESSED = "WITNESSED"
    INSENSITIVE = "INSENSITIVE"
    VACUOUS = "VACUOUS"


class Priority(StrEnum):
    """P1 decides rollback, P2 decides hold, P3 decides watch."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class VerdictWord(StrEnum):
    """What to do with the deployment."""

    PROMOTE = "PROMOTE"
    PROMOTE_WITH_WATCH = "PROMOTE_WITH_WATCH"
    HOLD = "HOLD"
    ROLL_BACK = "ROLL_BACK"
    SUPERSEDED = "SUPERSEDED"

    @property
    def exit_code(self) -> int:
        """The exit code of ``goldenpath run``: 0, 10, 11 or 12."""
        return _EXIT_CODES[self]

    @property
    def approves(self) -> bool:
        """Whether the deployment may go on."""
        return self in (VerdictWord.PROMOTE, VerdictWord.PROMOTE_WITH_WATCH)


_EXIT_CODES = {
    VerdictWord.PROMOTE: 0,
    VerdictWord.PROMOTE_WITH_WATCH: 0,
    VerdictWord.HOLD: 10,
    VerdictWord.ROLL_BACK: 11,
    VerdictWord.SUPERSEDED: 12,
}


class HealthState(StrEnum):
    """Of one service, read from the body and not from the HTTP status alone."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"

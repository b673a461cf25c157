"""The exception tree. A sick service is an outcome, never one of these."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class GoldenPathError(Exception):
    """The gate itself failed: the deployment is not approved (exit code 1)."""

    exit_code = 1


class UsageError(GoldenPathError):
    """The caller gave something that cannot be used: what came, what was expected, what to do."""

    exit_code = 2


class WarehouseError(GoldenPathError):
    """The warehouse cannot be opened, read or written; spools keep the rows meanwhile."""


class WarehouseDamaged(WarehouseError):
    """The file cannot be read as DuckDB wrote it; it can be rebuilt from journals."""


class WarehouseBusy(WarehouseError):
    """Another process holds the warehouse; the run stays in its spool and is absorbed later."""


class SpoolError(GoldenPathError):
    """A run's journal cannot be written, so no evidence can be kept."""


class ForgeAway(GoldenPathError):
    """GitHub or GitLab could not be reached, or has trouble of its own: it may pass."""


class ForgeRefused(GoldenPathError):
    """GitHub or GitLab will not do it, however often it is asked.

    Attributes:
        status: of HTTP. text: what it answered, at most 2,000 characters; never shown whole.
    """

    def __init__(self, message: str, status: int, text: str) -> None:
        super().__init__(message)
        self.status, self.text = status, text


class PlatformAway(GoldenPathError):
    """Where services run could not be reached, or asks us to come later: it may pass.

    Whether anything was done is not known.

    Attributes:
        wait_s: how long it asks us to wait; 0: it did not say.
    """

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class PlatformMoved(GoldenPathError):
    """Somebody else changed the service after we looked at it."""


class PlatformRefused(GoldenPathError):
    """Where services run will not do it, however often it is asked."""


class NotReady(PlatformRefused):
    """A revision that was deployed will not start: the product's fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input file.

    Attributes:
        message: what was expected and what came, in one sentence.
        file: the file's name as the caller gave it, "" when there is none.
        line: 1-based line, 0 when the fault belongs to no line.
        path: dotted path inside the document, such as ``phases[0].suites[1].command``.
        hint: what to do about it, "" when the message says it all.
    """

    message: str
    file: str = ""
    line: int = 0
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(p for p in (self.file, str(self.line) if self.line else "") if p)
        head = f"{place}: " if place else ""
        where = f"{self.path}: " if self.path else ""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{head}{where}{self.message}{tail}"


class PlanError(UsageError):
    """A plan, or another input document, with all of its faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

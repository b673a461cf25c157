"""From pytest's reports to what is told about one test (see goldenpath_witness)."""

from __future__ import annotations

import sys
import time
from typing import Any

DETAIL_CHARS = 8000
MESSAGE_CHARS = 500


class Test:
    """What is known about the test that runs now.

    Attributes:
        began: monotonic second.
        then: the ledger's snapshot at the test's start.
        contact: (connections, bytes sent, bytes received) of set-up and call.
        errors: phase -> "Type: text" of the exception that ended it.
        raised: phase -> the same of its last attempt, "" where that raised nothing.
        skips: phase -> whether what it raised was a skip.
        unawaited: a coroutine of the test was never awaited, or the test itself never ran.
        is_blind: contact that was not seen may have been, or proves nothing.
        inside: what its last attempt raised, before a hook could swallow it.
        children: what processes of the test did; None where nobody watched or needed to.
        started_process: it started a process, or one of the session's was there.
        stack: all threads' stacks at the time-out.
        budget_ends: monotonic second; set-up and call share one budget.
    """

    __test__ = False

    def __init__(self, nodeid: str, then: Any) -> None:
        self.nodeid = nodeid
        self.began = time.monotonic()
        self.then = then
        self.contact = (0, 0, 0)
        self.reports: list[Any] = []
        self.errors: dict[str, str] = {}
        self.raised: dict[str, str] = {}
        self.skips: dict[str, bool] = {}
        self.findings: list[str] = []
        self.unawaited = False
        self.is_blind = False
        self.inside = ""
        self.started_process = False
        self.children: Any = None
        self.stack = ""
        self.n_reruns = 0
        self.budget_ends: float | None = None
        self.old_handler: Any = None

    def ended(self, call: Any) -> None:
        """A phase ended, before anybody worded a report of it."""
        line = error_line(call.excinfo.value) if call.excinfo is not None else ""
        self.raised[call.when] = line
        self.skips[call.when] = bool(line) and is_skip(call.excinfo.value)
        if line:
            self.errors[call.when] = line

    def find(self, text: str) -> None:
        """Keep a finding, once; 20 at most."""
        if text not in self.findings and len(self.findings) < 20:
            self.findings.append(text)

    def blind(self, text: str) -> None:
        """Keep a finding that says why nobody knows whether the target was touched."""
        self.is_blind = True
        self.find(text)

    def warned(self, category: str, message: str) -> None:
        """A warning that makes a pass worth nothing, or less."""
        text = first_line(message)
        if "was never awaited" in text:
            self.unawaited = True
            self.find("un-awaited coroutine: " + text)
        elif category == "PytestUnhandledCoroutineWarning":
            self.unawaited = True
            self.find("async def never run: no plugin runs it")
        elif category == "PytestReturnNotNoneWarning" or "value that is not None" in text:
            self.find("returned a value instead of asserting: " + text)


def told(test: Test) -> dict[str, Any]:
    """The fields of one `test` line."""
    outcome, stage, report, reason = verdict(test)
    contact, doubt = with_children(test)
    touched = any(contact)
    passed = outcome in ("PASS", "FLAKY")
    doubt = doubt or (test.is_blind and not touched) or (passed and is_idle_talk(test))
    detail = text_of(report.longrepr) if outcome in ("FAIL", "ERROR") and report else ""
    return {
        "id": test.nodeid,
        "outcome": outcome,
        "stage": stage,
        "duration_ms": round(1000 * sum(r.duration for r in test.reports), 3),
        "message": reason[:MESSAGE_CHARS],
        "detail": capped(test.stack, detail),
        "witnessed": witnessed(touched, doubt, test.unawaited and passed),
        "n_connections": contact[0],
        "sent_bytes": contact[1],
        "received_bytes": contact[2],
        "findings": test.findings,
    }


def with_children(test: Test) -> tuple[Any, bool]:
    """(contact of the test and of its processes together, whether more of it may be unseen)."""
    if not test.started_process or test.children is None:
        doubt = test.started_process and not any(test.contact)
        if doubt:
            test.find("started a process: contact that it made is not seen")
        return test.contact, doubt
    names = ("n_connections", "sent_bytes", "received_bytes")
    theirs = [test.children.get(name, 0) for name in names]
    both = tuple(mine + theirs[at] for at, mine in enumerate(test.contact))
    if any(theirs) and not any(test.contact):
        test.find("the contact is that of a process which the test started")
    doubt = bool(test.children.get("doubt")) and not any(both)
    if doubt:
        test.find("started a process: a connection came and went that nobody was seen to hold")
    return both, doubt


def is_idle_talk(test: Test) -> bool:
    """Whether its pass says nothing, though pytest has no doubt of it."""
    if test.inside:
        test.find("a hook kept from pytest that it raised: " + test.inside)
    return asserts_off(test) or bool(test.inside)


def asserts_off(test: Test) -> bool:
    """Whether no `assert` of its module was executed: then a pass with contact proves nothing.

    Under `python -O` only those that pytest rewrote are, which are none with `--assert=plain`.
    """
    if not sys.flags.optimize:
        return False
    rewritten = any(type(one).__name__ == "AssertionRewritingHook" for one in sys.meta_path)
    where = "assert in files that are no test modules" if rewritten else "assert"
    test.find(f"python -O (PYTHONOPTIMIZE): no {where} is executed")
    return not rewritten


def witnessed(touched: bool, doubt: bool, unawaited: bool) -> Any:
    """True, False, or None where it cannot be known."""
    if unawaited:
        return False
    return None if doubt else touched


def verdict(test: Test) -> tuple[str, str, Any, str]:
    """(outcome, stage, deciding report, reason). The first failed report decides.

    A report that a hook turned into a pass is worth what the phase did: it raised. One that a hook
    turned into a skip says that its author will not have it count as a failure: ERROR.
    """
    for report in test.reports:
        if report.failed:
            outcome = "FAIL" if report.when == "call" else "ERROR"
            reason = test.errors.get(report.when) or crash_line(report)
            return outcome, report.when, report, reason
    for report in test.reports:
        raised = test.raised.get(report.when, "")
        if report.passed and raised and not hasattr(report, "context"):
            test.find("reported as passed although it raised: " + raised)
            return ("FAIL" if report.when == "call" else "ERROR"), report.when, report, raised
        if report.skipped and raised and not (test.skips[report.when] or was_xfail(report)):
            test.find("reported as skipped although it raised: " + raised)
            return "ERROR", report.when, report, raised
    return _verdict_without_failure(test, [r for r in test.reports if not hasattr(r, "context")])


def _verdict_without_failure(test: Test, reports: list[Any]) -> tuple[str, str, Any, str]:
    """`reports` are those of the test itself, without its subtests."""
    for report in reports:
        if report.skipped:
            return "SKIPPED", report.when, report, skip_reason(report)
        if was_xfail(report) and report.when == "call":
            test.find("xpass: expected to fail and passed: " + str(report.wasxfail))
    if any(report.when == "call" for report in reports):
        again = f"passed after {test.n_reruns} reruns inside the suite" if test.n_reruns else ""
        return ("FLAKY" if again else "PASS"), "call", None, again
    return "ERROR", "setup", None, "pytest reported no call of this test"


def was_xfail(report: Any) -> bool:
    """Whether its failure was expected."""
    return hasattr(report, "wasxfail")


def is_skip(error: BaseException) -> bool:
    """Whether this is a way to skip: pytest's, unittest's, Twisted's, nose's, by their names."""
    return any(kind.__name__ in ("Skipped", "SkipTest", "XFailed") for kind in type(error).__mro__)


def skip_reason(report: Any) -> str:
    """The reason as its author wrote it; an expected failure says so."""
    if was_xfail(report):
        reason = str(report.wasxfail)
        return "xfail: " + (reason[8:] if reason.startswith("reason: ") else reason)
    longrepr = report.longrepr
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else text_of(longrepr)
    return text[9:] if text.startswith("Skipped: ") else text


def crash_line(report: Any) -> str:
    """The first line of a failed report that has no exception, such as a strict xpass."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return first_line(getattr(crash, "message", None) or text_of(report.longrepr)) or "failed"


def error_line(error: BaseException) -> str:
    """`Type: first line`; of a group, the first exception inside it too."""
    name, text = type(error).__name__, first_line(str(error))
    if name == "FixtureLookupError":  # its own text is a dump of pytest's request
        text = f"fixture {getattr(error, 'argname', '?')!r} not found"
    line = text if name == "TimedOut" else f"{name}: {text}" if text else name
    inner = getattr(error, "exceptions", None)
    if isinstance(inner, (tuple, list)) and inner and isinstance(inner[0], BaseException):
        line = f"{line}; {error_line(inner[0])}"
    return line[:MESSAGE_CHARS]


def last_error_line(text: str) -> str:
    """The exception's own line in a collect error: pytest marks it with `E`."""
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines or ["collection failed"])[-1][:MESSAGE_CHARS]


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def text_of(longrepr: Any) -> str:
    """Whatever pytest has as an explanation, as text."""
    return "" if longrepr is None else str(longrepr)


def capped(stack: str, detail: str) -> str:
    """Stacks first, then the end of the explanation, 8 kB together."""
    if not stack:
        return detail[-DETAIL_CHARS:]
    half = DETAIL_CHARS // 2
    return stack[:half] + "\n" + detail[-(half - 1) :]

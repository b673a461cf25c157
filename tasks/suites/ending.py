"""After a suite's end: what did not run and why, and the suite's own result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from data.records.facts import SuiteResult, TestResult
from data.records.orders import SuiteOrder
from data.records.words import Outcome
from data.rules.readers.runner_output import Ended, broken_reason
from data.rules.readers.witness_stream import WitnessStream, test_result
from tasks.suites.files import tail_text
from tasks.suites.launch import Ending, Process

TAIL_BYTES = 4096
_SEARCH_BYTES = 16_384


def epilogue(
    order: SuiteOrder,
    stream: WitnessStream,
    process: Process,
    stuck: str,
    started_at: datetime,
    starts: tuple[int, int],
) -> Iterator[TestResult | SuiteResult]:
    """NOT_RUN for each test without a result, then the suite's result.

    Args:
        stuck: id of the test whose time-out could not end it, "" for none: that one is FAIL.
        starts: bytes that stdout and stderr held before this process began.
    """
    ending = process.ending()
    broken = _broken(stream, process, ending, starts)
    why = _why(order, stream, ending, stuck)
    missing = stream.missing()
    if stuck in missing:
        yield _blocked(order, stuck)
    for test_id in missing:
        if test_id != stuck:
            message = broken or _not_run_message(stream, test_id, why)
            yield test_result(order, test_id, Outcome.NOT_RUN, datetime.now(UTC), message=message)
    yield suite_result(order, process, ending, broken, started_at, starts)


def _blocked(order: SuiteOrder, test_id: str) -> TestResult:
    message = f"timed out after {order.test_timeout_s:g} s"
    detail = f"{message}, blocked outside Python: the runner had to be killed"
    return test_result(
        order, test_id, Outcome.FAIL, datetime.now(UTC), message=message, detail=detail
    )


def _why(order: SuiteOrder, stream: WitnessStream, ending: Ending, stuck: str) -> str:
    if stuck:
        return f"runner was killed, because {stuck} was blocked after its time-out,"
    if ending.ended_by == "timeout":
        return f"suite timed out after {order.timeout_s:g} s"
    if ending.ended_by != "itself" and not ending.error:
        return "the suite's guard was killed"
    if stream.stopped:
        return f"pytest stopped early ({stream.stopped})"
    return f"runner ended (exit code {ending.exit_code})"


def _not_run_message(stream: WitnessStream, test_id: str, why: str) -> str:
    if stream.collected is not None and test_id not in stream.selected:
        return "asked for, but the suite does not collect this test"
    if test_id in stream.in_flight:
        return f"{why} during this test"
    during = ", ".join(id_.rpartition("::")[2] for id_ in stream.in_flight)
    return f"{why} during {during}" if during else f"{why} before this test"


def _broken(
    stream: WitnessStream, process: Process, ending: Ending, starts: tuple[int, int]
) -> str:
    files = process.files
    return broken_reason(
        Ended(
            exit_code=ending.exit_code if ending.ended_by == "itself" else None,
            start_error=ending.error,
            loaded=stream.loaded,
            collected=stream.collected is not None,
            collect_errors=tuple(stream.broken),
            stopped=stream.stopped,
            stdout=tail_text(files.stdout, starts[0], _SEARCH_BYTES),
            stderr=tail_text(files.stderr, starts[1], _SEARCH_BYTES),
        )
    )


def suite_result(
    order: SuiteOrder,
    process: Process,
    ending: Ending,
    broken: str,
    started_at: datetime,
    starts: tuple[int, int],
) -> SuiteResult:
    """One attempt of the command as a process; `starts` as for `epilogue`."""
    files = process.files
    return SuiteResult(
        run_id=order.run_id,
        phase=order.phase,
        suite=order.suite.id,
        attempt=order.attempt,
        shard=order.shard,
        n_shards=order.n_shards,
        command=order.command,
        exit_code=ending.exit_code if ending.ended_by == "itself" else None,
        timed_out=ending.ended_by == "timeout",
        broken=broken,
        stdout_path=str(files.stdout),
        stderr_path=str(files.stderr),
        output_tail=_output_tail(process, starts),
        duration_s=round(time.monotonic() - process.began, 3),
        started_at=started_at,
    )


def _output_tail(process: Process, starts: tuple[int, int]) -> str:
    """The end of stdout, then of stderr (at most half of it)."""
    stderr = tail_text(process.files.stderr, starts[1], TAIL_BYTES // 2)
    room = TAIL_BYTES - len(stderr.encode())
    return tail_text(process.files.stdout, starts[0], room) + stderr

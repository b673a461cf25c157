"""What a dead gate's files say of an attempt: its stream, and how its process ended."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from data.records.facts import SuiteResult
from data.records.orders import SuiteOrder
from data.rules.readers.runner_output import Ended, broken_reason
from data.rules.readers.witness_stream import WitnessStream
from tasks.suites.files import WorkFiles, tail_text
from tasks.suites.looked import Looking

_TAIL_BYTES = 4096
_LOST = "[the gate ended before this suite did, and nobody saw its exit code]"


def stream_of(order: SuiteOrder) -> WitnessStream:
    """Everything that the stream of this attempt holds; empty where there is none."""
    stream, path = WitnessStream(order, Looking()), WorkFiles(order).stream
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        stream.feed(line.decode("utf-8", "replace"))
    return stream


def was_started(order: SuiteOrder) -> bool:
    """Whether a process of this attempt was ever begun."""
    return WorkFiles(order).status.exists()


def restored_result(order: SuiteOrder) -> SuiteResult:
    """The result of an attempt whose gate was killed, or which was stopped, before it was told.

    The exit code is the process's where its guard saw it end by itself, else what pytest's session
    ended with, else None: then nobody knows it, and `output_tail` says so. No test runs here.
    """
    files, stream = WorkFiles(order), stream_of(order)
    status = _last_status(files.status)
    exit_code = _exit_code(status, stream)
    began, ended = _times(files, stream)
    said = tail_text(files.stdout, 0, _TAIL_BYTES // 2)
    return SuiteResult(
        run_id=order.run_id,
        phase=order.phase,
        suite=order.suite.id,
        attempt=order.attempt,
        shard=order.shard,
        n_shards=order.n_shards,
        command=order.command,
        exit_code=exit_code,
        timed_out=status.get("ended_by") == "timeout",
        broken="" if order.suite.results else _broken(files, stream, status, exit_code),
        stdout_path=str(files.stdout),
        stderr_path=str(files.stderr),
        output_tail=said if exit_code is not None else f"{said}\n{_LOST}".lstrip(),
        duration_s=round((ended - began).total_seconds(), 3),
        started_at=began,
    )


def _exit_code(status: dict[str, object], stream: WitnessStream) -> int | None:
    code = status.get("exit_code")
    if status.get("ended_by") == "itself" and isinstance(code, int):
        return code
    return stream.exit_code if status.get("ended_by") != "timeout" else None


def _broken(
    files: WorkFiles, stream: WitnessStream, status: dict[str, object], exit_code: int | None
) -> str:
    ended = Ended(
        exit_code=exit_code,
        start_error=str(status.get("error", "")),
        loaded=stream.loaded,
        collected=stream.collected is not None,
        collect_errors=tuple(stream.broken),
        stopped=stream.stopped,
        stdout=tail_text(files.stdout, 0, _TAIL_BYTES),
        stderr=tail_text(files.stderr, 0, _TAIL_BYTES),
    )
    return broken_reason(ended)


def _last_status(path: Path) -> dict[str, object]:
    """What the guard of the last process noted; one `pid` line begins each."""
    found: dict[str, object] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        with suppress(ValueError):  # torn by a guard that was killed
            fields = json.loads(line)
            found = {**({} if "pid" in fields else found), **fields}
    return found


def _times(files: WorkFiles, stream: WitnessStream) -> tuple[datetime, datetime]:
    """From the first to the last sign of the attempt."""
    signs = [result.at for result in stream.results.values()]
    signs += [stream.collected.at] if stream.collected else []
    for path in (files.only, files.status, files.stdout):
        if path.exists():
            signs.append(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    signs = signs or [datetime.now(UTC)]
    return min(signs), max(signs)

"""Run a process to its end as a group of its own, with a time-out, leaving no orphan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from pathlib import Path
from typing import IO

from data.records.record import Record

_KEEP_BYTES = 200_000


class Ended(Record):
    """How a process ended. `exit_code` is None when it never started or was stopped."""

    exit_code: int | None
    timed_out: bool = False
    stdout: str = ""
    stderr: str = ""


async def run_process(
    argv: tuple[str, ...], cwd: Path, env: dict[str, str], timeout_s: float
) -> Ended:
    """Run `argv` without a shell; output goes to files, so that no pipe can block."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=cwd,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            return Ended(exit_code=None, stderr=f"{argv[0]}: {error.strerror or error}")
        timed_out = await _wait(process, timeout_s)
        code = None if timed_out else process.returncode
        return Ended(exit_code=code, timed_out=timed_out, stdout=_tail(out), stderr=_tail(err))


async def _wait(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), timeout_s)
        return False
    except TimeoutError:
        return True
    finally:
        kill_group(process.pid)
        await asyncio.shield(process.wait())


def kill_group(pid: int) -> None:
    """SIGKILL a whole process group; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _tail(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _KEEP_BYTES))
    return file.read().decode("utf-8", "replace")

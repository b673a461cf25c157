"""Draws a run's pages in a process of its own.

Loading the chart engine and the templates takes a second of processor time, and under one
interpreter lock a thread for it would slow the run down by as much. The process starts while the
checks run, waits on its standard input, and ends with it: also when the gate is killed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from data.records.evidence import History
from data.store.fold import run_view_of
from data.store.spool import read_spool

_log = logging.getLogger("goldenpath.printer")


class Printer:
    """Writes report files; where its process fails or was never started, it draws here."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start loading now; starting twice does nothing."""
        self._process = self._process or _start()

    @property
    def pid(self) -> int | None:
        """Id of its process."""
        return self._process.pid if self._process else None

    def write(self, spool: Path, folder: Path, history: History) -> None:
        """Write `<run id>.html` and `<run id>.md` of the run that `spool` tells of.

        Raises:
            OSError: the folder cannot be written.
        """
        known = history.model_dump_json()
        order = json.dumps({"spool": str(spool), "folder": str(folder), "history": known})
        if not self._asked(order):
            write_from(spool, folder, history)

    def close(self) -> None:
        """End the process; nothing happens when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _asked(self, order: str) -> bool:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            return False
        try:
            self._process.stdin.write(order + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError as error:
            answer = str(error)
        if answer != "done\n":
            _log.warning(
                "the pages are drawn by the gate itself: %s", answer.strip() or "no answer"
            )
        return answer == "done\n"


def _start() -> subprocess.Popen[str] | None:
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tasks.publish.printer"],  # -P: no module of the user's
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is the gate's
        )
    except OSError as error:
        _log.warning("no process for the pages: %s", error)
        return None


def write_from(spool: Path, folder: Path, history: History) -> None:
    """Read a run back from its spool and write its pages."""
    from tasks.publish.files import write_reports

    write_reports(run_view_of(read_spool(spool), history), folder)


def main() -> None:
    """One order a line; answers `done`, or what went wrong."""
    from tasks.publish.files import warm_up

    os.nice(5)  # it has time until the checks end; who boots and checks has not
    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            history = History.model_validate_json(order["history"])
            write_from(Path(order["spool"]), Path(order["folder"]), history)
            print("done", flush=True)
        except Exception as error:  # told to the gate, which draws the pages itself
            print(f"{type(error).__name__}: {error}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()

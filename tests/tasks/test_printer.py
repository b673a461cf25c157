"""The pages of a run are drawn whatever happens to the process that draws them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from data.records.evidence import History
from data.store.spool import Spool
from tasks.publish.printer import Printer
from tests.report.parts import started


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    with Spool.open(tmp_path, "run-1") as spool:
        spool.append(started(run_id="run-1"))
    return spool.path


def test_a_started_printer_draws_in_a_process_that_ends_with_it(
    spool: Path, tmp_path: Path
) -> None:
    printer = Printer()
    printer.start()
    pid = printer.pid
    assert pid is not None
    printer.write(spool, tmp_path / "reports", History())
    printer.close()
    assert {f.name for f in (tmp_path / "reports").iterdir()} == {"run-1.html", "run-1.md"}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_without_its_process_the_gate_draws_itself(spool: Path, tmp_path: Path) -> None:
    printer = Printer()
    printer.write(spool, tmp_path / "unstarted", History())
    printer.start()
    assert printer.pid is not None
    os.kill(printer.pid, signal.SIGKILL)
    printer.write(spool, tmp_path / "killed", History())
    printer.close()
    for folder in ("unstarted", "killed"):
        assert (tmp_path / folder / "run-1.html").is_file()


def test_a_folder_that_cannot_be_written_is_told_by_the_gate(spool: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    printer = Printer()
    printer.start()
    with pytest.raises(OSError, match="file"):
        printer.write(spool, tmp_path / "file", History())
    printer.close()

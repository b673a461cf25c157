"""Laws of the journal: what was appended is there, whatever happened next."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import SpoolError
from data.records.facts import Fact
from data.store.spool import Spool, file_away, is_live, read_spool
from tests.store.runs import run, started, test_result
from tests.store.strategies import RUN, journals


def written(folder: Path, facts: list[Fact], run_id: str = "run-1") -> Path:
    with Spool.open(folder, run_id) as spool:
        for fact in facts:
            spool.append(fact)
        return spool.path


def test_facts_are_readable_while_the_writer_goes_on(tmp_path: Path) -> None:
    with Spool.open(tmp_path, "run-1") as spool:
        spool.append(started(1))
        assert list(read_spool(spool.path)) == [started(1)]
        assert is_live(spool.path)
    assert not is_live(spool.path)


@settings(max_examples=40, deadline=None)
@given(journals(), st.data())
def test_a_cut_anywhere_loses_only_the_line_it_cut(
    journal: list[Fact], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = written(Path(name), journal, RUN)
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b"\n")
        assert list(read_spool(path)) == journal[:kept]
        written(Path(name), journal[kept:], RUN)  # going on starts on a new line
        assert path.read_bytes() == whole


def test_a_torn_tail_longer_than_a_block_is_cut_too(tmp_path: Path) -> None:
    path = written(tmp_path, [started(1)])
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    written(tmp_path, [test_result(1, "a", "PASS")])
    assert list(read_spool(path)) == [started(1), test_result(1, "a", "PASS")]


def test_a_corrupt_line_is_skipped_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, [started(1), test_result(1, "a", "PASS")])
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], b"\xff\x00 not json", b"", lines[1], b""]))
    corrupt: list[int] = []
    assert len(list(read_spool(path, lambda number, _: corrupt.append(number)))) == 2
    assert corrupt == [2, 3]


def test_two_writers_of_one_run_are_refused(tmp_path: Path) -> None:
    with Spool.open(tmp_path, "run-1"), pytest.raises(SpoolError, match="still going"):
        Spool.open(tmp_path, "run-1")


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".hidden", "a\nb", "x" * 300])
def test_a_run_id_is_a_plain_file_name(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(SpoolError):
        Spool.open(tmp_path, run_id)


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match=r"cannot write the journal .*: Not a directory"):
        Spool.open(tmp_path / "file" / "spool", "run-1")


def test_a_full_disk_is_said_and_leaves_no_half_line(tmp_path: Path) -> None:
    spool = Spool(Path("/dev/full"), os.open("/dev/full", os.O_WRONLY))
    with pytest.raises(SpoolError, match="No space left"):
        spool.append(started(1))
    with Spool.open(tmp_path, "run-1") as spool:
        spool.append(started(1))
        with (
            file_size_limit(spool.path.stat().st_size + 20),
            pytest.raises(SpoolError, match="too large"),
        ):
            spool.append(test_result(1, "a", "PASS"))  # 20 bytes of it fit
        spool.append(test_result(1, "b", "PASS"))
    assert list(read_spool(spool.path)) == [started(1), test_result(1, "b", "PASS")]


@contextmanager
def file_size_limit(n_bytes: int) -> Iterator[None]:
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_only_a_quiet_unchanged_journal_is_filed_and_a_resume_brings_it_back(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, run(1))
    size = path.stat().st_size
    assert not file_away(path, size - 1)  # somebody added to it since
    with Spool.open(tmp_path, "run-1"):
        assert not file_away(path, size)  # somebody is about to
    assert file_away(path, size)
    assert not path.exists() and (tmp_path / "done" / path.name).exists()
    assert not file_away(path, size)
    written(tmp_path, [test_result(1, "c", "PASS")])
    assert len(list(read_spool(path))) == len(run(1)) + 1


KILLED = """
import sys
from pathlib import Path
from data.store.spool import Spool
from tests.store.runs import started, test_result
spool = Spool.open(Path(sys.argv[1]), "run-1")
spool.append(started(1))
for i in range(10**9):
    spool.append(test_result(1, f"t{i}", "PASS"))
    print(i, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    acknowledged = process.stdout.read().split()
    process.wait()
    n = int(acknowledged[-1]) + 1 if acknowledged else 1
    ids = [getattr(f, "test_id", None) for f in read_spool(tmp_path / "run-1.jsonl")]
    assert ids[: n + 1] == [None, *(f"t{i}" for i in range(n))]
    assert not is_live(tmp_path / "run-1.jsonl")

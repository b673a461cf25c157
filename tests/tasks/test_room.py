"""A full disk is named, with what is free and what to do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.room import no_room, tells_no_room


def test_the_fullest_disk_is_named_by_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    said = no_room([tmp_path / "not" / "there"])
    assert "MB free" in said and "make room there" in said
    assert any(f"the disk of {place} is" in said for place in (tmp_path, "/tmp"))


@pytest.mark.parametrize(
    ("number", "full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False)]
)
def test_a_full_disk_and_a_used_up_quota_are_known_by_their_words(number: int, full: bool) -> None:
    assert tells_no_room(str(OSError(number, os.strerror(number)))) is full
    assert tells_no_room(f"Flow run failed: {OSError(number, os.strerror(number), 'a')}") is full


COMMAND = """
import click, errno, os
from flows.cli import Commands
group = Commands(name="g", commands={})
@click.command()
def full(): raise OSError(int(os.environ["NUMBER"]), os.strerror(int(os.environ["NUMBER"])))
group.get_command = lambda context, name: full
group(["full"])
"""


def test_any_command_tells_a_full_disk_and_keeps_the_traceback_of_what_is_ours() -> None:
    done = {
        number: subprocess.run(
            [sys.executable, "-c", COMMAND], env={**os.environ, "NUMBER": str(number)},
            capture_output=True, text=True,
        )
        for number in (errno.ENOSPC, errno.EISDIR)
    }  # fmt: skip
    assert done[errno.ENOSPC].returncode == 1
    assert "No space left on device: the disk of" in done[errno.ENOSPC].stderr
    assert "Traceback" not in done[errno.ENOSPC].stderr
    assert "Traceback" in done[errno.EISDIR].stderr

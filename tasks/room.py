"""Which disk is full: the system's own words name no file when a write of an open file fails."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def tells_no_room(text: str) -> bool:
    """Whether an error's text is of a full disk or a used-up quota."""
    return any(os.strerror(number) in text for number in _NO_ROOM)


def with_room(said: str, folder: Path) -> str:
    """The sentence, and which disk is full where it is about that."""
    return f"{said}; {no_room([folder])}" if tells_no_room(said) else said


def no_room(folders: Iterable[Path]) -> str:
    """The fullest disk of those folders and of the system's temporary one, and what to do.

    Folders that are not there yet stand for the nearest one above them. A full table of inodes
    counts as no room: files cannot be made then, whatever is free.
    """
    places = [_there(folder) for folder in (*folders, Path(tempfile.gettempdir()))]
    folder = min(places, key=_free_bytes)
    usage = shutil.disk_usage(folder)
    free = "no file can be made any more (inodes)" if _has_no_inodes(folder) else (
        f"{usage.free / 1e6:,.1f} of {usage.total / 1e6:,.0f} MB free"
    )  # fmt: skip
    return (
        f"the disk of {folder} is full or nearly so: {free}; make room there (a run needs its "
        "journal, and as much again as the warehouse for the analysts' copy)"
    )


def _free_bytes(folder: Path) -> int:
    return 0 if _has_no_inodes(folder) else shutil.disk_usage(folder).free


def _has_no_inodes(folder: Path) -> bool:
    found = os.statvfs(folder)
    return found.f_files > 0 and found.f_favail == 0  # 0 of 0: this file system has no such table


def _there(folder: Path) -> Path:
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.is_dir())

"""Whether a run's process lives, as its journal tells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from data.errors import SpoolError
from data.store.spool import DONE, is_live, spool_path


def life_of(folder: Path, run_id: str) -> tuple[Literal["held", "free", "absent"], datetime | None]:
    """`held` while a process writes it, `free` when none does, `absent` where there is none here.

    With the time of the last write. A journal that was filed is free: its run is over.

    Args:
        folder: of the spools.
    """
    try:
        path = spool_path(folder, run_id)
        path = path if path.exists() else folder / DONE / path.name
        wrote_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return ("held" if is_live(path) else "free"), wrote_at
    except (OSError, SpoolError):
        return "absent", None

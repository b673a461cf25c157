"""How the command line reaches a run of the same machine that waits for a person: by one file."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from data.records.approval import Said


def inbox(home: Path, run_id: str) -> Path:
    """The file by which the command line reaches a run of this machine that waits."""
    return home / "runs" / run_id / "decision.json"


def put(path: Path, said: Said) -> bool:
    """Leave a decision for the run; False where there is one already. The first one counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(said.model_dump_json(), encoding="utf-8")
    try:
        os.link(draft, path)  # whole, and never over another one
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def taken(path: Path) -> Said | None:
    """What lies there; None where nothing does that can be read."""
    with suppress(OSError, ValueError):
        return Said.model_validate(json.loads(path.read_text(encoding="utf-8")))
    return None

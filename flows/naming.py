"""What a run, its plan and this gate are called."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from data.records.plan import Plan


def new_run_id(plan: str, at: datetime) -> str:
    """Sorts by time, reads well, and is unique: `staging-20260131T120000Z-3fa2`."""
    return f"{plan}-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def plan_json(plan: Plan) -> str:
    """The plan as it was judged."""
    return plan.model_dump_json(by_alias=True)


def plan_hash(plan: Plan) -> str:
    """SHA-256 of the plan's content."""
    return hashlib.sha256(plan_json(plan).encode()).hexdigest()


def gate_version() -> str:
    """The installed version of Golden Path."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("golden-path")
    except PackageNotFoundError:
        return "unknown"

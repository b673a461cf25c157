"""One deployment, one run: which word of a deployment starts one, and which is late or repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from data.records.hooks import HookDelivery, Move, Placed, Target, Told


def place(
    environment: str, standing: Placed | None, told: Told, same_within_s: float
) -> tuple[Move, Placed]:
    """What one word leads to, and what the environment stands at afterwards.

    - The same revision set as the standing one, told of up to `same_within_s` after the first word
      of it (or before that): SAME, whoever says it and however often.
    - Done before the standing one was: OLDER. What is older never starts a run.
    - Done at the same moment, and it has stood before: OLDER. It is a repeat of what was overtaken.
    - Else START. At the same moment the later arrival wins: nothing better is known.

    A revision set that comes back after another one is a new deployment with a new key.
    """
    base = key_of(environment, told.revisions)
    if standing is not None:
        later_s = (told.deployed_at - standing.told_at) / timedelta(seconds=1)
        if told.revisions == standing.revisions and later_s <= same_within_s:
            return Move.SAME, standing
        if later_s < 0 or (later_s == 0 and base in standing.used):
            return Move.OLDER, standing
    used = dict(standing.used) if standing else {}
    used[base] = used.get(base, 0) + 1
    key = base if used[base] == 1 else f"{base}-{used[base]}"
    return Move.START, Placed(
        key=key, revisions=told.revisions, told_at=told.deployed_at, used=used
    )


def standing_after(rows: Iterable[HookDelivery]) -> dict[str, Placed]:
    """Environment -> what it stands at, from the audit rows that started a run, oldest first."""
    found: dict[str, Placed] = {}
    for row in rows:
        if row.environment is None or row.key is None or row.deployed_at is None:
            continue
        before = found.get(row.environment)
        used = dict(before.used) if before else {}
        base = key_of(row.environment, row.revisions)
        used[base] = used.get(base, 0) + 1
        found[row.environment] = Placed(
            key=row.key, revisions=row.revisions, told_at=row.deployed_at, used=used
        )
    return found


def key_of(environment: str, revisions: Mapping[str, str]) -> str:
    """Environment and revision set as a short name: the same on every machine and in any order.

    The environment is readable, the rest is the first 80 bits of a SHA-256.
    """
    text = json.dumps([environment, sorted(revisions.items())], ensure_ascii=False)
    return f"{environment}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def run_id_of(key: str) -> str:
    """The run of a placed deployment."""
    return f"hook-{key}"


def revision_of(revisions: Mapping[str, str]) -> str:
    """What the plan is to expect: the whole deployment's revision, else that of all services.

    Services with different revisions give `name=revision` joined by commas, by name.
    """
    if "" in revisions:
        return revisions[""]
    distinct = set(revisions.values())
    if len(distinct) == 1:
        return distinct.pop()
    return ",".join(f"{name}={revisions[name]}" for name in sorted(revisions))


def parameters_of(target: Target, placed: Placed) -> dict[str, Any]:
    """Parameters of the flow: the target's, filled in; revision and run id unless it gives them."""
    given = {
        key: _filled(value, revision_of(placed.revisions), placed.revisions)
        for key, value in target.parameters.items()
    }
    found = {"revision": revision_of(placed.revisions), **given}
    return {**found, "run_id": run_id_of(placed.key)}


def _filled(value: Any, revision: str, revisions: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, revision, revisions) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, revision, revisions) for item in value]
    if not isinstance(value, str):
        return value
    for name, one in revisions.items():
        value = value.replace(f"{{{{revisions.{name}}}}}", one)
    return value.replace("{{revision}}", revision)

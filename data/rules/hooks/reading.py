"""The body of a delivery as plain values; fields are asked for by path and have to be there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from data.errors import UsageError

_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,199}\Z", re.ASCII)
_GITLAB_TIME = "%Y-%m-%d %H:%M:%S %z"


def parsed(body: bytes) -> dict[str, Any]:
    """The body as a JSON object.

    A key that is given twice is refused: two readers would see two different deliveries.

    Raises:
        UsageError: not UTF-8, not JSON (such as the form that GitHub sends unless it is told),
            no object, a repeated key, too deep, NaN or infinity.
    """
    if body.startswith(b"payload="):
        raise UsageError("expected JSON, got a form: choose application/json at the sender")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except UsageError:
        raise
    except (ValueError, RecursionError) as error:
        raise UsageError(f"expected a JSON object in UTF-8: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise UsageError(f"expected a JSON object, got {type(value).__name__}")
    return value


def text(body: Mapping[str, Any], path: str) -> str:
    """The text at a dotted path.

    Raises:
        UsageError: it is missing, empty, longer than 1,000 characters, or no text.
    """
    value = at(body, path)
    if not isinstance(value, str) or not 0 < len(value) <= 1000:
        raise UsageError(f"expected text at {path}, got {type(value).__name__}")
    return value


def at(body: Mapping[str, Any], path: str) -> Any:
    """What is at a dotted path; None where nothing is."""
    found: Any = body
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def revision(value: str) -> str:
    """A revision as it came, if it is one.

    It goes into parameters, names and pages: letters that only look like others are refused.

    Raises:
        UsageError: other characters than ASCII letters, digits and `. _ / : @ + -`, or too long.
    """
    if not _REVISION.match(value):
        raise UsageError(f"expected a revision of ASCII letters, digits and ._/:@+-, got {value!a}")
    return value


def moment(value: str) -> datetime:
    """ISO 8601 with a zone, or as GitLab writes it (`2026-04-28 21:50:00 +0200`, `… UTC`).

    Raises:
        UsageError: neither, or without a zone.
    """
    for read in (_iso, _gitlab):
        try:
            found = read(value)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):  # in another zone it may be in no year that there is
            continue
    raise UsageError(f"expected a time with a zone, such as 2026-01-31T12:00:00Z, got {value!a}")


def _iso(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _gitlab(value: str) -> datetime:
    return datetime.strptime(value.replace(" UTC", " +0000"), _GITLAB_TIME)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UsageError("expected each key of a JSON object once")
    return found


def _no_constant(name: str) -> None:
    raise UsageError(f"expected JSON, got {name}")

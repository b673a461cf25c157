"""Text of a plan → `Plan`, or every fault of it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from data.errors import Fault, PlanError
from data.records.plan import Plan
from data.rules.expected import expected
from data.rules.planning.document import Document, Path, dotted, read_document
from data.rules.planning.schema import suggestion
from data.rules.planning.secrets import secret_faults
from data.rules.planning.sense import sense_faults
from data.rules.planning.unions import of_the_form_meant

Exists = Callable[[str], bool]


def load_plan(
    text: str,
    file: str,
    environ: Mapping[str, str],
    exists: Exists = lambda path: True,
    overrides: Mapping[str, str] | None = None,
) -> Plan:
    """The plan, checked for form and for sense.

    Args:
        text: YAML.
        file: its name for messages.
        environ: variables for `${VAR}`.
        exists: whether a path, relative to the plan's folder, is there.
        overrides: `--set` values by dotted path, such as `health.deadline` = `5s`.

    Raises:
        PlanError: with every fault, in order of lines.
    """
    document = read_document(text, file, environ)
    if not isinstance(document.value, dict):
        raise PlanError(document.faults or [_not_a_mapping(document.value, file)])
    for key, value in (overrides or {}).items():
        _override(document, key, value, file)
    faults = [*document.faults, *secret_faults(document, file)]
    plan = _validated(document, file, faults)
    told = {fault.path for fault in faults}  # one fault a place is enough
    if whole := plan or _mended(document.value):
        found = sense_faults(whole, document, file, exists)
        faults += [fault for fault in found if plan or fault.path not in told]
    if faults or plan is None:
        raise PlanError(sorted(dict.fromkeys(faults), key=lambda f: (f.line, f.path)))
    return plan


def _validated(document: Document, file: str, faults: list[Fault]) -> Plan | None:
    try:
        return Plan.model_validate(document.value)
    except ValidationError as error:
        broken = {fault.path for fault in faults}  # one fault a place is enough
        told = [dict(one) for one in error.errors(include_url=False) if not _echo(one)]
        told = of_the_form_meant(told, document.value)
        found = [_fault(one, document, file) for one in told]
        faults += [fault for fault in found if fault.path not in broken]
        return None


def _mended(value: Any, tries: int = 3) -> Plan | None:
    """The plan without what is faulty in its form, so that the rest can be checked for sense.

    Faulty keys are left out and missing ones stood in for; None where that is not enough.
    """
    value = deepcopy(value)
    for _ in range(tries):
        try:
            return Plan.model_validate(value)
        except ValidationError as error:
            for number, one in enumerate(error.errors(include_url=False)):
                _mend(value, _path(one["loc"], value), one["type"] == "missing", number)
    return None


def _mend(value: Any, path: Path, missing: bool, number: int) -> None:
    place = value
    for part in path[:-1]:
        place = _inside(place, part)
    if not path or not isinstance(place, dict):
        return
    if missing:
        place[path[-1]] = _STAND_INS.get(str(path[-1]), f"missing-{number}")
    else:
        place.pop(path[-1], None)


_STAND_INS = {"priority": "P3", "url": "http://missing", "command": ["missing"]}


def _echo(error: Any) -> bool:
    """A tuple is "too short" also when its items are faulty; those are told already."""
    return error["type"] == "too_short" and bool(error["input"])


def _fault(error: dict[str, Any], document: Document, file: str) -> Fault:
    path = _path(error["loc"], document.value)
    message, hint = _say(error, path)
    return Fault(message, file, document.line(path), dotted(path), hint)


def _say(error: dict[str, Any], path: Path) -> tuple[str, str]:
    kind, name = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        return f"unknown key {name!r}", suggestion(path[:-1], name)
    if kind == "missing":
        return f"the key {name!r} is missing", ""
    text = expected(error)
    if kind == "value_error" or "got" in text:
        return text, ""
    return f"{text}, got {_short(error['input'])}", ""


def _path(loc: tuple[str | int, ...], value: Any) -> Path:
    """Pydantic's location without the tags of unions, which no plan contains."""
    path: list[str | int] = []
    tagged = False
    for index, part in enumerate(loc):
        inside = _inside(value, part)
        if not tagged and _is_tag(path, part, value):  # a key may have the tag's name: skip once
            tagged = True
            continue
        if inside is _NOWHERE and index < len(loc) - 1:
            continue
        path.append(part)
        value = inside
    return tuple(path)


def _is_tag(path: list[str | int], part: str | int, value: Any) -> bool:
    probe = len(path) == 4 and path[2] == "probes"
    key = "deployer" if path == ["deploy"] else "kind" if probe else ""
    return isinstance(value, dict) and key in value and value[key] == part


_NOWHERE = object()


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(part, _NOWHERE)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _NOWHERE


def _override(document: Document, key: str, text: str, file: str) -> None:
    parts = _parts(key)
    if not parts:
        document.faults.append(Fault("--set: expected a dotted path before the =", file))
        return
    *parents, last = parts
    place = document.value
    for part in parents:
        if isinstance(place, dict) and isinstance(part, str):
            place.setdefault(part, {})  # a section that the plan leaves to its defaults
        place = _inside(place, part)
    if isinstance(place, dict) or (_inside(place, last) is not _NOWHERE):
        _put(document, place, key, text)
        return
    hint = "name it as check does, such as phases.0.suites.1.timeout"
    document.faults.append(Fault(f"--set {key}: the plan has no such place", file, 0, key, hint))


def _put(document: Document, place: Any, key: str, text: str) -> None:
    """The new value, instead of the old one and of what was wrong with that."""
    path, inner = tuple(_parts(key)), read_document(text, "--set", {})
    place[path[-1]] = inner.value
    name = dotted(path)
    kept = [f for f in document.faults if f.path != name and not f.path.startswith(f"{name}.")]
    document.faults = kept + [replace(f, line=0, path=name) for f in inner.faults]
    document.raw = {p: t for p, t in document.raw.items() if p[: len(path)] != path}
    document.raw |= {(*path, *p): t for p, t in inner.raw.items()}


def _parts(key: str) -> list[str | int]:
    flat = key.replace("[", ".").replace("]", "")
    return [int(part) if part.isdecimal() else part for part in flat.split(".") if part]


def _not_a_mapping(value: Any, file: str) -> Fault:
    got = "an empty file" if value is None else f"a {type(value).__name__}"
    hint = "`goldenpath schema --plan` prints all keys; examples/staging/plan.yaml is a full one"
    return Fault(
        f"expected a plan (a mapping with plan, environment, …), got {got}", file, 1, "", hint
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

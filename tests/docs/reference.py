"""The generated half of docs/plan.md: `python -m tests.docs.reference` writes it.

Keys, types, defaults and bounds come from the records; a meaning comes from the record where it
gives one, else from `MEANINGS` here. Prose above the marker is written by hand.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from data.records import (
    approval,
    cause,
    cloud_run,
    control,
    criterion,
    field_rule,
    issues,
    load,
    money,
    notify,
    plan,
    probe_plan,
    quarantine,
    retries,
    step_plan,
    watch,
)
from tests.docs.meanings import MEANINGS, PLACES

PAGE = Path(__file__).parents[2] / "docs" / "plan.md"
MARKER = "<!-- generated: python -m tests.docs.reference -->"
_TYPES = (
    (r"tuple\[ProbePlan, \.\.\.\]", "list of [http](#httpprobe) and [journey](#journeyprobe)"),
    (r"tuple\[Annotated\[EventRule.*", "list of names or [EventRule](#eventrule)"),
    (r"tuple\[HealthCheck, \.\.\.\]", "[HealthCheck](#healthcheck) or a list of them"),
    (r"tuple\[Literal\[VerdictWord.*", "list of verdicts"),
    (r"tuple\[str, \.\.\.\]", "list of text"),
    (r"tuple\[int, \.\.\.\]", "list of numbers"),
    (r"tuple\[JsonValue, \.\.\.\]", "list of values"),
    (r"tuple\[(\w+), \.\.\.\]", r"list of \1"),
    (r"dict\[str, str\]", "map: name to text"),
    (r"dict\[Variable, str\]", "map: variable to path"),
    (r"dict\[str, JsonValue\]", "map: name to value"),
    (r"dict\[Priority, Amount\]", "map: P1, P2, P3 to Amount"),
    (r"dict\[str, (\w+)\]", r"map: name to \1"),
    (r"Rules", "map: dotted path to [rule](#fieldrule)"),
    (r"Statuses", "status, or list of them"),
    (r"JsonValue", "any value"),
    (r"tuple\[Stage, \.\.\.\]", "list of [Arrivals](#arrivals) or of [Users](#users)"),
    (r"Rate", "rate, such as `50/s`"),
    (r"Seconds", "duration"),
    (r"Share", "share (`%`)"),
    (r"Money", "amount"),
    (r"Currency", "currency code"),
    (r"Period", "`day`, `week`, `month` or `year`"),
    (r"Identifier", "id"),
    (r"Said", "text"),
    (r"Day", "day, such as `2026-12-31`"),
    (r"Shards", "number from 1 to 64, or `auto`"),
    (r"Kind", "a kind, as above"),
    (r"Variable", "variable name"),
    (r"Priority", "`P1`, `P2` or `P3`"),
    (r"Literal\[True\]", "`true`"),
    (r"bool", "`true` or `false`"),
    (r"int", "whole number"),
    (r"str", "text"),
    (
        r"Deploy",
        "one of [none](#deploynone), [command](#deploycommand), [local](#deploylocal),"
        " [cloud-run](#deploycloudrun)",
    ),
)


def generated() -> str:
    """Everything below the marker."""
    return "\n".join(_section(model) for model in models())


def models() -> list[type[BaseModel]]:
    """Every record of a plan, the plan itself first."""
    seen: dict[str, type[BaseModel]] = {}
    for module in (
        plan,
        retries,
        cloud_run,
        approval,
        watch,
        control,
        criterion,
        cause,
        money,
        notify,
        issues,
        quarantine,
        probe_plan,
        step_plan,
        load,
        field_rule,
    ):
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseModel)
                and value.__module__ == module.__name__
            ):
                seen.setdefault(value.__name__, value)
    del seen["Decision"], seen["Said"]  # what people say of a run, and no part of a plan
    del seen["ProbeTerms"]  # its keys are told with both kinds of probes
    first = seen.pop("Plan")
    return [first, *seen.values()]


def meaning(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    """What a key means: the record's own words first."""
    owner = _owner(model, name).__name__
    return info.description or MEANINGS.get(f"{owner}.{info.alias or name}", "")


def _section(model: type[BaseModel]) -> str:
    paragraphs = re.split(r"\n\s*\n", inspect.getdoc(model) or "")
    about = "\n\n".join(" ".join(p.split()) for p in paragraphs)
    place = f"At {PLACES[model.__name__]}. " if PLACES[model.__name__] else ""
    rows = [_row(model, name, info) for name, info in model.model_fields.items()]
    table = "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])
    return f"### {model.__name__}\n\n{place}{about}\n\n{table}\n"


def _row(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    kind = _type(model, name) + _bounds(info)
    cells = (
        f"`{info.alias or name}`",
        kind,
        _default(model, name, info),
        meaning(model, name, info),
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _owner(model: type[BaseModel], field: str) -> type:
    return next(c for c in model.__mro__ if field in inspect.get_annotations(c))


def _written(model: type[BaseModel], field: str) -> str:
    """The annotation as it stands in the record, without `None`."""
    text = " ".join(str(_owner(model, field).__annotations__[field]).split())
    return text.removesuffix(" | None")


def _type(model: type[BaseModel], field: str) -> str:
    text = _written(model, field)
    if text.startswith("Literal[") and text != "Literal[True]":
        return ", ".join(f"`{word}`" for word in re.findall(r"['\"](\w+)['\"]", text))
    found = next((re.sub(p, r, text) for p, r in _TYPES if re.fullmatch(p, text)), text)
    names = "|".join(sorted((m.__name__ for m in models()), key=len, reverse=True))
    return re.sub(rf"(?<!\[)\b({names})\b(?!\])", lambda m: _link(m[1]), found)


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _bounds(info: FieldInfo) -> str:
    found = {k: getattr(m, k) for m in info.metadata for k in ("ge", "le") if hasattr(m, k)}
    if "ge" in found and "le" in found:
        return f", {found['ge']} to {found['le']}"
    return f", at least {found['ge']}" if found.get("ge") else ""


def _default(model: type[BaseModel], field: str, info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value: Any = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return "`deployer: none`" if field == "deploy" else "its defaults"
    if value is None or value in ((), {}, ""):
        return "–"
    if isinstance(value, tuple) and isinstance(value[0], BaseModel):
        return "one, its defaults"
    if _written(model, field) == "Seconds":
        return f"`{_duration(value)}`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _duration(value_s: float) -> str:
    if value_s and value_s % 60 == 0 and value_s > 60:
        return f"{value_s / 60:g}m"
    return f"{value_s * 1000:g}ms" if 0 < value_s < 1 else f"{value_s:g}s"


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text().split(MARKER)[0] + f"{MARKER}\n\n{generated()}")
